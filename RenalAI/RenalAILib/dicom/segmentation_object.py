"""DICOM SEG: an outcome as a segmentation object (PS3.3 A.51) in the study of the CT, for the PACS."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..findings import Kidney, Mass, Outcome
from ..report.readings import Reading, Verdict
from ..writing import replaced_file
from .installed import highdicom
from .segment_description import describe_segment
from .source_images import SourceImages, read_source_images

_SERIES_NUMBER = 7000  # far from what scanners count up to: archives sort by it
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
    series and instance are new. A mass that the radiologist rejected is left out, and
    counted in the content description; its voxels belong to no segment.

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
    hd = highdicom()
    last = {reading.segment_id: reading for reading in readings or ()}
    segments, voxels = _present(outcome, last)
    if not segments:
        raise InputError(f"{outcome.volume.name} has no kidney and no mass to write as a DICOM segmentation")
    source = read_source_images(source_files)
    bundle = outcome.findings.bundle
    with _names_unspoken():
        found = hd.seg.Segmentation(
            source_images=source.datasets,
            pixel_array=np.ascontiguousarray(source.arrange(voxels, outcome.volume)),
            segmentation_type="LABELMAP" if labelmap else "BINARY",
            segment_descriptions=[
                describe_segment(number, segment, last.get(segment.segment_id), bundle)
                for number, segment in enumerate(segments, start=1)
            ],
            pixel_measures=_measures(source),
            series_instance_uid=hd.UID(),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer="RenalAI",
            manufacturer_model_name=bundle.name,
            software_versions=__version__,
            device_serial_number=bundle.sha256[:16],  # what tells one set of weights from another
            content_label="RENALAI",
            content_description=_content(bundle.demonstration, [last[name].verdict for name in last]),
            series_description="RenalAI kidneys and renal masses",
            **({"transfer_syntax_uid": _RLE} if labelmap else {}),
        )
    with replaced_file(path) as new:
        found.save_as(new)


@contextmanager
def _names_unspoken() -> Iterator[None]:
    """highdicom warns of names without a caret by quoting them: a patient's name belongs into no log."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        yield


def _present(outcome: Outcome, readings: dict[str, Reading]) -> tuple[list[Kidney | Mass], np.ndarray]:
    """The segments to write, and their voxels numbered by them from 1: those with voxels that nobody rejected."""
    sizes = np.bincount(outcome.instances.reshape(-1), minlength=len(outcome.segments) + 1)
    renumbered = np.zeros(256, np.uint8)
    kept: list[Kidney | Mass] = []
    for value, segment in enumerate(outcome.segments, start=1):
        reading = readings.get(segment.segment_id)
        if sizes[value] and not (reading is not None and reading.verdict is Verdict.REJECTED):
            kept.append(segment)
            renumbered[value] = len(kept)
    return kept, renumbered[outcome.instances]


def _measures(source: SourceImages) -> Any:
    """Spacings in mm. Frames without a segment are not written, so readers cannot tell the step from the positions."""
    first = source.datasets[0]
    return highdicom().PixelMeasuresSequence(
        pixel_spacing=first.PixelSpacing,
        slice_thickness=first.SliceThickness,
        spacing_between_slices=source.step_mm,
    )


def _content(demonstration: bool, verdicts: Sequence[Verdict]) -> str:
    """At most 64 characters (LO)."""
    words = "Demonstration weights, not for diagnosis" if demonstration else "Kidneys and renal masses in CT"
    rejected = verdicts.count(Verdict.REJECTED)
    return f"{words}; {rejected} rejected by reader" if rejected else words
