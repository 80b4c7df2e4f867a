"""Publishing: checkpoints into a bundle that RenalAI runs, checked against torch and written all or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from RenalAILib.bundle import BUNDLE_SCHEMA, METADATA, read_bundle, write_checksums
from RenalAILib.errors import InputError

from .bundle_description import BundleDescription
from .calibration import fit_temperature
from .networks.resnet import ClassifierResNet
from .onnx_export import Parity, check_parity, export_onnx
from .samples import Sample, SampleStore, Stage
from .tasks import CLASSES
from .trained import TrainedNetwork, load_trained

PARITY_INPUTS = 3
HEAD = "models/characterise-head.npz"


@dataclass(frozen=True)
class Checkpoints:
    """``best.pt`` files of each stage; several of delineate make an ensemble."""

    locate: Path
    delineate: Sequence[Path]
    characterise: Path


@dataclass(frozen=True)
class Papers:
    """The texts of a bundle: ``docs/README.md`` (the model card) and ``LICENSE``."""

    card: str
    license: str


def publish(
    description: BundleDescription,
    checkpoints: Checkpoints,
    stores: Sequence[SampleStore],
    papers: Papers,
    output: Path,
) -> dict[str, Parity]:
    """Write the bundle folder ``output``.

    Args:
        stores: their validation samples of each stage check parity and fit the classifier's temperature.
        output: made here, under this name only when it is complete.

    Returns:
        The agreement of each published network with the trained one, by file; also in ``docs/parity.json``.

    Raises:
        InputError: ``output`` exists, a checkpoint does not fit its stage, a stage has no validation sample, or a
            published network disagrees with the trained one.
    """
    if output.exists():
        raise InputError(f"{output} exists already; publish to another folder or take it away")
    beside = output.with_name(output.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    for room in ("configs", "models", "docs"):
        (beside / room).mkdir(parents=True)
    try:
        export = _Export(beside, stores)
        metadata = _metadata(export, description, checkpoints)
        report = {file: parity.to_json() for file, parity in export.parities.items()}
        for name, text in {
            METADATA: json.dumps(metadata, indent=1) + "\n",
            "docs/README.md": papers.card,
            "docs/parity.json": json.dumps(report, indent=1) + "\n",
            "LICENSE": papers.license,
        }.items():
            (beside / name).write_text(text, encoding="utf-8")
        write_checksums(beside)
        read_bundle(beside)
        beside.rename(output)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return export.parities


class _Export:
    """Exports one stage after the other into a folder and collects how well they agree with torch."""

    def __init__(self, folder: Path, stores: Sequence[SampleStore]) -> None:
        self.folder, self.stores = folder, stores
        self.parities: dict[str, Parity] = {}

    def validation(self, stage: Stage) -> list[Sample]:
        found = [sample for store in self.stores for sample in store.stage(stage).split("validation")]
        if not found:
            raise InputError(f"no folder given holds a validation sample of the stage {stage}; publishing needs some")
        return found

    def stage(self, stage: Stage, paths: Sequence[Path]) -> tuple[dict[str, Any], list[TrainedNetwork]]:
        """Write the stage's models; the metadata that follow from them, and the networks."""
        trained = [load_trained(path, stage) for path in paths]
        samples = self.validation(stage)[:PARITY_INPUTS]
        inputs = [trained[0].task.whole(sample)[0].numpy() for sample in samples]
        shape = inputs[0].shape
        files = [f"models/{stage}{f'-{number}' if len(paths) > 1 else ''}.onnx" for number in range(1, len(paths) + 1)]
        for file, one in zip(files, trained, strict=True):
            if one.recipe.data.window != trained[0].recipe.data.window:
                raise InputError(f"{one.path} was trained with another window than {trained[0].path}")
            export_onnx(one.network, shape, self.folder / file, dynamic=stage == "locate")
            self.parities[file] = parity = check_parity(one.network, self.folder / file, inputs)
            if not parity.good:
                raise InputError(f"{file} disagrees with {one.path}: {json.dumps(parity.to_json())}")
        window = trained[0].recipe.data.window
        facts: dict[str, Any] = {"models": files, "window": {"width": window.width, "level": window.level}}
        if stage != "locate":  # whose input has any shape
            facts["shape"] = list(shape[1:])
        return facts, trained


def _metadata(export: _Export, description: BundleDescription, checkpoints: Checkpoints) -> dict[str, Any]:
    locate, _ = export.stage("locate", [checkpoints.locate])
    delineate, _ = export.stage("delineate", checkpoints.delineate)
    characterise, (classifier,) = export.stage("characterise", [checkpoints.characterise])
    save_head(classifier.network, export.folder / HEAD)
    wanted = description.characterise
    characterise |= {
        "head": HEAD,
        "scale": wanted.scale,
        "minimum_mm": wanted.minimum_mm,
        "channels": ["image", "mask"],
        "classes": [item.value for item in CLASSES],
        "temperature": wanted.temperature or fitted_temperature(classifier, export.validation("characterise")),
        "unknown_below": wanted.unknown_below,
    }
    return {
        "schema": BUNDLE_SCHEMA,
        "pipeline": "cascade",
        **description.texts(),
        "stages": {
            "locate": locate | {"spacing_mm": description.locate.spacing_mm},
            "delineate": delineate | {"margin_mm": description.delineate.margin_mm},
            "characterise": characterise,
        },
    }


def save_head(classifier: torch.nn.Module, path: Path) -> None:
    """The fully connected head as plain arrays, for Grad-CAM without torch."""
    if not isinstance(classifier, ClassifierResNet):
        raise InputError(f"a {type(classifier).__name__} has no head that Grad-CAM could use; train resnet10")

    def plain(weight: torch.Tensor) -> npt.NDArray[np.float32]:
        return np.asarray(weight.detach().cpu().numpy(), dtype=np.float32)

    np.savez(
        path,
        hidden_weight=plain(classifier.hidden.weight),
        hidden_bias=plain(classifier.hidden.bias),
        output_weight=plain(classifier.output.weight),
        output_bias=plain(classifier.output.bias),
    )


def fitted_temperature(trained: TrainedNetwork, samples: Sequence[Sample]) -> float:
    """The temperature that calibrates a classifier on ``samples``, which must not have trained it."""
    logits: list[npt.NDArray[np.float32]] = []
    right: list[int] = []
    for sample in samples:
        image, target = trained.task.whole(sample)
        with torch.inference_mode():
            logits.append(trained.network(image[None])[0].numpy())
        right.append(int(target))
    return fit_temperature(np.array(logits), np.array(right))
