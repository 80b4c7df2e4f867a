"""ImageNet weights for 2-D networks: from a file, from pytorchcv's own store where there is a network, or none."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import getproxies

import torch
from torch import Tensor

from RenalAILib.errors import InputError

IMAGENET = "imagenet"
_STORE = ("github.com", 443)
_PATIENCE_S = 5.0


@dataclass(frozen=True, eq=False)
class ImageNetWeights:
    """What was found.

    Attributes:
        state: tensors by name, as pytorchcv names them; None for random weights.
        origin: where they are from, in words for the log and the model card.
    """

    state: Mapping[str, Tensor] | None
    origin: str

    def misfit(self, why: str) -> InputError:
        """The error of weights that belong to another network."""
        return InputError(f"{self.origin} do not fit this network: {why}")


def imagenet_weights(wanted: str | Path | None, name: str) -> ImageNetWeights:
    """Weights as a recipe's ``network.options.weights`` names them.

    Args:
        wanted: a ``.pth`` file of pytorchcv, `IMAGENET` for pytorchcv's download (about 100 to 240 MB, kept in
            ``~/.torch/models``), or None.
        name: of the model in pytorchcv's store.

    Raises:
        InputError: the file is missing or is none of weights.
    """
    if wanted is None:
        return ImageNetWeights(None, "random weights")
    if str(wanted) != IMAGENET:
        path = Path(wanted)
        return ImageNetWeights(_read(path), f"weights of {path}")
    try:
        path = _downloaded(name)
    except Exception as error:  # a network fails in many ways
        why = " ".join(str(error).split()) or type(error).__name__
        return ImageNetWeights(None, f"random weights: ImageNet weights of {name} could not be downloaded ({why})")
    return ImageNetWeights(_read(path), f"ImageNet weights of {name} ({path.name})")


def _downloaded(name: str) -> Path:
    """pytorchcv's own download; it has no time limit, so a machine without a network is noticed first."""
    from pytorchcv.models.common.model_store import get_model_file

    kept = sorted(Path("~/.torch/models").expanduser().glob(f"{name}-*.pth"))
    if not kept and not getproxies():
        socket.create_connection(_STORE, timeout=_PATIENCE_S).close()
    return Path(get_model_file(name))


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise InputError(f"{path} cannot be read as weights ({' '.join(str(error).split())})") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f"{path} holds no weights by name, as pytorchcv's files do")
    return content
