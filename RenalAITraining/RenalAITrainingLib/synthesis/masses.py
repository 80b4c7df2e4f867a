"""Masses put into kidneys: where they sit, how they replace what was there, and the exact truth.

Synthesised tumours in real scans have carried detection networks to the level of real ones (Hu et al., Label-Free
Liver Tumor Segmentation, CVPR 2023); here shapes are real where possible (KiTS23), and the tissues those of kidneys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, MassClass, Side

from .fields import Rng
from .partial_volume import share_within
from .scene import Scene
from .shapes import Ellipsoid, Outline, Traced
from .sources import ORGANS, ShapeLibrary
from .tissues import Surround, texture

_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
_TRIES = 10
_SMALLEST_VOXELS = 6
_PARAPELVIC_SHARE = 0.1
"""Of the cysts, those that push into the sinus."""

_PARAPELVIC_DEPTH_MM = 6.0
_LEAST_IN_PARENCHYMA = 0.25
"""Of a parapelvic cyst: what lies in the sinus alone (peripelvic cysts, a pelvis) is no mass of the kidney."""

_OBSTACLE_ML = 1.0
_KIDNEY_ORGANS = (ORGANS["kidney_left"], ORGANS["kidney_right"])


@dataclass(frozen=True)
class PlannedMass:
    """What is wanted before a place is found.

    Attributes:
        depth: where its centre lies along the surface's normal, in radii: -1 wholly inside, +0.7 mostly outside.
        parapelvic: whether it grows from the parenchyma into the sinus; ``depth`` is then of no use.
    """

    mass_class: MassClass
    diameter_mm: float
    depth: float
    parapelvic: bool = False


@dataclass(frozen=True, eq=False)
class InsertedMass:
    """What was put in, for the record of the sample.

    Attributes:
        diameter_mm: of the sphere of the outline's volume, before anything was cut off it.
        source: the KiTS23 case whose outline it is, or ``parametric``.
        centre_mm: centre of its voxels in mm from the scene's first voxel, (k, j, i).
    """

    mass_class: MassClass
    diameter_mm: float
    source: str
    centre_mm: npt.NDArray[np.float64]


def plan_mass(rng: Rng, mass_class: MassClass | None = None, largest_mm: float = 120.0) -> PlannedMass:
    """A random mass: 3 to 120 mm, most of them 5 to 35 mm, endophytic to exophytic."""
    drawn = mass_class or _CLASSES[int(rng.integers(len(_CLASSES)))]
    low, high = (5.0, 35.0) if rng.random() < 0.75 else (3.0, 120.0)
    diameter = float(np.exp(rng.uniform(np.log(low), np.log(min(high, largest_mm)))))
    depth = float(rng.uniform(-1.2, 0.7))
    return PlannedMass(drawn, diameter, depth, drawn is MassClass.CYSTIC and rng.random() < _PARAPELVIC_SHARE)


def draw_outline(
    rng: Rng, plan: PlannedMass, shapes: ShapeLibrary | None, traced_only: bool = False
) -> tuple[Outline, str]:
    """A real outline where a library is given and the mass is not tiny, a parametric one else; and its source's id.

    Args:
        traced_only: a real one in any case, which needs a library.
    """
    real_share = 0.35 if plan.mass_class is MassClass.CYSTIC else 0.6
    if shapes is not None and (traced_only or (plan.diameter_mm > 7 and rng.random() < real_share)):
        shape = shapes.draw(rng, plan.mass_class)
        return Traced.draw(rng, shape, plan.diameter_mm), shape.case_id
    roughness = rng.uniform(0, 0.08) if plan.mass_class is MassClass.CYSTIC else rng.uniform(0.02, 0.28)
    return Ellipsoid.draw(rng, plan.diameter_mm, float(roughness)), "parametric"


def insert_mass(
    rng: Rng, scene: Scene, side: Side, plan: PlannedMass, shapes: ShapeLibrary | None, traced_only: bool = False
) -> tuple[Scene, InsertedMass] | None:
    """``scene`` with one mass more in the kidney of ``side``; None where no fitting place was found.

    The truth is every voxel whose centre lies within the outline. At the border tissues mix over the scan's own
    sharpness; bone, air, other organs and masses that were there are never overwritten.
    """
    kidney = scene.labels == Label.kidney(side)
    if not kidney.any():
        return None
    outline, source = draw_outline(rng, plan, shapes, traced_only)
    places = _sinus_edge(scene, kidney) if plan.parapelvic else _surface(scene, kidney)
    if places is None:
        return None
    best: tuple[float, Box, npt.NDArray[np.float32]] | None = None
    for _ in range(_TRIES):
        centre = places(rng, plan.depth * plan.diameter_mm / 2)
        box = _box_about(centre, outline.reach_mm + 4, scene)
        if box is None:
            continue
        signed = _signed(outline, centre, box, scene.spacing_mm)
        wanted = signed < 0
        blocked = wanted & _forbidden(scene, box)
        overlap = (wanted & kidney[box.slices]).sum()
        if wanted.sum() < _SMALLEST_VOXELS or overlap < 0.08 * wanted.sum() or overlap < 4:
            continue
        if plan.parapelvic and (wanted & scene.parenchyma[box.slices]).sum() < _LEAST_IN_PARENCHYMA * wanted.sum():
            continue
        score = float(blocked.sum() / wanted.sum())
        if best is None or score < best[0]:
            best = score, box, signed
        if score < 0.04:
            break
    if best is None or best[0] > 0.35:
        return None
    return _composed(rng, scene, plan, best[1], best[2], source)


_Places = Callable[[Rng, float], npt.NDArray[np.float64]]


def _sinus_edge(scene: Scene, kidney: npt.NDArray[np.bool_]) -> _Places | None:
    """A function that draws a point (mm from the scene's corner) where parenchyma borders the sinus."""
    box = Box.around(kidney)
    if box is None:
        return None
    box = box.grown(6, scene.spacing_mm, scene.shape)
    own, parenchyma = kidney[box.slices], scene.parenchyma[box.slices]
    edge = own & parenchyma & ndimage.binary_dilation(own & ~parenchyma)
    depth = ndimage.distance_transform_edt(own | scene.masses[box.slices], sampling=scene.spacing_mm)
    points = np.argwhere(edge & (depth > _PARAPELVIC_DEPTH_MM)) + box.start
    if len(points) == 0:
        return None
    return lambda rng, _height: np.asarray(points[int(rng.integers(len(points)))] * scene.spacing_mm, dtype=np.float64)


def _surface(scene: Scene, kidney: npt.NDArray[np.bool_]) -> _Places | None:
    """A function that draws a point (mm from the scene's corner) at a height above the cortex's outer surface."""
    box = Box.around(kidney)
    if box is None:
        return None
    box = box.grown(6, scene.spacing_mm, scene.shape)
    crop = kidney[box.slices] | scene.masses[box.slices]
    blurred = ndimage.gaussian_filter(crop.astype(np.float32), 2.5 / scene.spacing_mm)
    rim = crop & ~ndimage.binary_erosion(crop)
    rim &= ndimage.binary_dilation(scene.parenchyma[box.slices], iterations=1)  # not the lip of the hilum
    points = np.argwhere(rim)
    if len(points) == 0:
        return None
    gradient = [np.gradient(blurred, float(step), axis=axis) for axis, step in enumerate(scene.spacing_mm)]

    def draw(rng: Rng, height_mm: float) -> npt.NDArray[np.float64]:
        point = points[int(rng.integers(len(points)))]
        inward = np.array([g[tuple(point)] for g in gradient])
        inward /= max(float(np.linalg.norm(inward)), 1e-6)
        return np.asarray((point + box.start) * scene.spacing_mm - inward * height_mm, dtype=np.float64)

    return draw


def _box_about(centre_mm: npt.NDArray[np.float64], reach_mm: float, scene: Scene) -> Box | None:
    start = np.floor((centre_mm - reach_mm) / scene.spacing_mm)
    stop = np.ceil((centre_mm + reach_mm) / scene.spacing_mm) + 1
    start, stop = np.maximum(start, 0).astype(int), np.minimum(stop, scene.shape).astype(int)
    if (stop - start < 2).any():
        return None
    return Box((int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2])))


def _signed(
    outline: Outline, centre_mm: npt.NDArray[np.float64], box: Box, spacing_mm: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    axes = [
        ((np.arange(start, stop) * step) - at).astype(np.float32)
        for start, stop, step, at in zip(box.start, box.stop, spacing_mm, centre_mm, strict=True)
    ]
    return outline.signed_mm(np.stack(np.meshgrid(*axes, indexing="ij")))


def _forbidden(scene: Scene, box: Box) -> npt.NDArray[np.bool_]:
    """Voxels that a mass may not take: air, bone, other organs, muscle, masses. Fat and kidney are free."""
    smooth = ndimage.uniform_filter(scene.hu[box.slices], (1, 3, 3))
    organs = scene.organs[box.slices]
    kidney = scene.kidney[box.slices]
    other = (organs > 0) & ~np.isin(organs, _KIDNEY_ORGANS)
    tissue = (smooth > -25) | (smooth < -119)
    return np.asarray(((other | tissue) & ~kidney) | scene.masses[box.slices], dtype=bool)


def _obstacles(forbidden: npt.NDArray[np.bool_], spacing_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """What a mass bends round; specks of noisy fat and vessels it grows over, or they would be holes in it."""
    opened = ndimage.binary_opening(forbidden, iterations=1)
    numbers, _ = ndimage.label(opened)
    large = np.bincount(numbers.ravel()) * float(np.prod(spacing_mm)) / 1000 >= _OBSTACLE_ML
    large[0] = False
    return np.asarray(large[numbers])


def _rooted(
    components: npt.NDArray[np.int32],
    kidney: npt.NDArray[np.bool_],
    signed: npt.NDArray[np.float32],
    spacing_mm: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """The one of several parts that has most of the kidney in it, and the distance to it alone.

    Not the largest: muscle may cut a mass in two, and the larger part lie under the skin.
    """
    in_kidney = np.bincount(components[kidney], minlength=int(components.max()) + 1)[1:]
    truth = components == int(in_kidney.argmax()) + 1
    away = ndimage.distance_transform_edt(~truth, sampling=spacing_mm) - 0.5 * float(spacing_mm.min())
    return truth, np.where(truth, signed, np.maximum(signed, away)).astype(np.float32)


def _composed(
    rng: Rng, scene: Scene, plan: PlannedMass, box: Box, signed: npt.NDArray[np.float32], source: str
) -> tuple[Scene, InsertedMass] | None:
    forbidden = _obstacles(_forbidden(scene, box), scene.spacing_mm) | scene.masses[box.slices]
    spacing = scene.spacing_mm
    if (forbidden & (signed < 0)).any():  # the mass bends round what it may not take
        clear = ndimage.distance_transform_edt(~forbidden, sampling=spacing).astype(np.float32)
        signed = np.maximum(signed, 1.0 - clear)
    truth = signed < 0
    kidney = scene.kidney[box.slices]
    components, count = ndimage.label(truth)
    if count > 1:
        truth, signed = _rooted(components, kidney, signed, spacing)
    if truth.sum() < _SMALLEST_VOXELS:
        return None
    surround = Surround(scene.kidney_hu, scene.enhanced, bool(kidney[truth].mean() > 0.9))
    hu = texture(rng, plan.mass_class, signed, spacing, plan.diameter_mm, surround)
    hu = hu + scene.noise.draw(rng, (hu.shape[0], hu.shape[1], hu.shape[2]))
    sharp = plan.mass_class is MassClass.CYSTIC or rng.random() < 0.6
    blur_mm = float(rng.uniform(0.45, 0.75) if sharp else rng.uniform(0.8, 1.8))
    alpha = share_within(signed, spacing, blur_mm)
    before = scene.hu[box.slices]
    result_hu, labels, parenchyma = scene.hu.copy(), scene.labels.copy(), scene.parenchyma.copy()
    lowest, highest = float(before.min()), float(max(before.max(), 200.0))
    result_hu[box.slices] = np.clip(before + alpha * (hu - before), lowest, highest)
    labels[box.slices][truth] = plan.mass_class.label
    parenchyma[box.slices] &= ~truth
    changed = replace(scene.altered(result_hu), labels=labels, parenchyma=parenchyma)
    if source.startswith("case_"):
        changed = replace(changed, sources=(*scene.sources, source))
    centre = (np.argwhere(truth).mean(axis=0) + box.start) * spacing
    return changed, InsertedMass(plan.mass_class, plan.diameter_mm, source, centre)
