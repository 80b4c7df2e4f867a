"""Ensembles in a cascade: what several networks of a stage say is averaged, and ``fast`` asks only the first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from toybundle import (
    BODY,
    LEFT,
    RIGHT,
    RIGHT_SOLID,
    axial,
    classifier_network,
    make_bundle,
    painted,
    toy_bundle,
)

from RenalAILib.bundles.bundle import METADATA, Bundle, read_bundle, write_checksums
from RenalAILib.findings import Outcome
from RenalAILib.labels import MassClass
from RenalAILib.pipelines.running import segment
from RenalAILib.volume import Volume

GRID = axial((4.0, 2.5, 2.5))


def run(volume: Volume, bundle: Bundle, **options: bool) -> Outcome:
    return segment(volume, bundle, device="cpu", engine="onnxruntime", **options)


def changed(folder: Path, stage: str, **changes: list[str]) -> Bundle:
    """The bundle in ``folder`` with other models of one stage."""
    path = folder / METADATA
    told = json.loads(path.read_text(encoding="utf-8"))
    told["stages"][stage] |= changes
    path.write_text(json.dumps(told), encoding="utf-8")
    write_checksums(folder)
    return read_bundle(folder)


@pytest.mark.parametrize(("stage", "first"), [("locate", "locate"), ("delineate", "delineate-1")])
def test_fast_runs_one_network_of_the_ensemble(stage: str, first: str) -> None:
    bundle = toy_bundle()
    two = replace(getattr(bundle.stages, stage), models=(f"models/{first}.onnx", "models/absent.onnx"))
    lacking = replace(bundle, stages=replace(bundle.stages, **{stage: two}))
    volume = painted(*GRID)
    assert (run(volume, lacking, fast=True).labels == run(volume, bundle).labels).all()  # toy networks are all alike
    with pytest.raises(KeyError, match="absent"):
        run(volume, lacking)


def test_kidneys_are_where_the_locating_networks_see_them_on_average(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "toy").folder
    blind = onnx.load(str(folder / "models/locate.onnx"))
    blind.graph.node[-1].output[0] = "seen"
    blind.graph.initializer.append(onnx.numpy_helper.from_array(np.float32([-20]), "nothing"))
    blind.graph.node.append(onnx.helper.make_node("Min", ["seen", "nothing"], ["logits"]))
    onnx.save(blind, str(folder / "models/blind.onnx"))

    def kidneys(*names: str) -> int:
        bundle = changed(folder, "locate", models=[f"models/{name}.onnx" for name in names])
        return len(run(painted(*GRID), bundle).findings.kidneys)

    assert kidneys("locate", "locate", "blind") == 2
    assert kidneys("locate", "blind", "blind") == 0


def test_probabilities_of_classifiers_are_averaged(tmp_path: Path) -> None:
    """The second classifier of the two calls what is solid cystic: together they do not know."""
    folder = make_bundle(tmp_path / "toy").folder
    network, head = classifier_network(32)
    turned = [0, 2, 1]
    for weight in network.graph.initializer:
        if list(weight.dims) == [3, 5]:
            weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight)[turned], weight.name))
    onnx.save(network, str(folder / "models/turned.onnx"))
    np.savez(folder / "models/turned-head.npz", **{**head, "output_weight": head["output_weight"][turned]})
    volume = painted(*GRID, parts=(BODY, RIGHT, LEFT, RIGHT_SOLID))
    of = {"characterise": "characterise-head", "turned": "turned-head"}

    def classify(*names: str) -> Outcome:
        models, heads = [f"models/{name}.onnx" for name in names], [f"models/{of[name]}.npz" for name in names]
        bundle = changed(folder, "characterise", models=models, heads=heads)
        return run(volume, bundle)

    one, two, both = (classify(*names) for names in (["characterise"], ["turned"], ["characterise", "turned"]))
    (first,), (second,), (mean,) = (outcome.findings.masses for outcome in (one, two, both))
    assert (first.mass_class, second.mass_class) == (MassClass.SOLID, MassClass.CYSTIC)
    assert mean.mass_class is MassClass.UNKNOWN  # of two that contradict each other
    for name, value in mean.probabilities.items():
        assert value == pytest.approx((first.probabilities[name] + second.probabilities[name]) / 2, abs=1e-6)
    assert both.saliency[mean.segment_id].values.max() > 0
