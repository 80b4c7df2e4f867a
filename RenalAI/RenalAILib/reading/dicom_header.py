"""DICOM headers: what of a file decides to which stack it belongs and where in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import InputError

_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "StudyDescription",
    "ProtocolName", "StudyInstanceUID", "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "StudyDate",
    "ContrastBolusStartTime", "Modality", "ImageType", "ContrastBolusAgent", "ConvolutionKernel", "Rows", "Columns",
    "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "PatientAge",
)  # fmt: skip
_UNITS_A_YEAR = {"D": 365.25, "W": 52.18, "M": 12, "Y": 1}
_ADULT_YEARS = 18
_ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1"


@dataclass(frozen=True)
class Header:
    """One image file's header. Lengths in mm, positions and directions in the patient's LPS frame (PS3.3 C.7.6.2).

    Attributes:
        position: of the first pixel's center, None where the file does not say.
        orientation: direction of a row, then of a column; None where the file does not say.
        pixel_spacing: between rows, then between columns.
        contrast_agent: as given, empty where none.
        acquired_s: when the acquisition began, seconds since a midnight long ago; None where the file does not say.
        injected_s: when the contrast injection began, by the same clock.
        minor: the patient is under 18, as far as the file says; how old exactly goes no further than this.
    """

    path: Path
    study_uid: str
    study: str
    series_uid: str
    series_number: int | None
    description: str
    modality: str
    image_type: tuple[str, ...]
    contrast_agent: str
    acquired_s: float | None
    injected_s: float | None
    kernel: str
    rows: int
    columns: int
    samples: int
    frames: int
    enhanced: bool
    bits: int
    transfer_syntax: str
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    slope: float
    intercept: float
    minor: bool = False


def is_dicom(path: Path) -> bool:
    """Whether the file has DICOM's mark (PS3.10: ``DICM`` after 128 bytes)."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_header(path: Path) -> Header | None:
    """The header of an image file; None for DICOM without pixels (reports, structure sets, DICOMDIR).

    Raises:
        InputError: the header cannot be read.
    """
    import pydicom

    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        if "Rows" not in data or "Columns" not in data:
            return None
        return _header(path, data)
    except OSError:
        raise
    except Exception as problem:  # pydicom meets damaged files with exceptions of many kinds
        raise InputError(f"{path.name} has a damaged DICOM header: {' '.join(str(problem).split())[:120]}") from problem


def walk_dicom(folder: Path) -> Iterator[Path]:
    """The DICOM files in ``folder`` and the folders below it, in a fixed order."""
    for where, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file() and is_dicom(path):
                yield path


def _raise(problem: OSError) -> None:
    raise problem


def _header(path: Path, data: Any) -> Header:
    number = data.get("SeriesNumber")
    kernel = data.get("ConvolutionKernel") or ""
    acquired, injected = _times(data)
    return Header(
        path=path,
        study_uid=str(data.get("StudyInstanceUID", "")),
        study=str(data.get("StudyDescription") or "").strip(),
        series_uid=str(data.get("SeriesInstanceUID", "")),
        series_number=None if number is None else int(number),
        description=str(data.get("SeriesDescription") or data.get("ProtocolName") or "").strip(),
        modality=str(data.get("Modality", "")).upper(),
        image_type=tuple(str(value).upper() for value in data.get("ImageType") or ()),
        contrast_agent=str(data.get("ContrastBolusAgent") or "").strip(),
        acquired_s=acquired,
        injected_s=injected,
        kernel=kernel if isinstance(kernel, str) else "/".join(kernel),
        rows=int(data.Rows),
        columns=int(data.Columns),
        samples=int(data.get("SamplesPerPixel") or 1),
        frames=int(data.get("NumberOfFrames") or 1),
        enhanced=data.get("SOPClassUID") == _ENHANCED,
        bits=int(data.get("BitsAllocated") or 16),
        transfer_syntax=str(data.file_meta.get("TransferSyntaxUID", "")),
        position=_numbers(data, "ImagePositionPatient", 3),
        orientation=_numbers(data, "ImageOrientationPatient", 6),
        pixel_spacing=_numbers(data, "PixelSpacing", 2),
        slope=float(1 if data.get("RescaleSlope") is None else data.RescaleSlope),
        intercept=float(data.get("RescaleIntercept") or 0),
        minor=is_minor(str(data.get("PatientAge") or "")),
    )


def is_minor(age: str) -> bool:
    """Whether an age string (PS3.5 6.2: three digits and D, W, M or Y) is under 18 years; False where it is none.

    Example:
        >>> [is_minor(age) for age in ("017Y", "018Y", "011M", "", "unknown")]
        [True, False, True, False, False]
    """
    number, unit = age[:-1], age[-1:].upper()
    if not number.isdecimal() or unit not in _UNITS_A_YEAR:
        return False
    return int(number) / _UNITS_A_YEAR[unit] < _ADULT_YEARS


def _times(data: Any) -> tuple[float | None, float | None]:
    """Begin of the acquisition and of the injection, in seconds; values that are no times count as missing."""
    moment = str(data.get("AcquisitionDateTime") or "")
    day = moment[:8] or str(data.get("AcquisitionDate") or data.get("StudyDate") or "")
    acquired = _seconds(day, moment[8:] or str(data.get("AcquisitionTime") or ""))
    return acquired, _seconds(day, str(data.get("ContrastBolusStartTime") or ""))


def _seconds(day: str, clock: str) -> float | None:
    """``YYYYMMDD`` and ``HHMMSS.FFFFFF`` (PS3.5 6.2)."""
    try:
        date = datetime.strptime(day, "%Y%m%d")
        clock = clock.split("+")[0].split("-")[0].ljust(6, "0") if clock else clock
        fraction = float(f"0{clock[6:]}")
        return date.toordinal() * 86400.0 + int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:6]) + fraction
    except ValueError:
        return None


def _numbers(data: Any, tag: str, count: int) -> tuple[float, ...] | None:
    values = data.get(tag)
    return tuple(float(value) for value in values) if values is not None and len(values) == count else None
