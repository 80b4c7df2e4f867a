"""Evaluation of a ``slice-vote`` bundle: ROC and confusion of its slices, the verdicts of patients, and the slices.

The truth of a slice and of a patient is what the training slices were labelled by (``labelled`` in the bundle), see
`dataset.slice_samples`. Slices without a mass of a patient with one, which train nothing, count as the first class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from RenalAILib.axial_slices import slice_on_grid
from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.slice_vote import SliceClassifyStage, SliceVoteStages
from RenalAILib.errors import InputError
from RenalAILib.pictures.png import png
from RenalAILib.pipelines.running import segment
from RenalAILib.resampling import window
from RenalAILib.steps import Report
from RenalAILib.verdicts import Verdict
from RenalAILib.writing.whole import check_replaceable, replaced_folder

from ..dataset.case import Case
from ..dataset.folder import Dataset
from ..dataset.slice_samples import LABELLINGS, Patient, patient_of_case
from ..metrics.slices import JudgedSlice, positive_scores
from .charts import vote_roc, vote_shares
from .plain_report import FILES as PLAIN
from .plain_report import PlainReport
from .request import Request
from .table import Table
from .vote_tables import JudgedCase, compared_votes, of_second, vote_tables

SCHEMA = "renalai.vote-evaluation/1"
FILES = (*PLAIN, "slices", "against")


def evaluate_votes(request: Request, bundles: Sequence[Bundle], progress: Report) -> list[Table]:
    """Run one bundle, or two that are compared, over a dataset or a part of its split and write the report folder.

    The folder: ``evaluation.html``, ``evaluation.json``, ``tables/*.csv``, ``figures/*.png``, and ``slices/CLASS/``
    with a picture of every slice by the class it votes for, its truth in its name; those of the second bundle in
    ``against/CLASS``.

    Returns:
        The tables; of two bundles their comparison first.

    Raises:
        InputError: no dataset, an unknown way of labelling, bundles of different classes, no case with a truth and a
            verdict, or an output that holds something else.
    """
    check_replaceable(request.output, FILES)
    stages = [_stage(bundle) for bundle in bundles]
    for bundle, stage in zip(bundles, stages, strict=True):
        if (stage.classes, stage.labelled) != (stages[0].classes, stages[0].labelled):
            raise InputError(f"{bundle.name} votes for other classes than {bundles[0].name}; they cannot be compared")
    dataset = Dataset.open(request.source)
    chosen = [case for case in dataset if case.has_image and request.part in (None, dataset.part_of(case))]
    notes: list[str] = []
    judged: list[list[JudgedCase]] = []
    with replaced_folder(request.output, FILES) as new:
        for number, (bundle, stage) in enumerate(zip(bundles, stages, strict=True)):

            def told(where: str, fraction: float, message: str, done: int = number) -> None:
                progress(where, (done + fraction) / len(bundles), message)

            pictures = new / ("against" if number else "slices")
            run = _Run(dataset, bundle, stage, request, pictures)
            judged.append(run.judge(chosen, told))
            notes += [note for note in run.notes if note not in notes]
            if not judged[-1]:
                reason = run.notes[0] if run.notes else "it has none with a CT"
                raise InputError(f"no case of {request.source} could be evaluated by {bundle.name}; {reason}")
        names = _names(bundles)
        tables = vote_tables(judged[0], stages[0].classes)
        figures = _figures(judged[0], stages[0])
        if len(bundles) > 1:
            together = compared_votes(judged[0], judged[1], (names[0], names[1]), stages[0].classes)
            own = of_second(vote_tables(judged[1], stages[1].classes), names[1])
            tables = [*together, *tables, *own]
            figures |= {f"{title} of the second": png for title, png in _figures(judged[1], stages[1]).items()}
        demonstration = any(bundle.demonstration for bundle in bundles)
        PlainReport(SCHEMA, names, dataset.name, request.part, tables, figures, notes, demonstration).write(new)
    return tables


def _stage(bundle: Bundle) -> SliceClassifyStage:
    if not isinstance(bundle.stages, SliceVoteStages):
        raise InputError(f"{bundle.name} is a {bundle.pipeline} bundle, not one of slice votes")
    stage = bundle.stages.slice_classify
    if stage.labelled not in LABELLINGS or len(stage.classes) != 2:
        raise InputError(f"{bundle.name} was labelled by {stage.labelled!r}; known are {', '.join(LABELLINGS)}")
    return stage


def _names(bundles: Sequence[Bundle]) -> tuple[str, ...]:
    """Of the systems, no two alike."""
    names = tuple(f"{bundle.name} {bundle.version}" for bundle in bundles)
    return names if len(set(names)) == len(names) else (f"{names[0]} (first)", f"{names[1]} (second)")


class _Run:
    """One bundle over the cases of a dataset; ``notes`` says what was left out."""

    def __init__(
        self, dataset: Dataset, bundle: Bundle, stage: SliceClassifyStage, request: Request, pictures: Path
    ) -> None:
        self.dataset, self.bundle, self.stage, self.pictures = dataset, bundle, stage, pictures
        self.device, self.fast = request.device, request.fast
        self.notes: list[str] = []
        for name in stage.classes:
            (pictures / _word(name)).mkdir(parents=True)

    def judge(self, cases: Sequence[Case], progress: Report) -> list[JudgedCase]:
        """Those that have a truth and a verdict, their slices drawn."""
        judged = []
        for number, case in enumerate(cases):
            progress("evaluate", number / len(cases), f"{case.name} ({number + 1} of {len(cases)}), {self.bundle.name}")
            patient = patient_of_case(self.dataset, case)
            truth = LABELLINGS[self.stage.labelled](patient)
            if truth is None:
                self.notes.append(f"{case.name} was left out: its histology does not tell the class.")
                continue
            outcome = segment(self.dataset.volume(case), self.bundle, device=self.device, fast=self.fast)
            verdict = outcome.findings.verdict
            if verdict is None:
                self.notes.append(f"{case.name} has no verdict of {self.bundle.name}: no slice to look at was found.")
                continue
            one = _judged(case.name, case.patient, patient, truth, verdict, self.stage)
            _draw(one, patient, self.stage, self.pictures)
            judged.append(one)
        return judged


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


def _word(name: str) -> str:
    """A class as a folder's name."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in name)
