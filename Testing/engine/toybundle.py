"""A bundle of toy networks and painted CTs for them, so that the whole cascade can be tested exactly without training.

The networks know grey values only: a phantom's kidney, fat-containing, fluid, solid and undecided masses have HU of
their own, in a body of fat. `toy_outcome()` gives a complete Outcome to tests of what comes after the engine.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from RenalAILib.bundles.bundle import BUNDLE_SCHEMA, Bundle, read_bundle, write_checksums
from RenalAILib.findings import Outcome
from RenalAILib.pipelines.running import segment
from RenalAILib.volume import Volume

AIR, FAT, KIDNEY, AML, CYST, SOLID, UNDECIDED = -1000.0, -100.0, 150.0, -50.0, 8.0, 80.0, 45.0
WIDTH, LEVEL = 300.0, 30.0


@dataclass(frozen=True)
class Ellipsoid:
    """A painted organ: centre and radii in RAS mm, and its HU."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float


BODY = Ellipsoid((0, 0, 0), (170, 110, 1e6), FAT)
RIGHT = Ellipsoid((60, -35, 0), (28, 26, 50), KIDNEY)
LEFT = Ellipsoid((-60, -35, 10), (27, 26, 52), KIDNEY)
RIGHT_SOLID = Ellipsoid((84, -35, 10), (16, 16, 16), SOLID)
RIGHT_CYST = Ellipsoid((62, -35, -38), (13, 13, 13), CYST)
LEFT_AML = Ellipsoid((-80, -42, 18), (14, 14, 14), AML)
USUAL = (BODY, RIGHT, LEFT, RIGHT_SOLID, RIGHT_CYST, LEFT_AML)


def axial(spacing_mm: tuple[float, float, float] = (3.0, 2.5, 2.5), half_mm: float = 90.0) -> tuple[np.ndarray, tuple]:
    """An axial LPS grid about the origin: (ijk_to_ras, shape); spacing (k, j, i), ``half_mm`` to the head and feet."""
    shape = tuple(int(np.ceil(2 * half / step)) for half, step in zip((half_mm, 120, 180), spacing_mm, strict=True))
    affine = np.diag([-spacing_mm[2], -spacing_mm[1], spacing_mm[0], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return affine, shape


def painted(
    affine: np.ndarray, shape: tuple[int, int, int], parts: Iterable[Ellipsoid] = USUAL, noise_hu: float = 0.0
) -> Volume:
    """A CT of ellipsoids on any grid, later parts over earlier ones."""
    hu = np.full(shape, AIR, dtype=np.float32)
    grid = Volume(hu, affine)
    for part in parts:
        crop, mask = _where(grid, part)
        hu[crop][mask] = part.hu
    hu += np.random.default_rng(0).normal(0, noise_hu, shape) if noise_hu else 0
    return Volume(hu.round().astype(np.int16), affine, "phantom")


def inside(volume: Volume, part: Ellipsoid) -> np.ndarray:
    """The voxels of one ellipsoid."""
    result = np.zeros(volume.shape, dtype=bool)
    crop, mask = _where(volume, part)
    result[crop] = mask
    return result


def _where(volume: Volume, part: Ellipsoid) -> tuple[tuple[slice, ...], np.ndarray]:
    """The part of a grid about an ellipsoid, and the ellipsoid's voxels there."""
    corners = np.array(list(product((-1, 1), repeat=3))) * part.radii + part.centre
    reach = volume.kji(corners)
    low = np.clip(np.floor(reach.min(axis=0)), 0, volume.shape).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0)) + 1, low, volume.shape).astype(int)
    crop = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    k, j, i = np.ogrid[crop]
    squared = 0
    for axis in range(3):
        r, a, s, t = volume.ijk_to_ras[axis]
        squared = squared + ((r * i + a * j + s * k + (t - part.centre[axis])) / part.radii[axis]) ** 2
    return crop, squared <= 1


@cache
def toy_bundle() -> Bundle:
    """The bundle, made once per process."""
    return make_bundle(Path(tempfile.mkdtemp(prefix="toybundle-")) / "toy")


def toy_outcome(spacing_mm: tuple[float, float, float] = (3.0, 1.5, 1.5)) -> Outcome:
    """Two kidneys, a solid mass and a cyst right, an AML left: painted with a little noise and segmented."""
    affine, shape = axial(spacing_mm)
    return segment(painted(affine, shape, noise_hu=3.0), toy_bundle(), device="cpu", engine="onnxruntime")


def make_bundle(folder: Path, delineate_models: int = 2, cube: int = 64) -> Bundle:
    """Write the toy bundle into ``folder``."""
    for part in ("configs", "models", "docs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    window = {"width": WIDTH, "level": LEVEL}
    models = [f"models/delineate-{n + 1}.onnx" for n in range(delineate_models)]
    masses = [(hu - 6.0, hu + 6.0) for hu in (AML, CYST, SOLID, UNDECIDED)]
    organ = [masses[0], masses[1], (25.0, 170.0)]
    onnx.save(band_network([organ], kernel=3, shape=None), folder / "models/locate.onnx")
    for model in models:
        onnx.save(band_network([organ, masses], kernel=5, shape=(cube,) * 3), folder / model)
    classifier, head = classifier_network(32)
    onnx.save(classifier, folder / "models/characterise.onnx")
    np.savez(folder / "models/characterise-head.npz", **head)
    metadata = {
        "schema": BUNDLE_SCHEMA, "name": "toy", "version": "0.0.1", "pipeline": "cascade", "title": "Toy networks",
        "license": "Apache-2.0", "demonstration": True, "training_domain": "painted phantoms",
        "intended_use": "tests of the program", "citation": "none",
        "stages": {
            "locate": {"models": ["models/locate.onnx"], "spacing_mm": 3.0, "window": window},
            "delineate": {"models": models, "shape": [cube] * 3, "margin_mm": 15.0, "window": window},
            "characterise": {
                "models": ["models/characterise.onnx"], "heads": ["models/characterise-head.npz"],
                "shape": [32, 32, 32], "scale": 1.4, "minimum_mm": 16.0, "window": window,
                "channels": ["image", "mask"],
                "classes": ["aml", "cystic", "solid"], "temperature": 1.0, "unknown_below": 0.6,
            },
        },
    }  # fmt: skip
    (folder / "configs/metadata.json").write_text(json.dumps(metadata, indent=1), encoding="utf-8")
    (folder / "docs/README.md").write_text("# Toy networks\nThey know grey values only.\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    write_checksums(folder)
    return read_bundle(folder)


def band_network(outputs: list[list[tuple[float, float]]], kernel: int, shape: tuple | None) -> onnx.ModelProto:
    """Logits per output: positive where most of the ``kernel``^3 neighbours lie in one of its bands of HU."""
    graph = _Graph()
    bands = [band for output in outputs for band in output]
    n = len(outputs)
    owner = np.array([[float(band in output) for band in bands] for output in outputs])
    graph.conv(graph.indicators("image", bands, channels=1), owner[:, :, None, None, None], np.zeros(n), "inside")
    graph.conv(
        "inside", np.full((n, 1, *[kernel] * 3), 40 / kernel**3), np.full(n, -20.0), "votes", kernel // 2, group=n
    )
    # Counted once more, so that the thin layers between tissues, whose grey values belong to others, leave no specks.
    graph.node("Sigmoid", ["votes"], "mostly")
    graph.conv("mostly", np.full((n, 1, 3, 3, 3), 20 / 27), np.full(n, -10.0), "logits", 1, group=n)
    size = list(shape or ("D", "H", "W"))
    return graph.model([("image", [1, 1, *size])], [("logits", [1, len(outputs), *size])])


def classifier_network(size: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Features: how much of each 4^3 block of the mass has the HU of each class; the head picks the largest share."""
    graph = _Graph()
    bands = [(hu - 25.0, hu + 25.0) for hu in (AML, CYST)] + [(SOLID - 12.0, SOLID + 12.0)]
    inside_band = graph.indicators("image", bands, channels=2)
    graph.conv("image", np.array([0, 1], np.float32).reshape(1, 2, 1, 1, 1), np.zeros(1), "mask")
    graph.node("Mul", [inside_band, "mask"], "in_mass")
    mean = np.zeros((3, 3, 4, 4, 4), np.float32)
    mean[range(3), range(3)] = 1 / 64
    graph.conv("in_mass", mean, np.zeros(3), "features", stride=4)
    head = {
        "hidden_weight": 40 * np.eye(5, 3, dtype=np.float32), "hidden_bias": np.full(5, -1, np.float32),
        "output_weight": np.eye(3, 5, dtype=np.float32), "output_bias": np.zeros(3, np.float32),
    }  # fmt: skip
    graph.node("GlobalAveragePool", ["features"], "pooled")
    graph.node("Flatten", ["pooled"], "flat")
    names = [graph.constant(head[name]) for name in ("hidden_weight", "hidden_bias", "output_weight", "output_bias")]
    graph.node("Gemm", ["flat", *names[:2]], "hidden", transB=1)
    graph.node("Relu", ["hidden"], "active")
    graph.node("Gemm", ["active", *names[2:]], "logits", transB=1)
    outputs = [("logits", [1, 3]), ("features", [1, 3, *[size // 4] * 3])]
    return graph.model([("image", [1, 2, size, size, size])], outputs), head


class _Graph:
    """ONNX nodes in order; weights are stored as float16 with Cast nodes, as in published bundles."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float16), name))
        return self.node("Cast", [name], f"{name}_float", to=TensorProto.FLOAT)

    def conv(
        self,
        source: str,
        weight: np.ndarray,
        bias: np.ndarray,
        output: str,
        pad: int = 0,
        stride: int = 1,
        group: int = 1,
    ) -> str:
        inputs = [source, self.constant(weight), self.constant(bias)]
        return self.node("Conv", inputs, output, pads=[pad] * 6, strides=[stride] * 3, group=group)

    def indicators(self, image: str, bands: list[tuple[float, float]], channels: int) -> str:
        """One channel per band of HU: 1 inside it, 0 outside, from channel 0 of the windowed ``image``."""
        low, high = ((np.array(edge) - LEVEL) * 2 / WIDTH for edge in zip(*bands, strict=True))
        centre, half, steep = (low + high) / 2, (high - low) / 2, 50.0
        n = len(bands)
        signs = np.zeros((2 * n, channels, 1, 1, 1))
        signs[:n, 0], signs[n:, 0] = 1, -1
        first = self.conv(image, signs, np.concatenate([-centre, centre]), "offset")
        both = np.tile(np.eye(n), 2)[:, :, None, None, None]
        second = self.conv(self.node("Relu", [first], "sides"), steep * both, -steep * half, "beyond")
        inverse = -np.eye(n)[:, :, None, None, None]
        third = self.conv(self.node("Relu", [second], "excess"), inverse, np.ones(n), "within")
        return self.node("Relu", [third], "indicator")

    def model(self, inputs: list[tuple[str, list]], outputs: list[tuple[str, list]]) -> onnx.ModelProto:
        values = [
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in part] for part in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "toy", *values, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def installed_as_default(place: Path) -> Path:
    """A folder of bundles in which the toy bundle stands under the default's name, before the one that is shipped."""
    from RenalAILib.bundles.store import DEFAULT_BUNDLE

    shutil.copytree(toy_bundle().folder, place / DEFAULT_BUNDLE)
    return place
