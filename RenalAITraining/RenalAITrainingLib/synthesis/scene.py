"""Scene: a stretch of CT, real or simulated, on its way to becoming a training sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from RenalAILib.boxes import Box, Triple
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, Label
from RenalAILib.resampling import resample

from ..samples import Kind, Split
from .fields import Field, Noise

PLAIN_KIDNEY_HU = 30.0
_ENHANCED_HU = 55.0


@dataclass(frozen=True, eq=False)
class Scene:
    """HU and truth on one grid, canonical ``[k, j, i]``.

    Attributes:
        hu: float32.
        labels: uint8 `Label` values, sinus counted as kidney.
        parenchyma: kidney tissue proper (no sinus, no mass).
        organs: uint8, values of `sources.ORGANS`; zeros where nothing is known.
        spacing_mm: (k, j, i).
        noise: the scan's own.
        kind, split, sources: for the sample's record.
    """

    hu: Field
    labels: npt.NDArray[np.uint8]
    parenchyma: npt.NDArray[np.bool_]
    organs: npt.NDArray[np.uint8]
    spacing_mm: npt.NDArray[np.float64]
    noise: Noise
    kind: Kind
    split: Split
    sources: tuple[str, ...]

    @property
    def shape(self) -> Triple:
        """Voxels along (k, j, i)."""
        k, j, i = self.hu.shape
        return k, j, i

    @cached_property
    def kidney_hu(self) -> float:
        """Median HU of the parenchyma; that of plain kidney where there is none."""
        return float(np.median(self.hu[self.parenchyma])) if self.parenchyma.any() else PLAIN_KIDNEY_HU

    @property
    def enhanced(self) -> bool:
        """Whether contrast agent has reached the kidneys."""
        return self.kidney_hu > _ENHANCED_HU

    @property
    def kidney(self) -> npt.NDArray[np.bool_]:
        """Both kidneys, sinus included, without masses."""
        return np.isin(self.labels, KIDNEY_LABELS)

    @property
    def masses(self) -> npt.NDArray[np.bool_]:
        """Every mass of whatever class."""
        return np.isin(self.labels, MASS_LABELS)

    def altered(self, hu: Field) -> Scene:
        """The scene with other HU in it: a real scan is then a synthetic one."""
        return replace(self, hu=hu, kind="synthetic" if self.kind == "real" else self.kind)

    def crop(self, box: Box) -> Scene:
        """The part in ``box`` (inside the scene), as copies."""
        return replace(
            self,
            hu=self.hu[box.slices].astype(np.float32),
            labels=self.labels[box.slices].copy(),
            parenchyma=self.parenchyma[box.slices].copy(),
            organs=self.organs[box.slices].copy(),
        )

    def mirrored(self) -> Scene:
        """Left and right exchanged, in the image and in the labels."""
        labels = self.labels[:, :, ::-1].copy()
        right, left = labels == Label.KIDNEY_RIGHT, labels == Label.KIDNEY_LEFT
        labels[right], labels[left] = Label.KIDNEY_LEFT, Label.KIDNEY_RIGHT
        return replace(
            self,
            hu=np.ascontiguousarray(self.hu[:, :, ::-1]),
            labels=labels,
            parenchyma=np.ascontiguousarray(self.parenchyma[:, :, ::-1]),
            organs=np.ascontiguousarray(self.organs[:, :, ::-1]),
        )

    def resampled(self, box: Box, shape: Triple) -> Scene:
        """The part in ``box`` on a grid of ``shape``; truth as in `resample_labels`. ``box`` may reach outside."""
        return replace(
            self,
            hu=resample(self.hu, box, shape),
            labels=resample_labels(self.labels, box, shape),
            parenchyma=resample(self.parenchyma, box, shape) >= 0.5,
            organs=resample_labels(self.organs, box, shape),
            spacing_mm=self.spacing_mm * np.divide(box.shape, shape),
        )


def resample_labels(labels: npt.NDArray[np.uint8], box: Box, shape: Triple) -> npt.NDArray[np.uint8]:
    """A label map on a grid of ``shape`` over ``box``: labelled where half the area is, with the value that has most.

    Each value is resampled as an indicator with the engine's own resampler. All values together make the outline, so
    that no seam opens between a kidney and its mass. Outside the array there is no label.
    """
    values = [int(value) for value in np.unique(labels) if value]
    result = np.zeros(shape, dtype=np.uint8)
    if not values:
        return result
    best = np.zeros(shape, dtype=np.float32)
    total = np.zeros(shape, dtype=np.float32)
    inside = box.clipped((labels.shape[0], labels.shape[1], labels.shape[2]))
    before, after = np.subtract(inside.start, box.start), np.subtract(box.stop, inside.stop)
    # outside the scan there is no truth: resample would repeat the edge
    crop = np.pad(labels[inside.slices], list(zip(before, after, strict=True)))
    for value in values:
        share = resample(crop == value, Box.whole((crop.shape[0], crop.shape[1], crop.shape[2])), shape)
        total += share
        won = share > best
        result[won] = value
        best = np.maximum(best, share)
    result[total < 0.5] = 0
    return result
