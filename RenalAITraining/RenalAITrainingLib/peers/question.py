"""Question: what every way has to answer. Where are the kidneys of this CT, by this network, on the CT's own grid?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from RenalAILib.boxes import Triple
from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.cascade import CascadeStages, LocateStage
from RenalAILib.engines.torch_engine import TorchEngine
from RenalAILib.errors import InputError
from RenalAILib.volume import Volume

Labels = npt.NDArray[np.uint8]
# As nnU-Net and MONAI would have it: the patch that the network was trained with (recipe demo-locate).
PATCH: Triple = (64, 96, 96)


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

    def network(self) -> nn.Module:
        """The published network for torch; ``(N, 1, D, H, W)`` to logits ``(N, 2, D, H, W)``: the rest, kidney."""
        return PublishedNetwork(self.bundle.folder / self.stage.models[0])


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
