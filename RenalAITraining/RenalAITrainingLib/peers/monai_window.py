"""MONAI's own transforms and sliding window with the published network, as its tutorials put them together."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.utils import sliding_window_inference
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.spatial.array import Spacing

from .question import PATCH, Labels, Question


class MonaiWindow:
    """`Spacing` to the network's grid, `sliding_window_inference`, `Spacing.inverse` back.

    Args:
        tuned: tiles overlap by a quarter and the class is chosen on the coarse grid, so that one label comes back by
            nearest neighbour; else by half, and both probabilities come back by interpolation.
    """

    def __init__(self, question: Question, tuned: bool = False) -> None:
        self.name = "MONAI, tuned" if tuned else "MONAI, default"
        self._tuned, self._volume = tuned, question.volume
        self._network = question.network()
        window = question.stage.window
        low, high = window.level_hu - window.width_hu / 2, window.level_hu + window.width_hu / 2
        self._scale = ScaleIntensityRange(low, high, -1.0, 1.0, clip=True)
        self._spacing = Spacing([question.stage.spacing_mm] * 3, mode="bilinear")

    def answer(self) -> Labels:
        """1 where there is kidney."""
        affine = torch.diag(torch.tensor([*self._volume.spacing_mm, 1.0]))  # MONAI's axes are the array's own
        image = MetaTensor(torch.from_numpy(np.asarray(self._volume.voxels, np.float32))[None], affine=affine)
        coarse = self._spacing(image)
        with torch.no_grad():
            logits = sliding_window_inference(
                torch.as_tensor(self._scale(coarse))[None],
                PATCH,
                sw_batch_size=2,
                predictor=self._network,
                overlap=0.25 if self._tuned else 0.5,
                mode="constant" if self._tuned else "gaussian",
                padding_mode="constant",
                cval=-1.0,
            )
        probability = torch.softmax(torch.as_tensor(logits)[0], dim=0)
        if self._tuned:
            chosen = probability.argmax(dim=0, keepdim=True).float()
            return np.asarray(self._back(chosen, coarse, nearest=True)[0] > 0.5, np.uint8)
        return np.asarray(self._back(probability, coarse).argmax(dim=0), np.uint8)

    def _back(self, values: torch.Tensor, coarse: torch.Tensor, nearest: bool = False) -> torch.Tensor:
        """``values`` of the coarse grid on the CT's, along the way that ``coarse`` has noted."""
        assert isinstance(coarse, MetaTensor)
        answer = MetaTensor(values, affine=coarse.affine, applied_operations=deepcopy(coarse.applied_operations))
        for step in answer.applied_operations if nearest else ():
            for word in ("extra_info", "lazy_info"):
                if isinstance(step.get(word), dict) and "mode" in step[word]:
                    step[word]["mode"] = "nearest"
        return torch.as_tensor(self._spacing.inverse(answer))
