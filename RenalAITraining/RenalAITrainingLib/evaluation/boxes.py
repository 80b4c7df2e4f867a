"""Evaluation of a ``detector`` bundle: boxes in slices as Abdullah et al. count them, and candidates in 3-D.

True boxes are those about the kidneys and masses of the reference, in the slices that the detector looks at. Slices:
precision, recall, F1, average precision at an IoU of 0.5, and sensitivity, the share of lesions with a box found in any
slice. Candidates: one is right where its middle lies in the box of a mass; each mass is found once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from RenalAILib.anatomy.masses import mass_regions
from RenalAILib.boxes import Box
from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.detector import DetectorStages
from RenalAILib.detector.slices import SliceGrid
from RenalAILib.engines.networks import Networks
from RenalAILib.errors import InputError
from RenalAILib.labels import MASS_LABELS, Side
from RenalAILib.orientation import Orientation, canonical
from RenalAILib.pipelines.detector import Placed, boxes_in_slices, placed
from RenalAILib.pipelines.work import Work
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.steps import Report, Steps
from RenalAILib.timing import Stopwatch
from RenalAILib.writing.whole import check_replaceable, replaced_folder

from ..convention import to_convention
from ..metrics.detection import JudgedBoxes, detection_scores
from ..synthesis.detect_samples import KIDNEY, MASS, true_boxes
from .pairs import Pair, select
from .plain_report import FILES, PlainReport
from .request import Request
from .table import Cell, Table

SCORES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SCHEMA = "renalai.detector-evaluation/1"


@dataclass(frozen=True)
class JudgedScan:
    """One scan.

    Attributes:
        slices: by class, what was found in each slice and what is there.
        masses: in the reference.
        found: of them.
        false: candidates that are none.
        scores: of every candidate with whether it is right, by falling score.
    """

    case: str
    slices: Mapping[str, Sequence[JudgedBoxes]] = field(default_factory=dict)
    masses: int = 0
    found: int = 0
    false: int = 0
    scores: Sequence[tuple[float, bool]] = ()


def evaluate_boxes(request: Request, bundle: Bundle, progress: Report) -> list[Table]:
    """Run the bundle over labelled CTs and write ``evaluation.html``, ``evaluation.json`` and ``tables/*.csv``.

    Raises:
        InputError: no labelled CT, a bundle whose classes a label map of kidneys does not know, or an output that holds
            something else.
    """
    check_replaceable(request.output, FILES)
    stage = _stages(bundle).slice_detect
    unknown = sorted(set(stage.classes) - {KIDNEY, MASS})
    if unknown:
        raise InputError(f"{bundle.name} looks for {unknown[0]}, which labels of kidneys and masses do not hold")
    selection = select(request.source, request.part)
    judged = []
    for number, pair in enumerate(selection.pairs):
        progress("evaluate", number / len(selection.pairs), f"{pair.case} ({number + 1} of {len(selection.pairs)})")
        judged.append(_judged_scan(pair, bundle, request))
    tables = box_tables(judged, stage.classes)
    name = f"{bundle.name} {bundle.version}"
    report = PlainReport(
        SCHEMA, (name,), selection.name, request.part, tables, notes=selection.notes, demonstration=bundle.demonstration
    )
    with replaced_folder(request.output, FILES) as new:
        report.write(new)
    return tables


def _judged_scan(pair: Pair, bundle: Bundle, request: Request) -> JudgedScan:
    """One scan through the bundle. Raises InputError where CT or labels cannot be read or do not fit each other."""
    ct, reference = read_ct(pair.ct).volume, read_labels(pair.labels)
    if not ct.same_grid(reference):
        raise InputError(f"{pair.labels} does not lie on the grid of {pair.ct.name}")
    view, stage = canonical(ct), _stages(bundle).slice_detect
    drawn = np.ascontiguousarray(Orientation.of(ct).apply(reference.voxels), dtype=np.uint8)
    labels = to_convention(drawn, view.spacing_mm)
    work = Work(ct, view, bundle, Networks(bundle, request.device), Steps(), Stopwatch(), request.fast)
    slices, found = boxes_in_slices(work)
    grid, truth = SliceGrid.of(view, stage.defaults.shape), true_boxes(labels)
    by_class: dict[str, list[JudgedBoxes]] = {name: [] for name in stage.classes}
    for k, boxes in zip(slices, found, strict=True):
        for number, name in enumerate(stage.classes, 1):
            true = [box for box in truth.get(k, ()) if box.label == name]
            shares = grid.to_shares(np.array([box.rect for box in true]).reshape(-1, 4))
            at = boxes.classes == number
            ids = [(pair.case, box.lesion) for box in true]
            by_class[name].append(JudgedBoxes(shares, ids, boxes.boxes[at], boxes.scores[at]))
    reported, _ = placed(stage, view, slices, found)
    masses = [r.box for r in mass_regions(np.isin(labels, MASS_LABELS), Box.whole(labels.shape), Side.RIGHT)]
    scores = _judged(reported, masses)
    right = sum(good for _, good in scores)
    return JudgedScan(pair.case, by_class, len(masses), right, len(reported) - right, scores)


def box_tables(judged: Sequence[JudgedScan], classes: Sequence[str]) -> list[Table]:
    """Slices by class, candidates over all scans, and scan by scan."""
    rows: list[tuple[Cell, ...]] = []
    for name in classes:
        one = detection_scores([each for scan in judged for each in scan.slices[name]])
        counted = (one.true_positive, one.false_positive, one.false_negative, one.lesions)
        measured = (one.precision, one.recall, one.f1, one.sensitivity, one.average_precision)
        rows.append((name, *counted, *(None if np.isnan(value) else float(value) for value in measured)))
    masses, found, false = (sum(getattr(scan, key) for scan in judged) for key in ("masses", "found", "false"))
    total: tuple[Cell, ...] = (
        len(judged),
        masses,
        found,
        found / masses if masses else None,
        false,
        false / len(judged),
        found / (found + false) if found + false else None,
    )
    each = tuple((scan.case, scan.masses, scan.found, scan.false) for scan in judged)
    return [
        Table(
            "slices",
            "Boxes in slices (IoU from 0.5)",
            (
                "Class", "True positive", "False positive", "False negative", "Lesions", "Precision", "Recall", "F1",
                "Sensitivity", "Average precision",
            ),
            tuple(rows),
            ("Sensitivity: share of lesions with a box found in any slice.",),
        ),
        Table(
            "candidates",
            "Candidates in 3-D",
            ("Scans", "Masses", "Found", "Sensitivity", "False", "False per scan", "Precision"),
            (total,),
            ("A candidate is right where its middle lies in the box of a mass.",),
            {"False per scan": 2},
        ),
        score_froc(judged),
        Table("scans", "Scan by scan", ("Case", "Masses", "Found", "False"), each),
    ]  # fmt: skip


def _judged(candidates: Sequence[Placed], masses: Sequence[Box]) -> list[tuple[float, bool]]:
    """The score of each candidate with whether it found a mass of its own; the best candidates choose first."""
    waiting, judged = list(masses), []
    for one in sorted(candidates, key=lambda placed: -placed.candidate.score):
        middle = (np.add(one.box.start, one.box.stop)) / 2
        inside = (n for n, mass in enumerate(waiting) if (middle >= mass.start).all() and (middle <= mass.stop).all())
        hit = next(inside, None) if one.label == MASS else None
        if hit is not None:
            waiting.pop(hit)
        judged.append((float(one.candidate.score), hit is not None))
    return judged


def score_froc(judged: Sequence[JudgedScan]) -> Table:
    """Sensitivity and false candidates a scan where only candidates of a score and more are reported."""
    masses = sum(scan.masses for scan in judged)
    scores = [pair for scan in judged for pair in scan.scores]
    rows: list[tuple[Cell, ...]] = []
    for least in SCORES if judged else ():
        told = [right for score, right in scores if score >= least]
        rows.append((least, sum(told) / masses if masses else None, told.count(False) / len(judged)))
    columns = ("Least score reported", "Sensitivity", "False per scan")
    digits = {"Least score reported": 2, "False per scan": 2}
    return Table("froc", "FROC of the candidates", columns, tuple(rows), (), digits)


def _stages(bundle: Bundle) -> DetectorStages:
    if not isinstance(bundle.stages, DetectorStages):
        raise InputError(f"{bundle.name} is a {bundle.pipeline} bundle, not a detector")
    return bundle.stages
