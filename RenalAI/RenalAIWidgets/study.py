"""Section Study: which CT, and at once what is wrong with the choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.reading.plausibility import check_grid, check_hounsfield

from .texts import show_problem

MINIMUM_SLICES = 16
MAXIMUM_SPACING_MM = 10.0
SAMPLE = 200_000


def problem(volume: Any) -> str | None:
    """Why ``volume`` (a scalar volume node or None) cannot be segmented, in words; None where it can."""
    if volume is None:
        return _("Load a contrast CT of the abdomen, or choose one here.")
    image = volume.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        return _("{name} holds no image.").format(name=volume.GetName())
    if image.GetNumberOfScalarComponents() != 1:
        return _("{name} is a color image, not a CT.").format(name=volume.GetName())
    if min(image.GetDimensions()) < 2 or image.GetDimensions()[2] < MINIMUM_SLICES:
        text = _("{name} has only {count} slices; at least {least} are needed.")
        return text.format(name=volume.GetName(), count=image.GetDimensions()[2], least=MINIMUM_SLICES)
    if max(volume.GetSpacing()) > MAXIMUM_SPACING_MM:
        text = _("{name} has slices {spacing:.0f} mm apart; at most {most:.0f} mm are possible.")
        return text.format(name=volume.GetName(), spacing=max(volume.GetSpacing()), most=MAXIMUM_SPACING_MM)
    # What the engine itself refuses, here from a sample: the worker looks at every voxel.
    try:
        grid = slicer.util.arrayFromVTKMatrix(_ijk_to_ras(volume))
        check_grid(volume.GetName(), grid, volume.GetImageData().GetDimensions()[::-1])
        check_hounsfield(volume.GetName(), _sample(volume))
    except InputError as refused:
        return f"{refused}."
    return None


def _ijk_to_ras(volume: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def _sample(volume: Any) -> np.ndarray:
    """Some hundred thousand voxels over the whole CT: the panel must not read a gigabyte at every click."""
    voxels = slicer.util.arrayFromVolume(volume)
    step = max(1, round((voxels.size / SAMPLE) ** (1 / 3)))
    return voxels[::step, ::step, ::step]


def caution(volume: Any) -> str | None:
    """What may make the result worse, without forbidding it: probably no contrast medium."""
    body = _sample(volume)
    share = np.count_nonzero((body > 130) & (body < 300)) / max(1, np.count_nonzero((body > -20) & (body < 300)))
    if share < 0.015:
        return _("Probably no contrast medium: kidneys may be found, masses hardly.")
    return None


class StudySection:
    """Shows under the selectors what is wrong; chooses the first CT where none is chosen."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._seen: tuple[Any, ...] | None = None
        self.problem: str | None = None

    def preselect(self, parameters: Any) -> None:
        """The first volume of the scene that can be segmented."""
        if parameters.inputVolume is None:
            for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
                if not volume.IsA("vtkMRMLLabelMapVolumeNode") and problem(volume) is None:
                    parameters.inputVolume = volume
                    return

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; looks at the voxels only when the volume is another."""
        volume = parameters.inputVolume
        key = (volume and volume.GetID(), volume and volume.GetMTime(), parameters.secondPhase)
        if key != self._seen:
            self._seen = key
            self.problem = problem(volume) or self._problem_of_second(parameters)
            words = self.problem or caution(volume)
            show_problem(self._ui.studyLine, words, severe=self.problem is not None and volume is not None)
            if words is None:
                columns, rows, slices = volume.GetImageData().GetDimensions()
                text = _("{columns} × {rows} × {slices} voxels, slices {spacing:.1f} mm apart")
                self._ui.studyLine.text = text.format(
                    columns=columns, rows=rows, slices=slices, spacing=volume.GetSpacing()[2]
                )

    @staticmethod
    def _problem_of_second(parameters: Any) -> str | None:
        second = parameters.secondPhase
        if second is None:
            return None
        if second is parameters.inputVolume:
            return _("The second phase is the CT itself; choose another volume or none.")
        return problem(second)
