"""Small CTs and the files they come in, written by other libraries than the ones that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
AXIAL = np.array([[-4.0, 0, 0, 40], [0, -4.0, 0, 30], [0, 0, 5.0, -100], [0, 0, 0, 1]])
SHAPE = (8, 14, 16)


def small_ct(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Air, fat and soft tissue in HU, int16, no two voxels' neighbourhoods alike."""
    rng = np.random.default_rng(seed)
    voxels = rng.normal(40, 60, shape)
    voxels[: shape[0] // 3] -= 140
    voxels[:, :2] = -1000
    return voxels.round().astype(np.int16)


def oblique(rng: np.random.Generator, shear: float = 0.0) -> np.ndarray:
    """A random IJK to RAS matrix: rotated, permuted, mirrored, anisotropic; the third axis leaning by ``shear``."""
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    lean = np.eye(3)
    lean[1, 2] = shear
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ lean @ np.diag(rng.uniform(3.0, 6.0, 3))
    matrix[:3, 3] = rng.uniform(-300, 300, 3)
    return matrix


def write_nifti(
    path: Path, voxels: np.ndarray, affine: np.ndarray = AXIAL, qform: bool = False, version: int = 1
) -> Path:
    """NIfTI through nibabel; with an sform, or with nothing but a qform."""
    kind = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = kind(voxels.T, None, dtype=voxels.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, 0 if qform else 1)
    image.set_qform(affine, 1 if qform else 0, strip_shears=True)
    nibabel.save(image, path)
    return path


def write_nrrd(path: Path, voxels: np.ndarray, affine: np.ndarray = AXIAL, space: str | None = "LPS") -> Path:
    """NRRD by hand: raw int16 little endian."""
    turned = LPS @ affine if space == "LPS" else affine
    vector = lambda values: "(" + ",".join(repr(float(value)) for value in values) + ")"  # noqa: E731
    full = {"LPS": "left-posterior-superior", "RAS": "right-anterior-superior"}
    lines = ["NRRD0004", "type: int16", "dimension: 3", "encoding: raw", "endian: little"]
    lines += [f"sizes: {' '.join(map(str, voxels.shape[::-1]))}"]
    if space:
        lines += [f"space: {full[space]}", f"space directions: {' '.join(vector(turned[:3, n]) for n in range(3))}"]
        lines += [f"space origin: {vector(turned[:3, 3])}"]
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + voxels.astype("<i2").tobytes())
    return path


def write_metaimage(path: Path, voxels: np.ndarray, affine: np.ndarray = AXIAL) -> Path:
    """MetaImage by hand: raw int16 little endian, LPS."""
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    numbers = lambda values: " ".join(repr(float(value)) for value in np.ravel(values))  # noqa: E731
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = False",
        f"TransformMatrix = {numbers((lps[:3, :3] / spacing).T)}",
        f"Offset = {numbers(lps[:3, 3])}",
        f"ElementSpacing = {numbers(spacing)}",
        f"DimSize = {' '.join(map(str, voxels.shape[::-1]))}",
        "ElementType = MET_SHORT",
        "ElementDataFile = LOCAL",
    ]
    path.write_bytes("\n".join(lines).encode() + b"\n" + voxels.astype("<i2").tobytes())
    return path


def write_series(
    folder: Path,
    voxels: np.ndarray,
    affine: np.ndarray = AXIAL,
    *,
    number: int = 1,
    description: str = "",
    intercept: float = -1024.0,
    change: Callable[[int, Dataset], Any] | None = None,
    order: list[int] | None = None,
) -> list[Path]:
    """A CT series, one file a slice, in a shuffled order of names; ``change(k, dataset)`` may spoil each.

    The rows and columns of ``affine`` must be perpendicular; the slices may lean (gantry tilt).
    """
    folder.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    series_uid, frame_uid = generate_uid(), generate_uid()
    names = order or list(np.random.default_rng(number).permutation(len(voxels)))
    paths = []
    for k, pixels in enumerate(voxels):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = series_uid, series_uid, frame_uid
        data.PatientName, data.PatientID, data.Modality = "Phantom^Small", "0", "CT"
        data.SeriesNumber, data.SeriesDescription, data.InstanceNumber = number, description, k + 1
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Rows, data.Columns = pixels.shape
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept = 1, intercept
        data.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
        data.ImageOrientationPatient = [_decimal(value) for value in (lps[:3, :2] / spacing[:2]).T.ravel()]
        data.ImagePositionPatient = [_decimal(value) for value in lps[:3, 3] + k * lps[:3, 2]]
        data.PixelData = (pixels.astype(np.int32) - int(intercept)).astype("<i2").tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if change is not None:
            change(k, data)
        path = folder / f"{number}-{names[k]:03d}.dcm"
        pydicom.dcmwrite(path, data, enforce_file_format=True)
        paths.append(path)
    return paths


def _decimal(value: float) -> str:
    """DICOM's decimal string holds 16 characters."""
    return f"{value:.10g}"[:16] if abs(value) > 1e-4 else "0"
