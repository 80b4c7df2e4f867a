"""Overlays: prediction and truth in one picture. Prediction alone is red, truth alone green, agreement yellow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.anatomy.domains import Mask
from RenalAILib.boxes import Box
from RenalAILib.compare.regrid import on_grid_of
from RenalAILib.labels import MASS_LABELS
from RenalAILib.orientation import canonical
from RenalAILib.pictures.png import png
from RenalAILib.pictures.sections import Plane, Section
from RenalAILib.terminology import Rgb
from RenalAILib.volume import Volume

PREDICTION: Rgb = (235, 45, 45)
TRUTH: Rgb = (40, 200, 80)
AGREEMENT: Rgb = (250, 215, 50)

_EDGE = 360  # pixels of one section
_GAP = 4
_MARGIN_MM = 60.0  # shown around the organs
_FIELD_MM = (120.0, 400.0)
_DARKEST_HU, _BRIGHTEST_HU = -160.0, 240.0
_ORGAN_OPACITY, _MASS_OPACITY = 0.28, 0.55


def overlay_png(ct: Volume, prediction: Volume, reference: Volume) -> bytes:
    """A PNG file with an axial and a coronal section, the patient's right on the left.

    Kidneys are tinted lightly, masses strongly. The sections go through the largest cut of all masses, true or
    predicted; without a mass through that of the kidneys; without those through the scan's middle.

    Args:
        ct: HU.
        prediction, reference: values of `Label`, each on any grid.
    """
    view = canonical(ct)
    on_grid = (labels if labels.same_grid(ct) else on_grid_of(labels, ct) for labels in (prediction, reference))
    found, true = (canonical(labels).voxels for labels in on_grid)
    organs = (found > 0) | (true > 0)
    masses = np.isin(found, MASS_LABELS) | np.isin(true, MASS_LABELS)
    middle, field_mm = _place(masses if masses.any() else organs, organs, view)
    page = np.zeros((_EDGE, 2 * _EDGE + _GAP, 3), np.uint8)
    for number, plane in enumerate((Plane.AXIAL, Plane.CORONAL)):
        left = number * (_EDGE + _GAP)
        page[:, left : left + _EDGE] = _picture(plane, middle, field_mm, view, found, true)
    return png(page)


def _place(wanted: Mask, organs: Mask, view: Volume) -> tuple[tuple[float, float, float], float]:
    """Where to cut (k, j, i) and the width to show, mm."""
    box = Box.around(organs)
    if box is None:
        k, j, i = ((n - 1) / 2 for n in view.shape)
        return (k, j, i), _FIELD_MM[1]
    part = wanted[box.slices]
    k = box.start[0] + int(part.sum(axis=(1, 2)).argmax())
    j = box.start[1] + int(part.sum(axis=(0, 2)).argmax())
    i = (box.start[2] + box.stop[2] - 1) / 2
    widest = float((np.array(box.shape) * view.spacing_mm).max()) + _MARGIN_MM
    return (float(k), float(j), i), float(np.clip(widest, *_FIELD_MM))


def _picture(
    plane: Plane,
    middle: tuple[float, float, float],
    field_mm: float,
    view: Volume,
    found: npt.NDArray[np.uint8],
    true: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    k, j, i = (float(mm) for mm in view.spacing_mm)
    centre = list(middle)
    box = Box.around((found > 0) | (true > 0))
    if box is not None:  # cut where the masses are, but show all organs
        for axis in plane.axes[1:]:
            centre[axis] = (box.start[axis] + box.stop[axis] - 1) / 2
    section = Section(plane, (centre[0], centre[1], centre[2]), (k, j, i), (_EDGE, _EDGE), field_mm / _EDGE)
    hu = section.sample(view.voxels, outside=-1e4)
    grey = np.clip((hu - _DARKEST_HU) * np.float32(255 / (_BRIGHTEST_HU - _DARKEST_HU)), 0, 255)
    picture = np.repeat(grey[..., None], 3, axis=2)
    depth, axis = section.depth, plane.axes[0]
    slices = [np.take(labels, [depth], axis=axis) for labels in (found, true)]
    offset = (depth if axis == 0 else 0, depth if axis == 1 else 0, 0)
    for values, opacity in ((None, _ORGAN_OPACITY), (MASS_LABELS, _MASS_OPACITY)):
        here = [labels > 0 if values is None else np.isin(labels, values) for labels in slices]
        mine, theirs = (section.sample(mask.astype(np.float32), offset) >= 0.5 for mask in here)
        for where, color in ((mine & ~theirs, PREDICTION), (theirs & ~mine, TRUTH), (mine & theirs, AGREEMENT)):
            picture[where] = picture[where] * (1 - opacity) + np.array(color, np.float32) * opacity
    return picture.astype(np.uint8)
