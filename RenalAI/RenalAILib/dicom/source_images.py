"""Source images: the slices of the CT a result was made from, in order, and arrays of the result brought to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..orientation import Orientation
from ..reading.dicom_header import is_dicom, read_header
from ..reading.dicom_stack import stack
from ..volume import Volume

_SAME_MM = 0.1  # positions travel as decimal strings, and through the float matrices of other programs
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# May be empty, must be there (type 2 of the Patient and General Study modules, PS3.3 C.7.1.1 and C.7.2.1). Scanners
# and de-identifiers leave them out all the same.
_MAY_BE_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The slices of one series, from the first to the last along the normal of their plane.

    Attributes:
        name: how messages call the series.
        datasets: pydicom datasets without pixels, one a slice.
        shape: slices, rows, columns.
        ijk_to_ras: 4x4, mm: column, row and slice index to RAS.
    """

    name: str
    datasets: tuple[Any, ...]
    shape: tuple[int, int, int]
    ijk_to_ras: npt.NDArray[np.float64]

    @property
    def step_mm(self) -> float:
        """Distance between the planes of neighbouring slices, also where the slices lean."""
        column, row, step = self.ijk_to_ras[:3, :3].T
        normal = np.cross(column, row)
        return float(abs(step @ normal) / np.linalg.norm(normal))

    def arrange(self, array: np.ndarray, volume: Volume) -> np.ndarray:
        """``array`` on the grid of ``volume`` as ``[slice, row, column]`` of this series: a view, nothing is resampled.

        Raises:
            InputError: the volume does not consist of exactly the voxels of this series.
        """
        ijk_to_ijk = np.linalg.inv(volume.ijk_to_ras) @ self.ijk_to_ras
        turn = np.rint(ijk_to_ijk[2::-1, 2::-1])  # [axis of the volume, axis of the series], both (k, j, i)
        order = np.abs(turn).argmax(0)
        if sorted(order) != [0, 1, 2] or np.abs(turn).sum() != 3:
            raise self._other_grid(volume)
        flips = turn.sum(0) < 0
        orientation = Orientation(
            (int(order[0]), int(order[1]), int(order[2])), (bool(flips[0]), bool(flips[1]), bool(flips[2]))
        )
        if orientation.apply(array).shape != self.shape or not self._same_places(volume, orientation):
            raise self._other_grid(volume)
        return orientation.apply(array)

    def _same_places(self, volume: Volume, orientation: Orientation) -> bool:
        """Whether the corners of the series and of the arranged volume are the same points of the patient."""
        ends = np.array(list(product(*((0, size - 1) for size in self.shape))), dtype=float)
        stored = np.empty_like(ends)
        for axis, (source, flip) in enumerate(zip(orientation.axes, orientation.flipped, strict=True)):
            stored[:, source] = self.shape[axis] - 1 - ends[:, axis] if flip else ends[:, axis]
        places = ends[:, ::-1] @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]
        return bool(np.linalg.norm(volume.ras(stored) - places, axis=1).max() <= _SAME_MM)

    def _other_grid(self, volume: Volume) -> InputError:
        return InputError(
            f"{self.name} ({' x '.join(map(str, self.shape))}) does not lie on the grid of {volume.name}"
            f" ({' x '.join(map(str, volume.shape))}): give the series that was segmented, uncropped and unmoved"
        )


def read_source_images(files: Sequence[Path]) -> SourceImages:
    """The slices in ``files``, which are those of one series, in any order.

    Raises:
        InputError: not DICOM images of one series that makes a regular stack, or without what an object that refers
            to them must say.
    """
    import pydicom

    if not files:
        raise InputError("DICOM results need the DICOM files of the CT; the CT was not read from DICOM")
    headers = []
    for path in files:
        try:
            header = read_header(path) if is_dicom(path) else None
        except OSError as problem:
            raise InputError(f"{path} cannot be read: {problem.strerror or problem}") from problem
        if header is None:
            raise InputError(f"{path.name} is no DICOM image; DICOM results need the DICOM files of the CT")
        headers.append(header)
    name = f"the series of {files[0].name}"
    if len({header.series_uid for header in headers}) > 1:
        raise InputError(f"{name} and {len(files) - 1} more files are not of one DICOM series")
    built = stack(name, headers)
    datasets = tuple(pydicom.dcmread(header.path, stop_before_pixels=True) for header in built.headers)
    for header, dataset in zip(built.headers, datasets, strict=True):
        _complete(header.path, dataset)
    first = built.headers[0]
    source = SourceImages(name, datasets, (len(datasets), first.rows, first.columns), built.ijk_to_ras)
    for dataset in datasets:
        if not dataset.get("SliceThickness"):  # may be empty (PS3.3 C.7.6.2); highdicom asks for it
            dataset.SliceThickness = f"{source.step_mm:.10g}"
    return source


def _complete(path: Path, dataset: Any) -> None:
    for keyword in _NEEDED:
        if not dataset.get(keyword):
            raise InputError(f"{path.name} has no {keyword}; DICOM results cannot refer to it")
    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
