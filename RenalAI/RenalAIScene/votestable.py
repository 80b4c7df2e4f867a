"""The votes of a patient's slices as a table node: one row a slice, from feet to head."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from RenalAILib.findings import Findings
from RenalAILib.verdicts import Verdict

VOTES = "RenalAI.votes"  # node reference from the segmentation


def add_votes(found: Findings, segmentation: Any) -> Any:
    """A new table node of the verdict's votes, referenced by the segmentation; None where there is no verdict."""
    if found.verdict is None:
        return None
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{segmentation.GetName()} votes")
    node.SetAndObserveTable(_table(found.verdict))
    node.SetUseColumnTitleAsColumnHeader(True)
    segmentation.SetNodeReferenceID(VOTES, node.GetID())
    return node


def votes_of(segmentation: Any) -> Any:
    """The table of votes of a result, None where there is none."""
    return segmentation.GetNodeReference(VOTES)


def _table(verdict: Verdict) -> Any:
    slices, votes, heights = vtk.vtkIntArray(), vtk.vtkStringArray(), vtk.vtkDoubleArray()
    names = list(verdict.shares)
    probabilities = [vtk.vtkDoubleArray() for _ in names]
    for array, name in zip((slices, heights, votes), ("Slice", "S mm", "Vote"), strict=True):
        array.SetName(name)
    for array, name in zip(probabilities, names, strict=True):
        array.SetName(f"P {name}")
    for vote in verdict.slices:
        slices.InsertNextValue(vote.k)
        heights.InsertNextValue(vote.centre_ras[2])
        votes.InsertNextValue(vote.vote)
        for array, name in zip(probabilities, names, strict=True):
            array.InsertNextValue(vote.probabilities[name])
    table = vtk.vtkTable()
    for array in (slices, heights, votes, *probabilities):
        table.AddColumn(array)
    return table
