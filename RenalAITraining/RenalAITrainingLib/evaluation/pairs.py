"""Pairs: which CTs and which reference masks an evaluation runs over."""

from __future__ import annotations

import csv
import re
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path

from RenalAILib.errors import InputError

from ..dataset.case import Case
from ..dataset.folder import INDEX, Dataset
from ..dataset.inside import inside
from ..dataset.vocabulary import ScanPhase

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_CT, _LABELS = "ct.nii.gz", "labels.nii.gz"
_COLUMNS = ("ct", "labels", "patient", "set", "case")
_NEEDED = 2  # of them

FILLED = "The renal sinus was filled in the references, slice by slice, before they were compared (--with-sinus)."


@dataclass(frozen=True)
class Pair:
    """One case to evaluate.

    Attributes:
        case: its name, unique, fit for a file name; a pseudonym in a dataset.
        patient: whose scan it is: intervals of confidence are drawn over patients.
        part: the set or part of the split it belongs to, in a dataset without a split its contrast phase; empty without
            any.
        ct, labels: files of the CT and of the reference mask.
        with_sinus: whether the reference is brought to this project's convention first (`..convention`): everything
            inside a kidney's outer boundary is kidney. Masks of KiTS, BTCV and TotalSegmentator leave the sinus out.

    Raises:
        InputError: a name holds anything but letters, digits, dots, - and _.
    """

    case: str
    patient: str
    part: str
    ct: Path
    labels: Path
    with_sinus: bool = False

    def __post_init__(self) -> None:
        for what, text in (("case", self.case), ("patient", self.patient), ("set", self.part or "none")):
            if not _NAME.fullmatch(text):
                raise InputError(f"the {what} {text!r} may hold letters, digits, dots, - and _ only (up to 80)")


@dataclass(frozen=True)
class Selection:
    """The pairs of one evaluation.

    Attributes:
        name: of the dataset, folder or table.
        pairs: in the order of the source.
        notes: what was left out and why, as sentences for the report.
    """

    name: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    def only(self, part: str | None) -> Selection:
        """The pairs of one part of the split; all for None.

        Raises:
            InputError: no pair belongs to it.
        """
        if part is None:
            return self
        chosen = tuple(pair for pair in self.pairs if pair.part == part)
        if not chosen:
            parts = sorted({pair.part for pair in self.pairs} - {""})
            known = f"it has {', '.join(parts)}" if parts else "it is not split"
            raise InputError(f"{self.name} has no cases in the part {part!r}; {known}")
        return Selection(self.name, chosen, self.notes)

    def with_sinus(self) -> Selection:
        """The same cases, their references brought to the convention of this project."""
        return Selection(self.name, tuple(replace(pair, with_sinus=True) for pair in self.pairs), (*self.notes, FILLED))


def select(source: Path, part: str | None = None) -> Selection:
    """The pairs of a dataset, of a plain folder or of a table.

    Args:
        source: a dataset's folder; a folder of case folders that each hold ``ct.nii.gz`` and ``labels.nii.gz``; or a
            ``.csv`` with the columns ct and labels and, where known, patient, set and case. Paths in a table are
            relative to it; a CT may be a DICOM folder there.
        part: take only this part of the split.

    Raises:
        InputError: there is nothing to evaluate; the sentence says what is missing.
    """
    source = source.expanduser()
    if (source / INDEX).is_file():
        selection = _of_dataset(source)
    elif source.is_dir():
        selection = _of_folder(source)
    elif source.suffix.lower() == ".csv" and source.is_file():
        selection = _of_table(source)
    else:
        raise InputError(
            f"{source} is no dataset, no folder of cases ({_CT} and {_LABELS} in each) and no .csv table of them"
        )
    names = [pair.case for pair in selection.pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{source} names the case {twice} twice")
    return selection.only(part)


def dataset_of(source: Path) -> Dataset | None:
    """The dataset that `select` takes its pairs from; None of a plain folder or table."""
    source = source.expanduser()
    return Dataset.open(source) if (source / INDEX).is_file() else None


def _of_dataset(folder: Path) -> Selection:
    dataset = Dataset.open(folder)
    phases = {case.facts.phase for case in dataset if case.has_image}
    pairs = tuple(
        Pair(
            case.name,
            case.patient,
            dataset.part_of(case) if dataset.split else _phase(case, phases),
            inside(folder, case.image_path),
            inside(folder, case.label_path()),
        )
        for case in dataset
        if case.has_image
    )
    left_out = len(dataset) - len(pairs)
    if not pairs:
        raise InputError(f"{folder} holds no case with a CT; there is nothing to evaluate")
    return Selection(dataset.name, pairs, (f"{left_out} cases with masks only were left out.",) if left_out else ())


def _phase(case: Case, phases: Set[ScanPhase]) -> str:
    """The set of a case in a dataset that is not split: its contrast phase, where any is known."""
    if phases == {ScanPhase.UNKNOWN}:
        return ""
    return f"phase-{case.facts.phase.value}"


def _of_folder(folder: Path) -> Selection:
    pairs, left_out = [], []
    for case in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if (case / _CT).is_file() and (case / _LABELS).is_file():
            pairs.append(Pair(case.name, case.name, "", case / _CT, case / _LABELS))
        else:
            left_out.append(case.name)
    if not pairs:
        raise InputError(f"{folder} has no folder with {_CT} and {_LABELS} in it")
    note = f"Left out, without {_CT} or {_LABELS}: {', '.join(left_out)}."
    return Selection(folder.resolve().name, tuple(pairs), (note,) if left_out else ())


def _of_table(path: Path) -> Selection:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} cannot be read ({problem})") from problem
    header = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=header.count))
    names = [name.strip() for name in reader.fieldnames or ()]
    foreign = [name for name in names if name not in _COLUMNS]
    missing = [name for name in _COLUMNS[:_NEEDED] if name not in names]
    if foreign or missing:
        told = f"has the unknown column {foreign[0]!r}" if foreign else f"lacks the column {missing[0]!r}"
        raise InputError(f"{path} {told}; the columns are {', '.join(_COLUMNS)}, of which ct and labels are needed")
    reader.fieldnames = names
    pairs = []
    for number, row in enumerate(reader, 1):
        told_of = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        if not told_of["ct"] or not told_of["labels"]:
            raise InputError(f"{path}, case {number}, lacks the path of its CT or of its labels")
        patient = told_of["patient"] or f"patient-{number}"
        case = told_of["case"] or (f"{patient}-{number}" if told_of["patient"] else f"case-{number}")
        files = path.parent / told_of["ct"], path.parent / told_of["labels"]
        absent = next((file for file in files if not file.exists()), None)
        if absent is not None:
            raise InputError(f"{path}, case {number}: {absent} does not exist")
        pairs.append(Pair(case, patient, told_of["set"], *files))
    if not pairs:
        raise InputError(f"{path} names no case")
    return Selection(path.stem, tuple(pairs))
