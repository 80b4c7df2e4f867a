"""Pathology that is not the kidney's: lesions of liver and spleen, fluid and strands in the fat about a kidney."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Rng, smooth_field
from .partial_volume import share_within
from .scene import Scene
from .shapes import Ellipsoid
from .sources import ORGANS

_PERIRENAL_MM = 22.0
_WALL_MM = 1.0


def liver_lesions(rng: Rng, scene: Scene) -> Scene:
    """One to four cysts or metastases of 5 to 40 mm in liver or spleen, often where these touch the kidney."""
    for _ in range(int(rng.integers(1, 5))):
        scene = _lesion(rng, scene)
    return scene


def _lesion(rng: Rng, scene: Scene) -> Scene:
    organ = (scene.organs == ORGANS["liver"]) | (scene.organs == ORGANS["spleen"])
    found = Box.around(organ)
    if found is None:
        return scene
    places = np.argwhere(organ[found.slices]) + found.start
    kidneys = Box.around(scene.labels > 0)
    if kidneys is not None and rng.random() < 0.5:
        near = np.linalg.norm((places - np.array(kidneys.start)) * scene.spacing_mm, axis=1)
        far = np.linalg.norm((places - np.array(kidneys.stop)) * scene.spacing_mm, axis=1)
        places = places[np.argsort(near + far)[: max(len(places) // 6, 1)]]
    centre = places[int(rng.integers(len(places)))]
    diameter = float(np.exp(rng.uniform(np.log(5), np.log(40))))
    outline = Ellipsoid.draw(rng, diameter, float(rng.uniform(0, 0.2)))
    k, j, i = (int(n) for n in centre)
    box = Box((k, j, i), (k + 1, j + 1, i + 1)).grown(outline.reach_mm + 3, scene.spacing_mm, scene.shape)
    axes = [
        ((np.arange(start, stop) - at) * step).astype(np.float32)
        for start, stop, at, step in zip(box.start, box.stop, centre, scene.spacing_mm, strict=True)
    ]
    signed = outline.signed_mm(np.stack(np.meshgrid(*axes, indexing="ij")))
    own, hu = organ[box.slices], scene.hu.copy()
    level = float(np.median(hu[box.slices][own]))
    cyst = rng.random() < 0.5
    wanted = float(rng.uniform(-5, 20) if cyst else level * rng.uniform(0.35, 1.5))
    share = share_within(signed, scene.spacing_mm, 0.6 if cyst else float(rng.uniform(0.8, 2.0))) * own
    texture = wanted + (0 if cyst else 6) * smooth_field(rng, box.shape, scene.spacing_mm, max(diameter / 3, 2.5))
    hu[box.slices] += share * (texture + scene.noise.draw(rng, box.shape) - hu[box.slices])
    return scene.altered(hu)


def stranded_fat(rng: Rng, scene: Scene, side: Side) -> Scene:
    """Strands, a thickened fascia and at times a collection of fluid in the perirenal fat of one kidney."""
    kidney = scene.labels == Label.kidney(side)
    found = Box.around(kidney)
    if found is None:
        return scene
    box = found.grown(_PERIRENAL_MM + 4, scene.spacing_mm, scene.shape)
    part, where = scene.crop(box), box.slices
    away = ndimage.distance_transform_edt(~(part.labels > 0), sampling=part.spacing_mm).astype(np.float32)
    fat = ndimage.gaussian_filter(((part.hu < -40) & (part.hu > -160)).astype(np.float32), 0.5)
    free = fat * (part.labels == 0) * (part.organs == 0) * (away < _PERIRENAL_MM)
    field = smooth_field(rng, part.shape, part.spacing_mm, rng.uniform(7, 14))
    slope = np.sqrt(sum(g**2 for g in np.gradient(field, *part.spacing_mm))) + 1e-3
    sheets = np.exp(-((field / slope / rng.uniform(0.4, _WALL_MM)) ** 2)) * np.exp(-away / rng.uniform(5, 15))
    fascia = np.exp(-(((away - rng.uniform(8, 18) - 2 * field) / _WALL_MM) ** 2)) * (rng.random() < 0.5)
    share = np.maximum(sheets, fascia) * rng.uniform(0.3, 0.9)
    if rng.random() < 0.25:  # a crescent of fluid or blood under the fascia
        crescent = rng.uniform(1, 7) + 3 * smooth_field(rng, part.shape, part.spacing_mm, 25) - away
        share = np.maximum(share, 1 / (1 + np.exp(np.clip(-crescent / 0.6, -30, 30))))
    wanted = float(rng.uniform(5, 55))
    hu = scene.hu.copy()
    hu[where] = part.hu + (share * free).astype(np.float32) * (wanted + part.noise.draw(rng, part.shape) - part.hu)
    return scene.altered(hu.astype(np.float32))
