"""Masks of several readers come in by the command, stay apart, and are fused on request."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelledcases import NAMES, ct_of, labels

from RenalAILib.cli import main as renalai
from RenalAILib.labels import Label
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.folder import Dataset


def _read_by(folder: Path, masks: list[Volume]) -> str:
    """One reader's masks of the same CTs, as an nnU-Net raw folder."""
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    for number, mask in enumerate(masks):
        ct = ct_of(labels((Label.SOLID, "right", 14.0), seed=number), number)
        (folder / "imagesTr" / f"p{number}_0000.nii.gz").write_bytes(nifti_ct(ct, ""))
        (folder / "labelsTr" / f"p{number}.nii.gz").write_bytes(nifti_labels(mask, ""))
    names = {"background": 0, "kidney_right": 1, "kidney_left": 2, "solid": 5}
    facts = {"channel_names": {"0": "CT"}, "labels": names, "numTraining": len(masks), "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    return str(folder)


def test_three_readers_and_their_fusion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Pseudonyms, "of_user", lambda folder: NAMES)
    truth = [labels((Label.SOLID, "right", 14.0), seed=n) for n in range(2)]
    smaller = [labels((Label.SOLID, "right", 9.0), seed=n) for n in range(2)]
    target = str(tmp_path / "set")
    for number, masks in enumerate((smaller, truth, truth), 1):
        source = _read_by(tmp_path / f"reader{number}" / "Dataset001_Same", masks)
        assert renalai(["dataset", "import", source, "-o", target, "--reader", f"reader-{number}"]) == 0
    assert "0 cases added, 0 were there before, 0 left out, 2 read again by reader-3" in capsys.readouterr().out
    assert renalai(["dataset", "import", source, "-o", target, "--reader", "reader-3"]) == 0
    assert "0 cases added, 2 were there before, 0 left out;" in capsys.readouterr().out

    dataset = Dataset.open(tmp_path / "set")
    case = dataset.cases[0]
    assert case.readers == ("reader-1", "reader-2", "reader-3") and case.reference == "reader-1"
    assert np.array_equal(dataset.labels(case).voxels, smaller[0].voxels)
    for method in ("majority", "staple"):
        assert renalai(["dataset", "fuse", target, "--method", method]) == 0
        fused = Dataset.open(tmp_path / "set")
        assert fused.cases[0].reference == "fused"
        assert np.array_equal(fused.labels(fused.cases[0]).voxels, truth[0].voxels)
        assert np.array_equal(fused.labels(fused.cases[0], "reader-1").voxels, smaller[0].voxels)
