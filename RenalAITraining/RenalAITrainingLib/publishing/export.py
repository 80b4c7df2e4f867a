"""Export: trained networks into a bundle's folder one stage after the other, each compared with torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError

from ..onnx_files.exporting import Parity, check_parity, export_onnx
from ..samples import Sample, SampleStore
from ..stages import Stage
from ..training.trained import TrainedNetwork, load_trained

PARITY_INPUTS = 3

Checkpoints = Mapping[Stage, Sequence[Path]]
"""The ``best.pt`` files of each stage; several of one stage make an ensemble, or share its work."""


class Export:
    """What is exported so far.

    Args:
        folder: of the bundle that is being made; has ``models/``.
        stores: whose validation samples parity is checked on.
        checkpoints: what is published.
        prefix: of the names of model files, where a bundle holds several exports.

    Attributes:
        parities: how well each file agrees with torch.
    """

    def __init__(self, folder: Path, stores: Sequence[SampleStore], checkpoints: Checkpoints, prefix: str = "") -> None:
        self.folder, self.stores, self.checkpoints, self.prefix = folder, stores, checkpoints, prefix
        self.parities: dict[str, Parity] = {}

    def validation(self, stage: Stage) -> list[Sample]:
        """The validation samples of a stage. Raises InputError where there is none."""
        found = [sample for store in self.stores for sample in store.stage(stage).split("validation")]
        if not found:
            raise InputError(f"no folder given holds a validation sample of the stage {stage}; publishing needs some")
        return found

    def trained(self, stage: Stage) -> list[TrainedNetwork]:
        """The networks of a stage, all of one window. Raises InputError where there is none, or one does not fit."""
        paths = self.checkpoints.get(stage, ())
        if not paths:
            raise InputError(f"this bundle needs a network of the stage {stage}; give its best.pt")
        trained = [load_trained(path, stage) for path in paths]
        for one in trained:
            if one.recipe.data.window != trained[0].recipe.data.window:
                raise InputError(f"{one.path} was trained with another window than {trained[0].path}")
        return trained

    def named(self, stem: str) -> str:
        """The file of a model, relative to the bundle."""
        return f"models/{self.prefix}{stem}.onnx"

    def write(self, file: str, trained: TrainedNetwork, dynamic: bool = False) -> tuple[int, ...]:
        """Write one network to ``file`` (``models/NAME.onnx``), compare it with torch; the shape of its input.

        Its weights are stored in half precision, or whole where halves change it too much: rounding adds up over the
        hundred and fifty layers of a ResNet152.

        Args:
            dynamic: see `export_onnx`.
        """
        samples = self.validation(trained.recipe.data.stage)[:PARITY_INPUTS]
        inputs = [trained.task.whole(sample)[0].numpy() for sample in samples]
        for half in (True, False):
            export_onnx(trained.network, inputs[0].shape, self.folder / file, dynamic, half)
            parity = check_parity(trained.network, self.folder / file, inputs, trained.task.activation)
            if parity.good:
                break
        else:
            raise InputError(f"{file} disagrees with {trained.path}: {json.dumps(parity.to_json())}")
        self.parities[file] = parity
        return inputs[0].shape

    def stage(self, stage: Stage, dynamic: bool = False) -> tuple[dict[str, Any], list[TrainedNetwork]]:
        """Write all networks of a stage as its ensemble; ``models``, ``window`` and (not dynamic) ``shape``."""
        trained = self.trained(stage)
        numbered = len(trained) > 1
        files = [self.named(f"{stage}-{number}" if numbered else stage) for number in range(1, len(trained) + 1)]
        shapes = [self.write(file, one, dynamic) for file, one in zip(files, trained, strict=True)]
        facts: dict[str, Any] = {"models": files, "window": window_of(trained[0])}
        if not dynamic:
            facts["shape"] = list(shapes[0][1:])
        return facts, trained


def window_of(trained: TrainedNetwork) -> dict[str, float]:
    """The window of a network as metadata say it."""
    window = trained.recipe.data.window
    return {"width": window.width, "level": window.level}
