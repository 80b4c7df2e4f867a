"""A trained network as ONNX, as the bundle's contract wants it, and its agreement with torch on real inputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from RenalAILib.detector.coding import VARIANCES

from .graph import fold_batch_norm, store_weights_in_half, weights_are_half

OPSET = 17
LARGEST_MEAN_DIFFERENCE = 2e-3
SMALLEST_AGREEMENT = 0.999


@runtime_checkable
class Explained(Protocol):
    """A classifier whose decision can be traced: logits are ``head(features(image))``; Grad-CAM needs both."""

    def features(self, image: Tensor) -> Tensor:
        """The last feature maps."""
        ...

    def head(self, features: Tensor) -> Tensor:
        """The logits of feature maps."""
        ...


class _WithFeatures(nn.Module):
    """A classifier with its last feature maps as a second output."""

    def __init__(self, classifier: Explained) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.classifier.features(image)
        return self.classifier.head(features), features


def export_onnx(network: nn.Module, shape: Sequence[int], path: Path, dynamic: bool = False, half: bool = True) -> None:
    """Write ``network`` to ``path``: input ``image``, output ``logits`` (and ``features`` where it is `Explained`).

    Args:
        network: its weights are used as they are, in evaluation mode.
        shape: of one input, ``(channels, D, H, W)`` or ``(channels, H, W)``.
        dynamic: D, H and W may vary at work, and of slices how many there are.
        half: store weights in half precision (computing stays in single).
    """
    network = network.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    outputs = ["logits"]
    if isinstance(network, Explained):
        network, outputs = _WithFeatures(network).eval(), ["logits", "features"]
    axes = {2: "D", 3: "H", 4: "W"} if len(shape) == 4 else {0: "N", 2: "H", 3: "W"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", "Converting a tensor to a Python")  # sizes, which a detector fixes anyway
        warnings.simplefilter("ignore", DeprecationWarning)  # the exporter by tracing: its graphs need no clean-up
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)  # a constant that stays one costs nothing
        torch.onnx.export(
            network,
            (torch.zeros(1, *shape),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=outputs,
            dynamic_axes={"image": axes, "logits": axes} if dynamic else None,
        )
    model = onnx.load(str(path))
    fold_batch_norm(model)
    if half:
        store_weights_in_half(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


@dataclass(frozen=True)
class Parity:
    """How far a published network is from the trained one on the same inputs.

    Args:
        weights: how the published network stores them.
        inputs: how many were compared.
        largest_difference: of a probability anywhere.
        mean_difference: of the probabilities.
        agreement: share of voxels (or of cases) with the same decision.
    """

    weights: Literal["half", "single"]
    inputs: int
    largest_difference: float
    mean_difference: float
    agreement: float

    @property
    def good(self) -> bool:
        """Within what half-precision weights may change."""
        return self.mean_difference < LARGEST_MEAN_DIFFERENCE and self.agreement > SMALLEST_AGREEMENT

    def to_json(self) -> dict[str, float | str]:
        """Plain types."""
        return asdict(self)


def check_parity(
    network: nn.Module,
    path: Path,
    inputs: Sequence[npt.NDArray[np.float32]],
    activation: Literal["sigmoid", "softmax", "boxes"] = "sigmoid",
) -> Parity:
    """Compare torch in float32 with ONNX Runtime on ``inputs``, each ``(channels, ...)``.

    Args:
        activation: what makes probabilities of the logits: of each alone, of all of axis 1 together, or (``boxes``) of
            a detector's classes for each default box.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    network = network.eval()
    differences, same = [], []
    for image in inputs:
        with torch.inference_mode():
            expected = network(torch.from_numpy(image[None])).numpy()
        got = session.run(["logits"], {"image": image[None]})[0]
        if activation == "boxes":
            differences.append(np.abs(expected - got)[..., -4:] * VARIANCES[0])  # in shares of a default box
            expected, got = (value[..., :-4].swapaxes(1, 2) for value in (expected, got))
        if activation != "sigmoid":
            one, two = _softmax(expected), _softmax(got)
            same.append(float((expected.argmax(axis=1) == got.argmax(axis=1)).mean()))
        else:
            one, two = 1 / (1 + np.exp(-expected)), 1 / (1 + np.exp(-got))
            same.append(float(((expected > 0) == (got > 0)).mean()))
        differences.append(np.abs(one - two))
    return Parity(
        "half" if weights_are_half(onnx.load(str(path))) else "single",
        len(differences),
        float(max(difference.max() for difference in differences)),
        float(np.mean([difference.mean() for difference in differences])),
        float(np.mean(same)),
    )


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Over axis 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
