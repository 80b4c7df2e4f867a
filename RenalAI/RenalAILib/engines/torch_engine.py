"""torch as an engine: for a GPU where torch is already installed, as beside Slicer's PyTorch extension.

The bundle's ONNX file is read with the package ``onnx`` and walked node by node with torch's own functions. onnx2torch
would do the same but imports torchvision, which such installations often lack. The operators are those of the networks
that RenalAI publishes; any other operator is refused when the model is opened, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .engine import DeviceMemoryError, EngineUnavailable


class TorchEngine:
    """An ONNX network run by torch.

    Args:
        model: path or bytes of an ONNX file.
        device: ``cuda`` or ``cpu``.

    Raises:
        EngineUnavailable: torch or onnx is missing, torch has no CUDA, or the model holds an unknown operator.
    """

    name = "torch"

    def __init__(self, model: Path | bytes, device: str) -> None:
        try:
            import onnx
            import torch
            from onnx import numpy_helper
        except ImportError as problem:
            raise EngineUnavailable(f"the package {problem.name} is not installed") from problem
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineUnavailable("this torch sees no CUDA device")
        self.device = device
        self._torch = torch
        graph = (onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(str(model))).graph
        self._functions = _functions()
        unknown = sorted({node.op_type for node in graph.node} - set(self._functions))
        if unknown:
            raise EngineUnavailable(f"the torch engine does not know the ONNX operator {unknown[0]}")
        self._constants = {
            item.name: torch.from_numpy(numpy_helper.to_array(item).copy()).to(device) for item in graph.initializer
        }
        self._steps = []
        for node in graph.node:
            attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            names = list(node.input)
            if node.op_type == "Constant":
                value = torch.from_numpy(np.array(numpy_helper.to_array(attributes["value"])))
                self._constants[node.output[0]] = value.to(device)
            elif all(name in self._constants for name in names):  # weights stored in half precision are widened once
                known = [self._constants[name] for name in names]
                self._constants[node.output[0]] = self._functions[node.op_type](attributes, *known)
            else:
                self._steps.append((node.op_type, names, list(node.output), attributes))
        self._outputs = [item.name for item in graph.output]
        self._last_use = {name: n for n, (_, names, _, _) in enumerate(self._steps) for name in names}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See :class:`Engine`."""
        torch = self._torch
        try:
            # Without TensorFloat-32, whose 10 bits of mantissa would let labels differ from the other engines'.
            with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
                # ascontiguousarray: torch has no negative strides.
                values = {
                    name: torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
                    for name, array in inputs.items()
                }
                for n, (operator, names, outputs, attributes) in enumerate(self._steps):
                    arguments = [values[name] if name in values else self._constants.get(name) for name in names]
                    values[outputs[0]] = self._functions[operator](attributes, *arguments)
                    for name in names:  # what no later step reads is freed: activations are most of the memory
                        if self._last_use[name] == n and name not in self._outputs:
                            values.pop(name, None)
                return {name: values[name].float().cpu().numpy() for name in self._outputs}
        except torch.cuda.OutOfMemoryError as problem:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(str(problem).splitlines()[0]) from problem


def _functions() -> dict[str, Callable[..., Any]]:
    """ONNX operators as functions of (attributes, inputs...); a missing optional input comes as None."""
    import torch
    from torch.nn import functional as F

    types = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64}

    def pad_to(a: Mapping[str, Any], x: Any, value: float) -> Any:
        """Explicit padding, because ONNX pads each end of an axis on its own."""
        if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise EngineUnavailable("the torch engine does not know ONNX auto_pad")
        pads = a.get("pads", [0] * 2 * (x.ndim - 2))
        n = len(pads) // 2
        flat = [pads[axis + end * n] for axis in reversed(range(n)) for end in (0, 1)]
        return F.pad(x, flat, value=value) if any(flat) else x

    def conv(a: Mapping[str, Any], x: Any, w: Any, b: Any = None) -> Any:
        function = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
        strides, dilations = a.get("strides", 1), a.get("dilations", 1)
        pads = a.get("pads", [0] * 2 * (x.ndim - 2))
        n = len(pads) // 2
        if pads[:n] == pads[n:] and a.get("auto_pad", b"NOTSET") == b"NOTSET":
            return function(x, w, b, strides, pads[:n], dilations, a.get("group", 1))
        return function(pad_to(a, x, 0.0), w, b, strides, 0, dilations, a.get("group", 1))

    def conv_transpose(a: Mapping[str, Any], x: Any, w: Any, b: Any = None) -> Any:
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 3]
        n = x.ndim - 2
        pads, extra = a.get("pads", [0] * 2 * n), a.get("output_padding", [0] * n)
        # torch pads both ends alike; the end's surplus is an output_padding less.
        extra = [extra[axis] + pads[axis] - pads[axis + n] for axis in range(n)]
        if min(extra) < 0 or "output_shape" in a:
            raise EngineUnavailable("the torch engine does not know this padding of ConvTranspose")
        return function(x, w, b, a.get("strides", 1), pads[:n], extra, a.get("group", 1), a.get("dilations", 1))

    def max_pool(a: Mapping[str, Any], x: Any) -> Any:
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3]
        options = {"dilation": a.get("dilations", 1), "ceil_mode": bool(a.get("ceil_mode", 0))}
        return function(pad_to(a, x, -torch.inf), a["kernel_shape"], a.get("strides", 1), 0, **options)

    def reduce_mean(a: Mapping[str, Any], x: Any, axes: Any = None) -> Any:
        dims: Sequence[int] = axes.tolist() if axes is not None else a.get("axes", list(range(x.ndim)))
        return x.mean(dim=tuple(dims), keepdim=bool(a.get("keepdims", 1)))

    def batch_norm(a: Mapping[str, Any], x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
        return F.batch_norm(x, mean, variance, scale, bias, eps=a.get("epsilon", 1e-5))

    def instance_norm(a: Mapping[str, Any], x: Any, scale: Any, bias: Any) -> Any:
        return F.instance_norm(x, weight=scale, bias=bias, eps=a.get("epsilon", 1e-5))

    def gemm(a: Mapping[str, Any], x: Any, w: Any, b: Any = 0) -> Any:
        x, w = (x.T if a.get("transA") else x), (w.T if a.get("transB") else w)
        return a.get("alpha", 1.0) * (x @ w) + a.get("beta", 1.0) * b

    def reshape(a: Mapping[str, Any], x: Any, shape: Any) -> Any:
        return x.reshape([x.shape[n] if size == 0 else size for n, size in enumerate(shape.tolist())])

    return {
        "Add": lambda a, x, y: x + y,
        "BatchNormalization": batch_norm,
        "Cast": lambda a, x: x.to(types[a["to"]]),
        "Concat": lambda a, *x: torch.cat(x, dim=a["axis"]),
        "Constant": lambda a: None,
        "Conv": conv,
        "ConvTranspose": conv_transpose,
        "Flatten": lambda a, x: x.reshape(int(np.prod(x.shape[: a.get("axis", 1)])), -1),
        "Gemm": gemm,
        "GlobalAveragePool": lambda a, x: x.mean(dim=tuple(range(2, x.ndim)), keepdim=True),
        "Identity": lambda a, x: x,
        "InstanceNormalization": instance_norm,
        "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
        "MatMul": lambda a, x, y: x @ y,
        "MaxPool": max_pool,
        "Mul": lambda a, x, y: x * y,
        "PRelu": lambda a, x, slope: torch.where(x < 0, x * slope, x),
        "ReduceMean": reduce_mean,
        "Relu": lambda a, x: torch.relu(x),
        "Reshape": reshape,
        "Sigmoid": lambda a, x: torch.sigmoid(x),
        "Sub": lambda a, x, y: x - y,
    }
