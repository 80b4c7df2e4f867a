"""A trained network as ONNX, as the bundle's contract wants it, and its agreement with torch on real inputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from .networks.resnet import ClassifierResNet
from .onnx_graph import fold_batch_norm, store_weights_in_half

OPSET = 17


class _WithFeatures(nn.Module):
    """The classifier with its last feature maps as a second output."""

    def __init__(self, classifier: ClassifierResNet) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.classifier.features(image)
        return self.classifier.head(features), features


def export_onnx(network: nn.Module, shape: Sequence[int], path: Path, dynamic: bool = False) -> None:
    """Write ``network`` to ``path``: input ``image``, output ``logits`` (and ``features`` of a classifier).

    Args:
        network: its weights are used as they are, in evaluation mode.
        shape: of one input, ``(channels, D, H, W)``.
        dynamic: D, H and W may vary at work.
    """
    network = network.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    outputs = ["logits"]
    if isinstance(network, ClassifierResNet):
        network, outputs = _WithFeatures(network).eval(), ["logits", "features"]
    axes = {2: "D", 3: "H", 4: "W"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)  # the exporter by tracing: its graphs need no clean-up
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
    store_weights_in_half(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


@dataclass(frozen=True)
class Parity:
    """How far a published network is from the trained one on the same inputs.

    Args:
        inputs: how many were compared.
        largest_difference: of a probability anywhere.
        mean_difference: of the probabilities.
        agreement: share of voxels (or of cases) with the same decision.
    """

    inputs: int
    largest_difference: float
    mean_difference: float
    agreement: float

    @property
    def good(self) -> bool:
        """Within what half-precision weights may change."""
        return self.mean_difference < 2e-3 and self.agreement > 0.999

    def to_json(self) -> dict[str, float]:
        """Plain types."""
        return asdict(self)


def check_parity(network: nn.Module, path: Path, inputs: Sequence[npt.NDArray[np.float32]]) -> Parity:
    """Compare torch in float32 with ONNX Runtime on ``inputs``, each ``(channels, D, H, W)``."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    network = network.eval()
    differences, same = [], []
    for image in inputs:
        with torch.inference_mode():
            expected = network(torch.from_numpy(image[None])).numpy()
        got = session.run(["logits"], {"image": image[None]})[0]
        if isinstance(network, ClassifierResNet):
            one, two = _softmax(expected), _softmax(got)
            same.append(float(expected.argmax() == got.argmax()))
        else:
            one, two = 1 / (1 + np.exp(-expected)), 1 / (1 + np.exp(-got))
            same.append(float(((expected > 0) == (got > 0)).mean()))
        differences.append(np.abs(one - two))
    return Parity(
        len(differences),
        float(max(difference.max() for difference in differences)),
        float(np.mean([difference.mean() for difference in differences])),
        float(np.mean(same)),
    )


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
