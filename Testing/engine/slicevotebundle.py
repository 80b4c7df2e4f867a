"""A ``slice-vote`` bundle whose network knows one thing: how bright the middle of a slice is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from toybundle import LEVEL, WIDTH, toy_bundle

from RenalAILib.bundles.bundle import BUNDLE_SCHEMA, Bundle, read_bundle, write_checksums

SHAPE = (32, 32)


def make_vote_bundle(folder: Path, bright_hu: float = 0.0, more: bytes | None = None, **changes: Any) -> Bundle:
    """Write it into ``folder``: slices whose middle is above ``bright_hu`` vote ``rcc``, the others ``benign``.

    Args:
        more: the ONNX file of a second network, for an ensemble.
        changes: of the stage slice-classify; ``slices`` other than ``all`` brings the toy networks that find kidneys.
    """
    for part in ("configs", "models", "docs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    window = {"width": WIDTH, "level": LEVEL}
    (folder / "models/slice-classify.onnx").write_bytes(brightness_network(bright_hu).SerializeToString())
    classify: dict[str, Any] = {
        "models": ["models/slice-classify.onnx"], "shape": list(SHAPE), "window": window,
        "classes": ["benign", "rcc"], "labelled": "oncocytoma", "slices": "all", "decisive": "benign",
        "threshold": 0.51,
    }  # fmt: skip
    if more is not None:
        (folder / "models/second.onnx").write_bytes(more)
        classify["models"] = ["models/slice-classify.onnx", "models/second.onnx"]
    stages: dict[str, Any] = {"slice-classify": classify | changes}
    toy = toy_bundle()
    if classify["slices"] != "all" or changes.get("slices", "all") != "all":
        shutil.copy(toy.folder / "models/locate.onnx", folder / "models")
        stages["locate"] = {"models": ["models/locate.onnx"], "spacing_mm": 3.0, "window": window}
    if changes.get("slices") == "mass":
        shutil.copy(toy.folder / "models/delineate-1.onnx", folder / "models")
        stages["delineate"] = {
            "models": ["models/delineate-1.onnx"], "shape": [64] * 3, "margin_mm": 15.0, "window": window,
        }  # fmt: skip
    metadata = {
        "schema": BUNDLE_SCHEMA, "name": "toy-vote", "version": "0.0.1", "pipeline": "slice-vote",
        "title": "Toy votes", "license": "Apache-2.0", "demonstration": True, "training_domain": "painted phantoms",
        "intended_use": "tests of the program", "citation": "none", "stages": stages,
    }  # fmt: skip
    (folder / "configs/metadata.json").write_text(json.dumps(metadata, indent=1), encoding="utf-8")
    (folder / "docs/README.md").write_text("# Toy votes\nBright is rcc.\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    write_checksums(folder)
    return read_bundle(folder)


def brightness_network(bright_hu: float, steep: float = 40.0) -> onnx.ModelProto:
    """One logit a slice: positive where the mean of its middle quarter is above ``bright_hu``."""
    rows, columns = SHAPE
    weight = np.zeros((rows * columns, 1), np.float32)
    middle = np.zeros(SHAPE, np.float32)
    middle[rows * 3 // 8 : rows * 5 // 8, columns * 3 // 8 : columns * 5 // 8] = 1
    weight[:, 0] = steep * (middle / middle.sum()).ravel()
    edge = (bright_hu - LEVEL) * 2 / WIDTH
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
    ]
    constants = [
        numpy_helper.from_array(weight, "weight"),
        numpy_helper.from_array(np.array([-steep * edge], np.float32), "bias"),
    ]
    graph = helper.make_graph(
        nodes,
        "vote",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, rows, columns])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 1])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
