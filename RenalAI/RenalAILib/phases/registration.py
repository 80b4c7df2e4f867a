"""Rigid registration of two scans of one patient around an organ, which breathing moves against the rest.

Correlation of HU cut off at 60, in SimpleITK: above it contrast medium changes everything, below it lies the fat that
outlines a kidney in every phase. Only the organ and its nearest surroundings count, so that spine and ribs, which stay
where they are, do not hold it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..boxes import Box
from ..resampling import resample
from ..volume import Volume

if TYPE_CHECKING:
    import SimpleITK as sitk

_GRID_MM = 2.5
_MARGIN_MM = 20.0
_AROUND_MM = 10.0
_WINDOW_HU = (-150.0, 60.0)
_REACH_MM = 40.0  # how far a kidney may have moved head-foot between two breaths
_STEP_MM = 5.0
_COVERED = 0.8
_FAR_MM = 25.0
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Motion:
    """How an organ lies in another scan.

    Attributes:
        matrix: 4x4, RAS mm of the first scan to RAS mm of the other.
        shift_mm: of the organ's middle, RAS.
        rotation_deg: about whatever axis.
    """

    matrix: npt.NDArray[np.float64]
    shift_mm: tuple[float, float, float]
    rotation_deg: float

    @property
    def distance_mm(self) -> float:
        """Length of the shift."""
        return float(np.linalg.norm(self.shift_mm))

    def bring(self, other: Volume) -> Volume:
        """The other scan where the organ lies over that of the first one: the same voxels, moved, nothing resampled."""
        return Volume(other.voxels, np.linalg.inv(self.matrix) @ other.ijk_to_ras, other.name)


def register(volume: Volume, organ: npt.NDArray[np.bool_], other: Volume) -> Motion | None:
    """The rigid motion of an organ from one scan to another; None where the other scan does not show it.

    Args:
        volume: canonical (k to the head), HU.
        organ: mask on the grid of ``volume``.
        other: of the same patient, on any grid, in roughly the same position.
    """
    tight = Box.around(organ)
    if tight is None:
        raise ValueError("there is no organ to register")
    fixed, mask = _on_grid(volume, organ, tight.grown(_MARGIN_MM, volume.spacing_mm, volume.shape))
    center = volume.ras(np.argwhere(organ).mean(axis=0)) * (-1, -1, 1)
    middle = (float(center[0]), float(center[1]), float(center[2]))
    moving, covered = _around(fixed, mask, _image(other))
    if covered < _COVERED:
        return None
    found = _refined(fixed, mask, moving, _best_start(fixed, mask, moving, middle))
    return _motion(found, np.asarray(middle))


def shift_sentences(name: str, told: str, shifts_mm: Mapping[str, float]) -> list[str]:
    """What the radiologist is told of a registered scan.

    Args:
        name: of the scan.
        told: how the sentence begins.
        shifts_mm: by what was registered.

    Example:
        >>> shift_sentences("scan 2", "scan 2, plain", {"kidney right": 4.25})
        ['scan 2, plain: shifted kidney right by 4.2 mm.']
    """
    moved = ", ".join(f"{what} by {distance:.1f} mm" for what, distance in shifts_mm.items())
    sentences = [f"{told}: {'shifted ' + moved if moved else 'shows no kidney'}."]
    if any(distance > _FAR_MM for distance in shifts_mm.values()):
        sentences.append(f"So large a shift in {name} is unusual: check the registration.")
    return sentences


def _on_grid(volume: Volume, organ: npt.NDArray[np.bool_], box: Box) -> tuple[sitk.Image, sitk.Image]:
    """The surroundings of the organ and where the metric looks, on a coarse grid."""
    import SimpleITK as sitk

    size = np.maximum(np.rint(np.multiply(box.shape, volume.spacing_mm) / _GRID_MM), 8).astype(int)
    shape = (int(size[0]), int(size[1]), int(size[2]))
    scale = np.divide(box.shape, shape)
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, :3] = volume.ijk_to_ras[:3, :3] * scale[::-1]
    matrix[:3, 3] = volume.ras(np.asarray(box.start) + (scale - 1) / 2)
    hu = resample(np.asarray(volume.voxels, np.float32), box, shape)
    inside = resample(organ.astype(np.float32), box, shape) > 0.5
    fixed = _image(Volume(np.asarray(hu, np.float32), matrix))
    mask = _image(Volume(inside.astype(np.uint8), matrix), clip=False)
    radius = [max(1, round(_AROUND_MM / spacing)) for spacing in mask.GetSpacing()]
    return fixed, sitk.BinaryDilate(mask, radius, sitk.sitkBall)


def _image(volume: Volume, clip: bool = True) -> sitk.Image:
    """A volume for SimpleITK, LPS. A sheared grid is taken as its nearest straight one: the tilt is small."""
    import SimpleITK as sitk

    lps = _LPS @ volume.ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    left, _, right = np.linalg.svd(lps[:3, :3] / spacing)
    voxels = np.clip(volume.voxels, *_WINDOW_HU).astype(np.float32) if clip else volume.voxels
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing([float(value) for value in spacing])
    image.SetOrigin([float(value) for value in lps[:3, 3]])
    image.SetDirection([float(value) for value in (left @ right).ravel()])
    return image


def _around(fixed: sitk.Image, mask: sitk.Image, other: sitk.Image) -> tuple[sitk.Image, float]:
    """The other scan where the organ may have gone, on the grid of ``fixed``, and the share of the mask it covers."""
    import SimpleITK as sitk

    more = [int(np.ceil(_REACH_MM / spacing)) for spacing in fixed.GetSpacing()]
    wide = sitk.ConstantPad(fixed, more, more, 0.0)
    outside = 2 * _WINDOW_HU[0]
    moving = sitk.Resample(other, wide, sitk.Transform(), sitk.sitkLinear, outside)
    there = sitk.Crop(moving, more, more)
    inside = sitk.GetArrayFromImage(there)[sitk.GetArrayFromImage(mask) > 0] > 0.99 * outside
    return sitk.Clamp(moving, moving.GetPixelID(), *_WINDOW_HU), float(inside.mean())


def _method(mask: sitk.Image) -> sitk.ImageRegistrationMethod:
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(mask)
    method.SetMetricSamplingStrategy(method.NONE)  # every voxel of the mask: the same result every time
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _best_start(
    fixed: sitk.Image, mask: sitk.Image, moving: sitk.Image, middle: tuple[float, float, float]
) -> sitk.Euler3DTransform:
    """Of shifts head-foot the one with the best metric: breathing moves further than the optimizer sees."""
    import SimpleITK as sitk

    method = _method(mask)
    best, best_value = sitk.Euler3DTransform(middle), np.inf
    for step in sorted(np.arange(-_REACH_MM, _REACH_MM + 1, _STEP_MM), key=abs):
        moved = sitk.Euler3DTransform(middle)
        moved.SetTranslation((0.0, 0.0, float(step)))
        method.SetInitialTransform(moved, inPlace=False)
        try:
            value = method.MetricEvaluate(fixed, moving)
        except RuntimeError:  # nearly nothing overlaps there
            continue
        if value < best_value:
            best, best_value = moved, value
    return best


def _refined(
    fixed: sitk.Image, mask: sitk.Image, moving: sitk.Image, start: sitk.Euler3DTransform
) -> sitk.Euler3DTransform:
    import SimpleITK as sitk

    method = _method(mask)
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([2.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetOptimizerAsRegularStepGradientDescent(learningRate=2.0, minStep=0.02, numberOfIterations=60)
    method.SetOptimizerScalesFromPhysicalShift()
    found = sitk.Euler3DTransform(start)
    method.SetInitialTransform(found, inPlace=True)
    method.Execute(fixed, moving)
    return found


def _motion(found: sitk.Euler3DTransform, middle: npt.NDArray[np.float64]) -> Motion:
    rotation = np.reshape(found.GetMatrix(), (3, 3))
    center, translation = np.asarray(found.GetCenter()), np.asarray(found.GetTranslation())
    lps = np.eye(4)
    lps[:3, :3] = rotation
    lps[:3, 3] = translation + center - rotation @ center
    moved = lps[:3, :3] @ middle + lps[:3, 3] - middle
    angle = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
    right, anterior, superior = (_LPS[:3, :3] @ moved).tolist()
    return Motion(_LPS @ lps @ _LPS, (right, anterior, superior), float(angle))
