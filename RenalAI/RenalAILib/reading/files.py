"""Files: a path becomes a CT, by whatever kind of file or folder lies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..contrast_phases import PhaseGuess
from ..errors import InputError
from ..volume import Volume
from .dicom_series import Series, choose_series, is_dicom, read_chosen, read_series
from .itk_file import read_itk_file
from .nifti import read_nifti
from .plausibility import check_grid, check_hounsfield
from .stored import Stored, compact

_NIFTI = (".nii", ".nii.gz")
_ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
_KINDS = "NIfTI (.nii, .nii.gz), NRRD, MetaImage (.mha, .mhd) or a folder of DICOM files"


@dataclass(frozen=True, eq=False)
class Scan:
    """A CT and what the radiologist should know about how it was read.

    Attributes:
        volume: int16 or float32 voxels in HU on the file's own grid.
        notes: sentences for the findings' warnings: which series was taken and why, what was left out.
        slices: for DICOM, the file of each slice, in the order of k; empty for other kinds of files.
    """

    volume: Volume
    notes: tuple[str, ...] = ()
    slices: tuple[Path, ...] = ()


def read_ct(path: str | Path, *, series: str | None = None) -> Scan:
    """The CT at ``path``.

    Args:
        path: a NIfTI, NRRD or MetaImage file, a folder of DICOM files, or one DICOM file of a series.
        series: for DICOM, the series' UID or number; without it the best axial contrast CT is taken and a note says so.

    Raises:
        InputError: there is no 3-D CT in HU; the sentence names the file and the cause.
    """
    path = Path(path).expanduser()
    return _scan(*_read(path, series))


@dataclass(frozen=True, eq=False)
class PhaseScan:
    """A CT in one contrast phase, and what its headers say of the phase."""

    scan: Scan
    label: str
    guess: PhaseGuess


def read_phases(path: str | Path, *, series: str | None = None) -> list[PhaseScan]:
    """The CT of :func:`read_ct`, then the other contrast phases of its study.

    A phase that cannot be read is left out, and the first scan's notes say so.

    Args:
        path: a folder of DICOM files, or one file of a series.
        series: as for :func:`read_ct`.

    Raises:
        InputError: the first cannot be read, or the files are no DICOM.
    """
    path = Path(path).expanduser()
    if path.is_file() and not is_dicom(path):
        raise InputError(f"{path.name} is no DICOM; several phases are found in a folder of DICOM files only")
    with _told_in_a_sentence(path):
        chosen = choose_series(path, series)
    first, *others = (chosen.series, *chosen.other_phases)
    result = [PhaseScan(_scan(*read_chosen(path, first, chosen.notes)), first.label, first.phase)]
    lost = []
    for other in others:
        try:
            result.append(PhaseScan(_scan(*read_chosen(path, other)), other.label, other.phase))
        except InputError as problem:
            lost.append(f"Not measured, for it cannot be read: {problem}.")
    scan = result[0].scan
    result[0] = replace(result[0], scan=replace(scan, notes=(*scan.notes, *lost)))
    return result


def read_thinned(path: str | Path, series: Series, step_mm: float) -> Volume:
    """A series for a first look: slices are left out as long as the others are no further apart than ``step_mm``.

    Raises:
        InputError: it makes no regular stack of CT in HU.
    """
    path = Path(path).expanduser()
    with _told_in_a_sentence(path):
        return _scan(*read_chosen(path, series, step_mm=step_mm)).volume


def read_volume(path: str | Path, *, series: str | None = None) -> Volume:
    """The volume of :func:`read_ct`, for callers to whom its notes do not matter.

    Example:
        >>> import tempfile
        >>> from RenalAILib.phantom import make_phantom
        >>> from RenalAILib.report.nifti import nifti_ct
        >>> made = make_phantom(1, shape=(40, 64, 64), spacing_mm=(5.0, 6.0, 6.0)).volume
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "scan.nii.gz")
        ...     _ = path.write_bytes(nifti_ct(made, "a phantom"))
        ...     ct = read_volume(path)
        >>> ct.name, ct.shape, ct.spacing_mm.tolist(), str(ct.voxels.dtype)
        ('scan.nii.gz', (40, 64, 64), [5.0, 6.0, 6.0], 'int16')
    """
    return read_ct(path, series=series).volume


def read_any_image(path: str | Path) -> Volume:
    """A 3-D image that need not be a CT (the MR of another dataset), its values as they are stored.

    Raises:
        InputError: there is no 3-D image, or its grid is none of a patient.
    """
    stored, name = _read(Path(path).expanduser(), None)
    check_grid(name, stored.ijk_to_ras, stored.voxels.shape)
    return Volume(stored.voxels, stored.ijk_to_ras, name)


def read_labels(path: str | Path) -> Volume:
    """A label map: whole numbers from 0 to 255 as uint8, on the file's own grid.

    Example:
        >>> import tempfile
        >>> from RenalAILib.report.nifti import nifti_labels
        >>> drawn = Volume(np.zeros((20, 30, 30), np.uint8), np.diag([-1.0, -1.0, 2.5, 1.0]))
        >>> drawn.voxels[5:15, 10:20, 10:20] = 2  # a left kidney
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "manual.nii.gz")
        ...     _ = path.write_bytes(nifti_labels(drawn, "by hand"))
        ...     manual = read_labels(path)
        >>> np.unique(manual.voxels).tolist()
        [0, 2]

    Raises:
        InputError: there is no 3-D label map in a NIfTI, NRRD or MetaImage file.
    """
    path = Path(path).expanduser()
    stored, name = _read(path, None)
    check_grid(name, stored.ijk_to_ras, stored.voxels.shape)
    voxels = stored.voxels
    low, high = float(voxels.min()), float(voxels.max())
    if low < 0 or high > 255 or (voxels.dtype.kind == "f" and (np.rint(voxels) != voxels).any()):
        raise InputError(f"{name} is not a label map: its values run from {low:g} to {high:g}")
    return Volume(voxels.astype(np.uint8, copy=False), stored.ijk_to_ras, name)


def _scan(stored: Stored, name: str) -> Scan:
    check_grid(name, stored.ijk_to_ras, stored.voxels.shape)
    check_hounsfield(name, stored.voxels)
    return Scan(Volume(compact(stored.voxels), stored.ijk_to_ras, name), stored.notes, stored.slices)


def _read(path: Path, series: str | None) -> tuple[Stored, str]:
    with _told_in_a_sentence(path):
        if not path.exists():
            raise InputError(f"{path} does not exist")
        if path.is_dir():
            return read_series(path, series)
        if series is not None and not is_dicom(path):
            raise InputError(f"{path.name} is one file and no DICOM series; leave out --series")
        if path.name.lower().endswith(_NIFTI):
            return read_nifti(path), path.name
        if path.name.lower().endswith(_ITK):
            return read_itk_file(path), path.name
        if is_dicom(path):
            return read_series(path, series)
        if path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty")
        raise InputError(f"{path.name} is of no kind that RenalAI reads: {_KINDS}")


@contextmanager
def _told_in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as problem:
        raise InputError(f"{problem.filename or path} may not be read: {problem.strerror}") from problem
    except OSError as problem:
        raise InputError(f"{problem.filename or path} cannot be read: {problem.strerror or problem}") from problem
    except MemoryError as problem:
        raise InputError(f"{path.name} does not fit into the memory of this computer") from problem
