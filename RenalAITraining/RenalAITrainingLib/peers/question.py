"""Question: what every way has to answer. Where are the kidneys of this CT, by this network, on the CT's own grid?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from RenalAILib.boxes import Triple
from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.cascade import CascadeStages, LocateStage
from RenalAILib.cascade.locate import coarse_volume
from RenalAILib.engines.torch_engine import TorchEngine
from RenalAILib.errors import InputError
from RenalAILib.resampling import coarse_shape, window
from RenalAILib.volume import Volume

Labels = npt.NDArray[np.uint8]
# As nnU-Net and MONAI would have it: the patch that the network was trained with (recipe demo-locate).
PATCH: Triple = (64, 96, 96)
_DIVISOR = 16


class Setup(Enum):
    """How much of a peer's own way is kept."""

    DEFAULT = "default"
    """As it comes."""
    TUNED = "tuned"
    """Its cheapest settings."""
    ONE_WINDOW = "one window"
    """The network sees the whole scan at once, as RenalAI's does; the peer's own resampling before and after."""
    SAME_IMAGE = "one window, same image"
    """Likewise, of the very image that RenalAI shows to the network; only the way back to the CT is the peer's."""

    @property
    def whole(self) -> bool:
        """Whether one window holds the scan."""
        return self in (Setup.ONE_WINDOW, Setup.SAME_IMAGE)


@dataclass(frozen=True, eq=False)
class Question:
    """One CT and one published network that finds kidneys.

    Attributes:
        volume: in canonical order.
        stage: the network's grid spacing, grey-value window and file.
    """

    volume: Volume
    bundle: Bundle
    stage: LocateStage

    @classmethod
    def of(cls, volume: Volume, bundle: Bundle) -> Question:
        """The coarse kidney network of a cascade. Raises InputError for a bundle of another kind."""
        if not isinstance(bundle.stages, CascadeStages):
            raise InputError(
                f"the bundle {bundle.name} is no cascade; peers are compared on a cascade's kidney network"
            )
        return cls(volume, bundle, bundle.stages.locate)

    def image(self) -> tuple[Volume, npt.NDArray[np.float32]]:
        """The coarse CT in HU, and what RenalAI shows to the network: that windowed, with air at the ends."""
        coarse = coarse_volume(self.volume, self.stage.spacing_mm)
        image = window(coarse.voxels.copy(), self.stage.window.width_hu, self.stage.window.level_hu)
        return coarse, np.pad(image, [(0, -size % _DIVISOR) for size in image.shape], constant_values=-1.0)

    def patch(self, setup: Setup) -> Triple:
        """The window that the network is shown: that of its training, or one that holds the whole coarse scan."""
        if not setup.whole:
            return PATCH
        k, j, i = coarse_shape(self.volume.shape, self.volume.spacing_mm, self.stage.spacing_mm)
        return k + -k % _DIVISOR, j + -j % _DIVISOR, i + -i % _DIVISOR

    def network(self) -> nn.Module:
        """The published network for torch; ``(N, 1, D, H, W)`` to logits ``(N, 2, D, H, W)``: the rest, kidney."""
        return PublishedNetwork(self.bundle.files[self.stage.models[0]])


class Way(Protocol):
    """One way to the answer."""

    name: str

    def answer(self) -> Labels:
        """1 where there is kidney, on the grid of the question's CT."""
        ...


class PublishedNetwork(nn.Module):
    """A bundle's ONNX network as a torch module.

    Its one logit x becomes the two logits (0, x): their softmax is (1 - sigmoid(x), sigmoid(x)).
    """

    def __init__(self, path: object) -> None:
        super().__init__()
        self._engine = TorchEngine(path, "cpu")  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> Tensor:
        logits = torch.from_numpy(self._engine.run({"image": image.contiguous().numpy()})["logits"])
        return torch.cat([torch.zeros_like(logits), logits], dim=1)
