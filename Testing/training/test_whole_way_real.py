"""From real CTs to a bundle that RenalAI runs, by the commands a user types: going on from the shipped weights.

A toy that begins from nothing cannot learn real kidneys in a minute; a hospital that corrects segmentations begins with
the shipped networks, and so does this test. Slices stay, in plane every second voxel is left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.bundles.store import find_bundles, load_bundle
from RenalAILib.cli import main as renalai
from RenalAILib.labels import Label
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.folder import Dataset

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ct"
CASES = ("btcv_0027", "btcv_0034", "btcv_0037")  # all with cysts, so that every part has masses
NAMES = {
    "background": 0, "kidney_right": 1, "kidney_left": 2, "aml": 3, "cystic": 4, "solid": 5, "unknown": 6,
}  # fmt: skip
KIDNEY_BAR = 0.8
SMALL: dict[str, Any] = {
    "locate": {"data": {"patch": [32, 48, 64], "validation_samples": 1}},
    "delineate": {"data": {"patch": [48, 48, 48], "validation_samples": 1}},
    "characterise": {"data": {"validation_samples": 4}},
}
FEW_STEPS = {"optimiser": {"learning_rate": 1.0e-7}, "schedule": {"batch": 2, "steps": 2, "validate_every": 2}}


def thinned(volume: Volume) -> Volume:
    """Every second voxel of each slice."""
    affine = volume.ijk_to_ras @ np.diag([2.0, 2.0, 1.0, 1.0])
    return Volume(np.ascontiguousarray(volume.voxels[:, ::2, ::2]), affine, volume.name)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients as an nnU-Net raw folder, imported, checked and split."""
    if not DATA.is_dir():
        pytest.skip(f"no real scans: {DATA} is not there")
    if "zhao2023-demo" not in find_bundles():
        pytest.skip("no shipped bundle in Resources/Bundles")
    folder = tmp_path_factory.mktemp("real")
    raw = folder / "Dataset002_Real"
    for name in ("imagesTr", "labelsTr"):
        (raw / name).mkdir(parents=True)
    for case in CASES:
        ct, truth = read_ct(DATA / case / "ct.nii.gz").volume, read_labels(DATA / case / "labels.nii.gz")
        (raw / "imagesTr" / f"{case}_0000.nii.gz").write_bytes(nifti_ct(thinned(ct), ""))
        (raw / "labelsTr" / f"{case}.nii.gz").write_bytes(nifti_labels(thinned(truth), ""))
    facts = {"channel_names": {"0": "CT"}, "labels": NAMES, "numTraining": len(CASES), "file_ending": ".nii.gz"}
    (raw / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    assert renalai(["dataset", "import", str(raw), "-o", str(folder / "set")]) == 0
    assert renalai(["dataset", "check", str(folder / "set"), "--no-sheet"]) == 0
    assert renalai(["dataset", "split", str(folder / "set"), "--ratio", "1:1:1"]) == 0
    return folder / "set"


def recipe_file(stage: str, folder: Path) -> str:
    """The shipped recipe of a stage for a few small steps."""
    from RenalAITrainingLib.recipes import recipe

    content = json.loads(json.dumps(recipe.load(f"demo-{stage}").to_json()))
    for changes in (SMALL[stage], FEW_STEPS):
        for section, values in changes.items():
            content[section] |= values
    (folder / f"{stage}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(folder / f"{stage}.yaml")


def test_real_scans_go_on_from_the_shipped_weights(dataset: Path, tmp_path: Path) -> None:
    shipped = load_bundle("zhao2023-demo").folder
    best = []
    for stage in SMALL:
        samples, run = str(tmp_path / "samples" / stage), tmp_path / "runs" / stage
        assert renalai(["dataset", "samples", str(dataset), "--stage", stage, "-o", samples]) == 0
        words = ["train", recipe_file(stage, tmp_path), "--samples", samples, "-o", str(run), "--threads", "1"]
        assert renalai([*words, "--start-from", str(shipped), "--device", "cpu"]) == 0
        best.append(str(run / "best.pt"))
    cards = Path(__file__).resolve().parents[2] / "RenalAITraining" / "RenalAITrainingLib" / "cards"
    description = yaml.safe_load((cards / "zhao2023-demo.yaml").read_text(encoding="utf-8")) | {"name": "own"}
    for name, text in (("own.yaml", yaml.safe_dump(description)), ("card.md", "A test.\n"), ("LICENSE", "None.\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["publish", str(tmp_path / "own.yaml"), "--networks", *best, "--samples"]
    words += [str(tmp_path / "samples" / stage) for stage in SMALL]
    words += ["--card", str(tmp_path / "card.md"), "--license-file", str(tmp_path / "LICENSE")]
    assert renalai([*words, "-o", str(tmp_path / "own")]) == 0
    assert read_bundle(tmp_path / "own").name == "own"

    report = tmp_path / "report"
    words = ["evaluate", str(dataset), "--split", "test", "--with-sinus", "--bundle", str(tmp_path / "own")]
    assert renalai([*words, "-o", str(report), "--device", "cpu"]) == 0
    measured = json.loads((report / "evaluation.json").read_text(encoding="utf-8"))
    rows = measured["systems"][0]["tables"]["overlap"]["rows"]
    (both,) = [row for row in rows if row["structure"] == "kidney with masses" and row["side"] == "both"]
    assert both["Dice"]["value"] > KIDNEY_BAR

    (name,) = Dataset.open(dataset).split["test"]
    ct = str(dataset / Dataset.open(dataset).case(name).image_path)
    assert renalai(["segment", ct, "--bundle", str(tmp_path / "own"), "-o", str(tmp_path / "result")]) == 0
    found = read_labels(tmp_path / "result" / "labels.nii.gz").voxels
    assert {int(Label.KIDNEY_RIGHT), int(Label.KIDNEY_LEFT)} <= set(np.unique(found).tolist())
