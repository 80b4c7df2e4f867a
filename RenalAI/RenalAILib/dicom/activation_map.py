"""Grad-CAM as a DICOM parametric map (PS3.3 A.75): where the classifier looked, on the pixels of the CT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..boxes import Box
from ..findings import Outcome, Saliency
from ..labels import Side
from ..radiologist.readings import Reading
from ..terminology import KIDNEY, Code
from ..version import __version__
from . import concepts
from .identity import ResultUids
from .installed import highdicom, names_unspoken
from .segment_description import coded
from .segmentation_object import SERIES_NUMBER, is_rejected, pixel_measures
from .source_images import SourceImages

_DERIVATION = Code(concepts.OWN_SCHEME, "gradcam", "Grad-CAM of a classification network")


def has_activation(outcome: Outcome, readings: Mapping[str, Reading]) -> bool:
    """Whether there is Grad-CAM of a mass that nobody rejected."""
    return any(np.any(part.values > 0) for part in _kept(outcome, readings).values())


def activation_map(outcome: Outcome, source: SourceImages, readings: Mapping[str, Reading], uids: ResultUids) -> Any:
    """A ``highdicom.pm.ParametricMap`` of float32, 0 to 1 within each mass' own patch.

    It holds the smallest box with everything above zero, unpacked: readers of float maps do not unpack (dcmqi), and
    whole slices would be a hundred megabytes. Where patches of two masses overlap, the larger value stands.
    """
    hd = highdicom()
    values = source.arrange(_painted(outcome, readings), outcome.volume)
    box = Box.around(values > 0)
    if box is None:
        raise ValueError("there is no Grad-CAM to write")
    slices = source.datasets[box.start[0] : box.stop[0]]
    bundle = outcome.findings.bundle
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="GRADCAM",
        lut_explanation="Grad-CAM of the class, 0 to 1 by mass",
        unit=coded(concepts.NO_UNITS),
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=coded(concepts.CLASS_ACTIVATION),
    )
    with names_unspoken():
        made = hd.pm.ParametricMap(
            source_images=slices,
            pixel_array=np.ascontiguousarray(values[box.slices]),
            series_instance_uid=uids.of("activation series"),
            series_number=SERIES_NUMBER + 2,
            sop_instance_uid=uids.of("activation"),
            instance_number=1,
            manufacturer="RenalAI",
            manufacturer_model_name=bundle.name,
            software_versions=__version__,
            device_serial_number=bundle.sha256[:16],
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=1.0)],
            pixel_measures=pixel_measures(source),
            plane_orientation=hd.PlaneOrientationSequence("PATIENT", slices[0].ImageOrientationPatient),
            plane_positions=[hd.PlanePositionSequence("PATIENT", _corner(data, box)) for data in slices],
            content_label="GRADCAM",
            content_creator_name="RenalAI^",
            content_description="Grad-CAM of renal masses, research only",
            derivation=coded(_DERIVATION),
            series_description="RenalAI Grad-CAM, not for diagnosis",
        )
    made.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_anatomy(outcome, readings)]
    _from_first_slice(made, slices)
    return made


def _from_first_slice(made: Any, slices: Sequence[Any]) -> None:
    """Frames in the order of ``slices``: highdicom may store them the other way, and dcmqi does not sort them."""
    first = made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    ends = [np.array(data.ImagePositionPatient, float) for data in (slices[0], slices[-1])]
    corner = np.array(first, float)
    if np.linalg.norm(corner - ends[0]) > np.linalg.norm(corner - ends[1]):
        frames = np.frombuffer(made.FloatPixelData, "<f4").reshape(len(slices), -1)
        made.FloatPixelData = frames[::-1].tobytes()
        made.PerFrameFunctionalGroupsSequence = list(made.PerFrameFunctionalGroupsSequence)[::-1]
        for number, groups in enumerate(made.PerFrameFunctionalGroupsSequence, start=1):
            groups.FrameContentSequence[0].DimensionIndexValues = number


def _painted(outcome: Outcome, readings: Mapping[str, Reading]) -> npt.NDArray[np.float32]:
    values = np.zeros(outcome.volume.shape, np.float32)
    for part in _kept(outcome, readings).values():
        there = values[part.box.slices]
        np.maximum(there, part.values, out=there)
    return values


def _kept(outcome: Outcome, readings: Mapping[str, Reading]) -> dict[str, Saliency]:
    """Of masses that are there and that nobody rejected."""
    there = {mass.segment_id for mass in outcome.findings.masses}
    return {
        name: part for name, part in outcome.saliency.items() if name in there and not is_rejected(readings.get(name))
    }


def _anatomy(outcome: Outcome, readings: Mapping[str, Reading]) -> Any:
    """The kidneys, and whose side (PS3.3 C.7.6.16.2.8). dcmqi does not open a map without."""
    import pydicom

    sides = {mass.side for mass in outcome.findings.masses if mass.segment_id in _kept(outcome, readings)}
    anatomy = pydicom.Dataset()
    anatomy.FrameLaterality = {Side.RIGHT: "R", Side.LEFT: "L"}[sides.pop()] if len(sides) == 1 else "B"
    anatomy.AnatomicRegionSequence = [coded(KIDNEY)]
    return anatomy


def _corner(data: Any, box: Box) -> list[float]:
    """Where the first pixel of the box lies in a slice, LPS mm (PS3.3 C.7.6.2.1.1)."""
    along_row, along_column = np.reshape([float(value) for value in data.ImageOrientationPatient], (2, 3))
    between_rows, between_columns = (float(value) for value in data.PixelSpacing)
    first = np.array([float(value) for value in data.ImagePositionPatient])
    corner = first + box.start[2] * between_columns * along_row + box.start[1] * between_rows * along_column
    return [float(value) for value in corner]
