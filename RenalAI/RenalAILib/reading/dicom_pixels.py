"""DICOM pixels: the slices of a stack in HU, through GDCM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .dicom_header import Header

_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_PACKED = {
    "1.2.840.10008.1.2.1.99",  # deflated
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",  # JPEG
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81",  # JPEG-LS
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.5",  # run length
}  # fmt: skip


def read_pixels(name: str, headers: Sequence[Header]) -> np.ndarray:
    """``[k, j, i]`` in HU, slices in the order given; each slice by its own slope and intercept.

    Raises:
        InputError: a file is truncated, damaged, or compressed in a way that GDCM does not know.
    """
    import SimpleITK as sitk

    for header in headers:
        _check_file(header)
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(header.path) for header in headers])
    scalings = {(header.slope, header.intercept) for header in headers}
    if len(scalings) > 1 or not all(value.is_integer() for value in next(iter(scalings))):
        reader.SetOutputPixelType(sitk.sitkFloat32)  # the first file would decide the type of all
    warnings_were_on = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = reader.Execute()
    except (RuntimeError, MemoryError) as problem:
        raise InputError(_culprit(name, headers)) from problem
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(warnings_were_on)
    voxels: np.ndarray = sitk.GetArrayFromImage(image)
    expected = (len(headers), headers[0].rows, headers[0].columns)
    if voxels.shape != expected:
        raise InputError(f"{name} is damaged: its slices give {voxels.shape} voxels where {expected} are due")
    return voxels


def _check_file(header: Header) -> None:
    if header.transfer_syntax in _NATIVE:
        promised = header.rows * header.columns * header.bits // 8
        if header.path.stat().st_size < promised:
            raise InputError(f"{header.path.name} is truncated: its header promises {promised:,} bytes of pixels")
    elif header.transfer_syntax not in _PACKED:
        import pydicom.uid

        kind = pydicom.uid.UID(header.transfer_syntax).name or "nothing"
        raise InputError(f"{header.path.name} is compressed as {kind}, which RenalAI does not read")


def _culprit(name: str, headers: Sequence[Header]) -> str:
    """Which of the files cannot be read."""
    import SimpleITK as sitk

    for header in headers:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(header.path))
        try:
            reader.Execute()
        except RuntimeError:
            return f"{header.path.name} is damaged: its pixels cannot be unpacked"
    return f"{name} is damaged: its pixels cannot be read"
