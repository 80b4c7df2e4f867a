"""Grad-CAM without torch (Selvaraju et al. 2017): where the classifier looked, from its last feature maps.

The head after the feature maps is global average pooling, a hidden layer with ReLU and an output layer, so the gradient
of a class score with respect to the maps is the same at every voxel and has a closed form.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .boxes import Box, Triple
from .errors import InputError
from .resampling import resample

Floats = npt.NDArray[np.float32]
_LARGEST_HEAD = 64 << 20  # bytes; the shipped one has 70 KB


@dataclass(frozen=True, eq=False)
class Head:
    """The classifier after its feature maps: ``logits = output(ReLU(hidden(mean of features)))``.

    Args:
        hidden_weight: (H, F).
        hidden_bias: (H,).
        output_weight: (C, H).
        output_bias: (C,).
    """

    hidden_weight: Floats
    hidden_bias: Floats
    output_weight: Floats
    output_bias: Floats

    def __post_init__(self) -> None:
        hidden, classes = self.hidden_bias.shape[0], self.output_bias.shape[0]
        if self.hidden_weight.ndim != 2 or self.hidden_weight.shape[0] != hidden:
            raise ValueError(f"hidden_weight {self.hidden_weight.shape} does not fit hidden_bias ({hidden},)")
        if self.output_weight.shape != (classes, hidden):
            raise ValueError(f"output_weight {self.output_weight.shape} does not fit ({classes}, {hidden})")

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read an ``.npz`` of the four arrays; pickled content and bombs are refused. Raises InputError."""
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_HEAD:
                    raise InputError(f"{path.name} is too large for the head of a classifier")
            with np.load(path, allow_pickle=False) as arrays:
                names = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
                return cls(*(np.asarray(arrays[name], dtype=np.float32) for name in names))
        except InputError:
            raise
        except (OSError, ValueError, KeyError, IndexError, MemoryError, zipfile.BadZipFile, zlib.error) as problem:
            raise InputError(f"{path.name} is not the head of a classifier: {problem}") from problem

    def logits(self, features: Floats) -> Floats:
        """Class scores (C,) of feature maps (F, d, h, w)."""
        hidden = self.hidden_weight @ features.mean(axis=(1, 2, 3)) + self.hidden_bias
        return np.asarray(self.output_weight @ np.maximum(hidden, 0) + self.output_bias)

    def gradient(self, features: Floats, chosen: int) -> Floats:
        """Derivative of the score of class ``chosen`` with respect to each map at any one voxel, (F,)."""
        hidden = self.hidden_weight @ features.mean(axis=(1, 2, 3)) + self.hidden_bias
        of_mean = (self.output_weight[chosen] * (hidden > 0)) @ self.hidden_weight
        return np.asarray(of_mean / np.prod(features.shape[1:]))


def grad_cam(head: Head, features: Floats, chosen: int) -> Floats:
    """The map of class ``chosen`` on the grid of ``features`` (F, d, h, w): float32 from 0 to 1.

    All zero where nothing speaks for the class.
    """
    # The gradient is constant over the maps, so its mean, Grad-CAM's weight, is itself.
    cam = np.maximum(np.tensordot(head.gradient(features, chosen), features, axes=1), 0)
    peak = cam.max()
    return np.asarray(cam / peak if peak > 0 else cam, dtype=np.float32)


def mean_grad_cam(heads: Sequence[Head], features: Sequence[Floats], chosen: int) -> Floats:
    """The map of class ``chosen`` by an ensemble: the mean of its members' maps, float32 from 0 to 1.

    Each member's map counts alike, however large its scores are; one that sees nothing for the class adds nothing.

    Args:
        heads: of each member.
        features: of each member, (F, d, h, w); the result is on the grid of the first.
    """
    maps = [grad_cam(head, each, chosen) for head, each in zip(heads, features, strict=True)]
    d, h, w = maps[0].shape
    total = sum((_on_grid(cam, (d, h, w)) for cam in maps), np.zeros((d, h, w), np.float32))
    peak = total.max()
    return np.asarray(total / peak if peak > 0 else total, dtype=np.float32)


def _on_grid(cam: Floats, shape: Triple) -> Floats:
    if cam.shape == shape:
        return cam
    return resample(cam, Box.whole((cam.shape[0], cam.shape[1], cam.shape[2])), shape)
