"""Sides: which kidney is right and which left, by the body around them and by each other, in patient coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask
from ..boxes import Box
from ..labels import Side
from ..volume import Volume

BODY_ABOVE_HU = -300.0
TISSUE_ABOVE_HU = -30.0  # for scans without air, as those clipped at about -125 HU: there fat looks like air
BONE_ABOVE_HU = 180.0
SPINE_WITHIN_MM = 45.0  # of the body's middle, to either side
BONE_ML = 3.0  # less is no spine
APART_MM = 60.0  # two kidneys this far apart from right to left are one of each side
HORSESHOE_SHARE = 0.3  # of it lies on either side of the midline at least
HORSESHOE_ML = 60.0
LOWER_MM = 80.0  # below the higher kidney: worth a warning
FRONT_SHARE = 0.4  # of the body's depth, from the front: a kidney there is worth a warning


@dataclass(frozen=True, eq=False)
class Component:
    """A kidney-like part of the coarse grid.

    Attributes:
        mask: bool, on the whole coarse grid.
        volume_ml: of the mask.
        confidence: mean probability inside it.
    """

    mask: Mask
    volume_ml: float
    confidence: float


@dataclass(frozen=True)
class Body:
    """The body at the height of the kidneys: where its midline and its middle between front and back are (RAS, mm)."""

    midline_r: float
    middle_a: float
    depth_mm: float


def body_at(coarse: Volume, components: list[Component]) -> Body:
    """Measure the body in the slices of ``components``.

    The midline is the middle between the outermost parts of the body, moved to the spine where bone shows near it.
    """
    mask = np.logical_or.reduce([component.mask for component in components])
    box = Box.around(mask)
    assert box is not None, "components are never empty"
    slab = slice(box.start[0], box.stop[0])
    threshold = BODY_ABOVE_HU if coarse.voxels.min() < BODY_ABOVE_HU else TISSUE_ABOVE_HU
    tissue = _places(coarse, slab, coarse.voxels[slab] > threshold)
    if len(tissue) == 0:
        centre = coarse.ras(np.divide(np.subtract(coarse.shape, 1), 2))
        return Body(float(centre[0]), float(centre[1]), 0.0)
    # Percentiles, not extremes: a line to the vein or the edge of the table must not count.
    right, left = np.percentile(tissue[:, 0], (99, 1))
    front, back = np.percentile(tissue[:, 1], (98, 2))
    midline, middle = (right + left) / 2, (front + back) / 2
    bone = _places(coarse, slab, (coarse.voxels[slab] > BONE_ABOVE_HU) & ~mask[slab])
    spine = bone[(np.abs(bone[:, 0] - midline) < SPINE_WITHIN_MM) & (bone[:, 1] < middle)]
    if len(spine) * coarse.voxel_ml >= BONE_ML:
        midline = float(np.median(spine[:, 0]))
    return Body(float(midline), float(middle), float(front - back))


def split_horseshoe(coarse: Volume, components: list[Component], body: Body) -> tuple[list[Component], bool]:
    """A kidney that lies across the midline, with much of it on either side and no second one, as its two halves."""
    largest = components[0]
    if len(components) > 1 and components[1].volume_ml >= largest.volume_ml / 4:
        return components, False
    at = np.argwhere(largest.mask)
    on_right = coarse.ras(at)[:, 0] > body.midline_r
    share = float(on_right.mean())
    if largest.volume_ml < HORSESHOE_ML or not HORSESHOE_SHARE <= share <= 1 - HORSESHOE_SHARE:
        return components, False
    halves = []
    for chosen, part in ((on_right, share), (~on_right, 1 - share)):
        half = np.zeros_like(largest.mask)
        half[tuple(at[chosen].T)] = True
        halves.append(replace(largest, mask=half, volume_ml=largest.volume_ml * part))
    return [*halves, *components[1:]], True


def assign_sides(coarse: Volume, components: list[Component], body: Body) -> tuple[list[Side], list[str]]:
    """The side of each component (largest first), and warnings about unusual places.

    Two kidneys far apart are compared with each other, so that a body cut off at one edge does not turn them round;
    two on one side, one above the other, stay there (crossed ectopia).
    """
    centres = np.array([coarse.ras(np.argwhere(component.mask).mean(axis=0)) for component in components])
    sides = [Side.RIGHT if r > body.midline_r else Side.LEFT for r in centres[:, 0]]
    warnings = []
    if len(components) >= 2 and sides[0] is sides[1]:
        if abs(centres[0, 0] - centres[1, 0]) >= APART_MM:
            first_is_right = bool(centres[0, 0] > centres[1, 0])
            sides[:2] = (Side.RIGHT, Side.LEFT) if first_is_right else (Side.LEFT, Side.RIGHT)
            warnings.append("Both kidneys lie on one side of the body in view; sides were told from each other.")
        else:
            warnings.append(f"Two kidneys lie on the {sides[0].value} side (crossed ectopia or a kidney in two parts).")
    for centre, side in zip(centres, sides, strict=True):
        if body.depth_mm > 0 and centre[1] > body.middle_a + (0.5 - FRONT_SHARE) * body.depth_mm:
            warnings.append(f"A kidney on the {side.value} side lies far in front (transplant or displaced kidney).")
        if centres[:, 2].max() - centre[2] >= LOWER_MM:
            warnings.append(f"A kidney on the {side.value} side lies low (transplant, pelvic or ptotic kidney).")
    return sides, warnings


def _places(coarse: Volume, slab: slice, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """RAS mm (n, 3) of a mask on slices of the coarse volume."""
    at = np.argwhere(mask)
    at[:, 0] += slab.start
    return coarse.ras(at)
