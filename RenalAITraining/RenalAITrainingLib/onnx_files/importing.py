"""The way back from a published network to one that can learn: the inverse of `exporting`.

Publishing folds BatchNorm into the convolutions, so its four vectors are gone; what is left is the function. Any
statistics that one likes can be given back: with mean m and variance v, the scale sqrt(v + eps) and the shift m make
BatchNorm the identity. Only those that the data really have will do for learning, since training normalises by the
batch's own. They are therefore measured: where BatchNorm is the identity, one pass gives them for all layers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from RenalAILib.errors import InputError

Weights = dict[str, npt.NDArray[np.float32]]
# Kinds of module by the operator they are exported to. BatchNormalization is told apart by what feeds it.
OPERATORS: dict[str, tuple[type[nn.Module], ...]] = {
    "Conv": (nn.Conv3d, nn.Conv2d),
    "ConvTranspose": (nn.ConvTranspose3d, nn.ConvTranspose2d),
    "PRelu": (nn.PReLU,),
    "Gemm": (nn.Linear,),
}
CONVOLUTIONS = OPERATORS["Conv"] + OPERATORS["ConvTranspose"]
Norm = nn.modules.batchnorm._BatchNorm
SMALLEST_VARIANCE = 1e-6  # of a channel that never fires


def load_folded(network: nn.Module, path: Path, inputs: Sequence[Tensor]) -> None:
    """Fill ``network`` with the weights of an ``.onnx`` file that `exporting.export_onnx` wrote of such a network.

    Weights are assigned in the order of execution, kind by kind. Half-precision weights stay what they were rounded
    to.

    Args:
        network: on the CPU; left in evaluation mode.
        path: of the published network.
        inputs: batches ``(N, channels, D, H, W)`` as they come at training; statistics are measured on all of them.

    Raises:
        InputError: the file cannot be read, or number, order or shapes of its layers are not the network's.

    Example:
        >>> import tempfile
        >>> from RenalAITrainingLib import networks
        >>> from RenalAITrainingLib.onnx_files import exporting
        >>> options = {"outputs": 1, "filters": [4, 8], "residual_units": 0}
        >>> published, ours = (networks.build("unet", **options).eval() for _ in range(2))
        >>> image = torch.rand(1, 1, 16, 16, 16)
        >>> with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        ...     exporting.export_onnx(published, (1, 16, 16, 16), Path(folder, "net.onnx"))
        ...     load_folded(ours, Path(folder, "net.onnx"), [image])
        ...     bool(torch.allclose(published(image), ours(image), atol=0.01))
        True
    """
    network.eval()
    graph = _graph(path)
    weights = _weights(graph)
    modules, fed_by = _in_order(network, inputs[0][:1])
    with torch.no_grad():
        for operator, kinds in OPERATORS.items():
            for module, node in _pairs(path, graph, operator, [one for one in modules if isinstance(one, kinds)]):
                _fill(module, node, weights, path)
        whole: list[nn.Module] = [norm for norm in modules if isinstance(norm, Norm) and norm not in fed_by]
        for norm, node in _pairs(path, graph, "BatchNormalization", whole):
            _fill_norm(norm, [weights[name] for name in node.input[1:5]], path)
        biases = _biases(path, graph, weights, modules)
        for norm, convolution in fed_by.items():
            shift = biases.pop(convolution, None)
            _make_identity(norm, torch.zeros(norm.num_features) if shift is None else shift)
        if biases:
            raise InputError(f"{path} is not the recipe's network: it has biases where the recipe's has none")
        for norm, (mean, variance) in _measured(network, list(fed_by), inputs).items():
            weight, bias, running_mean, running_variance = _vectors(norm)
            bias.add_(mean)
            weight.copy_(torch.sqrt(variance + norm.eps))
            running_mean.copy_(mean)
            running_variance.copy_(variance)


def input_shape(path: Path) -> tuple[int | None, ...]:
    """Of the published network's input, ``(N, channels, D, H, W)``; None where any size is taken."""
    sizes = _graph(path).input[0].type.tensor_type.shape.dim
    return tuple(size.dim_value or None for size in sizes)


def _graph(path: Path) -> onnx.GraphProto:
    try:
        return onnx.load(str(path)).graph
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except Exception as error:  # protobuf raises many kinds for a damaged file
        raise InputError(f"{path} cannot be read as an ONNX network ({error})") from error


def _weights(graph: onnx.GraphProto) -> Weights:
    """Every stored value by the name that nodes read it under, in float32."""
    found = {item.name: np.asarray(numpy_helper.to_array(item), np.float32) for item in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def _in_order(network: nn.Module, image: Tensor) -> tuple[list[nn.Module], dict[Norm, nn.Module]]:
    """Modules with weights in the order in which they run, and of each BatchNorm right after a convolution, that."""
    order: list[nn.Module] = []
    made: dict[int, tuple[nn.Module, Tensor]] = {}  # the tensor is kept, so that no other takes its number
    fed_by: dict[Norm, nn.Module] = {}

    def note(module: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        order.append(module)
        if isinstance(module, CONVOLUTIONS):
            made[id(result)] = module, result
        elif isinstance(module, Norm) and id(given[0]) in made:
            fed_by[module] = made[id(given[0])][0]

    kinds = (*(kind for kinds in OPERATORS.values() for kind in kinds), Norm)
    hooks = [module.register_forward_hook(note) for module in network.modules() if isinstance(module, kinds)]
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return order, fed_by


def _pairs(
    path: Path, graph: onnx.GraphProto, operator: str, modules: list[nn.Module]
) -> list[tuple[nn.Module, onnx.NodeProto]]:
    nodes = [node for node in graph.node if node.op_type == operator]
    if len(nodes) != len(modules):
        raise InputError(
            f"{path} is not the recipe's network: it has {len(nodes)} layers of the kind {operator}, the recipe's has"
            f" {len(modules)}"
        )
    return list(zip(modules, nodes, strict=True))


def _fill(module: nn.Module, node: onnx.NodeProto, weights: Weights, path: Path) -> None:
    weight = weights[node.input[1]]
    own = cast(Tensor, module.weight)
    if isinstance(module, nn.PReLU):
        weight = weight.reshape(-1)
    if tuple(own.shape) != weight.shape:
        raise InputError(
            f"{path} is not the recipe's network: its layer {node.name or node.op_type} has weights of shape"
            f" {list(weight.shape)}, the recipe's {list(own.shape)}"
        )
    own.copy_(torch.from_numpy(weight.copy()))


def _fill_norm(norm: nn.Module, values: list[npt.NDArray[np.float32]], path: Path) -> None:
    assert isinstance(norm, Norm)
    for mine, value in zip(_vectors(norm), values, strict=True):
        if tuple(mine.shape) != value.shape:
            raise InputError(f"{path} is not the recipe's network: one of its BatchNormalization has another width")
        mine.copy_(torch.from_numpy(value.copy()))


def _biases(path: Path, graph: onnx.GraphProto, weights: Weights, modules: list[nn.Module]) -> dict[nn.Module, Tensor]:
    """Fill the biases of convolutions and matrices; returns those of modules that have none of their own."""
    left: dict[nn.Module, Tensor] = {}
    for operator in ("Conv", "ConvTranspose", "Gemm"):
        for module, node in _pairs(path, graph, operator, [m for m in modules if isinstance(m, OPERATORS[operator])]):
            stored = len(node.input) > 2
            bias = torch.from_numpy(weights[node.input[2]].copy()) if stored else None
            own = cast("Tensor | None", module.bias)
            if own is not None:
                own.copy_(torch.zeros_like(own) if bias is None else bias)
            elif bias is not None:
                left[module] = bias
    return left


def _vectors(norm: Norm) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scale, shift, mean and variance, in ONNX's order."""
    return cast(tuple[Tensor, Tensor, Tensor, Tensor], (norm.weight, norm.bias, norm.running_mean, norm.running_var))


def _make_identity(norm: Norm, shift: Tensor) -> None:
    """BatchNorm that adds ``shift`` and does nothing else."""
    weight, bias, mean, variance = _vectors(norm)
    mean.zero_()
    variance.fill_(1.0)
    weight.fill_((1 + norm.eps) ** 0.5)
    bias.copy_(shift)


def _measured(network: nn.Module, norms: list[Norm], inputs: Sequence[Tensor]) -> dict[Norm, tuple[Tensor, Tensor]]:
    """Mean and variance by channel of what each of ``norms`` gets, over all ``inputs``."""
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, Norm)
        axes = [axis for axis in range(given[0].ndim) if axis != 1]
        total = given[0].sum(axes, dtype=torch.float64)
        squares = given[0].square().sum(axes, dtype=torch.float64)
        count = torch.full_like(total, given[0].numel() / norm.num_features)
        sums[norm] += torch.stack([count, total, squares])

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for images in inputs:
        network(images)
    for hook in hooks:
        hook.remove()
    result = {}
    for norm, (count, total, squares) in sums.items():
        mean = total / count
        result[norm] = mean.float(), (squares / count - mean**2).clamp_min(SMALLEST_VARIANCE).float()
    return result
