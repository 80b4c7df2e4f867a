"""``renalai evaluate``: a bundle, results and two systems, from the command to the files; interrupted and resumed."""

from __future__ import annotations

import csv
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from RenalAILib import cli
from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.pipelines.running import segment
from RenalAILib.report import write_outcome
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.evaluation.cases import CaseResult, Prediction
from RenalAITrainingLib.evaluation.command import evaluate
from RenalAITrainingLib.evaluation.overlay import AGREEMENT, PREDICTION, TRUTH, overlay_png
from RenalAITrainingLib.evaluation.pairs import Pair, Selection, select
from RenalAITrainingLib.evaluation.report_folder import FILES, write_report
from RenalAITrainingLib.evaluation.running import CaseStore, run_cases
from RenalAITrainingLib.evaluation.systems import ResultsSystem

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
import toybundle as toy

ORGANS = (
    (toy.RIGHT, Label.KIDNEY_RIGHT), (toy.LEFT, Label.KIDNEY_LEFT), (toy.RIGHT_SOLID, Label.SOLID),
    (toy.RIGHT_CYST, Label.CYSTIC), (toy.LEFT_AML, Label.AML),
)  # fmt: skip


def scan(masses: int = 3) -> tuple[Volume, Volume]:
    """A painted CT with so many masses, and its true labels."""
    affine, shape = toy.axial((5.0, 4.0, 4.0))
    ct = toy.painted(affine, shape, (toy.BODY, *(part for part, _ in ORGANS[: 2 + masses])), noise_hu=2.0)
    labels = np.zeros(shape, np.uint8)
    for part, label in ORGANS[: 2 + masses]:
        labels[toy.inside(ct, part)] = label
    return ct, Volume(labels, affine, "truth")


def add_case(folder: Path, ct: Volume, labels: Volume) -> None:
    folder.mkdir(parents=True)
    (folder / "ct.nii.gz").write_bytes(nifti_ct(ct, ""))
    (folder / "labels.nii.gz").write_bytes(nifti_labels(labels, ""))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two painted cases, and a folder without labels."""
    folder = tmp_path_factory.mktemp("evaluated") / "scans"
    add_case(folder / "three-masses", *scan())
    add_case(folder / "healthy", *scan(masses=0))
    (folder / "no-labels").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENALAI_BUNDLES", str(toy.toy_bundle().folder))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def run(*words: str | Path) -> int:
    """The command as `renalai` runs it."""
    parser = cli._Parser()
    evaluate.add_arguments(parser)
    return evaluate.run(parser.parse_args([str(word) for word in words]))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_bundle_against_itself_and_the_files(scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    assert run(scans, "--bundle", "toy", "--against", "toy", "--device", "cpu", "-o", out) == 0
    shown = capfd.readouterr().out
    assert "Side by side" in shown and "Masses found" in shown and "no-labels" in shown
    assert {path.name for path in out.iterdir()} == set(FILES)
    assert not list(tmp_path.glob("report.*"))  # nothing is left of the work

    (found,) = [row for row in rows(out / "tables/detection.csv") if row["average diameter"] == "all"]
    assert (found["found"], found["missed"], found["recall"]) == ("3", "0", "1")
    (every,) = [
        row
        for row in rows(out / "tables/classes.csv")
        if (row["average diameter"], row["class"]) == ("all", "all classes")
    ]
    assert every["accuracy"] == "1"
    kidneys = [row for row in rows(out / "tables/overlap.csv") if row["structure"] == "kidney with masses"]
    assert all(float(row["Dice"]) > 0.9 for row in kidneys)
    assert {float(row["difference"]) for row in rows(out / "tables/comparison.csv") if row["difference"]} == {0.0}
    masses = [row for row in rows(out / "tables/masses.csv") if row["outcome"] == "true_positive"]
    assert {row["true class"] for row in masses} == {"aml", "cystic", "solid"}
    assert all(float(row[f"probability {row['true class']}"]) > 0.6 for row in masses)

    content = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert content["schema"] == "renalai.evaluation/1"
    assert [system["name"] for system in content["systems"]] == ["toy 0.0.1"] * 2
    for picture in ("figures/roc.png", "figures/dice-by-class.png", "figures/side-by-side.png", "overlays/healthy.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    assert (out / "against/tables/masses.csv").read_bytes() == (out / "tables/masses.csv").read_bytes()

    page = (out / "evaluation.html").read_text("utf-8")
    assert "<script" not in page and not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "Demonstration weights" in page and "Kruskal-Wallis" in page
    saved = CaseResult.from_json(json.loads((out / "cases/healthy.json").read_text("utf-8")))
    assert saved.bundle == toy.toy_bundle().identity and not saved.has_masses


def test_folds_are_one_report(scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words: list[str | Path] = []
    for name in ("three-masses", "healthy"):
        table = tmp_path / f"{name}.csv"
        table.write_text(f"ct,labels,case\n{scans}/{name}/ct.nii.gz,{scans}/{name}/labels.nii.gz,{name}\n", "utf-8")
        words += ["--fold", "toy", table]
    assert run(*words, "--device", "cpu", "-o", tmp_path / "out") == 0
    assert "At a glance" in capfd.readouterr().out
    listed = rows(tmp_path / "out/tables/cases.csv")
    assert [row["case"] for row in listed] == ["three-masses", "healthy"]
    assert {row["bundle"] for row in listed} == {f"toy 0.0.1 {toy.toy_bundle().sha256[:8]}"}
    assert not (tmp_path / "out.unfinished").exists()
    for wrong, sentence in (
        ((scans, *words), "leave out DATASET_OR_FOLDER"),
        ((*words, "--bundle", "toy"), "leave out --bundle"),
        (words[:3], "for each bundle, twice or more"),
        ((), "name what to measure on"),
    ):
        with pytest.raises(InputError, match=sentence):
            run(*wrong, "-o", tmp_path / "refused")


def test_results_that_are_there(scans: Path, tmp_path: Path) -> None:
    """A result folder of `segment` gives what running the bundle gives; a mask alone has no probabilities."""
    outcome = segment(scan()[0], toy.toy_bundle(), device="cpu", engine="onnxruntime")
    write_outcome(outcome, tmp_path / "results/three-masses")
    pairs = select(scans).pairs
    system = ResultsSystem(tmp_path / "results")
    first = run_cases(pairs, system, CaseStore(tmp_path / "kept"), lambda *_: None)
    assert [result.case for result in first.results] == ["three-masses"]
    assert [(failure.case, "labels.nii.gz is missing" in failure.reason) for failure in first.failures] == [
        ("healthy", True)
    ]
    found = [mass for mass in first.results[0].masses if mass.found]
    assert len(found) == 3
    for mass in found:
        assert mass.probabilities is not None
        assert max(mass.probabilities, key=lambda cls: (mass.probabilities or {})[cls]) is mass.domain.true_class

    (tmp_path / "results/three-masses/findings.json").unlink()
    alone = run_cases(pairs, system, CaseStore(tmp_path / "kept"), lambda *_: None)
    assert {mass.probabilities for mass in alone.results[0].masses} == {None}
    assert write_report(Selection("s", pairs), None, [alone], tmp_path / "out")


class Perfect:
    """Answers with the truth; counts how often it is asked, and can be interrupted."""

    name = "perfect"

    def __init__(self, stop_at: str = "") -> None:
        self.asked: list[str] = []
        self._stop_at = stop_at

    def key(self, pair: Pair) -> str:
        return "perfect"

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        if pair.case == self._stop_at:
            raise KeyboardInterrupt
        self.asked.append(pair.case)
        return Prediction(scan(3 if pair.case == "three-masses" else 0)[1])


def test_an_interrupted_evaluation_goes_on(scans: Path, tmp_path: Path) -> None:
    pairs, store = select(scans).pairs, CaseStore(tmp_path / "kept")
    first, second = Perfect(stop_at="three-masses"), Perfect()
    with pytest.raises(KeyboardInterrupt):
        run_cases(pairs, first, store, lambda *_: None)
    assert first.asked == ["healthy"]
    done = run_cases(pairs, second, store, lambda *_: None)
    assert second.asked == ["three-masses"]
    assert [result.case for result in done.results] == ["healthy", "three-masses"]
    assert all(part.dice == 1.0 for result in done.results for part in result.agreement.structures)

    third = Perfect()
    moved = [replace(pair, part="test") for pair in pairs]
    store.text("healthy").write_text("{", encoding="utf-8")  # a damaged file is not believed
    run_cases(pairs, third, store, lambda *_: None)
    assert third.asked == ["healthy"]
    assert {result.part for result in run_cases(moved, third, store, lambda *_: None).results} == {"test"}


def test_a_corrupt_case_is_told_and_the_others_go_on(
    scans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "cases.csv"
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    table.write_text(
        f"ct,labels,patient,set\n{scans}/healthy/ct.nii.gz,{scans}/healthy/labels.nii.gz,one,test\n"
        f"broken.nii.gz,{scans}/healthy/labels.nii.gz,two,test\n",
        encoding="utf-8",
    )
    results = tmp_path / "results" / "one-1"
    add_case(results, *scan(masses=0))
    assert run(table, "--results", tmp_path / "results", "-o", tmp_path / "out") == 0
    assert "Not evaluated by results in results: two-2. broken.nii.gz" in capfd.readouterr().out.replace("\n", " ")
    assert "two-2" in (tmp_path / "out/evaluation.html").read_text("utf-8")


def test_a_dataset_and_its_split(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "data", "painted")
    for name, masses in (("pabcdefghij-aaaa", 3), ("pbbcdefghij-aaaa", 0)):
        dataset.add_case(name, *scan(masses))
    dataset.set_split({"training": ("pabcdefghij-aaaa",), "test": ("pbbcdefghij-aaaa",)}, {}, {})
    assert [pair.part for pair in select(tmp_path / "data").pairs] == ["training", "test"]
    (pair,) = select(tmp_path / "data", "test").pairs
    assert (pair.case, pair.patient, pair.labels.is_file()) == ("pbbcdefghij-aaaa", "pbbcdefghij", True)
    with pytest.raises(InputError, match="no cases in the part 'fold_1'; it has test, training"):
        select(tmp_path / "data", "fold_1")


def test_what_cannot_be_evaluated_is_refused(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("ct,mask\n1,2\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("ct,labels\nnone.nii.gz,none.nii.gz\n", encoding="utf-8")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine", encoding="utf-8")
    for words, sentence in (
        ((tmp_path / "nowhere",), "no dataset, no folder of cases"),
        ((tmp_path / "empty",), "has no folder with ct.nii.gz"),
        ((tmp_path / "a.csv",), "unknown column 'mask'"),
        ((tmp_path / "b.csv",), "none.nii.gz does not exist"),
        ((scans, "--split", "test"), "it is not split"),
        ((scans, "--results", tmp_path / "nowhere"), "no folder of results"),
        ((scans, "--results", scans, "--bundle", "toy"), "not both"),
        ((scans, "--results", tmp_path / "empty"), "no case could be evaluated"),
    ):
        with pytest.raises(InputError, match=sentence):
            run(*words, "-o", tmp_path / "out")
        assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="holds files but no RenalAI result"):
        run(scans, "-o", tmp_path / "taken")
    with pytest.raises(InputError, match="may hold letters"):
        Pair("../up", "one", "", scans, scans)


def test_overlay_colors() -> None:
    """Prediction alone is red, truth alone green, both yellow: by the picture's own pixels."""
    ct, truth = scan()
    moved = truth.with_voxels(np.where(truth.voxels == Label.CYSTIC, Label.KIDNEY_RIGHT, truth.voxels).astype(np.uint8))
    moved.voxels[:, :, :50][moved.voxels[:, :, :50] == Label.KIDNEY_LEFT] = 0
    seen = {name: _tints(overlay_png(ct, *pair)) for name, pair in {
        "same": (truth, truth), "missed": (Volume(truth.voxels * 0, truth.ijk_to_ras), truth),
        "false": (truth, Volume(truth.voxels * 0, truth.ijk_to_ras)),
    }.items()}  # fmt: skip
    assert seen == {"same": {AGREEMENT}, "missed": {TRUTH}, "false": {PREDICTION}}
    assert overlay_png(ct, moved, truth) != overlay_png(ct, truth, truth)


def _tints(png: bytes) -> set[tuple[int, int, int]]:
    """Which of the three colours a picture's tinted pixels come nearest to."""
    import io

    from matplotlib.image import imread

    pixels = (imread(io.BytesIO(png), format="png")[..., :3] * 255).reshape(-1, 3)
    tinted = pixels[np.ptp(pixels, axis=1) > 20]
    hues = {color: np.array(color) - np.mean(color) for color in (PREDICTION, TRUTH, AGREEMENT)}
    mine = tinted - tinted.mean(axis=1, keepdims=True)
    scores = np.stack([mine @ hue / np.linalg.norm(hue) for hue in hues.values()], axis=1)
    return {list(hues)[n] for n in np.unique(scores.argmax(axis=1))}


def test_references_can_be_brought_to_the_convention(tmp_path: Path) -> None:
    """A reader who left out the sinus is no error of a network that counts it, in whatever way the mask lies."""
    ct, labels = scan(0)
    whole = labels.voxels.copy()
    hollow = whole.copy()
    for value in (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT):
        k, j, i = (int(axis.mean()) for axis in np.nonzero(whole == value))
        hollow[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = Label.BACKGROUND
    affine = labels.ijk_to_ras @ np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[:3, 3] = (labels.ijk_to_ras @ [ct.shape[2] - 1, ct.shape[1] - 1, 0, 1])[:3]
    add_case(tmp_path / "data" / "case", ct, Volume(hollow[:, ::-1, ::-1], affine, "turned"))
    result = tmp_path / "results" / "case"
    result.mkdir(parents=True)
    (result / "labels.nii.gz").write_bytes(nifti_labels(Volume(whole, labels.ijk_to_ras, "whole"), ""))
    words = [tmp_path / "data", "--results", tmp_path / "results", "-o"]
    measured = {}
    for name, more in (("drawn", []), ("filled", ["--with-sinus"])):
        assert run(*words, tmp_path / name, *more) == 0
        (told,) = (tmp_path / name / "cases").glob("**/*.json")
        structures = json.loads(told.read_text(encoding="utf-8"))["agreement"]["structures"]
        measured[name] = [row["dice"] for row in structures if row["structure"] == "kidney"]
        noted = "sinus was filled" in (tmp_path / name / "evaluation.html").read_text(encoding="utf-8")
        assert noted == (name == "filled")
    assert max(measured["drawn"]) < 1.0
    assert min(measured["filled"]) == 1.0
