"""Reconstruction: the same patient through another kernel, at another dose, with streaks, or breathing between beds.

Soft kernels blur by about 0.5 to 1 mm; sharp ones overshoot at edges and bring noise up, which grows with the inverse
root of the dose (Boedeker and McNitt-Gray, Phys Med Biol 2007, 52:4047). Where photons are few, as between the arms,
noise becomes streaks from side to side (Barrett and Keat, Artifacts in CT, RadioGraphics 2004, 24:1679); dense metal
throws dark and bright streaks about itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .fields import Noise, Rng
from .scene import Scene
from .warping import pulled

SHARES = {"breathing": 0.04, "metal": 0.03, "soft kernel": 0.1, "sharp kernel": 0.1, "starved": 0.06}
"""How often each comes, independently of the others."""

_LEAST_HU, _SOFT_HU = -1024.0, -250.0


def reconstructed(rng: Rng, scene: Scene) -> tuple[Scene, list[str]]:
    """``scene`` as another scanner or protocol might show it, and what was done; most stay as they are."""
    makers: dict[str, Callable[[Rng, Scene], Scene]] = {
        "breathing": breathed_between_beds, "metal": with_metal, "soft kernel": soft_kernel,
        "sharp kernel": sharp_kernel, "starved": starved,
    }  # fmt: skip
    drawn = [name for name in makers if rng.random() < SHARES[name]]
    for name in drawn:
        scene = makers[name](rng, scene)
    return scene, drawn


def soft_kernel(rng: Rng, scene: Scene) -> Scene:
    """Blurred in plane by 0.4 to 0.9 mm: as a smooth kernel or strong denoising shows it."""
    sigma = rng.uniform(0.4, 0.9) / scene.spacing_mm[1:]
    blurred = ndimage.gaussian_filter(scene.hu, (0, *sigma))
    quieter = replace(scene.noise, sd_hu=scene.noise.sd_hu * 0.6, blur=_wider(scene.noise, sigma))
    return replace(scene.altered(np.asarray(blurred, dtype=np.float32)), noise=quieter)


def sharp_kernel(rng: Rng, scene: Scene) -> Scene:
    """Edges overshoot by a part of their step, and fine noise of 5 to 20 HU comes on top."""
    amount = float(rng.uniform(0.3, 0.9))
    soft = ndimage.gaussian_filter(scene.hu, (0, *(1.0 / scene.spacing_mm[1:])))
    extra = Noise(float(rng.uniform(5, 20)), (0.2, 0.4, 0.4))
    hu = scene.hu + np.float32(amount) * (scene.hu - soft) + extra.draw(rng, scene.shape)
    noise = Noise(float(np.hypot(scene.noise.sd_hu * (1 + amount), extra.sd_hu)), extra.blur)
    return replace(scene.altered(np.maximum(hu, _LEAST_HU).astype(np.float32)), noise=noise)


def starved(rng: Rng, scene: Scene) -> Scene:
    """Streaks from side to side, stronger in some slices than in others, where the body is."""
    streaks = rng.standard_normal(scene.shape, dtype=np.float32)
    streaks = ndimage.gaussian_filter(streaks, (0.3, 0.6, rng.uniform(4, 12) / float(scene.spacing_mm[2])))
    strength = rng.uniform(6, 22) * np.exp(rng.normal(0, 0.3, (scene.shape[0], 1, 1)))
    streaks *= (strength / max(float(streaks.std()), 1e-6)).astype(np.float32)
    return scene.altered(np.asarray(scene.hu + streaks * (scene.hu > _SOFT_HU), dtype=np.float32))


def with_metal(rng: Rng, scene: Scene) -> Scene:
    """A clip or screw of 2 to 6 mm somewhere, with streaks of 30 to 150 HU about it in its slices."""
    places = np.argwhere((scene.hu[:, ::3, ::3] > -200) & (scene.labels[:, ::3, ::3] == 0)) * np.array([1, 3, 3])
    if len(places) == 0:
        return scene
    at = places[int(rng.integers(len(places)))]
    y, x = (((np.arange(scene.shape[axis]) - at[axis]) * scene.spacing_mm[axis]).astype(np.float32) for axis in (1, 2))
    distance = np.hypot(y[:, None], x[None])
    angle = np.arctan2(y[:, None], x[None])
    lobes = np.zeros_like(angle)
    for count in (2, 4, 7, 11):
        lobes += rng.normal(0, 1) * np.cos(count * angle + rng.uniform(0, 2 * np.pi)).astype(np.float32)
    streak = lobes / max(float(lobes.std()), 1e-6) * np.exp(-distance / rng.uniform(15, 40)) * rng.uniform(30, 150)
    radius = rng.uniform(1.0, 3.0)
    through = np.abs((np.arange(scene.shape[0]) - at[0]) * scene.spacing_mm[0]) <= max(radius * 2, scene.spacing_mm[0])
    hu = scene.hu.copy()
    hu[through] += np.where(hu[through] > _SOFT_HU, streak[None], 0)
    spot = (distance <= max(radius, float(scene.spacing_mm[1]))) & (scene.labels[at[0]] == 0)
    hu[at[0]][spot] = rng.uniform(1500, 3000)
    return scene.altered(np.maximum(hu, _LEAST_HU).astype(np.float32))


def breathed_between_beds(rng: Rng, scene: Scene) -> Scene:
    """From one slice on everything lies 1.5 to 6 mm aside: the patient breathed between two beds. Truth goes along."""
    shifts = [np.zeros(scene.shape, dtype=np.float32) for _ in range(3)]
    cut = int(rng.integers(1, max(scene.shape[0], 2)))
    direction = rng.standard_normal(3) * np.array([0.6, 1.0, 0.6])
    direction *= rng.uniform(1.5, 6.0) / max(float(np.linalg.norm(direction)), 1e-6)
    for shift, mm, step in zip(shifts, direction, scene.spacing_mm, strict=True):
        shift[cut:] = np.float32(mm / step)
    return pulled(scene, shifts)


def _wider(noise: Noise, sigma: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    return noise.blur[0], float(np.hypot(noise.blur[1], sigma[0])), float(np.hypot(noise.blur[2], sigma[1]))
