"""Locate: the kidneys of a whole CT on a coarse grid, their sides, and a box for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask, connected_domains
from ..boxes import Box, Triple
from ..bundles.stages.cascade import LocateStage
from ..engines.networks import Networks
from ..labels import Side
from ..resampling import coarse_shape, resample, window
from ..volume import Volume
from .sides import Component, assign_sides, body_at, split_horseshoe

SMALLEST_ML = 15.0  # of a plausible kidney with its masses
SMALLEST_CUT_ML = 2.0  # of one that the first or last slice cuts off
LARGEST_ML = 4000.0
PEAK = 0.5  # somewhere in it the networks are surer than this, also in the wider search
EXTRA_ML = 30.0  # a third or fourth kidney counts from here,
EXTRA_CONFIDENCE = 0.95  # and from this mean probability
MOST_KIDNEYS = 4
MENTIONED_ML = 10.0  # a warning names what is left out from here

# The second search, wider:
WIDER_STEP = 0.8  # of the first one's spacing
WIDER_THRESHOLD = 0.3


@dataclass(frozen=True, eq=False)
class LocatedKidney:
    """A kidney of the coarse pass: its side, its voxels on the coarse grid, and its box in the CT (no margin)."""

    side: Side
    mask: Mask
    box: Box


@dataclass(frozen=True, eq=False)
class Location:
    """Where the kidneys of a CT are, right ones first.

    Attributes:
        coarse: the CT on the coarse grid; its affine is that of the grid.
        probability: of kidney with its masses, on the coarse grid.
    """

    kidneys: tuple[LocatedKidney, ...]
    coarse: Volume
    probability: npt.NDArray[np.float32]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Pass:
    coarse: Volume
    probability: npt.NDArray[np.float32]
    components: list[Component]

    @property
    def score(self) -> tuple[int, float]:
        """More kidneys (up to two), then more certain ones."""
        return min(len(self.components), 2), sum(part.volume_ml * part.confidence for part in self.components)


def locate(view: Volume, stage: LocateStage, networks: Networks, *, fast: bool = False) -> Location:
    """Find the kidneys of a CT given in canonical order.

    With fewer than two plausible kidneys a second pass looks wider, on a finer grid and at a lower threshold, and the
    better of the two counts; the warnings say so.

    Args:
        fast: run only the first model of the ensemble.
    """
    if fast:
        stage = replace(stage, models=stage.models[:1])
    warnings: list[str] = []
    found = _look(view, stage, networks, stage.spacing_mm, 0.5)
    if len(found.components) < 2:
        wider = _look(view, stage, networks, stage.spacing_mm * WIDER_STEP, WIDER_THRESHOLD)
        if wider.score[0] > found.score[0]:
            warnings.append(
                f"The first search found {_kidneys(len(found.components))}; a second, wider one found "
                f"{_kidneys(len(wider.components))}: check that they are kidneys."
            )
            found = wider
    if not found.components:
        missing = "No kidney was found, also not by a second, wider search."
        return Location((), found.coarse, found.probability, (missing,))
    only_one = "Only one kidney was found, also by a second, wider search."
    return located(view, found.coarse, found.probability, found.components, warnings, only_one)


def located(
    view: Volume,
    coarse: Volume,
    probability: npt.NDArray[np.float32],
    components: list[Component],
    warnings: Sequence[str] = (),
    only_one: str = "Only one kidney was found.",
) -> Location:
    """Kidney-like components as kidneys: horseshoes divided, doubtful ones left out, sides told by anatomy.

    Args:
        view: the CT in canonical order.
        coarse: the same in HU on the grid that the components lie on; it covers the whole CT.
        probability: of kidney with its masses, on that grid.
        components: of `plausible_kidneys`, at least one.
        warnings: of the search, which come first.
        only_one: the warning where there is one kidney.
    """
    told = list(warnings)
    body = body_at(coarse, components)
    components, horseshoe = split_horseshoe(coarse, components, body)
    if horseshoe:
        told.append("One kidney crosses the midline (horseshoe kidney); it was divided there.")
    components, dropped = _without_doubtful(components)
    told += dropped
    if len(components) == 1:
        told.append(only_one)
    elif len(components) > 2:
        told.append(f"{len(components)} kidneys were found (transplant, duplication, or a false finding).")
    sides, unusual = assign_sides(coarse, components, body)
    told += unusual
    kidneys = [
        LocatedKidney(side, component.mask, _box(component.mask, coarse.shape, view.shape))
        for side, component in zip(sides, components, strict=True)
    ]
    kidneys.sort(key=lambda kidney: kidney.side is Side.LEFT)  # stable: the larger of one side stays first
    return Location(tuple(kidneys), coarse, probability, tuple(told))


def coarse_volume(view: Volume, spacing_mm: float) -> Volume:
    """The whole CT in HU, resampled to about ``spacing_mm``, with the affine of that grid."""
    shape = coarse_shape(view.shape, view.spacing_mm, spacing_mm)
    step = np.divide(view.shape, shape)[::-1]  # voxels of the CT per coarse voxel, (i, j, k)
    to_view = np.diag([*step, 1.0])
    to_view[:3, 3] = step / 2 - 0.5
    return Volume(resample(view.voxels, Box.whole(view.shape), shape), view.ijk_to_ras @ to_view, view.name)


def _look(view: Volume, stage: LocateStage, networks: Networks, spacing_mm: float, threshold: float) -> _Pass:
    coarse = coarse_volume(view, spacing_mm)
    image = window(coarse.voxels.copy(), stage.window.width_hu, stage.window.level_hu)
    padded = np.pad(image, [(0, -size % 16) for size in image.shape], constant_values=-1.0)
    k, j, i = coarse.shape
    probability = np.zeros((k, j, i), dtype=np.float32)
    for model in stage.models:
        probability += sigmoid(networks.run(model, padded[None, None])["logits"][0, 0, :k, :j, :i])
    probability /= len(stage.models)
    return _Pass(coarse, probability, plausible_kidneys(probability, threshold, coarse.voxel_ml))


def plausible_kidneys(probability: npt.NDArray[np.float32], threshold: float, voxel_ml: float) -> list[Component]:
    """Plausible kidneys, largest first.

    Neighbours are voxels that touch: what lies a voxel beside a kidney is bowel or liver more often than kidney.
    """
    mask = probability > threshold
    numbers, _ = connected_domains(mask)
    counts = np.bincount(numbers.ravel())
    result = []
    for number in np.flatnonzero(counts[1:] * voxel_ml >= SMALLEST_CUT_ML) + 1:
        part = numbers == number
        volume_ml = float(counts[number] * voxel_ml)
        cut = bool(part[0].any() or part[-1].any())
        smallest = SMALLEST_CUT_ML if cut else SMALLEST_ML
        values = probability[part]
        if smallest <= volume_ml <= LARGEST_ML and values.max() > PEAK:
            result.append(Component(part, volume_ml, float(values.mean())))
    return sorted(result, key=lambda component: -component.volume_ml)


def _without_doubtful(components: list[Component]) -> tuple[list[Component], list[str]]:
    """Two kidneys are expected: a third and fourth count only where they are large and certain."""
    kept, warnings = list(components[:2]), []
    for extra in components[2:]:
        certain = extra.volume_ml >= EXTRA_ML and extra.confidence >= EXTRA_CONFIDENCE
        if certain and len(kept) < MOST_KIDNEYS:
            kept.append(extra)
        elif extra.volume_ml >= MENTIONED_ML:
            warnings.append(f"A further kidney-like region of {extra.volume_ml:.0f} ml was left out as doubtful.")
    return kept, warnings


def _box(mask: Mask, coarse: Triple, full: Triple) -> Box:
    box = Box.around(mask)
    assert box is not None, "components are never empty"
    return box.scaled(coarse, full).clipped(full)


def _kidneys(count: int) -> str:
    return {0: "no kidney", 1: "one kidney"}.get(count, f"{count} kidneys")


def sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """1 / (1 + exp(-x)), without overflow for large negative x."""
    result = np.multiply(logits, np.float32(0.5), dtype=np.float32)
    np.tanh(result, out=result)
    result += 1.0
    result *= 0.5
    return result
