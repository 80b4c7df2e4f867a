"""Rewriting of exported graphs: BatchNorm folded into its convolution, weights stored in half precision."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

SMALL = 256  # values; storing fewer in half precision saves nothing


def fold_batch_norm(model: onnx.ModelProto) -> None:
    """Fold every BatchNormalization that follows a Conv or ConvTranspose into its weights, in place.

    Engines fold Conv themselves when they load; not all of them fold ConvTranspose, and half-precision weights hide
    both from them.
    """
    graph = model.graph
    _read_weights_directly(graph)
    weights = {item.name: item for item in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    readers = [name for node in graph.node for name in node.input] + [item.name for item in graph.output]
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        conv = maker.get(norm.input[0])
        if conv is None or conv.op_type not in ("Conv", "ConvTranspose") or readers.count(norm.input[0]) != 1:
            continue
        scale, shift, mean, variance = (numpy_helper.to_array(weights[name]) for name in norm.input[1:5])
        epsilon = next((item.f for item in norm.attribute if item.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        kernel = numpy_helper.to_array(weights[conv.input[1]])
        outputs = 0 if conv.op_type == "Conv" else 1
        shape = [-1 if axis == outputs else 1 for axis in range(kernel.ndim)]
        bias = numpy_helper.to_array(weights[conv.input[2]]) if len(conv.input) > 2 else np.zeros_like(mean)
        folded = {
            f"{norm.output[0]}.weight": kernel * factor.reshape(shape),
            f"{norm.output[0]}.bias": (bias - mean) * factor + shift,
        }
        for name, value in folded.items():
            graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
        conv.input[:] = [conv.input[0], *folded]
        conv.output[0] = norm.output[0]
        graph.node.remove(norm)
    _drop_unread(graph)


def store_weights_in_half(model: onnx.ModelProto) -> None:
    """Store float32 weights as float16 behind a Cast, in place; the arithmetic stays float32.

    Raises:
        ValueError: a weight lies outside what half precision can hold.
    """
    graph = model.graph
    casts = []
    for item in graph.initializer:
        if item.data_type != onnx.TensorProto.FLOAT or np.prod(item.dims) < SMALL:
            continue
        value = numpy_helper.to_array(item)
        if np.abs(value).max() > np.finfo(np.float16).max:
            raise ValueError(f"the weight {item.name} is too large for half precision")
        name = item.name
        item.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _read_weights_directly(graph: onnx.GraphProto) -> None:
    """Take away the Identity nodes through which the exporter shares equal weights."""
    stored = {item.name for item in graph.initializer}
    source = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    source = {name: origin for name, origin in source.items() if origin in stored}
    for node in [node for node in graph.node if node.output[0] in source]:
        graph.node.remove(node)
    for node in graph.node:
        node.input[:] = [source.get(name, name) for name in node.input]


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    for item in [item for item in graph.initializer if item.name not in read]:
        graph.initializer.remove(item)


def weights_are_half(model: onnx.ModelProto) -> bool:
    """Whether `store_weights_in_half` has nothing left to do."""
    return all(
        item.data_type != onnx.TensorProto.FLOAT or np.prod(item.dims) < SMALL for item in model.graph.initializer
    )
