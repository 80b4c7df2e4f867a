"""Random fields: smooth ones for texture and anatomy, and noise like that of a given scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box, Triple
from RenalAILib.resampling import resample

Field = npt.NDArray[np.float32]
Rng = np.random.Generator


def smooth_field(rng: Rng, shape: Triple, spacing_mm: npt.ArrayLike, length_mm: float) -> Field:
    """A random field ``[k, j, i]`` of mean 0 and SD 1 that varies over about ``length_mm``."""
    knots = np.maximum(np.ceil(np.multiply(shape, spacing_mm) / length_mm), 1).astype(int) + 2
    white = rng.standard_normal(tuple(knots)).astype(np.float32)
    inner = Box((1, 1, 1), tuple(int(n) - 1 for n in knots))  # type: ignore[arg-type]
    field = resample(white, inner, shape)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


@dataclass(frozen=True)
class Noise:
    """How a scan's noise looks: standard deviation in HU, and the blur (voxels) that gives its correlation."""

    sd_hu: float
    blur: tuple[float, float, float] = (0.3, 0.7, 0.7)

    @classmethod
    def of(cls, hu: npt.NDArray[np.int16], region: npt.NDArray[np.bool_]) -> Noise:
        """Measured in a ``region`` of one homogeneous organ (liver, spleen).

        White noise blurred by a Gaussian of sigma ``s`` has autocorrelation ``exp(-d^2 / 4 s^2)`` at a lag of ``d``
        voxels: the sigma of each axis follows from the lag of one voxel.

        Raises:
            ValueError: the region is too small to say (under 500 voxels).
        """
        box = Box.around(region)
        if box is None or region.sum() < 500:
            raise ValueError("noise needs a homogeneous region of at least 500 voxels")
        inside = region[box.slices]
        crop = hu[box.slices].astype(np.float32)
        weight = ndimage.gaussian_filter(inside.astype(np.float32), (0, 4, 4))
        level = ndimage.gaussian_filter(np.where(inside, crop, 0), (0, 4, 4)) / np.maximum(weight, 1e-3)
        rest = np.where(inside, crop - level, 0)
        limit = 3 * 1.4826 * float(np.median(np.abs(rest[inside])))  # vessels are no noise
        inside = inside & (np.abs(rest) < max(limit, 1.0))
        variance = float((rest[inside] ** 2).mean())
        blur = []
        for axis in range(3):
            first = np.moveaxis(rest, axis, 0)[:-1], np.moveaxis(inside, axis, 0)[:-1]
            second = np.moveaxis(rest, axis, 0)[1:], np.moveaxis(inside, axis, 0)[1:]
            both = first[1] & second[1]
            correlation = float((first[0][both] * second[0][both]).mean()) / variance if both.any() else 0.0
            blur.append(float(np.sqrt(-1 / (4 * np.log(np.clip(correlation, 1e-3, 0.9))))))
        return cls(float(np.sqrt(variance)), (blur[0], blur[1], blur[2]))

    def draw(self, rng: Rng, shape: Triple) -> Field:
        """Noise of this look, float32 ``[k, j, i]``."""
        white = rng.standard_normal(shape, dtype=np.float32)
        noise = ndimage.gaussian_filter(white, self.blur, mode="wrap", truncate=3)
        return np.asarray(noise * (self.sd_hu / max(float(noise.std()), 1e-6)), dtype=np.float32)
