"""Which masses were found: connected domains of two label maps matched to each other.

A predicted and a true domain match at an intersection over union of at least 0.1, each at most once, the best overlaps
first. Also counted: any overlap, where a true domain is found if a predicted one shares a voxel with it, and a
predicted one is false if it shares none. Size splits at an average diameter of 5 mm, as in Zhao 2023: true and missed
masses by their true size, false ones by the predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..anatomy.domains import Mask
from ..anatomy.masses import MassRegion, centroid_ras, diameters
from ..boxes import Box
from ..findings import SMALL_MM
from ..labels import Label, MassClass, Side
from ..volume import Volume
from .surfaces import surface_distances

MATCH_IOU = 0.1


class DomainOutcome(Enum):
    """What became of a domain."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    FALSE_NEGATIVE = "false_negative"


@dataclass(frozen=True)
class Domain:
    """One mass of the comparison.

    Attributes:
        diameter_mm: average diameter, of the true mass where there is one.
        iou: with its match; 0 without one.
        true_class, predicted_class: most frequent class in the domain; None where there is no such domain.
        hausdorff_mm, hausdorff95_mm: between a true domain and its match; None without one.
        predicted_centroid_ras: of the predicted domain, which tells it among the findings; None where there is none.
        touched: whether any domain of the other label map shares a voxel with it.
        predicted_diameter_mm: average diameter of the predicted domain; None where there is none.
    """

    outcome: DomainOutcome
    side: Side
    diameter_mm: float
    volume_ml: float
    centroid_ras: tuple[float, float, float]
    iou: float
    true_class: MassClass | None
    predicted_class: MassClass | None
    hausdorff_mm: float | None = None
    hausdorff95_mm: float | None = None
    predicted_centroid_ras: tuple[float, float, float] | None = None
    touched: bool = False
    predicted_diameter_mm: float | None = None

    @property
    def small(self) -> bool:
        """Under 5 mm."""
        return self.diameter_mm < SMALL_MM


@dataclass(frozen=True)
class DetectionCounts:
    """Counts of domains; ratios are None where nothing can be divided."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def precision(self) -> float | None:
        """Share of the predicted domains that are true."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float | None:
        """Share of the true domains that were found."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)


@dataclass(frozen=True)
class Detection:
    """All domains of a comparison."""

    domains: tuple[Domain, ...]

    def counts(self, small: bool | None = None) -> DetectionCounts:
        """Counts of all domains, of the small ones (True) or of the others (False)."""
        chosen = [domain.outcome for domain in self._chosen(small)]
        return DetectionCounts(*(chosen.count(outcome) for outcome in DomainOutcome))

    def any_overlap(self, small: bool | None = None) -> DetectionCounts:
        """The same where one shared voxel is enough."""
        chosen = self._chosen(small)
        touched = [domain.touched for domain in chosen if domain.true_class is not None]
        false = sum(domain.true_class is None and not domain.touched for domain in chosen)
        return DetectionCounts(touched.count(True), false, touched.count(False))

    def _chosen(self, small: bool | None) -> list[Domain]:
        return [domain for domain in self.domains if small is None or domain.small is small]


def detect(
    prediction: Sequence[MassRegion], reference: Sequence[MassRegion], predicted: Volume, true: Volume
) -> Detection:
    """Match the masses of two label maps.

    Args:
        prediction, reference: their connected domains.
        predicted, true: the label maps (values of `Label`) in canonical order, one grid.
    """
    overlaps = []
    for p, mine in enumerate(prediction):
        for r, other in enumerate(reference):
            shared = _shared(mine, other)
            if shared:
                overlaps.append((shared / (mine.voxels + other.voxels - shared), p, r))
    partner_of_true: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for iou, p, r in sorted(overlaps, reverse=True):
        if iou >= MATCH_IOU and p not in taken and r not in partner_of_true:
            partner_of_true[r] = (p, iou)
            taken.add(p)
    touched_found, touched_true = {p for _, p, _ in overlaps}, {r for _, _, r in overlaps}
    domains = []
    for r, region in enumerate(reference):
        if r in partner_of_true:
            p, iou = partner_of_true[r]
            domains.append(_matched(region, prediction[p], true, predicted, iou))
        else:
            alone = _domain(DomainOutcome.FALSE_NEGATIVE, region, true, 0.0, _class_of(region, true), None)
            domains.append(replace(alone, touched=r in touched_true))
    for p, region in enumerate(prediction):
        if p not in taken:
            alone = _domain(DomainOutcome.FALSE_POSITIVE, region, predicted, 0.0, None, _class_of(region, predicted))
            domains.append(
                replace(
                    alone,
                    predicted_centroid_ras=alone.centroid_ras,
                    touched=p in touched_found,
                    predicted_diameter_mm=alone.diameter_mm,
                )
            )
    return Detection(tuple(domains))


def _matched(region: MassRegion, found: MassRegion, true: Volume, predicted: Volume, iou: float) -> Domain:
    around = Box.around_both(region.box, found.box)
    distances = surface_distances(_within(around, region), _within(around, found), true.spacing_mm)
    domain = _domain(
        DomainOutcome.TRUE_POSITIVE, region, true, iou, _class_of(region, true), _class_of(found, predicted)
    )
    return replace(
        domain,
        hausdorff_mm=distances.hausdorff_mm(),
        hausdorff95_mm=distances.hausdorff_mm(95),
        predicted_centroid_ras=centroid_ras(found, predicted),
        touched=True,
        predicted_diameter_mm=diameters(found, predicted).average,
    )


def _within(box: Box, region: MassRegion) -> Mask:
    """The mask of a region on the voxels of a box that holds it."""
    mask = np.zeros(box.shape, dtype=np.bool_)
    mask[region.box.relative_to(box).slices] = region.mask
    return mask


def _domain(
    outcome: DomainOutcome,
    region: MassRegion,
    volume: Volume,
    iou: float,
    true_class: MassClass | None,
    predicted_class: MassClass | None,
) -> Domain:
    return Domain(
        outcome,
        region.side,
        diameters(region, volume).average,
        region.voxels * volume.voxel_ml,
        centroid_ras(region, volume),
        iou,
        true_class,
        predicted_class,
    )


def _class_of(region: MassRegion, labels: Volume) -> MassClass:
    values = np.bincount(labels.voxels[region.box.slices][region.mask], minlength=len(Label))
    return {cls.label: cls for cls in MassClass}[Label(int(values[Label.AML :].argmax()) + Label.AML)]


def _shared(one: MassRegion, other: MassRegion) -> int:
    start = np.maximum(one.box.start, other.box.start)
    stop = np.minimum(one.box.stop, other.box.stop)
    if (stop <= start).any():
        return 0
    parts = [
        region.mask[tuple(slice(a - o, b - o) for a, b, o in zip(start, stop, region.box.start, strict=True))]
        for region in (one, other)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
