"""A detector bundle that needs no training: its network knows the grey values of `toybundle`'s painted organs.

One map looks for masses with boxes of one size, one for kidneys; offsets are zero. Scores are the share of a box's
pixels that have the HU looked for, so that the best box lies over the middle of what is painted.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from toybundle import AML, BODY, CYST, KIDNEY, LEFT, LEFT_AML, LEVEL, RIGHT, RIGHT_SOLID, SOLID, WIDTH, Ellipsoid

from RenalAILib.bundles.bundle import BUNDLE_SCHEMA, Bundle, read_bundle, write_checksums

PIXELS, MASS_PIXELS, KIDNEY_PIXELS = 128, 12, 20
STRIDES = (4, 8)
RIGHT_CYST = Ellipsoid((62, -35, -34), (17, 17, 17), CYST)  # as large as the boxes
SEEN = (BODY, RIGHT, LEFT, RIGHT_SOLID, RIGHT_CYST, LEFT_AML)


def make_detector(folder: Path, models: int = 1, neighbours: int = 1, step_mm: float = 3.0) -> Bundle:
    """Write the bundle into ``folder``."""
    for part in ("configs", "models", "docs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    names = [f"models/slice-detect-{n + 1}.onnx" for n in range(models)]
    for name in names:
        onnx.save(grey_value_detector(2 * neighbours + 1), folder / name)
    stage = {
        "models": names,
        "window": {"width": WIDTH, "level": LEVEL},
        "shape": [PIXELS, PIXELS],
        "neighbours": neighbours,
        "step_mm": step_mm,
        "classes": ["kidney", "mass"],
        "reported": ["mass"],
        "sides": True,
        "default_boxes": {
            "strides": list(STRIDES),
            "smallest": MASS_PIXELS / PIXELS,
            "largest": KIDNEY_PIXELS / PIXELS,
            "ratios": [1.0],
        },
        "score_above": 0.5,
        "suppress_above": 0.05,
        "fewest_slices": 2,
    }
    metadata = {
        "schema": BUNDLE_SCHEMA,
        "name": "toy-detector",
        "version": "0.0.1",
        "pipeline": "detector",
        "title": "Toy detector",
        "license": "Apache-2.0",
        "demonstration": True,
        "training_domain": "painted phantoms",
        "intended_use": "tests of the program",
        "citation": "none",
        "stages": {"slice-detect": stage},
    }
    (folder / "configs/metadata.json").write_text(json.dumps(metadata, indent=1), encoding="utf-8")
    (folder / "docs/README.md").write_text("# Toy detector\nIt knows grey values only.\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    write_checksums(folder)
    return read_bundle(folder)


def grey_value_detector(channels: int) -> onnx.ModelProto:
    """(N, channels, 128, 128) to (N, 2 * 32 * 32 + 2 * 16 * 16, 3 + 4); only the middle channel is looked at."""
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def constant(values: object, kind: type = np.float32) -> str:
        weights.append(numpy_helper.from_array(np.asarray(values, kind), f"w{len(weights)}"))
        return weights[-1].name

    def node(operator: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [f"v{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    middle = node("Gather", "image", constant([channels // 2], np.int64), axis=1)

    def near(hu: float) -> str:
        """1 within 12 HU, 0 beyond 15."""
        off = node("Abs", node("Sub", middle, constant((hu - LEVEL) * 2 / WIDTH)))
        steep = node("Mul", node("Sub", constant(30 / WIDTH), off), constant(WIDTH / 6))
        return node("Clip", steep, constant(0), constant(1))

    parts = []
    looked_for = ((MASS_PIXELS, node("Max", *map(near, (AML, CYST, SOLID))), 2), (KIDNEY_PIXELS, near(KIDNEY), 1))
    for stride, (edge, there, number) in zip(STRIDES, looked_for, strict=True):
        share = node(
            "AveragePool",
            there,
            kernel_shape=[edge, edge],
            strides=[stride, stride],
            pads=[(edge - stride) // 2] * 4,
            count_include_pad=1,
        )
        score = node("Sub", node("Mul", share, constant(30)), constant(10))  # even at a third of the box
        cells = (PIXELS // stride) ** 2
        column = node("Reshape", score, constant([-1, cells, 1, 1], np.int64))
        takes, always = np.zeros((1, 1, 2, 7)), np.zeros((1, 1, 2, 7))
        takes[..., 0, number] = 1  # the square; the larger one beside it never has anything
        always[..., 0, 3 - number] = always[..., 1, 1] = always[..., 1, 2] = -20
        boxes = node("Add", node("Mul", column, constant(takes)), constant(always))
        parts.append(node("Reshape", boxes, constant([-1, cells * 2, 7], np.int64)))
    nodes.append(helper.make_node("Concat", parts, ["logits"], axis=1))
    count = 2 * sum((PIXELS // stride) ** 2 for stride in STRIDES)
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", channels, PIXELS, PIXELS])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", count, 7])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model
