"""Delineate: each kidney and its masses, voxel by voxel, inside the kidney's box only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask, connected_domains, dilated
from ..anatomy.kidneys import OutlinedKidney
from ..anatomy.masses import without_gas, without_specks
from ..boxes import Box, Triple
from ..bundles.stages.cascade import DelineateStage
from ..engines.networks import Networks
from ..resampling import interpolate, resample, window
from ..steps import Steps
from ..volume import Volume
from .locate import LocatedKidney, Location, sigmoid
from .widening import wider_box

NEAR_MM = 3.0  # a mass so near to a kidney is one of it
REACH_MM = 6.0  # kidney farther from the coarse pass's is another organ
CONTACT_MM = 5.0  # what lies so near to the kidney of the coarse pass touches it;
CONTACT_SHARE = 0.05  # of a mass of this kidney this much does
SURE = 0.9  # a mass reaches this probability somewhere
COARSE_WEIGHT = 0.5  # of the coarse pass, against the fine one
PART_OF_LARGEST = 0.1  # what is smaller than this share of the largest part is not this kidney
SMALLEST_ML = 1.0  # less was no kidney


def delineate(
    view: Volume, location: Location, stage: DelineateStage, networks: Networks, steps: Steps, *, fast: bool = False
) -> tuple[list[OutlinedKidney], list[str]]:
    """Outline every located kidney.

    Args:
        view: the CT in canonical order.
        fast: run only the first model of the ensemble, and only once; otherwise every model sees each box as it is and
            mirrored from left to right.

    Returns:
        The kidneys, no voxel in two of them, and warnings about kidneys that could not be outlined.
    """
    # A kidney of the other side is a mirrored one, and training mirrors: seeing each box both ways averages errors.
    looks = [(stage.models[0], False)] if fast else [(model, way) for model in stage.models for way in (False, True)]
    boxes = [kidney.box.grown(stage.margin_mm, view.spacing_mm, view.shape) for kidney in location.kidneys]
    outlined: list[OutlinedKidney] = []
    warnings: list[str] = []
    for n, (kidney, box) in enumerate(zip(location.kidneys, boxes, strict=True)):
        rivals = [other for other in location.kidneys if other is not kidney]
        tell = partial(_tell, steps, kidney, n, len(boxes), 0.0, 1.0)
        probability = _seen(view, box, stage, networks, looks, tell)
        around = _Neighbourhood(kidney, rivals, location.coarse, view, box, stage.shape)
        wider = wider_box(box, probability[1] > 0.5, around.in_contact, view.spacing_mm, view.shape)
        if wider is not None:
            last = 1 / len(looks)  # of this kidney's progress, which only goes forward
            again = partial(_tell, steps, kidney, n, len(boxes), 1 - last, last)
            box, probability = wider, _seen(view, wider, stage, networks, looks, again)
            around = _Neighbourhood(kidney, rivals, location.coarse, view, box, stage.shape)
        # The coarse pass sees the surroundings, the fine one the border: each corrects the other's kidney.
        probability[0] += COARSE_WEIGHT * (around.seen(location.probability) - probability[0])
        _keep_own(probability, around)
        organ, mass = (_stretched(channel, box.shape) for channel in probability)
        found = without_specks(mass, view.voxel_ml)
        mass = without_gas(found, view.voxels[box.slices])
        organ = organ & ~found | mass
        for earlier in outlined:
            _clear_shared(organ, mass, box, earlier)
        if np.count_nonzero(organ) * view.voxel_ml < SMALLEST_ML:
            warnings.append(f"A region found on the {kidney.side.value} side could not be outlined as a kidney.")
            continue
        outlined.append(OutlinedKidney(kidney.side, box, organ & ~mass, mass))
    return outlined, warnings


def _tell(
    steps: Steps, kidney: LocatedKidney, number: int, kidneys: int, begun: float, part: float, share: float
) -> None:
    """A share is done of that part of a kidney's time which begins at ``begun``."""
    done = (number + begun + part * share) / kidneys
    steps("delineate", 0.2 + 0.6 * done, f"Outlining the {kidney.side.value} kidney")


def _seen(
    view: Volume,
    box: Box,
    stage: DelineateStage,
    networks: Networks,
    looks: list[tuple[str, bool]],
    tell: Callable[[float], None],
) -> npt.NDArray[np.float32]:
    """Probabilities (2, d, h, w) of kidney with masses and of masses in ``box``, the mean of all looks."""
    image = window(resample(view.voxels, box, stage.shape), stage.window.width_hu, stage.window.level_hu)[None, None]
    probability = np.zeros((2, *stage.shape), dtype=np.float32)
    for number, (model, mirrored) in enumerate(looks):
        tell(number / len(looks))
        probability += _look(networks, model, image, mirrored)
    probability /= len(looks)
    return probability


def _look(networks: Networks, model: str, image: npt.NDArray[np.float32], mirrored: bool) -> npt.NDArray[np.float32]:
    """Probabilities (2, d, h, w) of one model, in the image's own order."""
    if not mirrored:
        return sigmoid(networks.run(model, image)["logits"][0])
    flipped = networks.run(model, np.ascontiguousarray(image[..., ::-1]))["logits"][0]
    return sigmoid(flipped[..., ::-1])


def _stretched(probability: npt.NDArray[np.float32], shape: Triple) -> Mask:
    """Where a probability, stretched to ``shape``, is above one half; only what can be so is computed."""
    mask = np.zeros(shape, dtype=np.bool_)
    grid = (probability.shape[0], probability.shape[1], probability.shape[2])
    found = Box.around(probability > 0.5)
    if found is not None:
        part = found.padded((1, 1, 1), grid).scaled(grid, shape)
        mask[part.slices] = resample(probability, Box.whole(grid), shape, part) > 0.5
    return mask


@dataclass(frozen=True, eq=False)
class _Neighbourhood:
    """A kidney's coarse component and those of the others, seen on the network's grid of its box."""

    kidney: LocatedKidney
    rivals: list[LocatedKidney]
    coarse: Volume
    view: Volume
    box: Box
    shape: Triple

    @property
    def spacing_mm(self) -> npt.NDArray[np.float64]:
        """Of the network's grid, (k, j, i)."""
        return np.asarray(self.view.spacing_mm * np.divide(self.box.shape, self.shape))

    def seen(self, probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A field of the coarse grid, interpolated."""
        at = [
            (start + (np.arange(samples) + 0.5) * size / samples) * coarse / full - 0.5
            for start, size, samples, coarse, full in zip(
                self.box.start, self.box.shape, self.shape, self.coarse.shape, self.view.shape, strict=True
            )
        ]
        return interpolate(probability, at)

    def nearer_to_a_rival(self) -> Mask | None:
        """Where another kidney's component is nearer than this one's; None where no other reaches into the box."""
        crop, places = self._crop()
        others = np.zeros(crop.shape, dtype=bool)
        for rival in self.rivals:
            others |= rival.mask[crop.slices]
        if not others.any():
            return None
        return (self._distance(self.kidney.mask[crop.slices]) > self._distance(others))[places]

    def within(self, near_mm: float, far_mm: float) -> tuple[Mask, Mask, Mask]:
        """The kidney's coarse component, where it is at most ``near_mm`` away, and where at most ``far_mm``."""
        crop, places = self._crop()
        own = self.kidney.mask[crop.slices]
        away_mm = self._distance(own)
        rings = own.astype(np.uint8) + (away_mm <= near_mm) + (away_mm <= far_mm)
        nearest = rings[places]  # one slow lookup in place of three
        return nearest == 3, nearest >= 2, nearest >= 1

    def in_contact(self) -> Mask:
        """What the kidney's coarse component touches: where it is at most `CONTACT_MM` away."""
        return self.within(CONTACT_MM, CONTACT_MM)[1]

    def _crop(self) -> tuple[Box, tuple[npt.NDArray[np.int64], ...]]:
        """The part of the coarse grid under the box, and an index from it to the network's grid."""
        indices = self._indices()
        (k, j, i), (k_end, j_end, i_end) = ([int(index[end]) for index in indices] for end in (0, -1))
        return Box((k, j, i), (k_end + 1, j_end + 1, i_end + 1)), np.ix_(*(index - index[0] for index in indices))

    def _indices(self) -> list[npt.NDArray[np.int64]]:
        """The coarse index of each sample of the network's grid, per axis."""
        result = []
        for axis in range(3):
            start, size, samples = self.box.start[axis], self.box.shape[axis], self.shape[axis]
            at = start + (np.arange(samples) + 0.5) * size / samples
            coarse = np.floor(at * self.coarse.shape[axis] / self.view.shape[axis]).astype(np.int64)
            result.append(np.clip(coarse, 0, self.coarse.shape[axis] - 1))
        return result

    def _distance(self, mask: Mask) -> npt.NDArray[np.float32]:
        """mm to the nearest voxel of ``mask``, negative inside."""
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(np.ascontiguousarray(mask).view(np.uint8))
        image.SetSpacing([float(value) for value in self.coarse.spacing_mm[::-1]])
        distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        return np.asarray(sitk.GetArrayFromImage(distance))


def _keep_own(probability: npt.NDArray[np.float32], around: _Neighbourhood) -> None:
    """Set to 0 what is not this kidney or a mass of it. ``probability`` (2, d, h, w): kidney with masses, masses.

    Kept are the largest domain that lies on the located kidney, others there of a tenth of its size, and masses that
    touch them or lie within 3 mm. Kidney more than 6 mm away from the coarse pass's is another organ: that pass sees
    the surroundings, which the narrow box does not show. Where another kidney is nearer, kidney voxels go to that one;
    a mass goes as a whole to the kidney that is nearer to most of it.
    """
    own, in_contact, in_reach = around.within(CONTACT_MM, REACH_MM)
    _drop_doubtful_masses(probability, in_contact)
    mass = probability[1] > 0.5
    in_reach |= mass
    probability[0] *= in_reach
    organ = (probability[0] > 0.5) | mass
    foreign = around.nearer_to_a_rival()
    if foreign is not None:
        numbers, counts = connected_domains(mass)
        lost = np.bincount(numbers[foreign], minlength=counts.size + 1) * 2 > np.concatenate([[0], counts])
        lost[0] = False
        gone = (foreign & ~mass) | lost[numbers]
        probability *= ~gone
        organ &= ~gone
        mass &= ~gone
    numbers, counts = connected_domains(organ)
    on_kidney = np.bincount(numbers[own], minlength=counts.size + 1)[1:] > 0
    sizes = np.where(on_kidney, counts, 0)
    kept = np.zeros(counts.size + 1, dtype=bool)
    if sizes.any():
        kept[1:] = sizes >= PART_OF_LARGEST * sizes.max()
    for number in np.flatnonzero(~kept[1:]) + 1:
        domain = numbers == number
        if kept.any() and np.count_nonzero(domain & mass) > counts[number - 1] / 2:
            kept[number] = _is_near(domain, kept[numbers], around.spacing_mm)
    if kept[1:].all():
        return
    gone = ~kept
    gone[0] = False
    probability *= ~gone[numbers]


def _drop_doubtful_masses(probability: npt.NDArray[np.float32], in_contact: Mask) -> None:
    """Set to 0 masses that the networks are nowhere sure of, and masses of other organs.

    The coarse pass counts masses as kidney. A domain of which nearly nothing (a twentieth) lies within 5 mm of what it
    found hangs on bowel, liver or a vessel: a ball of 3 cm that only touches the kidney has that much.

    Args:
        in_contact: where the kidney's coarse component is at most 5 mm away.
    """
    mass = probability[1] > 0.5
    numbers, counts = connected_domains(mass)
    if counts.size == 0:
        return
    inside = np.flatnonzero(mass)
    number = numbers.ravel()[inside]
    peaks = np.zeros(counts.size + 1, dtype=np.float32)
    np.maximum.at(peaks, number, probability[1].ravel()[inside])
    near = np.bincount(number[in_contact.ravel()[inside]], minlength=counts.size + 1)
    elsewhere = near < CONTACT_SHARE * np.concatenate([[0], counts])
    unsure = peaks < SURE
    organ, masses = (channel.reshape(-1) for channel in probability)  # views: the probabilities are contiguous
    organ[inside[elsewhere[number]]] = 0
    masses[inside[(elsewhere | unsure)[number]]] = 0


def _is_near(domain: Mask, target: Mask, spacing_mm: npt.NDArray[np.float64]) -> bool:
    """Whether ``domain`` grown by 3 mm meets ``target``, another domain or several."""
    box = Box.around(domain)
    assert box is not None, "domains are never empty"
    crop = box.grown(NEAR_MM, spacing_mm, (domain.shape[0], domain.shape[1], domain.shape[2])).slices
    k, j, i = np.maximum(np.round(NEAR_MM / spacing_mm), 1).astype(int)
    return bool(target[crop].any() and (dilated(domain[crop], (int(k), int(j), int(i))) & target[crop]).any())


def _clear_shared(organ: Mask, mass: Mask, box: Box, earlier: OutlinedKidney) -> None:
    """Take from ``organ`` and ``mass`` on ``box`` what an earlier kidney already has."""
    shared = box.overlap(earlier.box)
    if shared is None:
        return
    theirs = shared.relative_to(earlier.box).slices
    taken = earlier.kidney[theirs] | earlier.mass[theirs]
    here = shared.relative_to(box).slices
    organ[here] &= ~taken
    mass[here] &= ~taken
