"""Weights to begin a training with: those of a run's ``best.pt``, of a published network, or of a whole bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn
from torch.nn import functional

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.errors import InputError

from ..onnx_files.exporting import check_parity
from ..onnx_files.importing import input_shape, load_folded
from ..recipes.recipe import Recipe
from . import checkpoint
from .tasks import build_task


def load_starting_weights(network: nn.Module, path: Path, recipe: Recipe, inputs: Sequence[Tensor]) -> str:
    """Fill ``network`` from ``path``.

    Args:
        network: of the recipe, on the CPU; left in evaluation mode where a published network filled it.
        path: a ``best.pt``, an ``.onnx`` file, or a bundle's folder (whose first model of the recipe's stage is taken).
        inputs: batches ``(N, channels, D, H, W)`` of training examples; BatchNorm's statistics are measured on them.

    Returns:
        What was done, in a sentence for the log.

    Raises:
        InputError: the file is not readable, or belongs to another network than the recipe's.
    """
    if path.is_dir():
        path = _model_of_bundle(path, recipe)
    if path.suffix != ".onnx":
        try:
            network.load_state_dict(checkpoint.load(path)["network"])
        except RuntimeError as error:
            raise InputError(f"{path} holds the weights of another network than the recipe's") from error
        return f"starting from {path}"
    load_folded(network, path, inputs)
    parity = check_parity(network, path, _as_published(path, inputs[0]), build_task(recipe).activation)
    if not parity.good:
        raise InputError(
            f"{path} and the network of {recipe.name} have weights of the same shapes but do not compute the same"
            f" (they agree on {100 * parity.agreement:.2f} %): give the recipe that it was trained with"
        )
    return (
        f"starting from the published network {path}: it and ours decide alike on {100 * parity.agreement:.3f} % of"
        f" {parity.inputs} examples"
    )


def _as_published(path: Path, images: Tensor) -> list[npt.NDArray[np.float32]]:
    """Each of ``images`` stretched to the shape that the published network takes, where that is fixed."""
    wanted = [of_network or own for of_network, own in zip(input_shape(path)[2:], images.shape[2:], strict=True)]
    return [functional.interpolate(image[None], size=wanted)[0].numpy() for image in images]


def _model_of_bundle(folder: Path, recipe: Recipe) -> Path:
    bundle = read_bundle(folder)
    stage = getattr(bundle.stages, recipe.data.stage.replace("-", "_"), None)
    if stage is None:
        raise InputError(
            f"the bundle {bundle.name} ({bundle.pipeline}) has no stage {recipe.data.stage}, which {recipe.name} trains"
        )
    wanted = recipe.data.window
    if (stage.window.width_hu, stage.window.level_hu) != (wanted.width, wanted.level):
        raise InputError(
            f"the bundle {bundle.name} was trained in the window {stage.window.width_hu:g}/{stage.window.level_hu:g}"
            f" HU, {recipe.name} uses {wanted.width:g}/{wanted.level:g}: change data.window in the recipe"
        )
    return bundle.files[stage.models[0]]
