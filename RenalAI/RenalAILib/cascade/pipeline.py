"""Pipeline: one CT through the three stages, to its findings and label maps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import count

import numpy as np

from ..bundle import Bundle
from ..engines.networks import SESSIONS, Networks, SessionCache
from ..evidence import UNENHANCED_KIDNEY_BELOW_HU, evidence, measure
from ..findings import Findings, Kidney, Mass, Outcome, Saliency, describe_volume
from ..labels import Label, Side
from ..masses import MassRegion, centroid_ras, diameters, mass_regions
from ..orientation import Orientation, canonical
from ..saliency import Head
from ..timing import Stopwatch
from ..volume import Volume
from .characterise import characterise
from .delineate import DelineatedKidney, delineate
from .locate import locate
from .steps import Progress, Steps

MOST_SEGMENTS = 255  # instances are uint8


def segment(
    volume: Volume,
    bundle: Bundle,
    *,
    device: str = "auto",
    engine: str | None = None,
    fast: bool = False,
    second_phase: Volume | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    sessions: SessionCache = SESSIONS,
    stopwatch: Stopwatch | None = None,
) -> Outcome:
    """Find kidneys and renal masses in one CT.

    Args:
        volume: CT in HU on any grid; results come back on it.
        bundle: whose networks run.
        device: ``auto``, ``cpu`` or ``cuda``.
        engine: ``onnxruntime``, ``openvino`` or ``torch``; None for the best there is.
        fast: one network in place of an ensemble; half the time, slightly worse outlines.
        second_phase: a CT of the same patient in another contrast phase, on any grid, to measure enhancement against.
        progress: called with (stage, fraction of the whole, message).
        cancelled: asked between steps.
        sessions: where opened networks are kept; the process' own by default.
        stopwatch: gets wall and CPU seconds by stage, and ``networks`` for the time inside them.

    Raises:
        InputError: no engine can run the bundle on ``device``.
        Cancelled: ``cancelled`` returned True.
    """
    begin = time.perf_counter()
    stopwatch = stopwatch or Stopwatch()
    steps = Steps(progress, cancelled)
    networks = Networks(bundle, device, engine, sessions=sessions, stopwatch=stopwatch)
    view, stages = canonical(volume), bundle.stages

    steps("locate", 0.0, "Looking for the kidneys")
    with stopwatch("locate"):
        location = locate(view, stages.locate, networks)
    with stopwatch("delineate"):
        outlined, lost = delineate(view, location, stages.delineate, networks, steps, fast=fast)
        kidneys = _describe_kidneys(outlined, view)
    warnings = [*location.warnings, *lost, *_about_kidneys(outlined, kidneys, view)]
    with stopwatch("characterise"):
        regions, left_out = _numbered(outlined)
        warnings += left_out
        unenhanced = bool(kidneys) and _mean_hu(kidneys) < UNENHANCED_KIDNEY_BELOW_HU
        head = Head.load(bundle.folder / stages.characterise.head)
        masses: list[Mass] = []
        saliency: dict[str, Saliency] = {}
        for n, (segment_id, region) in enumerate(regions):
            steps("characterise", 0.8 + 0.2 * n / len(regions), f"Classifying mass {n + 1} of {len(regions)}")
            character = characterise(volume, view, region, stages.characterise, networks, head)
            measured = measure(region, view, second_phase)
            saliency[segment_id] = character.saliency
            masses.append(
                Mass(
                    segment_id=segment_id,
                    side=region.side,
                    mass_class=character.mass_class,
                    probabilities=character.probabilities,
                    volume_ml=region.voxels * view.voxel_ml,
                    diameter_mm=diameters(region, view),
                    centroid_ras=centroid_ras(region, view),
                    mean_hu=measured.mean_hu,
                    evidence=evidence(measured, character.mass_class, unenhanced),
                )
            )
        if second_phase is not None and any(mass.evidence.enhancement_hu is None for mass in masses):
            warnings.append("The second phase does not cover every mass; enhancement is not known for all.")
        labels, instances = _paint(volume, outlined, regions, masses)
    steps("characterise", 1.0, "Done")
    timings = dict(stopwatch.wall_s)
    timings["total"] = time.perf_counter() - begin
    findings = Findings(
        bundle.identity,
        describe_volume(volume),
        tuple(kidneys),
        tuple(masses),
        (*warnings, *networks.warnings),
        timings,
    )
    return Outcome(volume, findings, labels, instances, saliency)


def _describe_kidneys(outlined: Iterable[DelineatedKidney], view: Volume) -> list[Kidney]:
    """IDs and measurements; a second kidney of one side is ``kidney_right_2``."""
    numbers = {side: count(1) for side in Side}
    result = []
    for kidney in outlined:
        number = next(numbers[kidney.side])
        name = f"kidney_{kidney.side.value}" + ("" if number == 1 else f"_{number}")
        voxels = view.voxels[kidney.box.slices][kidney.kidney]
        mean = float(voxels.mean()) if voxels.size else float("nan")
        result.append(Kidney(name, kidney.side, voxels.size * view.voxel_ml, mean))
    return result


def _about_kidneys(outlined: Iterable[DelineatedKidney], kidneys: list[Kidney], view: Volume) -> list[str]:
    """Warnings about kidneys that the scan cuts off and about missing contrast medium."""
    warnings = []
    for shape, kidney in zip(outlined, kidneys, strict=True):
        organ = shape.kidney | shape.mass
        if _touches_border(organ, shape, view):
            warnings.append(
                f"The {kidney.segment_id.replace('_', ' ')} reaches the edge of the scan: "
                "a part of it may be missing, and its volume is that of the part in view."
            )
    if kidneys and _mean_hu(kidneys) < UNENHANCED_KIDNEY_BELOW_HU:
        warnings.append(
            f"The kidneys measure {_mean_hu(kidneys):.0f} HU on average: probably no contrast medium. "
            "Masses are harder to see, and enhancement cannot be judged."
        )
    return warnings


def _touches_border(organ: np.ndarray, shape: DelineatedKidney, view: Volume) -> bool:
    for axis in range(3):
        planes = np.moveaxis(organ, axis, 0)
        if shape.box.start[axis] == 0 and planes[0].any():
            return True
        if shape.box.stop[axis] == view.shape[axis] and planes[-1].any():
            return True
    return False


def _mean_hu(kidneys: list[Kidney]) -> float:
    """Mean over all kidneys by volume."""
    return float(np.average([kidney.mean_hu for kidney in kidneys], weights=[kidney.volume_ml for kidney in kidneys]))


def _numbered(outlined: list[DelineatedKidney]) -> tuple[list[tuple[str, MassRegion]], list[str]]:
    """All masses with their IDs, right ones first, per side by falling volume."""
    found = [region for kidney in outlined for region in mass_regions(kidney.mass, kidney.box, kidney.side)]
    found.sort(key=lambda region: -region.voxels)
    most = MOST_SEGMENTS - len(outlined)
    warnings = []
    if len(found) > most:
        warnings.append(f"{len(found)} masses were found; the {most} largest are reported, the others left as kidney.")
        found = found[:most]
    result = []
    for side in (Side.RIGHT, Side.LEFT):
        numbers = count(1)
        result += [(f"mass_{side.value}_{next(numbers)}", region) for region in found if region.side is side]
    return result, warnings


def _paint(
    volume: Volume, outlined: list[DelineatedKidney], regions: list[tuple[str, MassRegion]], masses: list[Mass]
) -> tuple[np.ndarray, np.ndarray]:
    """Label map and instance map on the stored grid; written through their canonical views, box by box."""
    labels, instances = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.uint8)
    orientation = Orientation.of(volume)
    targets = [orientation.apply(labels), orientation.apply(instances)]
    for number, kidney in enumerate(outlined, 1):
        organ = kidney.kidney | kidney.mass
        for target, value in zip(targets, (Label.kidney(kidney.side), number), strict=True):
            target[kidney.box.slices][organ] = value
    for number, ((_, region), mass) in enumerate(zip(regions, masses, strict=True), len(outlined) + 1):
        for target, value in zip(targets, (mass.mass_class.label, number), strict=True):
            target[region.box.slices][region.mask] = value
    return labels, instances
