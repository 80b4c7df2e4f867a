"""All DICOM objects of a result: segmentation, measurement report and Grad-CAM, which refer to one another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ..findings import Outcome
from ..radiologist.edits import measured_again
from ..radiologist.readings import Reading
from ..report import DICOM_FILES
from ..writing.whole import replaced_file
from .activation_map import activation_map, has_activation
from .identity import ResultUids
from .installed import highdicom
from .segmentation_object import last_readings, present_segments, segmentation_object
from .source_images import SourceImages, read_source_images
from .structured_report import structured_report

SEGMENTATION, MEASUREMENTS, GRADCAM = DICOM_FILES
Write = Callable[[Outcome, Path], None]


def dicom_writers(
    outcome: Outcome, source: SourceImages, readings: Sequence[Reading] = (), edited: Collection[str] = ()
) -> dict[str, Write]:
    """What writes each DICOM file of a result, by the file's name; only those there is something for.

    Made again from the same CT, weights, voxels and readings, an object has the same UIDs: a PACS that has it already
    knows it (see :mod:`.identity`).

    Args:
        outcome: on the grid of the source images; the same that the writers are called with.
        source: the CT.
        readings: radiologists' answers in order of time; the last about a mass counts.
        edited: IDs of segments whose outline a radiologist changed, by :func:`.radiologist.edits.edited_segments`:
            they are marked as theirs, and measured again.

    Returns:
        ``segmentation.dcm`` where there is a segment; ``measurements.dcm`` where there is one, or something that the
        radiologist rejected or removed; ``gradcam.dcm`` where there is Grad-CAM.

    Raises:
        InputError: highdicom is not installed, or the series is not the one of the outcome.
    """
    highdicom()
    last = last_readings(readings)
    uids, now = ResultUids(outcome, source, readings), measured_again(outcome, edited)
    made: dict[str, Callable[[], Any]] = {}
    if present_segments(outcome, last):
        made[SEGMENTATION] = lambda: segmentation_object(now, source, last, uids, edited=edited)
    if made or last or outcome.findings.removed:
        made[MEASUREMENTS] = lambda: structured_report(now, source, last, uids, edited=edited)
    if has_activation(outcome, last):
        made[GRADCAM] = lambda: activation_map(now, source, last, uids)
    return {name: _writer(make) for name, make in made.items()}


def write_dicom_results(
    outcome: Outcome,
    source_files: Sequence[Path],
    folder: Path,
    readings: Sequence[Reading] = (),
    edited: Collection[str] = (),
) -> dict[str, Path]:
    """Writes the files of :func:`dicom_writers` into ``folder``, each whole or not at all, and returns their paths.

    Raises:
        InputError: highdicom is not installed, the files are not the DICOM series of the outcome, or one cannot be
            written.
    """
    highdicom()
    writers = dicom_writers(outcome, read_source_images(source_files), readings, edited)
    for name, write in writers.items():
        write(outcome, folder / name)
    return {name: folder / name for name in writers}


def _writer(make: Callable[[], Any]) -> Write:
    def write(_: Outcome, path: Path) -> None:
        with replaced_file(path) as new:
            make().save_as(new)

    return write
