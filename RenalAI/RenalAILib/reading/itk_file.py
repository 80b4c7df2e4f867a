"""ITK files: NRRD and MetaImage through SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .metaimage import check_metaimage
from .nrrd import check_nrrd
from .stored import Stored, check_three_axes, ras_from_lps


def read_itk_file(path: Path) -> Stored:
    """The image in an NRRD or MetaImage file (with its detached data, where the header names them).

    Raises:
        InputError: not such a file, truncated or damaged, not 3-D, several values per voxel, no orientation.
    """
    import SimpleITK as sitk

    name = path.name
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty")
    nrrd = path.suffix.lower() in {".nrrd", ".nhdr"}
    if nrrd:
        check_nrrd(path)
    else:
        check_metaimage(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO" if nrrd else "MetaImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError as problem:
        kind = "an NRRD" if nrrd else "a MetaImage"
        raise InputError(f"{name} is not {kind} file that can be read: {_reason(problem)}") from problem
    sizes = check_three_axes(name, tuple(int(size) for size in reader.GetSize()))
    if reader.GetNumberOfComponents() != 1:
        raise InputError(f"{name} has {reader.GetNumberOfComponents()} values per voxel (colors, vectors); CT has one")
    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise InputError(f"{name} holds complex numbers; CT in HU is real")
    if nrrd and not reader.HasMetaDataKey("NRRD_space"):
        raise InputError(f"{name} does not say how the patient lies in it (no NRRD space): sides are unknown")
    warnings_were_on = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = reader.Execute()
    except (RuntimeError, MemoryError) as problem:
        raise InputError(f"{name} is truncated or damaged: {_reason(problem)}") from problem
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(warnings_were_on)
    i, j, k = sizes
    return Stored(sitk.GetArrayFromImage(image).reshape(k, j, i), _ijk_to_ras(image))


def _ijk_to_ras(image: Any) -> npt.NDArray[np.float64]:
    """The affine of a SimpleITK image's first three axes."""
    count = image.GetDimension()
    axes = min(count, 3)
    matrix = np.eye(4)
    matrix[:axes, :axes] = np.reshape(image.GetDirection(), (count, count))[:axes, :axes] * image.GetSpacing()[:axes]
    matrix[:axes, 3] = image.GetOrigin()[:axes]
    return ras_from_lps(matrix)


def _reason(problem: BaseException) -> str:
    """The last line of ITK's message, which says what happened, without ITK's own file names."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip() and ".cxx" not in line]
    last = lines[-1] if lines else "no reason given"
    return last.removeprefix("ITK ERROR:").removeprefix("sitk::ERROR:").strip()[:160]
