"""Findings as a table node, numbers as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import slicer
import vtk

from RenalAILib.findings import Findings, Kidney, Mass
from RenalAILib.labels import MassClass
from RenalAILib.radiologist.readings import Reading
from RenalAILib.terminology import segment_name

TABLE = "RenalAI.table"  # node reference from the segmentation

Segment = Kidney | Mass
Column = tuple[str, Callable[[Segment], Any]]


def _of_mass(read: Callable[[Mass], Any]) -> Callable[[Segment], Any]:
    return lambda segment: read(segment) if isinstance(segment, Mass) else None


TEXTS: tuple[Column, ...] = (
    ("Segment", lambda segment: segment.segment_id),
    ("Name", segment_name),
    ("Side", lambda segment: segment.side.value),
    ("Class", _of_mass(lambda mass: mass.mass_class.value)),
    ("Small", _of_mass(lambda mass: "yes" if mass.small else "no")),
    ("Evidence", _of_mass(lambda mass: mass.evidence.text)),
)
NUMBERS: tuple[Column, ...] = (
    ("Volume ml", lambda segment: segment.volume_ml),
    ("Mean HU", lambda segment: segment.mean_hu),
    ("P AML", _of_mass(lambda mass: mass.probabilities.get(MassClass.AML))),
    ("P cystic", _of_mass(lambda mass: mass.probabilities.get(MassClass.CYSTIC))),
    ("P solid", _of_mass(lambda mass: mass.probabilities.get(MassClass.SOLID))),
    ("Diameter mm", _of_mass(lambda mass: mass.diameter_mm.average)),
    ("Axial diameter mm", _of_mass(lambda mass: mass.diameter_mm.axial_max)),
    ("SD HU", _of_mass(lambda mass: mass.evidence.sd_hu)),
    ("R mm", _of_mass(lambda mass: mass.centroid_ras[0])),
    ("A mm", _of_mass(lambda mass: mass.centroid_ras[1])),
    ("S mm", _of_mass(lambda mass: mass.centroid_ras[2])),
)


def fill_table(node: Any, found: Findings, said: Mapping[str, Reading] | None = None) -> None:
    """Write findings and the radiologist's answers into a table node: one row a kidney or mass, NaN for nothing.

    What was drawn or removed by hand says so in the column of the radiologist; removed rows come last.
    """
    rows: Sequence[Segment] = (*found.kidneys, *found.masses, *found.removed)
    answers = [(said or {}).get(segment.segment_id) for segment in rows]
    columns: list[Any] = [_texts(name, [read(segment) for segment in rows]) for name, read in TEXTS[:4]]
    columns += [_numbers(name, [read(segment) for segment in rows]) for name, read in NUMBERS]
    columns += [_texts(name, [read(segment) for segment in rows]) for name, read in TEXTS[4:]]
    columns += [
        _texts("Radiologist", [_said(found, *row) for row in zip(rows, answers, strict=True)]),
        _texts("Note", [answer.note if answer else "" for answer in answers]),
    ]
    table = vtk.vtkTable()
    for column in columns:
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.SetUseColumnTitleAsColumnHeader(True)


def _said(found: Findings, segment: Segment, answer: Reading | None) -> str:
    if segment in found.removed:
        return "Removed"
    if answer is not None:
        return answer.words
    return "Drawn" if segment.drawn else ""


def show_answer(node: Any, segment_id: str, answer: Reading | None) -> None:
    """Write one answer into the table; the measurements stay. A table without that segment is left as it is."""
    table = node.GetTable()
    segments, said, notes = (table.GetColumnByName(name) for name in ("Segment", "Radiologist", "Note"))
    if segments is None or said is None or notes is None:
        return  # a table that an older version wrote
    row = segments.LookupValue(segment_id)
    if row >= 0:
        said.SetValue(row, answer.words if answer else "")
        notes.SetValue(row, answer.note if answer else "")
        node.Modified()


def add_table(found: Findings, segmentation: Any) -> Any:
    """A new table node of the findings, referenced by the segmentation."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{segmentation.GetName()} findings")
    fill_table(node, found)
    segmentation.SetNodeReferenceID(TABLE, node.GetID())
    return node


def table_of(segmentation: Any) -> Any:
    """The table of a segmentation, None where it was deleted."""
    return segmentation.GetNodeReference(TABLE)


def _texts(name: str, values: Sequence[Any]) -> Any:
    column = vtk.vtkStringArray()
    column.SetName(name)
    for value in values:
        column.InsertNextValue("" if value is None else str(value))
    return column


def _numbers(name: str, values: Sequence[Any]) -> Any:
    column = vtk.vtkDoubleArray()
    column.SetName(name)
    for value in values:
        column.InsertNextValue(float("nan") if value is None else float(value))
    return column
