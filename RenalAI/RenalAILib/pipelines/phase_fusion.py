"""The pipeline ``phase-fusion`` (Allaoui and Zetout 2020): a network for each phase, fused region by region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..anatomy.domains import Mask
from ..anatomy.kidneys import OutlinedKidney
from ..bundles.stages.phase_fusion import PhaseFusionStages
from ..contrast_phases import ContrastPhase
from ..orientation import canonical
from ..phases.registration import shift_sentences
from ..phases.scans import AlignedScan, PhasedScan, align, phases_of
from ..phases.second_phase import SecondPhase
from ..volume import Volume
from . import one_stage, slice_segmentation
from .drawings import Drawn, finished, fused
from .whole_maps import outlined
from .work import Found, Work

_DRAW: Mapping[str, Callable[[Work], Drawn]] = {
    "one-stage": one_stage.draw,
    "slice-segmentation": slice_segmentation.draw,
}
_FIRST, _ALIGNED, _DRAWN = 0.3, 0.4, 0.85  # shares of the work


@dataclass(frozen=True, eq=False)
class DrawnPhases:
    """What the networks draw on the scans that there are.

    Attributes:
        drawn: by phase, all on the grid of the first scan.
        covered: by phase, which voxels of that grid its scan covers.
        labels: by phase, what the scan is called.
        notes: on phases and shifts, for the findings.
        second: the second phase that enhancement is measured against, where it is among the scans.
    """

    drawn: Mapping[str, Drawn]
    covered: Mapping[str, Mask]
    labels: Mapping[str, str]
    notes: Sequence[str]
    second: SecondPhase | None = None


def run(work: Work) -> Found:
    """Kidneys and masses on the grid of the first scan, each region by the best of the phases that there are."""
    stages = work.stages(PhaseFusionStages)
    phases = draw_phases(work)
    rule = {region: stages.best(region, phases.drawn).phases for region in stages.regions}
    work.steps("delineate", _DRAWN, "Fusing what the phases show")
    drawn = fused(phases.drawn, phases.covered, rule)
    notes = [*phases.notes, *_about_rule(stages, phases, rule)]
    work = replace(work, registered=phases.second, seen_elsewhere=len(phases.drawn) > 1)
    return finished(drawn, work, unknown_below(stages), notes, begin=0.9)


def _unnamed(work: Work) -> list[PhasedScan]:
    """The scans where nobody says what they are."""
    first = PhasedScan(work.volume.name, "", work.volume)
    return [first] if work.second_phase is None else [first, PhasedScan("the second phase", "", work.second_phase)]


def unknown_below(stages: PhaseFusionStages) -> float:
    """The share that the class of a mass needs: the highest that a member asks for."""
    return max(member.stages.unknown_below for member in stages.members)


def draw_phases(work: Work) -> DrawnPhases:
    """Every scan brought to the first one's grid, told by its phase, and drawn by the network of that phase."""
    stages = work.stages(PhaseFusionStages)
    first, *others = work.phases or _unnamed(work)
    kept: dict[str, Drawn] = {}

    def of_first(phase: str, steps: tuple[float, float]) -> Drawn:
        if phase not in kept:
            kept[phase] = _draw(work, stages, phase, work.view, steps)
        return kept[phase]

    kidneys: list[OutlinedKidney] = []
    if others or first.phase not in stages.phases:
        looking = [first.phase] if first.phase in stages.phases else list(stages.phases)
        parts = [
            of_first(phase, (_FIRST * n / len(looking), _FIRST * (n + 1) / len(looking)))
            for n, phase in enumerate(looking)
        ]
        everywhere = np.ones(parts[0].maps[0].grid.shape, dtype=np.bool_)
        drawn = dict(zip(looking, parts, strict=True))
        mean = fused(drawn, dict.fromkeys(looking, everywhere), dict.fromkeys(stages.regions, looking))
        kidneys, _ = outlined(work.view, mean.maps)
    aligned, notes = _aligned(work, kidneys, others)
    words = phases_of(work.view, kidneys, first, aligned)
    chosen, doubts = assigned(stages.phases, words, [first.label, *(each.scan.label for each in aligned)])
    result, covered, labels = {}, {}, {}
    for n, (phase, number) in enumerate(chosen.items()):
        begin = _ALIGNED + (_DRAWN - _ALIGNED) * n / len(chosen)
        steps = (begin, begin + (_DRAWN - _ALIGNED) / len(chosen))
        scan = aligned[number - 1] if number else None
        result[phase] = of_first(phase, steps) if scan is None else _draw(work, stages, phase, scan.view, steps)
        shape = result[phase].maps[0].grid.shape
        covered[phase] = np.ones(shape, dtype=np.bool_) if scan is None else _thinned(scan.covered, shape)
        labels[phase] = first.label if scan is None else scan.scan.label
    second = next((each.registered for each in aligned if each.scan.volume is work.second_phase), None)
    return DrawnPhases(result, covered, labels, [*notes, *doubts], second)


def assigned(phases: Sequence[str], words: Sequence[str], labels: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Which scan each network gets, by phase, in the order of ``phases``; and sentences on what is doubtful.

    A scan whose phase is not known exactly takes the first free network that it may be for; where no scan is in a phase
    that there is a network for, the first scan takes the first network that it may be for.

    Example:
        >>> assigned(["plain", "nephrographic"], ["contrast", "excretory"], ["a", "b"])[0]
        {'nephrographic': 0}
    """
    found: dict[str, int] = {}
    notes: list[str] = []
    for number, word in enumerate(words):
        if word in phases and word in found:
            notes.append(f"{labels[number]} was left aside: {labels[found[word]]} is {word} too.")
        elif word in phases:
            found[word] = number
    for number, word in enumerate(words):
        if word in (ContrastPhase.CONTRAST.value, ContrastPhase.UNKNOWN.value):
            free = [phase for phase in phases if phase not in found and _may_be(word, phase)]
            if free:
                found[free[0]] = number
                notes.append(f"The phase of {labels[number]} is not known exactly; it was taken for {free[0]}.")
            else:
                notes.append(f"{labels[number]} was left aside: its phase is not known, and no network is left for it.")
        elif word not in phases:
            notes.append(f"{labels[number]} was left aside: it is {word}, and the bundle has no network for that.")
    if not found:
        fits = [phase for phase in phases if _may_be(words[0], phase)] or list(phases)
        found[fits[0]] = 0
        notes = [f"The bundle has no network for {words[0]}; {labels[0]} was drawn by the one for {fits[0]}."]
    return {phase: found[phase] for phase in phases if phase in found}, notes


def _may_be(word: str, phase: str) -> bool:
    """Whether a scan of a phase not known exactly may be in ``phase``: what has contrast medium is not plain."""
    return word == ContrastPhase.UNKNOWN.value or phase != ContrastPhase.PLAIN.value


def _aligned(
    work: Work, kidneys: Sequence[OutlinedKidney], others: Sequence[PhasedScan]
) -> tuple[list[AlignedScan], list[str]]:
    found, notes = [], []
    for n, other in enumerate(others):
        work.steps("locate", _FIRST + (_ALIGNED - _FIRST) * n / len(others), f"Registering {other.label}")
        with work.stopwatch("phases"):
            one = align(work.view, kidneys, other)
        if one is None:
            notes.append(f"{other.label} was left aside: it does not show the kidneys.")
            continue
        found.append(one)
        if one.registered.motions:
            shifts = {f"kidney {side.value}": motion.distance_mm for side, motion in one.registered.motions.items()}
            notes += shift_sentences(other.label, f"{other.label} was registered", shifts)
        else:
            notes.append(
                f"{other.label} could not be registered, since no kidney was found: places in the scanner count."
            )
    return found, notes


def _draw(work: Work, stages: PhaseFusionStages, phase: str, view: Volume, steps: tuple[float, float]) -> Drawn:
    """What the network of a phase draws on a scan in canonical order."""
    bundle = replace(work.bundle, pipeline=stages.drawn_by, stages=stages.member(phase).stages)
    own = replace(work, volume=view, view=canonical(view), bundle=bundle, steps=work.steps.part(*steps))
    return _DRAW[stages.drawn_by](own)


def _thinned(mask: Mask, shape: Sequence[int]) -> Mask:
    """The nearest voxels of a mask on a coarser grid over the same place."""
    at = [((np.arange(n) + 0.5) * full / n).astype(np.int64) for n, full in zip(shape, mask.shape, strict=True)]
    return np.asarray(mask[np.ix_(*at)])


def _about_rule(stages: PhaseFusionStages, phases: DrawnPhases, rule: Mapping[str, Sequence[str]]) -> list[str]:
    """What was drawn from which phases; and of missing ones, what is lost by the measure of the validation."""
    shown = ", ".join(f"{label} ({phase})" for phase, label in phases.labels.items())
    told = "; ".join(f"{region}: {' and '.join(rule[region])}" for region in stages.regions)
    sentences = [f"Drawn from {shown}. By the best combination of phases on validation, {told}."]
    missing = [phase for phase in stages.phases if phase not in phases.drawn]
    if missing:
        losses = []
        for region in stages.regions:
            now, best = (stages.best(region, there).dice[region] for there in (phases.drawn, stages.phases))
            losses.append(f"{region} {now:.2f} in place of {best:.2f}")
        sentences.append(
            f"No scan was in the phase{'s' * (len(missing) > 1)} {' and '.join(missing)}, which the bundle has networks"
            f" for; expect less (Dice on validation: {', '.join(losses)})."
        )
    return sentences
