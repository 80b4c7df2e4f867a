"""The scanner: blur, slice thickness and correlated noise on a painted patient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def scan(
    hu: npt.NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    noise_hu: float | None = None,
    streaks_hu: float = 0.0,
) -> npt.NDArray[np.int16]:
    """Painted HU ``[k, j, i]`` as a scanner would give them, int16 in -1024 ... 3071.

    The blur stands for a soft reconstruction kernel (0.6-0.9 mm) and for a slice profile somewhat wider than the
    slice distance; the noise has a soft kernel's correlation in plane and little between slices. Streaks run from
    side to side, where the rays through both arms have lost most photons; ``streaks_hu`` is their standard deviation.
    """
    plane = rng.uniform(0.55, 0.85)
    blurred = _blurred(hu, spacing_mm, (0.3 * spacing_mm[0], plane, plane))
    sd = rng.uniform(9, 20) if noise_hu is None else noise_hu
    grain = rng.uniform(0.5, 0.9)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise = _blurred(noise, (1.0, 1.0, 1.0), (0.35, grain, grain))
    blurred += noise * np.float32(sd / max(float(noise.std()), 1e-6))
    if streaks_hu > 0:
        blurred += _streaks(hu.shape, spacing_mm, rng) * np.float32(streaks_hu)
    return np.clip(np.rint(blurred), -1024, 3071).astype(np.int16)


def _streaks(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Noise of standard deviation 1 that hardly changes from side to side."""
    noise = _blurred(rng.standard_normal(shape, dtype=np.float32), spacing_mm, (0.0, 1.0, 45.0))
    middle = noise[:, :, shape[2] // 4 : -(shape[2] // 4)]  # at its borders the filter repeats the edge: more noise
    return noise / np.float32(max(float(middle.std()), 1e-6))


def _blurred(
    array: npt.NDArray[np.float32], spacing_mm: tuple[float, float, float], sigma_mm: tuple[float, float, float]
) -> npt.NDArray[np.float32]:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    for axis in range(3):
        sigma = sigma_mm[axis] / spacing_mm[axis]  # in voxels; the recursive filter needs about a third of one
        if sigma >= 0.3 and array.shape[axis] >= 4:
            image = sitk.RecursiveGaussian(image, sigma, False, sitk.RecursiveGaussianImageFilter.ZeroOrder, 2 - axis)
    return np.asarray(sitk.GetArrayFromImage(image), dtype=np.float32)
