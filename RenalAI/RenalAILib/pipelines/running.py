"""Running: one CT through a bundle of any kind, to its findings and label maps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import import_module

from ..bundles.bundle import Bundle
from ..engines.networks import SESSIONS, Networks, SessionCache
from ..findings import Findings, Outcome, describe_volume
from ..orientation import Orientation, canonical
from ..phases.scans import PhasedScan
from ..steps import Report, Steps
from ..timing import Stopwatch
from ..volume import Volume
from .limits import about_scan
from .work import Found, Work


def segment(
    volume: Volume,
    bundle: Bundle,
    *,
    device: str = "auto",
    engine: str | None = None,
    fast: bool = False,
    second_phase: Volume | None = None,
    phases: Sequence[PhasedScan] = (),
    progress: Report | None = None,
    sessions: SessionCache = SESSIONS,
    stopwatch: Stopwatch | None = None,
) -> Outcome:
    """Find kidneys and renal masses in one CT.

    Args:
        volume: CT in HU on any grid; results come back on it.
        bundle: whose networks run; its ``pipeline`` says how.
        device: ``auto``, ``cpu`` or ``cuda``.
        engine: ``onnxruntime``, ``openvino`` or ``torch``; None for the best there is.
        fast: one network in place of an ensemble, whatever the bundle; less time, slightly worse outlines.
        second_phase: a CT of the same patient in another contrast phase, on any grid, to measure enhancement against:
            registered kidney by kidney; the warnings tell the shifts.
        phases: for bundles whose networks are bound to phases: the CT itself, then others of the same patient, each
            with what is known of its phase; without them ``second_phase`` is the other one, and the images tell.
        progress: called with (stage, fraction of the whole, message) before each step; what it raises ends the work.
        sessions: where opened networks are kept; the process' own by default.
        stopwatch: gets wall and CPU seconds by stage, and ``networks`` for the time inside them.

    Example:
        >>> from RenalAILib import load_bundle
        >>> from RenalAILib.phantom import make_phantom
        >>> ct = make_phantom(7, shape=(92, 160, 192), spacing_mm=(3.0, 2.0, 2.0)).volume
        >>> outcome = segment(ct, load_bundle("zhao2023-demo"), device="cpu", fast=True)
        >>> [kidney.side.value for kidney in outcome.findings.kidneys]
        ['right', 'left']
        >>> outcome.labels.shape == ct.shape
        True

    Raises:
        InputError: no engine can run the bundle on ``device``.
    """
    begin = time.perf_counter()
    stopwatch = stopwatch or Stopwatch()
    networks = Networks(bundle, device, engine, sessions=sessions, stopwatch=stopwatch)
    steps = Steps(progress)
    work = Work(volume, canonical(volume), bundle, networks, steps, stopwatch, fast, second_phase, phases=phases)
    found = _pipeline(bundle.pipeline)(work)
    about = about_scan(work.view, Orientation.of(volume).apply(found.labels))
    steps("characterise", 1.0, "Done")
    timings = dict(stopwatch.wall_s)
    timings["total"] = time.perf_counter() - begin
    findings = Findings(
        bundle.identity,
        describe_volume(volume),
        tuple(found.kidneys),
        tuple(found.masses),
        (*about, *found.warnings, *networks.warnings),
        timings,
        found.verdict,
        None if found.detections is None else tuple(found.detections),
    )
    return Outcome(volume, findings, found.labels, found.instances, found.saliency)


def _pipeline(kind: str) -> Callable[[Work], Found]:
    """``run`` of the module that is called like the kind, imported now."""
    run: Callable[[Work], Found] = import_module(f".{kind.replace('-', '_')}", __package__).run
    return run
