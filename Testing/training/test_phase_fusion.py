"""Fusion of contrast phases (Allaoui and Zetout 2020): a network for each, the best combination for each region."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from papersystems import at_toy_size, dice, published, train
from phasedpatients import PHASES, painted_phase, phased_dataset, phased_samples

from RenalAILib.bundles.bundle import METADATA, read_bundle, write_checksums
from RenalAILib.bundles.stages.phase_fusion import PhaseFusionStages
from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings
from RenalAILib.labels import MASS_LABELS
from RenalAILib.reading import read_labels
from RenalAILib.report.nifti import nifti_ct
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.patient_phases import patients_in_phases
from RenalAITrainingLib.dataset.real_samples import fill
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

EARLY, LATE = (phase.value for phase in PHASES)


def _toy(phase: str) -> Recipe:
    """The 2-D recipe bound to a phase, with a small network and a loss that learns masses in seconds."""
    steps = 90
    return at_toy_size(
        "allaoui2020-2d",
        network={"name": "slice_unet", "options": {"filters": [8, 16]}},
        data={"phase": phase, "validation_samples": 8, "structures": ("kidney", "mass")},
        loss={"name": "dice_bce"},
        optimiser={"learning_rate": 0.01},
        schedule={"batch": 8, "epochs": None, "steps": steps, "shape": "cosine", "validate_every": steps},
        slices={"mirror": 0.0, "rotation_deg": 0.0},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset, list[Trainer], SampleStore]:
    """A published bundle, what its combinations were measured on, and what it was made of."""
    folder = tmp_path_factory.mktemp("phases")
    dataset = phased_dataset(folder / "data")
    store = phased_samples(dataset, folder / "samples")
    runs = [train(_toy(phase), store, folder / phase) for phase in (EARLY, LATE)]
    settings = {"fuse": {"dataset": str(dataset.folder)}, "segment": {"unknown_below": 0.5}}
    return published("phase-fusion", settings, runs, store, folder / "bundle"), dataset, runs, store


def _stages(bundle: Path) -> PhaseFusionStages:
    stages = read_bundle(bundle).stages
    assert isinstance(stages, PhaseFusionStages)
    return stages


def test_each_network_learns_its_phase_alone(made: tuple[Path, Dataset, list[Trainer], SampleStore]) -> None:
    _, _, runs, store = made
    for run, phase in zip(runs, (EARLY, LATE), strict=True):
        learned = run.batches.store
        assert 0 < len(learned) < len(store) and {record.extra["phase"] for record in learned.records} == {phase}
        share = float(np.mean([(sample.label > 0).mean() for sample in learned]))
        told = checkpoint.load(run.best)["metrics"]
        assert 2 * share / (1 + share) < 0.4 < 0.6 < told["kidney_dice"]  # the best constant, and what is learned


def test_every_combination_is_in_the_bundle_and_the_best_one_draws(
    made: tuple[Path, Dataset, list[Trainer], SampleStore],
) -> None:
    """In the early phase the mass is no darker than the medulla around it, so the late one must draw it."""
    stages = _stages(made[0])
    assert stages.phases == (EARLY, LATE) and stages.regions == ("kidney", "mass") and stages.patients == 1
    table = {row.phases: row.dice for row in stages.combinations}
    assert set(table) == {(EARLY,), (LATE,), (EARLY, LATE)}
    assert table[EARLY,]["mass"] < 0.6 < 0.7 < table[LATE,]["mass"]
    assert LATE in stages.best("mass", stages.phases).phases
    assert stages.best("mass", stages.phases).dice["mass"] == max(row["mass"] for row in table.values())
    assert stages.best("mass", [EARLY]).phases == (EARLY,)


def _files(folder: Path, seed: int) -> tuple[Path, Path, np.ndarray]:
    """Two files of a patient who trained nothing, the early phase two slices higher, and the truth of that one."""
    late, _ = painted_phase(seed, PHASES[1])
    early, truth = painted_phase(seed, PHASES[0], shift=2.0)
    for name, volume in (("late", late), ("early", early)):
        (folder / f"{name}.nii.gz").write_bytes(nifti_ct(volume, name))
    return folder / "early.nii.gz", folder / "late.nii.gz", truth.voxels


def _segment(*words: str | Path) -> tuple[Findings, np.ndarray, str]:
    out = Path(words[-1])
    assert renalai(["segment", *map(str, words[:-1]), "-o", str(out), "--device", "cpu"]) == 0
    found = Findings.from_json(json.loads((out / "findings.json").read_text(encoding="utf-8")))
    labels = read_labels(out / "labels.nii.gz").voxels
    return found, labels, (out / "report.html").read_text(encoding="utf-8")


def test_two_phases_are_registered_told_apart_and_fused_to_a_report(
    made: tuple[Path, Dataset, list[Trainer], SampleStore], tmp_path: Path
) -> None:
    """On the early scan's grid, whose mass only the late one shows: two slices beside it without the registration."""
    early, late, truth = _files(tmp_path, 40)
    found, labels, page = _segment(early, "--second-phase", late, "--bundle", made[0], tmp_path / "out")
    both = dice(np.isin(labels, MASS_LABELS), np.isin(truth, MASS_LABELS))
    assert both > 0.6 and dice(labels > 0, truth > 0) > 0.8
    assert len(found.kidneys) == 2 and found.masses
    told = " ".join(found.warnings)
    assert f"the second phase ({LATE})" in told and f"({EARLY})" in told and "No scan was in the phase" not in told
    assert "was registered: shifted kidney right by" in told
    assert "By the best combination of phases on validation" in page
    alone, labels, page = _segment(early, "--bundle", made[0], tmp_path / "alone")
    assert dice(np.isin(labels, MASS_LABELS), np.isin(truth, MASS_LABELS)) < both - 0.2
    told = " ".join(alone.warnings)
    assert f"No scan was in the phase {LATE}, which the bundle has networks for" in told
    assert "expect less (Dice on validation: kidney" in told and "expect less" in page


def test_evaluate_brings_the_other_phases_of_a_dataset(
    made: tuple[Path, Dataset, list[Trainer], SampleStore], tmp_path: Path
) -> None:
    """The early scan of the validation patient is drawn with the late one; nested regions stand on the page."""
    bundle, dataset, _, _ = made
    words = ["evaluate", str(dataset.folder), "--split", "validation", "--bundle", str(bundle), "--device", "cpu"]
    assert renalai([*words, "-o", str(tmp_path / "out")]) == 0
    content = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    regions = {row["Region"]: row for row in content["systems"][0]["tables"]["regions"]["rows"]}
    assert regions["masses (as TC)"]["Dice"]["count"] == 2  # the patient's two scans
    assert regions["masses (as TC)"]["Dice"]["value"] > 0.6  # 0.4 by the early network alone
    assert regions["kidneys with masses (as WT)"]["Specificity"]["value"] > 0.95
    page = (tmp_path / "out/evaluation.html").read_text(encoding="utf-8")
    assert "Nested regions" in page and "masses (as TC)" in page


def test_a_table_that_is_not_whole_is_refused(
    made: tuple[Path, Dataset, list[Trainer], SampleStore], tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(made[0], bundle)
    content = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    content["stages"]["fuse"]["combinations"].pop()
    (bundle / METADATA).write_text(json.dumps(content), encoding="utf-8")
    write_checksums(bundle)
    with pytest.raises(InputError, match="each set of the phases corticomedullary, nephrographic must be there once"):
        read_bundle(bundle)


def test_what_cannot_be_fused_is_refused(
    made: tuple[Path, Dataset, list[Trainer], SampleStore], tmp_path: Path
) -> None:
    _, dataset, runs, store = made
    settings = {"fuse": {"dataset": str(dataset.folder)}}
    with pytest.raises(InputError, match="networks of two or more are needed; given: corticomedullary"):
        published("phase-fusion", settings, runs[:1], store, tmp_path / "one")
    nobody = {"fuse": {"dataset": str(dataset.folder), "part": "test"}}
    with pytest.raises(InputError, match="no patient in the part test with a scan in each phase"):
        published("phase-fusion", nobody, runs, store, tmp_path / "nobody")
    with pytest.raises(InputError, match="no sample of the phase excretory; it has corticomedullary, nephrographic"):
        Trainer(_toy("excretory"), store, tmp_path / "run", Options(threads=1), report=lambda _: None)


def test_samples_of_a_dataset_say_their_phase(
    made: tuple[Path, Dataset, list[Trainer], SampleStore], tmp_path: Path
) -> None:
    dataset = made[1]
    fill(dataset, "one-stage", tmp_path)
    store = SampleStore(tmp_path)
    assert len(store.phase(EARLY)) == len(store.phase(LATE)) == len(store) / 2 == 7
    groups = patients_in_phases(dataset, "validation", [EARLY, LATE])
    assert [[case.phase_word for case in group] for group in groups] == [[LATE, EARLY]]
