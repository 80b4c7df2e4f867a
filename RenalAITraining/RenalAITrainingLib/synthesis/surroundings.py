"""Surroundings: what else a scan may hold beside the abdomen: thorax above, table below, arms.

All of it is drawn on the coarse grid of locate (about 3 mm), where a plain drawing is as good as a scan.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box

from .fields import Field, Rng, smooth_field
from .scene import Scene

_AIR = np.float32(-1000.0)
_OUTSIDE = -300.0


def body_mask(scene: Scene) -> npt.NDArray[np.bool_]:
    """The patient, bowel gas and lungs filled, per axial slice."""
    dense = ndimage.binary_opening(scene.hu > -120, np.ones((1, 3, 3)))
    filled = np.stack([ndimage.binary_fill_holes(part) for part in dense])
    return np.asarray(filled, dtype=bool)


def air_as_air(scene: Scene) -> Scene:
    """HU clipped at about -125 (BTCV) given back: what lies at the lower limit becomes air."""
    lowest = float(scene.hu.min())
    if lowest < -200:
        return scene
    return replace(scene, hu=np.where(scene.hu < lowest + 3, _AIR, scene.hu).astype(np.float32))


def padded(scene: Scene, before: tuple[int, int, int], after: tuple[int, int, int]) -> Scene:
    """More field of view on each side, filled with air."""
    pads = list(zip(before, after, strict=True))
    return replace(
        scene,
        hu=np.pad(scene.hu, pads, constant_values=_AIR),
        labels=np.pad(scene.labels, pads),
        parenchyma=np.pad(scene.parenchyma, pads),
        organs=np.pad(scene.organs, pads),
    )


def cut(rng: Rng, scene: Scene) -> Scene:
    """Less field of view head or foot, at times through a kidney, as in scans of the chest."""
    kidneys = Box.around(scene.labels > 0)
    if kidneys is None:
        return scene
    low, high = 0, scene.shape[0]
    kidney_height = kidneys.stop[0] - kidneys.start[0]
    if rng.random() < 0.5:
        low = int(rng.integers(0, max(1, kidneys.start[0] + (kidney_height // 2 if rng.random() < 0.35 else 0))))
    if rng.random() < 0.4:
        high -= int(rng.integers(0, max(1, scene.shape[0] - kidneys.stop[0])))
    return scene.crop(Box((low, 0, 0), (max(high, low + 8), *scene.shape[1:])))


def with_thorax(rng: Rng, scene: Scene, height_mm: float) -> Scene:
    """A thorax drawn on top: the upper slice's outline, spine and ribs, with lungs, heart and great vessels inside."""
    step = float(scene.spacing_mm[0])
    count = max(2, round(height_mm / step))
    grown = padded(scene, (0, 0, 0), (count, 0, 0))
    body = body_mask(scene)
    usable = np.flatnonzero(body.sum(axis=(1, 2)) > 0.5 * np.median(body.sum(axis=(1, 2))))
    if usable.size == 0:
        return scene
    top = int(usable[-1])
    outline = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(body[top], 6), iterations=5))[6:-6, 6:-6]
    grown = grown.crop(Box((0, 0, 0), (top + 1 + count, *scene.shape[1:])))
    drawn = _thorax(rng, outline, _spine(scene, top), count, scene.spacing_mm, scene.enhanced)
    fade = np.clip(np.arange(count, dtype=np.float32) * step / 15, 0, 1)[:, None, None]  # no seam: 15 mm of both
    wavy = np.clip(fade * 3 - 1 + 0.7 * smooth_field(rng, (count, *outline.shape), scene.spacing_mm, 25), 0, 1)
    grown.hu[top + 1 :] = scene.hu[top] * (1 - wavy) + drawn * wavy
    return grown


def _spine(scene: Scene, top: int) -> tuple[float, float]:
    """Where the vertebral body lies (j, i): the middle of the brightest blob of vertebral size in the upper slices."""
    slab = ndimage.gaussian_filter(scene.hu[max(top - 8, 0) : top + 1].mean(axis=0), 9 / scene.spacing_mm[1:])
    body = body_mask(scene)[top]
    j, i = np.nonzero(body)
    middle = np.abs(np.arange(slab.shape[1]) - i.mean()) * scene.spacing_mm[2] < 35
    back = np.arange(slab.shape[0])[:, None] > j.mean()
    best = np.unravel_index(int(np.argmax(np.where(middle[None] & back, slab, -1e4))), slab.shape)
    return float(best[0]), float(best[1])


def _thorax(
    rng: Rng, outline: npt.NDArray[np.bool_], spine_at: tuple[float, float], count: int,
    spacing: npt.NDArray[np.float64], enhanced: bool,
) -> Field:  # fmt: skip
    distance = ndimage.distance_transform_edt(outline, sampling=spacing[1:]).astype(np.float32)
    signed = distance - ndimage.distance_transform_edt(~outline, sampling=spacing[1:]).astype(np.float32)
    j, i = np.nonzero(outline)
    shape = (count, *outline.shape)
    z = np.arange(count, dtype=np.float32)[:, None, None] * np.float32(spacing[0])
    height = float(z.max()) + 1
    y = (np.arange(outline.shape[0], dtype=np.float32)[:, None] - j.mean()) * np.float32(spacing[1])
    back_y = np.float32((spine_at[0] - j.mean()) * spacing[1])
    x = (np.arange(outline.shape[1], dtype=np.float32)[None, :] - spine_at[1]) * np.float32(spacing[2])
    half_depth, half_width = np.ptp(j) / 2 * spacing[1], np.ptp(i) / 2 * spacing[2]
    narrowing = np.clip((z - 0.75 * height) / max(0.25 * height, 1), 0, 1) * rng.uniform(0, 35) * (height > 180)
    inside = signed[None] - narrowing - 3 * smooth_field(rng, shape, spacing, 60)
    fat_mm, muscle_mm = rng.uniform(6, 28), rng.uniform(10, 20)
    hu = np.where(inside > 0, np.float32(-100), _AIR)
    hu = np.where(inside > fat_mm, np.float32(rng.uniform(45, 60)), hu)
    chest = inside - fat_mm - muscle_mm
    ribs = (np.abs(chest + 5) < 4) & (np.sin(2 * np.pi * (z + 0.35 * y) / rng.uniform(22, 30)) > 0.35)
    hu = np.where(ribs & (np.abs(x) > 22), np.float32(rng.uniform(200, 400)), hu)
    waist = rng.uniform(0.16, 0.26) * half_width * (1 + 0.25 * smooth_field(rng, shape, spacing, 40))
    before_heart = (np.abs(y + 0.1 * half_depth) < 0.1 * half_depth) & (np.abs(x) > 8)
    lungs = (chest > 0) & ((np.abs(x) > waist) | before_heart)
    hu = np.where(lungs, -830 + 60 * smooth_field(rng, shape, spacing, 25), hu)
    vessels = smooth_field(rng, shape, spacing, 7) > 2.1
    hu = np.where(lungs & vessels, np.float32(40), hu)
    blood = rng.uniform(120, 300) if enhanced else rng.uniform(35, 48)
    beat = ((z - rng.uniform(0, 40)) / 55) ** 2 + ((y + 0.3 * half_depth) / 48) ** 2 + ((x - 20) / 58) ** 2
    hu = np.where((beat < 1.15) & (chest > -4), np.float32(50), hu)
    hu = np.where((beat < 0.75) & (chest > -4), np.float32(blood), hu)
    aorta = (y - back_y + 32) ** 2 + (x - 16) ** 2 < rng.uniform(10, 16) ** 2
    hu = np.where(aorta[None], np.float32(blood), hu)
    spine = ((y - back_y) / 18) ** 2 + (x / 19) ** 2 < 1
    disc = np.sin(2 * np.pi * z / rng.uniform(22, 30)) > -0.75
    hu = np.where(spine[None] & (chest > -30), np.where(disc, np.float32(rng.uniform(150, 320)), np.float32(80)), hu)
    posterior = (np.abs(x) < 10) & (y > back_y + 12) & (signed > fat_mm)
    hu = np.where(posterior[None], np.float32(260), hu)
    hu = ndimage.gaussian_filter(hu.astype(np.float32), 0.6)
    noise = rng.uniform(3, 20) * rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.where(inside > -3, hu + noise, hu), dtype=np.float32)


def with_table(rng: Rng, scene: Scene) -> Scene:
    """A curved table under the back: thin dense shells, foam between."""
    body = body_mask(scene)
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    if rows.size == 0:
        return scene
    x = np.arange(scene.shape[2], dtype=np.float32)
    curve = rng.uniform(0, 0.0012) * ((x - x.mean()) * scene.spacing_mm[2]) ** 2
    top = rows[-1] * scene.spacing_mm[1] + rng.uniform(-2, 8) - curve
    thick = rng.uniform(20, 60)
    y = np.arange(scene.shape[1], dtype=np.float32)[:, None] * scene.spacing_mm[1]
    within = (y > top) & (y < top + thick)
    shell = within & ((y < top + 4) | (y > top + thick - 4))
    table = np.where(shell, rng.uniform(-250, 150), np.where(within, rng.uniform(-980, -850), _AIR))
    free = ~body & (scene.hu < _OUTSIDE)
    return replace(scene, hu=np.where(free, np.maximum(scene.hu, table[None]), scene.hu).astype(np.float32))


def with_arms(rng: Rng, scene: Scene) -> Scene:
    """One or two arms beside the body: fat, muscle, one or two long bones."""
    hu = scene.hu.copy()
    body = body_mask(scene)
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    if columns.size == 0:
        return scene
    z = np.arange(scene.shape[0], dtype=np.float32)[:, None, None] * scene.spacing_mm[0]
    y = np.arange(scene.shape[1], dtype=np.float32)[None, :, None] * scene.spacing_mm[1]
    x = np.arange(scene.shape[2], dtype=np.float32)[None, None, :] * scene.spacing_mm[2]
    middle = (rows[0] + rows[-1]) / 2 * scene.spacing_mm[1]
    for edge, outward in ((columns[0], -1), (columns[-1], 1)):
        if rng.random() < 0.15:
            continue
        radius = rng.uniform(28, 50)
        at_x = edge * scene.spacing_mm[2] + outward * (radius + rng.uniform(-6, 20))
        at_y = middle + rng.uniform(-40, 50)
        lean_x, lean_y = rng.normal(0, 0.12), rng.normal(0, 0.2)
        dx, dy = x - at_x - lean_x * z, y - at_y - lean_y * z
        r = np.sqrt(dx**2 + (dy / rng.uniform(0.9, 1.25)) ** 2)
        r = r + 2 * smooth_field(rng, scene.shape, scene.spacing_mm, 40)
        arm = np.where(r < radius, np.float32(-100), _AIR)
        arm = np.where(r < radius - rng.uniform(4, 12), np.float32(rng.uniform(45, 60)), arm)
        for _ in range(int(rng.integers(1, 3))):
            bx, by = rng.uniform(-12, 12, 2)
            bone = np.sqrt((dx - bx) ** 2 + (dy - by) ** 2)
            arm = np.where(bone < 9, np.float32(700), arm)
            arm = np.where(bone < 4, np.float32(100), arm)
        hu = np.where(~body & (hu < _OUTSIDE), np.maximum(hu, arm), hu)
    return replace(scene, hu=hu.astype(np.float32))
