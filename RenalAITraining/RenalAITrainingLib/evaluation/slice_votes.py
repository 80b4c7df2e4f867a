"""Evaluation of a ``slice-vote`` bundle: ROC and confusion of its slices, the verdicts of patients, and the slices.

The truth of a slice and of a patient is what the training slices were labelled by (``labelled`` in the bundle), see
`dataset.slice_samples`. Slices without a mass of a patient with one, which train nothing, count as the first class.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from RenalAILib import __version__
from RenalAILib.axial_slices import slice_on_grid
from RenalAILib.bundle import Bundle
from RenalAILib.errors import InputError
from RenalAILib.pipelines.running import segment
from RenalAILib.png import png
from RenalAILib.resampling import window
from RenalAILib.stages.slice_vote import SliceClassifyStage, SliceVoteStages
from RenalAILib.steps import Progress
from RenalAILib.verdicts import Verdict
from RenalAILib.writing import check_replaceable, replaced_folder

from ..dataset.folder import Dataset
from ..dataset.slice_samples import LABELLINGS, Patient, patient_of_case
from ..slice_metrics import JudgedSlice, confusion, positive_scores
from .bootstrap import Estimate, Ratio, Resamples
from .charts import vote_roc, vote_shares
from .page import plain_page
from .roc import area_under
from .table import Cell, Table

SCHEMA = "renalai.vote-evaluation/1"
FILES = ("evaluation.json", "evaluation.html", "tables", "figures", "slices")


@dataclass(frozen=True)
class JudgedCase:
    """One scan: its slices with their truth, its verdict, and its own truth."""

    case: str
    truth: str
    verdict: Verdict
    slices: tuple[JudgedSlice, ...]


def evaluate_votes(
    source: Path,
    part: str | None,
    bundle: Bundle,
    output: Path,
    *,
    device: str = "auto",
    fast: bool = False,
    progress: Progress = lambda stage, fraction, message: None,
) -> list[Table]:
    """Run the bundle over a dataset, or a part of its split, and write the report folder.

    The folder: ``evaluation.html``, ``evaluation.json``, ``tables/*.csv``, ``figures/*.png``, and ``slices/CLASS/``
    with a picture of every slice by the class it votes for, its truth in its name.

    Returns:
        The tables.

    Raises:
        InputError: no dataset, an unknown way of labelling, no case with a truth and a verdict, or an output that holds
            something else.
    """
    check_replaceable(output, FILES)
    stages = bundle.stages
    if not isinstance(stages, SliceVoteStages):
        raise InputError(f"{bundle.name} is a {bundle.pipeline} bundle, not one of slice votes")
    stage = stages.slice_classify
    if stage.labelled not in LABELLINGS or len(stage.classes) != 2:
        raise InputError(f"{bundle.name} was labelled by {stage.labelled!r}; known are {', '.join(LABELLINGS)}")
    dataset = Dataset.open(source)
    chosen = [case for case in dataset if case.has_image and part in (None, dataset.part_of(case))]
    judged: list[JudgedCase] = []
    notes: list[str] = []
    with replaced_folder(output, FILES) as new:
        for name in ("tables", "figures", *(f"slices/{_word(name)}" for name in stage.classes)):
            (new / name).mkdir(parents=True)
        for number, case in enumerate(chosen):
            progress("evaluate", number / len(chosen), f"{case.name} ({number + 1} of {len(chosen)})")
            patient = patient_of_case(dataset, case)
            truth = LABELLINGS[stage.labelled](patient)
            if truth is None:
                notes.append(f"{case.name} was left out: its histology does not tell the class.")
                continue
            verdict = segment(dataset.volume(case), bundle, device=device, fast=fast).findings.verdict
            if verdict is None:
                notes.append(f"{case.name} has no verdict: no slice to look at was found.")
                continue
            one = _judged(case.name, case.patient, patient, truth, verdict, stage)
            _draw(one, patient, stage, new / "slices")
            judged.append(one)
        if not judged:
            raise InputError(
                f"no case of {source} could be evaluated; {notes[0] if notes else 'it has none with a CT'}"
            )
        tables = vote_tables(judged, stage.classes)
        pictures = _figures(judged, stage)
        for table in tables:
            (new / "tables" / f"{table.key}.csv").write_bytes(table.csv_text().encode("utf-8"))
        for title, picture in pictures.items():
            (new / "figures" / f"{title.lower().replace(' ', '-')}.png").write_bytes(picture)
        time = datetime.now().astimezone()
        name = f"{bundle.name} {bundle.version}"
        page = plain_page(f"Evaluation of {name}", dataset.name, time, tables, pictures, notes, bundle.demonstration)
        (new / "evaluation.html").write_text(page, encoding="utf-8", newline="\n")
        content = {
            "schema": SCHEMA,
            "renalai": __version__,
            "time": time.isoformat(timespec="seconds"),
            "dataset": dataset.name,
            "split": part,
            "system": name,
            "notes": notes,
            "tables": {table.key: table.to_json() for table in tables},
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (new / "evaluation.json").write_text(text, encoding="utf-8", newline="\n")
    return tables


def vote_tables(cases: Sequence[JudgedCase], classes: Sequence[str]) -> list[Table]:
    """Measures per image and per patient, both confusions, and the list of cases."""
    slices = [one for case in cases for one in case.slices]
    resamples = Resamples(one.patient for one in slices)
    positive = classes[-1]
    units = [(case.slices[0].patient, case.truth, case.verdict.label) for case in cases]
    rows = [
        ("images", len(slices), _area(slices, classes, resamples), *_rates(
            [(one.patient, one.truth, one.vote) for one in slices], positive, resamples
        )),
        ("patients, by vote", len(cases), None, *_rates(units, positive, resamples)),
    ]  # fmt: skip
    said = f"Positive is {positive}. Intervals are drawn over {resamples.patients} patients."
    measures = ("what", "count", "AUC", "accuracy", "sensitivity", "specificity")
    listing = [
        (case.case, case.truth, case.verdict.label, case.verdict.share, len(case.slices))
        for case in sorted(cases, key=lambda case: case.case)
    ]
    return [
        Table("measures", "Images and patients", measures, tuple(rows), (said,)),
        _confusion("confusion_images", "Votes of images", [(one.truth, one.vote) for one in slices], classes),
        _confusion("confusion_patients", "Verdicts", [(case.truth, case.verdict.label) for case in cases], classes),
        Table("cases", "Cases", ("case", "truth", "verdict", "share of slices", "slices"), tuple(listing)),
    ]


def _judged(
    name: str,
    owner: str,
    patient: Patient,
    truth: tuple[int, npt.NDArray[np.bool_]],
    verdict: Verdict,
    stage: SliceClassifyStage,
) -> JudgedCase:
    number, showing = truth
    judged = []
    for vote in verdict.slices:
        k = round(float(patient.ct.kji(vote.centre_ras)[0]))
        shows = number if stage.labelled != "mass" or showing[k] else 0
        judged.append(JudgedSlice(owner, stage.classes[shows], dict(vote.probabilities)))
    return JudgedCase(name, stage.classes[number], verdict, tuple(judged))


def _draw(case: JudgedCase, patient: Patient, stage: SliceClassifyStage, folder: Path) -> None:
    """Every slice as its network saw it."""
    for vote, one in zip(case.verdict.slices, case.slices, strict=True):
        k = round(float(patient.ct.kji(vote.centre_ras)[0]))
        hu = slice_on_grid(patient.ct, k, stage.shape, stage.window.level_hu - stage.window.width_hu)
        grey = (window(hu, stage.window.width_hu, stage.window.level_hu) + 1) * 127.5
        picture = png(np.rint(grey).astype(np.uint8))
        name = f"{case.case}_slice-{vote.k:04d}_true-{_word(one.truth)}.png"
        (folder / _word(vote.vote) / name).write_bytes(picture)


def _figures(cases: Sequence[JudgedCase], stage: SliceClassifyStage) -> dict[str, bytes]:
    slices = [one for case in cases for one in case.slices]
    positive = stage.classes[-1]
    shares = {f"{case.case} ({case.truth})": dict(case.verdict.shares) for case in cases}
    found = {"Votes": vote_shares(shares, stage.decisive, stage.threshold)}
    right = np.array([one.truth == positive for one in slices], dtype=np.bool_)
    if right.any() and not right.all():
        found = {"ROC of images": vote_roc(positive_scores(slices, stage.classes), right, positive)} | found
    return found


def _area(slices: Sequence[JudgedSlice], classes: Sequence[str], resamples: Resamples) -> Estimate:
    right = np.array([one.truth == classes[-1] for one in slices], dtype=np.bool_)
    return area_under(positive_scores(slices, classes), right, [one.patient for one in slices], resamples)


def _rates(
    units: Sequence[tuple[str, str, str]], positive: str, resamples: Resamples
) -> tuple[Estimate, Estimate, Estimate]:
    """Accuracy, sensitivity and specificity of (patient, truth, said)."""
    every = Ratio.of((patient, float(truth == said), 1.0) for patient, truth, said in units)
    having = Ratio.of((patient, float(said == positive), 1.0) for patient, truth, said in units if truth == positive)
    lacking = Ratio.of((patient, float(said != positive), 1.0) for patient, truth, said in units if truth != positive)
    accuracy, sensitivity, specificity = (resamples.estimate(ratio) for ratio in (every, having, lacking))
    return accuracy, sensitivity, specificity


def _confusion(key: str, title: str, pairs: Sequence[tuple[str, str]], classes: Sequence[str]) -> Table:
    counts = confusion(pairs, classes)
    rows: list[tuple[Cell, ...]] = [
        (name, *(int(count) for count in row)) for name, row in zip(classes, counts, strict=True)
    ]
    return Table(key, title, ("truth", *classes), tuple(rows), ("Rows: truth. Columns: what was said.",))


def _word(name: str) -> str:
    """A class as a folder's name."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in name)
