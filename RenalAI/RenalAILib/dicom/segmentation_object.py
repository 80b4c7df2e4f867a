"""DICOM SEG: an outcome as a segmentation object (PS3.3 A.51) in the study of the CT, for the PACS."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..findings import Kidney, Mass, Outcome
from ..radiologist.readings import Answer, Reading
from ..version import __version__
from ..writing.whole import replaced_file
from .identity import ResultUids
from .installed import highdicom, names_unspoken
from .segment_description import describe_segment
from .source_images import SourceImages, read_source_images

SERIES_NUMBER = 7000  # far from what scanners count up to: archives sort by it
_RLE = "1.2.840.10008.1.2.5"


def write_dicom_seg(
    outcome: Outcome,
    source_files: Sequence[Path],
    path: Path,
    *,
    readings: Sequence[Reading] | None = None,
    labelmap: bool = False,
) -> None:
    """Writes one object with a segment for every kidney and mass, whole or not at all.

    Patient, study and frame of reference are those of the source images, which the object refers to frame by frame;
    series and instance are new. A mass that the radiologist rejected is left out; its
    voxels belong to no segment. The content description counts what they rejected or removed.

    Args:
        outcome: on the grid of the source images; axes may be permuted or run the other way.
        source_files: the slices of the CT, in any order.
        path: of the new file; an older one is replaced.
        readings: radiologists' answers in order of time; the last about a mass counts.
        labelmap: as one label map (Label Map Segmentation Storage, new in 2024): smaller, unknown to most viewers.

    Raises:
        InputError: highdicom is not installed, the files are not the DICOM series of the outcome, there is nothing to
            write, or the file cannot be written.
    """
    highdicom()
    last = last_readings(readings)
    if not present_segments(outcome, last):
        raise InputError(f"{outcome.volume.name} has no kidney and no mass to write as a DICOM segmentation")
    source = read_source_images(source_files)
    made = segmentation_object(outcome, source, last, ResultUids(outcome, source, readings or ()), labelmap=labelmap)
    with replaced_file(path) as new:
        made.save_as(new)


def segmentation_object(
    outcome: Outcome,
    source: SourceImages,
    readings: Mapping[str, Reading],
    uids: ResultUids,
    *,
    edited: Collection[str] = (),
    labelmap: bool = False,
) -> Any:
    """The ``highdicom.seg.Segmentation`` of :func:`write_dicom_seg`; segments are numbered as they are present.

    Args:
        readings: the last about each mass, by segment ID.
        edited: IDs of segments whose outline the radiologist changed.
    """
    hd = highdicom()
    segments = present_segments(outcome, readings)
    bundle = outcome.findings.bundle
    with names_unspoken():
        return hd.seg.Segmentation(
            source_images=source.datasets,
            pixel_array=np.ascontiguousarray(source.arrange(_numbered(outcome, segments), outcome.volume)),
            segmentation_type="LABELMAP" if labelmap else "BINARY",
            segment_descriptions=[
                describe_segment(
                    number,
                    segment,
                    readings.get(segment.segment_id),
                    bundle,
                    tracking_uid=uids.tracking(segment.segment_id),
                    edited=segment.segment_id in edited,
                )
                for number, segment in enumerate(segments, start=1)
            ],
            pixel_measures=pixel_measures(source),
            series_instance_uid=uids.of("segmentation series"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=uids.of("label map" if labelmap else "segmentation"),
            instance_number=1,
            manufacturer="RenalAI",
            manufacturer_model_name=bundle.name,
            software_versions=__version__,
            device_serial_number=bundle.sha256[:16],  # what tells one set of weights from another
            content_label="RENALAI",
            content_description=_content(outcome, readings),
            series_description="RenalAI kidneys and renal masses",
            **({"transfer_syntax_uid": _RLE} if labelmap else {}),
        )


def last_readings(readings: Sequence[Reading] | None) -> dict[str, Reading]:
    """The last word about each mass, by segment ID; ``readings`` in order of time."""
    return {reading.segment_id: reading for reading in readings or ()}


def present_segments(outcome: Outcome, readings: Mapping[str, Reading]) -> tuple[Kidney | Mass, ...]:
    """The segments to write, in the order of their numbers in the object: those with voxels that nobody rejected."""
    sizes = np.bincount(outcome.instances.reshape(-1), minlength=len(outcome.segments) + 1)
    return tuple(
        segment
        for value, segment in enumerate(outcome.segments, start=1)
        if sizes[value] and not is_rejected(readings.get(segment.segment_id))
    )


def is_rejected(reading: Reading | None) -> bool:
    """Whether the radiologist said that there is no mass."""
    return reading is not None and reading.verdict is Answer.REJECTED


def _numbered(outcome: Outcome, segments: Sequence[Kidney | Mass]) -> np.ndarray:
    """The instances, numbered by ``segments`` from 1; 0 where another one is."""
    renumbered = np.zeros(256, np.uint8)
    for value, segment in enumerate(outcome.segments, start=1):
        renumbered[value] = segments.index(segment) + 1 if segment in segments else 0
    return np.asarray(renumbered[outcome.instances])


def pixel_measures(source: SourceImages) -> Any:
    """Spacings in mm. Frames without a segment are not written, so readers cannot tell the step from the positions."""
    first = source.datasets[0]
    return highdicom().PixelMeasuresSequence(
        pixel_spacing=first.PixelSpacing,
        slice_thickness=first.SliceThickness,
        spacing_between_slices=source.step_mm,
    )


def _content(outcome: Outcome, readings: Mapping[str, Reading]) -> str:
    """At most 64 characters (LO)."""
    demonstration = outcome.findings.bundle.demonstration
    words = "Demonstration weights, not for diagnosis" if demonstration else "Kidneys and renal masses in CT"
    removed = {segment.segment_id for segment in outcome.findings.removed}
    rejected = {segment.segment_id for segment in outcome.segments if is_rejected(readings.get(segment.segment_id))}
    if removed:
        return f"{words}; {len(removed | rejected)} taken out by reader"
    return f"{words}; {len(rejected)} rejected by reader" if rejected else words
