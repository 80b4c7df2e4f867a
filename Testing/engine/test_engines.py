"""Engines: the same numbers from each, real checks of what works, and a full GPU that does not end the work."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from toybundle import axial, painted, toy_bundle

from RenalAILib.engines import probe, selection
from RenalAILib.engines.engine import DeviceMemoryError, Engine, EngineUnavailable
from RenalAILib.engines.networks import Networks, SessionCache
from RenalAILib.engines.selection import choose, create_engine, open_engine, why_not
from RenalAILib.engines.threads import available_cores
from RenalAILib.errors import InputError
from RenalAILib.pipelines.running import segment

ENGINES = [
    name
    for name, package in (("onnxruntime", "onnxruntime"), ("openvino", "openvino"), ("torch", "torch"))
    if find_spec(package)
]
OTHERS = [name for name in ENGINES if name != "onnxruntime"]


def published_like_network() -> onnx.ModelProto:
    """A small network of the operators of the published U-Nets and ResNets, with weights as float16."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []

    def weight(*shape: int) -> str:
        name = f"w{len(weights)}"
        weights.append(numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float16), name))
        nodes.append(helper.make_node("Cast", [name], [f"{name}f"], to=TensorProto.FLOAT))
        return f"{name}f"

    def node(operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    same, half = {"pads": [1] * 6}, {"pads": [1] * 6, "strides": [2] * 3}
    x = node("Conv", ["image", weight(4, 1, 3, 3, 3), weight(4)], "c1", **same)
    skip = node("PRelu", [x, weight(1, 1, 1, 1)], "p1")
    x = node("Conv", [skip, weight(6, 4, 3, 3, 3), weight(6)], "c2", **half)
    x = node("Relu", [x], "r2")
    dilated = {"pads": [2] * 6, "dilations": [2] * 3}
    residual = node("Conv", [x, weight(6, 6, 3, 3, 3), weight(6)], "c3", **dilated)
    x = node("Add", [x, residual], "a3")
    parameters = [weight(6), weight(6)]
    x = node("InstanceNormalization", [x, *parameters], "n3")
    up = {"strides": [2] * 3, "pads": [1] * 6, "output_padding": [1] * 3}
    x = node("ConvTranspose", [x, weight(6, 4, 3, 3, 3), weight(4)], "t4", **up)
    x = node("Concat", [skip, x], "k4", axis=1)
    x = node("MaxPool", [x], "m5", kernel_shape=[3] * 3, strides=[2] * 3, pads=[1] * 6)
    features = node("LeakyRelu", [x], "features", alpha=0.1)
    x = node("ReduceMean", [features], "mean", axes=[2, 3, 4], keepdims=0)
    x = node("Gemm", [x, weight(5, 8), weight(5)], "logits", transB=1)
    outputs = [("logits", [1, 5]), ("features", [1, 8, "d", "h", "w"])]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "D", "H", "W"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "small.onnx"
    onnx.save(published_like_network(), path)
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_engines_agree(name: str, network: Path) -> None:
    reference, other = open_engine("onnxruntime", network, "cpu"), open_engine(name, network, "cpu")
    assert (other.name, other.device) == (name, "cpu")
    for shape in ((16, 16, 16), (32, 16, 48), (16, 16, 16)):
        image = np.random.default_rng(1).normal(size=(1, 1, *shape)).astype(np.float32)
        expected, got = reference.run({"image": image}), other.run({"image": image})
        assert set(expected) == set(got) == {"logits", "features"}
        for output in expected:
            assert got[output].dtype == np.float32 and got[output].shape == expected[output].shape
            np.testing.assert_allclose(got[output], expected[output], atol=2e-5)


@pytest.mark.parametrize("name", ENGINES)
def test_toy_networks_give_the_same_labels(name: str) -> None:
    volume = painted(*axial((4.0, 2.5, 2.5)), noise_hu=2.0)
    ours = segment(volume, toy_bundle(), device="cpu", engine=name, sessions=SessionCache())
    reference = segment(volume, toy_bundle(), device="cpu", engine="onnxruntime")
    assert len(reference.findings.masses) == 3
    for value in range(1, 6):
        one, two = ours.labels == value, reference.labels == value
        assert 2 * (one & two).sum() >= 0.999 * (one.sum() + two.sum())


@pytest.mark.parametrize("name", ENGINES)
def test_probe_accepts_what_computes(name: str) -> None:
    assert why_not(name, "cpu") is None


def test_probe_model_is_the_convolution_it_claims() -> None:
    model = onnx.load_from_string(probe.PROBE_MODEL)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert numpy_helper.to_array(model.graph.initializer[0]).ravel().tolist() == [1, 2, 3]


class Fake:
    """An engine of a few lines: doubles its input, or fails as told."""

    name = "fake"

    def __init__(self, device: str, problem: Exception | None = None) -> None:
        self.device, self.problem, self.runs = device, problem, 0

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.runs += 1
        if self.problem is not None:
            raise self.problem
        return {name: 2 * array for name, array in inputs.items()}


def test_probe_refuses_wrong_numbers_and_faults() -> None:
    with pytest.raises(EngineUnavailable, match=r"failed on fake \(cuda\): no kernel image"):
        probe.check(Fake("cuda", RuntimeError("no kernel image\nis available")))
    wrong = Fake("cuda")
    wrong.run = lambda inputs: {"y": inputs["x"]}
    with pytest.raises(EngineUnavailable, match="wrong result"):
        probe.check(wrong)


def test_cuda_without_a_gpu_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "cuda_devices", lambda: 0)
    why_not.cache_clear()
    try:
        with pytest.raises(InputError, match="device cuda: no NVIDIA GPU with a driver was found"):
            choose("cuda")
        assert choose("auto")[1] == "cpu"
    finally:
        why_not.cache_clear()


def test_gpu_that_is_there_but_broken_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, model: Path | bytes, device: str) -> Engine:
        return Fake(device, RuntimeError("CUDNN_STATUS_NOT_INITIALIZED"))

    monkeypatch.setattr(probe, "cuda_devices", lambda: 1)
    monkeypatch.setattr(selection, "open_engine", broken)
    why_not.cache_clear()
    try:
        with pytest.raises(InputError, match="CUDNN_STATUS_NOT_INITIALIZED"):
            choose("cuda")
    finally:
        why_not.cache_clear()


def test_working_gpu_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "why_not", lambda name, device: None if name == "torch" else "broken")
    assert choose("auto") == ("torch", "cuda")
    with pytest.raises(InputError, match="device cpu: broken"):
        choose("cpu")  # torch on the CPU is taken by name only
    assert choose("cpu", "torch") == ("torch", "cpu")


@pytest.mark.parametrize(
    ("device", "engine", "words"),
    [("tpu", None, "no device 'tpu'"), ("cpu", "tflite", "no engine 'tflite'"), ("cuda", "openvino", "no cuda device")],
)
def test_unknown_wishes_are_refused(device: str, engine: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose(device, engine)


def test_unknown_operator_is_refused_when_opened(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = published_like_network()
    model.graph.node[-1].op_type = "Einsum"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(InputError, match="does not know the ONNX operator Einsum"):
        create_engine(tmp_path / "odd.onnx", "cpu", "torch")


def test_full_gpu_falls_to_the_cpu_once_and_says_so() -> None:
    made: list[str] = []
    gpu, cpu = Fake("cuda", DeviceMemoryError("out of memory")), Fake("cpu")

    def factory(model: Path, device: str, engine: str | None) -> Engine:
        made.append(device)
        return cpu if device == "cpu" else gpu

    networks = Networks(toy_bundle(), "auto", sessions=SessionCache(factory))
    image = np.ones((1, 1, 2, 2, 2), np.float32)
    for _ in range(3):
        assert networks.run("models/locate.onnx", image)["image"].max() == 2
    assert (gpu.runs, cpu.runs, made) == (1, 3, ["auto", "cpu"])
    assert len(networks.warnings) == 1 and "memory of the GPU" in networks.warnings[0]


def test_full_gpu_reaches_the_findings() -> None:
    def factory(model: Path, device: str, engine: str | None) -> Engine:
        full = Fake("cuda", DeviceMemoryError("out of memory"))
        return create_engine(model, "cpu", "onnxruntime") if device == "cpu" else full

    volume = painted(*axial((4.0, 3.0, 3.0)))
    outcome = segment(volume, toy_bundle(), sessions=SessionCache(factory))
    assert len(outcome.findings.kidneys) == 2 and len(outcome.findings.masses) == 3
    assert any("memory of the GPU" in warning for warning in outcome.findings.warnings)


def test_memory_of_the_cpu_has_no_fallback() -> None:
    cache = SessionCache(lambda model, device, engine: Fake("cpu", DeviceMemoryError("out of memory")))
    with pytest.raises(DeviceMemoryError):
        Networks(toy_bundle(), sessions=cache).run("models/locate.onnx", np.ones((1, 1, 2, 2, 2), np.float32))


def test_sessions_stay_warm_and_the_oldest_goes() -> None:
    made: list[Path] = []

    def factory(model: Path, device: str, engine: str | None) -> Engine:
        made.append(model)
        return Fake(device)

    cache = SessionCache(factory, most=2)
    first = cache.engine(Path("a"), "a", "cpu", None)
    cache.engine(Path("b"), "b", "cpu", None)
    assert cache.engine(Path("a"), "a", "cpu", None) is first
    cache.engine(Path("c"), "c", "cpu", None)  # b was unused for longest
    assert cache.engine(Path("a"), "a", "cpu", None) is first and made == [Path("a"), Path("b"), Path("c")]
    assert cache.engine(Path("a"), "a", "cuda", None) is not first


def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert available_cores() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_many_shapes_do_not_pile_up() -> None:
    """Nearly every CT gives the locating network a shape of its own; a batch of thousands must not keep them all."""
    pytest.importorskip("openvino")
    from RenalAILib.engines.openvino_engine import OpenVinoEngine

    bundle = toy_bundle()
    engine = OpenVinoEngine(bundle.folder / "models/locate.onnx")
    first = {}
    for size in (16, 32, 48, 64, 16):
        image = np.full((1, 1, 16, 16, size), 0.2, np.float32)
        found = engine.run({"image": image})["logits"]
        assert found.shape[-1] == size
        np.testing.assert_array_equal(first.setdefault(size, found), found)
        assert len(engine._compiled) <= 2


def test_openvino_reports_nothing_to_anybody() -> None:
    """Its telemetry forks a process that sends over the network, and that outlived killed engines."""
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is optional")
    from RenalAILib.engines.openvino_engine import OpenVinoEngine

    OpenVinoEngine(toy_bundle().files["models/locate.onnx"])
    assert sys.modules.get("openvino_telemetry") is None
