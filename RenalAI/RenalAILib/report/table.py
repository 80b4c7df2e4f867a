"""``findings.csv``: one row a kidney or mass, for a spreadsheet or a statistics package."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ..detections import Detection
from ..findings import Findings, Kidney, Mass
from ..labels import MassClass
from ..radiologist.readings import Reading
from ..terminology import segment_name
from ..writing.spreadsheet import cell_text
from .wording import detection_name

Cell = str | float | bool | None

COLUMNS = (
    "volume",
    "bundle",
    "kind",
    "segment_id",
    "name",
    "side",
    "class",
    "probability_aml",
    "probability_cystic",
    "probability_solid",
    "volume_ml",
    "diameter_average_mm",
    "diameter_axial_max_mm",
    "small",
    "mean_hu",
    "sd_hu",
    "fat_fraction",
    "fluid_fraction",
    "enhancement_hu",
    "evidence_suggests",
    "evidence_agrees",
    "centroid_r_mm",
    "centroid_a_mm",
    "centroid_s_mm",
    "reading_verdict",
    "reading_class",
    "reading_note",
    "reading_reader",
    "reading_time",
    "score",
    "slices",
    "size_i_mm",
    "size_j_mm",
    "size_k_mm",
    "by_hand",
)


def csv_text(findings: Findings, readings: Sequence[Reading] = ()) -> str:
    """The table as RFC 4180 has it: commas, CRLF, quotes doubled; the first row names the columns.

    Kidneys, masses and candidates (boxes) share the columns; what does not apply is empty. ``kind`` tells them apart.
    ``by_hand`` is ``drawn`` or ``removed`` for what a radiologist added or took out, as it was.
    Of several readings of a mass the last is shown (all of them are in ``findings.json``). Texts pass `cell_text`.
    """
    last = {reading.segment_id: reading for reading in readings}
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    segments: tuple[Kidney | Mass, ...] = (*findings.kidneys, *findings.masses)
    rows = [_row(segment, last.get(segment.segment_id)) for segment in segments]
    rows += [{**_row(segment, None), "by_hand": "removed"} for segment in findings.removed]
    rows += [_of_detection(detection) for detection in findings.detections or ()]
    for row in rows:
        row["volume"] = str(findings.volume.get("name", ""))
        row["bundle"] = f"{findings.bundle.name} {findings.bundle.version}"
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return file.getvalue()


def _row(segment: Kidney | Mass, reading: Reading | None) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "segment_id": segment.segment_id,
        "name": segment_name(segment),
        "side": segment.side.value,
        "volume_ml": segment.volume_ml,
        "mean_hu": segment.mean_hu,
        "by_hand": "drawn" if segment.drawn else None,
    }
    if isinstance(segment, Kidney):
        return {"kind": "kidney", **row}
    return {"kind": "mass", **row, **_of_mass(segment), **({} if reading is None else _of_reading(reading))}


def _of_detection(detection: Detection) -> dict[str, Cell]:
    r, a, s = detection.centre_ras
    i, j, k = detection.size_mm
    return {
        "kind": "candidate",
        "segment_id": detection.detection_id,
        "name": detection_name(detection),
        "side": detection.side.value if detection.side else None,
        "class": detection.label,
        "centroid_r_mm": r,
        "centroid_a_mm": a,
        "centroid_s_mm": s,
        "score": detection.score,
        "slices": float(len(detection.slices)),
        "size_i_mm": i,
        "size_j_mm": j,
        "size_k_mm": k,
    }


def _of_mass(mass: Mass) -> dict[str, Cell]:
    r, a, s = mass.centroid_ras
    evidence = mass.evidence
    return {
        "class": mass.mass_class.value,
        "probability_aml": mass.probabilities.get(MassClass.AML),
        "probability_cystic": mass.probabilities.get(MassClass.CYSTIC),
        "probability_solid": mass.probabilities.get(MassClass.SOLID),
        "diameter_average_mm": mass.diameter_mm.average,
        "diameter_axial_max_mm": mass.diameter_mm.axial_max,
        "small": mass.small,
        "sd_hu": evidence.sd_hu,
        "fat_fraction": evidence.fat_fraction,
        "fluid_fraction": evidence.fluid_fraction,
        "enhancement_hu": evidence.enhancement_hu,
        "evidence_suggests": evidence.suggests.value,
        "evidence_agrees": evidence.agrees,
        "centroid_r_mm": r,
        "centroid_a_mm": a,
        "centroid_s_mm": s,
    }


def _of_reading(reading: Reading) -> dict[str, Cell]:
    return {
        "reading_verdict": reading.verdict.value,
        "reading_class": None if reading.mass_class is None else reading.mass_class.value,
        "reading_note": reading.note,
        "reading_reader": reading.reader,
        "reading_time": reading.time,
    }


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    return cell_text(value)
