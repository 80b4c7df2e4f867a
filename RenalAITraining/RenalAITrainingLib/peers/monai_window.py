"""MONAI's own transforms and sliding window with the published network, as its tutorials put them together."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.utils import sliding_window_inference
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.spatial.array import Spacing, SpatialResample

from .question import Labels, Question, Setup


class MonaiWindow:
    """`Spacing` to the network's grid, `sliding_window_inference`, `Spacing.inverse` back.

    Args:
        setup: by default tiles overlap by half and both probabilities come back by interpolation. Tuned, they overlap
            by a quarter, and the class is chosen on the coarse grid, so that one label comes back by nearest neighbor.
            With one window both probabilities come back.
    """

    def __init__(self, question: Question, setup: Setup = Setup.DEFAULT) -> None:
        self.name = f"MONAI, {setup.value}"
        self._setup, self._question, self._volume = setup, question, question.volume
        self._network = question.network()
        window = question.stage.window
        low, high = window.level_hu - window.width_hu / 2, window.level_hu + window.width_hu / 2
        self._scale = ScaleIntensityRange(low, high, -1.0, 1.0, clip=True)
        self._spacing = Spacing([question.stage.spacing_mm] * 3, mode="bilinear")

    def answer(self) -> Labels:
        """1 where there is kidney."""
        if self._setup is Setup.SAME_IMAGE:
            return self._of_given_image()
        affine = torch.diag(torch.tensor([*self._volume.spacing_mm, 1.0]))  # MONAI's axes are the array's own
        image = MetaTensor(torch.from_numpy(np.asarray(self._volume.voxels, np.float32))[None], affine=affine)
        coarse = self._spacing(image)
        probability = self._probability(torch.as_tensor(self._scale(coarse)))
        if self._setup is Setup.TUNED:
            chosen = probability.argmax(dim=0, keepdim=True).float()
            return np.asarray(self._back(chosen, coarse, nearest=True)[0] > 0.5, np.uint8)
        return np.asarray(self._back(probability, coarse).argmax(dim=0), np.uint8)

    def _of_given_image(self) -> Labels:
        """Its inference and its way back, without its preparation of the image."""
        coarse, image = self._question.image()
        k, j, i = coarse.shape
        probability = self._probability(torch.from_numpy(image)[None])[:, :k, :j, :i]
        spacing, step = np.asarray(self._volume.spacing_mm), np.divide(self._volume.shape, coarse.shape)
        affine = np.diag([*spacing * step, 1.0])
        affine[:3, 3] = spacing * (step / 2 - 0.5)  # both grids cover the same
        back = SpatialResample(mode="bilinear", padding_mode="border")
        found = back(
            MetaTensor(probability, affine=torch.from_numpy(affine)),
            dst_affine=torch.diag(torch.tensor([*spacing, 1.0])),
            spatial_size=self._volume.shape,
        )
        return np.asarray(torch.as_tensor(found).argmax(dim=0), np.uint8)

    def _probability(self, image: torch.Tensor) -> torch.Tensor:
        """``(1, k, j, i)``, windowed, to probabilities ``(2, k, j, i)``."""
        tuned = self._setup is Setup.TUNED
        with torch.no_grad():
            logits = sliding_window_inference(
                image[None],
                self._question.patch(self._setup),
                sw_batch_size=2,
                predictor=self._network,
                overlap=0.25 if tuned else 0.5,
                mode="gaussian" if self._setup is Setup.DEFAULT else "constant",
                padding_mode="constant",
                cval=-1.0,
            )
        return torch.softmax(torch.as_tensor(logits)[0], dim=0)

    def _back(self, values: torch.Tensor, coarse: torch.Tensor, nearest: bool = False) -> torch.Tensor:
        """``values`` of the coarse grid on the CT's, along the way that ``coarse`` has noted."""
        assert isinstance(coarse, MetaTensor)
        answer = MetaTensor(values, affine=coarse.affine, applied_operations=deepcopy(coarse.applied_operations))
        for step in answer.applied_operations if nearest else ():
            for word in ("extra_info", "lazy_info"):
                if isinstance(step.get(word), dict) and "mode" in step[word]:
                    step[word]["mode"] = "nearest"
        return torch.as_tensor(self._spacing.inverse(answer))
