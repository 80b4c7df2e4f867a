"""The curves of a training as a Slicer plot: loss and score over the steps, from two table nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

TAG = "RenalAITraining.curve"  # node attribute; the nodes are not saved with the scene
_COLORS = {"train": (0.80, 0.30, 0.10), "validation": (0.10, 0.45, 0.85)}
_VALUES = {"train": "loss", "validation": "score"}


class Curves:
    """One chart, that of the training which was asked for last. Made on request, gone with the scene."""

    def __init__(self) -> None:
        self.name: str | None = None

    def show(self, name: str, metrics: Sequence[Mapping[str, Any]]) -> None:
        """Draw the curves of a training and switch to a layout with a plot."""
        self.name = name
        chart = self._chart() or self._make()
        chart.SetTitle(name)
        self.update(name, metrics)
        slicer.modules.plots.logic().ShowChartInLayout(chart)

    def update(self, name: str, metrics: Sequence[Mapping[str, Any]]) -> None:
        """Draw what is new, where the curves of this training are shown."""
        if name != self.name or self._chart() is None:
            return
        for event, value in _VALUES.items():
            points = [(line["step"], line[value]) for line in metrics if line["event"] == event and value in line]
            table = _tagged("vtkMRMLTableNode", event)
            if table is not None and table.GetNumberOfRows() != len(points):
                _fill(table, event, points)

    def remove(self) -> None:
        """Take the nodes out of the scene."""
        for kind in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode"):
            for node in slicer.util.getNodesByClass(kind):
                if node.GetAttribute(TAG) is not None:
                    slicer.mrmlScene.RemoveNode(node)
        self.name = None

    def _chart(self) -> Any:
        return _tagged("vtkMRMLPlotChartNode", "chart")

    def _make(self) -> Any:
        chart = _new("vtkMRMLPlotChartNode", _("RenalAI training"), "chart")
        chart.SetXAxisTitle(_("step"))
        chart.SetYAxisTitle(_("loss, score"))
        for event, words in (("train", _("Loss")), ("validation", _("Score on validation"))):
            table = _new("vtkMRMLTableNode", _("RenalAI training: {curve}").format(curve=words), event)
            _fill(table, event, [])
            series = _new("vtkMRMLPlotSeriesNode", words, event)
            series.SetAndObserveTableNodeID(table.GetID())
            series.SetXColumnName("step")
            series.SetYColumnName(_VALUES[event])
            series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
            style = slicer.vtkMRMLPlotSeriesNode
            series.SetMarkerStyle(style.MarkerStyleNone if event == "train" else style.MarkerStyleCircle)
            series.SetColor(*_COLORS[event])
            chart.AddAndObservePlotSeriesNodeID(series.GetID())
        return chart


def _new(kind: str, name: str, tag: str) -> Any:
    node = slicer.mrmlScene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetName(name)
    node.SetAttribute(TAG, tag)
    node.SetSaveWithScene(False)
    return slicer.mrmlScene.AddNode(node)


def _tagged(kind: str, tag: str) -> Any:
    nodes = slicer.util.getNodesByClass(kind)
    return next((node for node in nodes if node.GetAttribute(TAG) == tag), None)


def _fill(table: Any, event: str, points: Sequence[tuple[float, float]]) -> None:
    content = vtk.vtkTable()
    for place, name in enumerate(("step", _VALUES[event])):
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for point in points:
            column.InsertNextValue(float(point[place]))
        content.AddColumn(column)
    table.SetAndObserveTable(content)
    table.Modified()
