"""RenalAI's own way, that of the cascade's first stage: one pass over the coarse grid, back only where kidney is."""

from __future__ import annotations

import numpy as np

from RenalAILib.boxes import Box
from RenalAILib.cascade.locate import sigmoid
from RenalAILib.engines.networks import Networks
from RenalAILib.resampling import resample

from .question import Labels, Question


class Ours:
    """Averaging on the way to 3 mm, the engine that runs fastest here, linear interpolation where kidney is."""

    name = "RenalAI"

    def __init__(self, question: Question) -> None:
        self._question = question
        self._networks = Networks(question.bundle, "cpu")

    def answer(self) -> Labels:
        """1 where there is kidney."""
        volume, stage = self._question.volume, self._question.stage
        coarse, image = self._question.image()
        k, j, i = coarse.shape
        probability = sigmoid(self._networks.run(stage.models[0], image[None, None])["logits"][0, 0, :k, :j, :i])
        labels = np.zeros(volume.shape, np.uint8)
        found = Box.around(probability > 0.5)
        if found is not None:
            part = found.padded((1, 1, 1), coarse.shape).scaled(coarse.shape, volume.shape).clipped(volume.shape)
            labels[part.slices] = resample(probability, Box.whole(coarse.shape), volume.shape, part) > 0.5
        return labels
