"""The scanner: blur, slice thickness and correlated noise on a painted patient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def scan(
    hu: npt.NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    noise_hu: float | None = None,
) -> npt.NDArray[np.int16]:
    """Painted HU ``[k, j, i]`` as a scanner would give them, int16 in -1024 ... 3071.

    The blur stands for a soft reconstruction kernel (0.6-0.9 mm) and for a slice profile somewhat wider than the
    slice distance; the noise has a soft kernel's correlation in plane and little between slices.
    """
    plane = rng.uniform(0.55, 0.85)
    blurred = _blurred(hu, spacing_mm, (0.3 * spacing_mm[0], plane, plane))
    sd = rng.uniform(9, 20) if noise_hu is None else noise_hu
    grain = rng.uniform(0.5, 0.9)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise = _blurred(noise, (1.0, 1.0, 1.0), (0.35, grain, grain))
    blurred += noise * np.float32(sd / max(float(noise.std()), 1e-6))
    return np.clip(np.rint(blurred), -1024, 3071).astype(np.int16)


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
