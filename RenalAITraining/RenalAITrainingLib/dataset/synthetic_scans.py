"""A dataset of test scans: real backgrounds, masses put in, each scan a case, and a record of what was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.writing.whole import write_text

from ..synthesis.sources import ShapeLibrary
from ..synthesis.whole_scans import SIZES_MM, Background, MadeScan, make_scan
from .case import Facts
from .folder import INDEX, Dataset
from .vocabulary import ScanPhase

RECORD = "synthesis.json"
"""Beside the dataset's tables: of each case its background, phase, variants, and masses as planned."""

_READER = "synthesis"
_LICENCE = "CC-BY-NC-SA-4.0"
_DESCRIPTION = "Real CTs with masses put in by simulation, for tests. Outlines from KiTS23."
_NAMES = Pseudonyms(b"test scans are made from open data")  # no secret: the backgrounds are named in the table


def synthesise_scans(
    data: Path,
    cases: Sequence[str],
    count: int,
    seed: int,
    output: Path,
    *,
    held_out_shapes: bool,
    sizes_mm: tuple[float, float] = SIZES_MM,
    report: Callable[[str], None] = print,
) -> int:
    """``count`` scans of ``seed`` in the dataset ``output``, those missing now; how many were written.

    Scan ``n`` is made of ``cases[n % len(cases)]``; all scans of one background are one patient.

    Args:
        data: folder with ``ct/`` and ``kits23_masks/``.
        cases: of ``data/ct``, each with a kidney.
        held_out_shapes: outlines that no training saw, else those of training (to choose settings by).
        sizes_mm: diameters from and to.
        report: is given a line for each scan.

    Raises:
        InputError: a number is out of range, the data folder lacks something, or the folder holds another dataset.
    """
    low, high = sizes_mm
    if count < 1 or not cases or not 3 <= low < high <= 120:
        raise InputError(f"there must be a case, --count 1 or more, --sizes between 3 and 120, got {count}, {sizes_mm}")
    if len(set(cases)) < len(cases):
        raise InputError("--cases names a case twice")
    shapes = ShapeLibrary(data, held_out=held_out_shapes)
    asked = {"seed": seed, "cases": list(cases), "held_out_shapes": held_out_shapes, "sizes_mm": list(sizes_mm)}
    there = (output / INDEX).exists()
    dataset = Dataset.open(output) if there else Dataset.create(output, output.resolve().name, _DESCRIPTION)
    record = _record(output, asked)
    written = 0
    for place, case_id in enumerate(cases):
        numbers = [n for n in range(place, count, len(cases)) if _name(case_id, seed, n) not in dataset]
        if not numbers:
            continue
        background = Background(data, case_id)
        for number in numbers:
            made = make_scan(background, shapes, number, seed, sizes_mm)
            name = _name(case_id, seed, number)
            record["scans"][name] = _facts(made, number)
            write_text(output / RECORD, json.dumps(record, indent=1) + "\n")  # the dataset's index comes last
            facts = Facts(_phase(made), source=f"made from {case_id}", licence=_LICENCE)
            case = dataset.add_case(name, made.ct, made.labels, reader=_READER, facts=facts)
            written += 1
            lost = f"; no place for {len(made.without_place)}" if made.without_place else ""
            report(f"{name} from {case_id}: {', '.join(map(str, case.masses)) or 'no masses'}{lost}")
    return written


def _name(case_id: str, seed: int, number: int) -> str:
    return _NAMES.case(case_id, f"{seed} {number}")


def _phase(made: MadeScan) -> ScanPhase:
    """The phase it was brought to; of its own it is known only whether it has contrast agent."""
    if made.phase is not None:
        return ScanPhase(made.phase.value)
    return ScanPhase.UNKNOWN if made.enhanced else ScanPhase.UNENHANCED


def _record(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What was recorded so far, of the same words. Raises InputError where they were others."""
    path = folder / RECORD
    if not path.exists():
        return {"asked": asked, "scans": {}}
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} cannot be read ({problem})") from problem
    if record.get("asked") != asked:
        raise InputError(f"{folder} holds scans made with other words ({path.name} has them); name a new folder")
    return record


def _facts(made: MadeScan, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "background": made.background,
        "phase": None if made.phase is None else made.phase.value,
        "variants": list(made.variants),
        "reconstruction": list(made.reconstruction),
        "masses": [
            {
                "class": mass.planned.mass_class.value,
                "diameter_mm": round(mass.planned.diameter_mm, 1),
                "depth": round(mass.planned.depth, 2),
                "side": mass.side.value,
                "shape": mass.shape,
            }
            for mass in made.placed
        ],
        "without_place": [
            {"class": plan.mass_class.value, "diameter_mm": round(plan.diameter_mm, 1)} for plan in made.without_place
        ],
    }
