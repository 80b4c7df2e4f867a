"""The inside of a kidney as geometry: pyramids, sinus, calyces and pelvis, vessels between the pyramids.

A human kidney has 8 to 18 pyramids, fused in part at the poles; their bases lie under 5 to 7 mm of cortex, their
papillae point into 7 to 14 minor calyces, and cortex reaches between them down to the sinus as the columns of Bertin
(Standring (ed.), Gray's Anatomy, 41st ed. 2016, ch. 74; El-Galley and Keane, Surg Clin North Am 2000, 80:381).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .fields import Field, Rng, smooth_field
from .partial_volume import share_within

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float32]

_LEAST_SINUS = 0.03  # of the kidney's voxels: below, its readers left next to none out
_FAR = np.float32(20.0)
_PELVIS_STRETCH = np.array([1.5, 1.0, 1.0], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Interior:
    """What lies where in one kidney, each as a share (0 to 1) of the voxel; all float32 ``[k, j, i]``.

    Attributes:
        depth_mm: distance to the outer surface, 0 outside.
        medulla: pyramids.
        papilla: 1 at a pyramid's tip falling to 0 at its base; of use where ``medulla`` is.
        sinus: all that is not parenchyma, urine and vessels included.
        urine: calyces and pelvis.
        vessel: arteries and veins of the sinus and between the pyramids.
    """

    depth_mm: Field
    medulla: Field
    papilla: Field
    sinus: Field
    urine: Field
    vessel: Field


def draw_interior(rng: Rng, kidney: Mask, sinus: Mask, spacing_mm: npt.NDArray[np.float64], carve: bool) -> Interior:
    """A random inside for the kidney of a mask.

    Args:
        kidney: the kidney within its outer boundary, masses included, ``[k, j, i]``.
        sinus: the part of it that is no parenchyma; may be empty.
        spacing_mm: (k, j, i).
        carve: whether to widen ``sinus`` into the kidney's core, as for a phantom whose sinus is a mere notch.
    """
    depth = _depth(kidney, spacing_mm)
    core = _core(rng, kidney, sinus, depth, spacing_mm, carve)
    height = ndimage.distance_transform_edt(~core, sampling=spacing_mm).astype(np.float32)  # above the sinus
    inner = ndimage.distance_transform_edt(core, sampling=spacing_mm).astype(np.float32)
    smooth = ndimage.gaussian_filter(height - inner, 0.8 / spacing_mm)  # the staircase of voxels
    sinus_share = share_within(smooth, spacing_mm, 0.6) * kidney
    bases, apices = _pyramid_axes(rng, kidney & ~core, depth, height, core, spacing_mm)
    medulla, papilla = _pyramids(rng, kidney, depth, height, bases, apices, spacing_mm)
    urine, vessel = _tubes(rng, kidney, core, depth, bases, apices, spacing_mm)
    return Interior(depth, medulla, papilla, sinus_share, urine, vessel)


def _depth(kidney: Mask, spacing_mm: npt.NDArray[np.float64]) -> Field:
    padded = np.pad(kidney, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    return np.asarray(depth, dtype=np.float32)


def _core(rng: Rng, kidney: Mask, sinus: Mask, depth: Field, spacing_mm: npt.NDArray[np.float64], carve: bool) -> Mask:
    """The sinus: the one given, or with it the kidney's deepest part, its edge uneven."""
    if not carve and sinus.sum() > _LEAST_SINUS * kidney.sum():
        return sinus
    deepest = float(depth.max())
    least = rng.uniform(0.58, 0.82) * deepest if carve else 0.85 * deepest
    uneven = smooth_field(rng, _shape(depth), spacing_mm, 9.0)
    return np.asarray(sinus | (kidney & (depth + 1.8 * uneven > least)), dtype=bool)


def _shape(field: npt.NDArray[np.generic]) -> tuple[int, int, int]:
    k, j, i = field.shape
    return k, j, i


def _pyramid_axes(
    rng: Rng, tissue: Mask, depth: Field, height: Field, core: Mask, spacing_mm: npt.NDArray[np.float64]
) -> tuple[Points, Points]:
    """Middle of each pyramid's base and its tip, (n, 3) mm from the first voxel: bases spread evenly under the cortex,
    each tip where the sinus is nearest, drawn a little towards its neighbours' as calyces gather pyramids."""
    cortex = rng.uniform(4.0, 7.0)
    places = np.argwhere(tissue & (depth > cortex) & (depth < cortex + 3) & (height > 4))
    empty = np.zeros((0, 3), dtype=np.float32)
    if len(places) < 20 or not core.any():
        return empty, empty
    points = (places * spacing_mm).astype(np.float32)
    wanted = int(rng.integers(8, 19))
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf, dtype=np.float32)
    for _ in range(wanted - 1):  # farthest next, not quite: kidneys are no footballs
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        if nearest.max() < 6.0**2:
            break
        candidates = np.flatnonzero(nearest > 0.6 * nearest.max())
        chosen.append(int(candidates[int(rng.integers(len(candidates)))]))
    bases = points[chosen]
    surface = np.argwhere(core & (ndimage.uniform_filter(core.astype(np.float32), 3) < 0.99))
    rim = (surface * spacing_mm).astype(np.float32)
    apices = np.stack([rim[int(((rim - base) ** 2).sum(axis=1).argmin())] for base in bases])
    return bases, (apices + rng.normal(0, 1.0, apices.shape)).astype(np.float32)


def _pyramids(
    rng: Rng, kidney: Mask, depth: Field, height: Field, bases: Points, apices: Points,
    spacing_mm: npt.NDArray[np.float64],
) -> tuple[Field, Field]:  # fmt: skip
    """Cones from tip to base, cut by the cortex above and by the columns between; and how near the tip a voxel is."""
    medulla, papilla = np.zeros(kidney.shape, np.float32), np.zeros(kidney.shape, np.float32)
    inside = np.nonzero(kidney & (depth > 1.5))
    if len(bases) == 0 or inside[0].size == 0:
        return medulla, papilla
    at = _mm(inside, spacing_mm)
    for axis in range(3):
        at[:, axis] += 1.3 * smooth_field(rng, _shape(depth), spacing_mm, 9.0)[inside]
    gap = np.sqrt(((bases[:, None] - bases[None]) ** 2).sum(axis=2)) + 1e3 * np.eye(len(bases), dtype=np.float32)
    wide = rng.uniform(0.45, 0.62) * np.sort(gap, axis=1)[:, : min(3, len(bases))].mean(axis=1)
    wide = np.clip(wide * np.exp(rng.normal(0, 0.15, len(bases))), 3.0, 13.0)
    best, second, along = np.full(len(at), _FAR), np.full(len(at), _FAR), np.zeros(len(at), np.float32)
    tip = rng.uniform(0.15, 0.4)
    power = rng.uniform(0.6, 1.1)
    for base, apex, radius in zip(bases, apices, wide, strict=True):
        axis_mm = base - apex
        length = max(float(np.linalg.norm(axis_mm)), 4.0)
        offset = at - apex
        up = offset @ (axis_mm / length) / length
        across = np.sqrt(np.maximum((offset**2).sum(axis=1) - (up * length) ** 2, 0))
        reach = radius * (tip + (1 - tip) * np.clip(up, 0, 1.3) ** power)
        signed = (across - reach) * 0.9
        nearer = signed < best
        second = np.where(nearer, best, np.minimum(second, signed))
        best = np.where(nearer, signed, best)
        along = np.where(nearer, up, along)
    uneven = smooth_field(rng, _shape(depth), spacing_mm, 8.0)[inside]
    thick = rng.uniform(3.5, 7.0) + 0.7 * uneven
    best = np.maximum(best, 0.5 * (rng.uniform(0.5, 3.5) - (second - best)))  # columns keep neighbours apart
    signed = np.maximum(np.maximum(best, (thick - depth[inside]) * 0.9), -height[inside])
    whole = np.full(kidney.shape, _FAR)
    whole[inside] = signed
    medulla = share_within(whole, spacing_mm, float(rng.uniform(0.5, 1.0))) * kidney
    papilla[inside] = np.clip(1 - along, 0, 1)
    return np.asarray(medulla, dtype=np.float32), papilla


def _tubes(
    rng: Rng, kidney: Mask, core: Mask, depth: Field, bases: Points, apices: Points, spacing_mm: npt.NDArray[np.float64]
) -> tuple[Field, Field]:
    """Calyces and pelvis; and vessels from the hilum towards the columns."""
    urine, vessel = np.full(kidney.shape, _FAR), np.full(kidney.shape, _FAR)
    inside = np.nonzero(core & (depth > 0.5))
    if len(apices) < 2 or inside[0].size < 20:
        return np.zeros(kidney.shape, np.float32), np.zeros(kidney.shape, np.float32)
    at = _mm(inside, spacing_mm)
    for axis in range(3):
        at[:, axis] += 0.8 * smooth_field(rng, _shape(depth), spacing_mm, 7.0)[inside]
    middle = at.mean(axis=0)
    open_side = at[int(depth[inside].argmin())]  # where the sinus comes out: the hilum
    pelvis = (middle + rng.uniform(0.1, 0.7) * (open_side - middle)).astype(np.float32)
    swell = float(np.exp(rng.normal(0, 0.45)))  # dilation: of all parts together
    signed = np.sqrt(((at - pelvis) ** 2 / _PELVIS_STRETCH).sum(axis=1)) - rng.uniform(3.0, 6.5) * swell
    for apex in apices[rng.random(len(apices)) < rng.uniform(0.5, 1.0)]:
        cup = np.sqrt(((at - apex) ** 2).sum(axis=1)) - rng.uniform(1.2, 3.0) * swell
        neck = from_segment(at, apex, pelvis) - rng.uniform(0.4, 1.3) * swell
        signed = np.minimum(signed, np.minimum(cup, neck))
    urine[inside] = np.maximum(signed, 0.6 - depth[inside])
    hilum = (middle + 1.1 * (open_side - middle)).astype(np.float32)
    best = np.full(len(at), _FAR)
    for _ in range(int(rng.integers(6, 19))):
        first, second = rng.choice(len(apices), 2, replace=False)
        column = (apices[first] + apices[second]) / 2 + rng.normal(0, 1.5, 3).astype(np.float32)
        fork = (hilum + (column - hilum) * rng.uniform(0.3, 0.6) + rng.normal(0, 2.5, 3)).astype(np.float32)
        radius = rng.uniform(0.6, 2.6)
        best = np.minimum(best, np.minimum(from_segment(at, hilum, fork), from_segment(at, fork, column)) - radius)
    vessel[inside] = best
    return share_within(urine, spacing_mm, 0.6), share_within(vessel, spacing_mm, 0.6)


def _mm(voxels: tuple[npt.NDArray[np.intp], ...], spacing_mm: npt.NDArray[np.float64]) -> Points:
    return (np.stack(voxels, axis=1) * spacing_mm).astype(np.float32)


def from_segment(at: Points, start: Points, stop: Points) -> Points:
    """Distance of each point (n, 3) to a straight line between two."""
    line = stop - start
    t = np.clip((at - start) @ line / max(float(line @ line), 1e-3), 0, 1).astype(np.float32)
    return np.asarray(np.sqrt(((at - start - t[:, None] * line) ** 2).sum(axis=1)), dtype=np.float32)
