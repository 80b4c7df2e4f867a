"""Publishing of a ``phase-fusion`` bundle: networks of several contrast phases, and which combination draws what best.

Every network is bound to the phase that its recipe names (``renalai train --phase``). All combinations of phases are
measured on the patients of a dataset who have a scan in each of them, by the pipeline that runs them at work,
registration and all, and the table goes into the metadata (after Table 4.2 of Allaoui and Zetout 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from RenalAILib.bundles.bundle import Bundle, sha256_of
from RenalAILib.bundles.metadata import Reader
from RenalAILib.bundles.stages.phase_fusion import (
    DRAWN_BY,
    KIDNEY,
    MASS,
    Member,
    PhaseFusionStages,
    all_combinations,
    drawn_as,
)
from RenalAILib.compare.dice import dice
from RenalAILib.engines.networks import Networks, SessionCache
from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, MassClass
from RenalAILib.orientation import canonical
from RenalAILib.pipelines.drawings import finished, fused
from RenalAILib.pipelines.phase_fusion import draw_phases, unknown_below
from RenalAILib.pipelines.work import Work
from RenalAILib.steps import Steps
from RenalAILib.timing import Stopwatch

from ..dataset.case import Case
from ..dataset.folder import Dataset
from ..dataset.patient_phases import patients_in_phases, phase_at_work, scan_of
from ..stages import Stage
from ..strict_yaml import build
from ..training.trained import load_trained
from .export import Export

_KINDS: Mapping[Stage, str] = {"one-stage": "one-stage", "slice-segment": "slice-segmentation"}


@dataclass(frozen=True)
class FuseSettings:
    """On whom the combinations are measured.

    Args:
        dataset: folder of a dataset whose cases say their phases.
        part: of its split; not one that trained the networks, nor the test.
    """

    dataset: str
    part: str = "validation"


@dataclass(frozen=True)
class Settings:
    """What a description of a phase-fusion bundle says beside its texts.

    Args:
        fuse: see there.
        segment: as in a description of the kind that the networks draw by.
    """

    fuse: FuseSettings
    segment: dict[str, Any] = field(default_factory=dict)


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks and measure their combinations; the ``stages`` of the metadata.

    Raises:
        InputError: networks of different stages, without a phase or of one phase only, that draw different structures
            or on different grids; or no patient with a scan in every phase.
    """
    stages = [stage for stage, paths in export.checkpoints.items() if paths]
    if len(stages) != 1 or stages[0] not in _KINDS:
        raise InputError(
            f"phases are fused of networks of one stage, {' or '.join(_KINDS)}; given: {', '.join(stages)}"
        )
    (stage,) = stages
    members = {}
    for phase, paths in _by_phase(export, stage).items():
        stores = [
            store.phase(phase)
            for store in export.stores
            if any(record.extra.get("phase") == phase for record in store.records)
        ]
        own = Export(export.folder, stores, {stage: paths}, f"{phase_at_work(phase)}-")
        members[phase] = _exported(own, _KINDS[stage], settings)
        export.parities |= own.parities
    dataset = Dataset.open(Path(settings.fuse.dataset).expanduser())
    draft = _draft(export.folder, _KINDS[stage], members)
    groups = patients_in_phases(dataset, settings.fuse.part, list(members))
    measured = [told for group in groups if (told := _measured(draft, dataset, group)) is not None]
    if not measured:
        raise InputError(
            f"{dataset.folder} has no patient in the part {settings.fuse.part} with a scan in each phase:"
            f" {', '.join(members)}"
        )
    rows = [
        {
            "phases": list(chosen),
            "dice": {region: float(np.mean([one[chosen][region] for one in measured])) for region in regions},
        }
        for chosen, regions in measured[0].items()
    ]
    return {
        "drawn_by": _KINDS[stage],
        "members": [{"phase": phase_at_work(phase), "stages": stages} for phase, stages in members.items()],
        "fuse": {"patients": len(measured), "combinations": rows},
    }


def _by_phase(export: Export, stage: Stage) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in export.checkpoints[stage]:
        phase = load_trained(path, stage).recipe.data.phase
        if not phase:
            raise InputError(f"{path} was trained on all phases; train it with --phase, so that it can be bound to one")
        found.setdefault(phase, []).append(path)
    if len(found) < 2:
        raise InputError(f"to fuse phases, networks of two or more are needed; given: {', '.join(found)}")
    return found


def _exported(export: Export, kind: str, settings: Settings) -> dict[str, Any]:
    """The ``stages`` of one phase, by the publisher of the kind."""
    publisher = import_module(f".{kind.replace('-', '_')}", __package__)
    wanted = {"segment": settings.segment} if settings.segment else {}
    stages: dict[str, Any] = publisher.export_stages(export, build(publisher.Settings, wanted, "segment"))
    return stages


def _draft(folder: Path, kind: str, members: Mapping[str, dict[str, Any]]) -> Bundle:
    """What is exported so far, as a bundle that can be run."""
    read = [
        Member(phase_at_work(phase), DRAWN_BY[kind](Reader(stages, "the bundle being made", phase)))
        for phase, stages in members.items()
    ]
    for member in read[1:]:
        if drawn_as(member.stages) != drawn_as(read[0].stages):
            raise InputError(
                f"the networks for {read[0].phase} and {member.phase} draw other structures or on other grids"
            )
    stages = PhaseFusionStages(kind, tuple(read), (), 0)
    checksums = {file: sha256_of(folder / file) for file in stages.files}
    texts = dict.fromkeys(("license", "training_domain", "intended_use", "citation", "sha256"), "")
    return Bundle(
        folder=folder, name="draft", version="0", pipeline="phase-fusion", title="draft", demonstration=True,
        stages=stages, checksums=checksums, files={file: folder / file for file in checksums}, **texts,
    )  # fmt: skip


def _measured(draft: Bundle, dataset: Dataset, group: Sequence[Case]) -> dict[tuple[str, ...], dict[str, float]] | None:
    """Dice of each region by each combination of phases, on one patient; None who lacks a phase."""
    assert isinstance(draft.stages, PhaseFusionStages)
    scans = [scan_of(dataset, case) for case in group]
    volume = scans[0].volume
    truth = dataset.labels(group[0]).voxels
    networks = Networks(draft, "cpu", sessions=SessionCache())
    work = Work(volume, canonical(volume), draft, networks, Steps(), Stopwatch(), phases=scans)
    phases = draw_phases(work)
    if set(phases.drawn) != set(draft.stages.phases):
        return None
    result = {}
    for chosen in all_combinations(draft.stages.phases):
        rule = dict.fromkeys(draft.stages.regions, chosen)
        drawn = fused(phases.drawn, phases.covered, rule)
        labels = finished(drawn, work, unknown_below(draft.stages)).labels
        result[chosen] = {region: _dice(region, labels, truth) for region in draft.stages.regions}
    return result


def _dice(region: str, found: np.ndarray, truth: np.ndarray) -> float:
    """Of one region; 1 where both lack it, as the brain tumor challenge counts."""
    if region == KIDNEY:
        values = [*KIDNEY_LABELS, *MASS_LABELS]
    else:
        values = list(MASS_LABELS) if region == MASS else [MassClass(region).label]
    overlap = dice(np.isin(found, values), np.isin(truth, values))
    return 1.0 if overlap is None else float(overlap)
