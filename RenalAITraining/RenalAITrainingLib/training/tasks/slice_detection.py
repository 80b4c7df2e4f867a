"""The detection of lesions in slices (Abdullah et al.): a slice with its neighbours in, classes and boxes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from RenalAILib.default_boxes import Boxes
from RenalAILib.detector.coding import read_output, targets
from RenalAILib.errors import InputError

from ...lesion_boxes import LesionBox, as_shares, from_facts
from ...metrics.detection import DetectionScores, JudgedBoxes, detection_scores
from ...networks.ssd import default_boxes
from ...recipes.recipe import Recipe
from ...samples import Sample
from ..losses import LossFunction
from ..multibox_loss import multibox_loss
from ..slice_augmentation import augment_slice
from .task import Activation, Predict, windowed

BATCH = 8  # slices that are validated at once
LOWEST_SCORE = 0.05  # of the boxes that average precision looks at
SMALLEST_SHARE = 0.25  # of its area that must stay in view for a box to stay


class SliceDetection:
    """Slices in, ``(default boxes, classes + 1 + 4)`` out; a target says the class and offsets of each default box.

    Raises:
        InputError: the recipe names no class, or its network's options describe no default boxes.
    """

    def __init__(self, recipe: Recipe) -> None:
        if not recipe.data.classes:
            raise InputError(f"{recipe.name}: a detector needs data.classes")
        if "shape" not in recipe.network.options:
            raise InputError(f"{recipe.name}: a detector needs network.options.shape, rows and columns of its slices")
        self.recipe = recipe
        self.classes = recipe.data.classes
        self.outputs = len(self.classes) + 1
        self.activation: Activation = "boxes"
        self.loss: LossFunction = multibox_loss
        self.defaults = default_boxes(**recipe.network.options)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(self._image(sample))
        boxes = self._boxes(sample)
        seed = int(rng.integers(2**62))  # every channel is changed alike
        rows, columns = (torch.arange(1.0, size + 1) for size in image.shape[1:])
        places = torch.stack([rows[:, None].expand(image.shape[1:]), columns[None, :].expand(image.shape[1:])])
        changed = []
        for channel in image:
            new, where = augment_slice(np.random.default_rng(seed), self.recipe.slices, channel, places)
            changed.append(new)
        assert where is not None
        moved = [box for box in (_moved(box, where) for box in boxes) if box is not None]
        return torch.stack(changed), self._target(moved)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self._image(sample)), self._target(self._boxes(sample))

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Precision, recall, F1 (score and IoU from 0.5), sensitivity for lesions, average precision; of each class.

        The score is the mean average precision: it does not hang on one threshold.
        """
        metrics: dict[str, float] = {}
        precisions = []
        for name, one in self.scores(predict, samples).items():
            prefix = f"{name}_" if len(self.classes) > 1 else ""
            for measure in ("precision", "recall", "f1", "sensitivity", "average_precision"):
                value = getattr(one, measure)
                if not np.isnan(value):
                    metrics[prefix + measure] = value
            if one.lesions:
                precisions.append(one.average_precision)
        return {"score": float(np.mean(precisions)) if precisions else 0.0} | metrics

    def scores(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, DetectionScores]:
        """The measures of each class."""
        judged: dict[str, list[JudgedBoxes]] = {name: [] for name in self.classes}
        for _, part in groupby(enumerate(samples), key=lambda pair: pair[0] // BATCH):
            some = [sample for _, sample in part]
            outputs = predict(torch.stack([self.whole(sample)[0] for sample in some])).float().cpu().numpy()
            for sample, output in zip(some, outputs, strict=True):
                found = read_output(output, self.defaults.boxes, LOWEST_SCORE)
                for number, name in enumerate(self.classes, 1):
                    true = [box for box in self._boxes(sample) if box.label == name]
                    ids = [(sample.record.sources, box.label, box.lesion) for box in true]
                    at = found.classes == number
                    judged[name].append(JudgedBoxes(self._shares(true), ids, found.boxes[at], found.scores[at]))
        return {name: detection_scores(slices) for name, slices in judged.items()}

    def _image(self, sample: Sample) -> np.ndarray:
        if sample.image.shape[1:] != self.defaults.shape:
            raise InputError(
                f"the samples of {self.recipe.name} must be slices of {list(self.defaults.shape)}, got"
                f" {list(sample.image.shape[1:])}: make them with that --shape"
            )
        return windowed(sample, self.recipe)

    def _boxes(self, sample: Sample) -> list[LesionBox]:
        """Those of the recipe's classes; a recipe may leave others aside."""
        return [box for box in from_facts(sample.record.extra) if box.label in self.classes]

    def _shares(self, boxes: Sequence[LesionBox]) -> Boxes:
        return as_shares(boxes, self.defaults.shape)

    def _target(self, boxes: Sequence[LesionBox]) -> Tensor:
        numbers = np.array([self.classes.index(box.label) + 1 for box in boxes], dtype=np.intp)
        return torch.from_numpy(targets(self._shares(boxes), numbers, self.defaults.boxes))


def _moved(box: LesionBox, where: Tensor) -> LesionBox | None:
    """The box about the pixels that a changed slice took from inside ``box``; None where most of it left the slice.

    Args:
        where: ``(2, j, i)``, for each pixel the row and column it was taken from, counted from 1; 0 for outside.
    """
    top, left, bottom, right = box.rect
    inside = (where[0] - 0.5 > top) & (where[0] - 0.5 < bottom) & (where[1] - 0.5 > left) & (where[1] - 0.5 < right)
    rows, columns = torch.nonzero(inside.any(dim=1))[:, 0], torch.nonzero(inside.any(dim=0))[:, 0]
    if len(rows) == 0 or float(inside.sum()) < SMALLEST_SHARE * (bottom - top) * (right - left):
        return None
    rect = (float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1))
    return LesionBox(rect, box.label, box.lesion)
