"""The real cases that training may draw from: labelled CT scans and KiTS23 shapes, with those held out named here."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass
from RenalAILib.orientation import canonical
from RenalAILib.volume import Volume

from ..convention import to_convention

TRAINING_CASES = (
    "btcv_0006", "btcv_0009", "btcv_0010", "btcv_0024", "btcv_0026", "btcv_0027", "btcv_0034",
)  # fmt: skip
VALIDATION_CASES = ("btcv_0039",)
HELD_OUT_CASES = (
    "btcv_0005", "btcv_0021", "btcv_0028", "btcv_0037",
    "lidc0001", "acrin001", "totalsegmentator_example", "chest_cmb_crc",
)  # fmt: skip
"""Never seen in training or in its validation curves: the tests of the shipped weights run on these."""

SHAPE_HOLD_OUT_STEP = 5
"""Every fifth KiTS23 case (by sorted id) keeps its shapes for tests."""

_KITS_TUMOUR, _KITS_CYST = 2, 3
_SMALLEST_SHAPE = 1500  # mm3 (14 mm across): below, 5 mm slices leave little more than a stack of discs

Organ = Literal["aorta", "gallbladder", "kidney_left", "kidney_right", "liver", "pancreas", "spleen", "stomach"]
ORGANS: dict[Organ, int] = {
    "aorta": 1, "gallbladder": 2, "kidney_left": 3, "kidney_right": 4,
    "liver": 5, "pancreas": 6, "spleen": 7, "stomach": 8,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class RealCase:
    """A labelled CT in the canonical view.

    Attributes:
        id: the folder's name.
        hu: int16 ``[k, j, i]``.
        labels: uint8, `Label` values in the project's convention (sinus included).
        parenchyma: the kidney as its readers labelled it, without sinus and masses.
        organs: uint8, values of `ORGANS`, zeros where there are none.
        spacing_mm: (k, j, i); of BTCV an estimate (in plane about 12 %, slices 20 %).
    """

    id: str
    hu: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    parenchyma: npt.NDArray[np.bool_]
    organs: npt.NDArray[np.uint8]
    spacing_mm: npt.NDArray[np.float64]


def load_case(data: Path, case_id: str, held_out: Collection[str] = HELD_OUT_CASES) -> RealCase:
    """A training or validation case of ``data/ct``.

    Args:
        held_out: cases that are refused; a cross-validation holds out others, fold by fold.

    Raises:
        InputError: it is held out, or a file is missing or does not fit the others.
    """
    if case_id in held_out:
        raise InputError(f"{case_id} is held out for tests and may not be used in training")
    folder = Path(data) / "ct" / case_id
    ct = _read(folder / "ct.nii.gz")
    labels = _read(folder / "labels.nii.gz")
    if not labels.same_grid(ct):
        raise InputError(f"{folder / 'labels.nii.gz'} does not lie on the grid of its ct.nii.gz")
    organs = np.zeros(labels.shape, np.uint8)
    if (folder / "organs.nii.gz").exists():
        organs = np.ascontiguousarray(_read(folder / "organs.nii.gz").voxels, dtype=np.uint8)
    raw = np.ascontiguousarray(labels.voxels, dtype=np.uint8)
    parenchyma = (raw == Label.KIDNEY_RIGHT) | (raw == Label.KIDNEY_LEFT)
    other = (organs > 0) & (organs != ORGANS["kidney_left"]) & (organs != ORGANS["kidney_right"])
    hu = np.ascontiguousarray(ct.voxels, dtype=np.int16)
    return RealCase(case_id, hu, to_convention(raw, ct.spacing_mm, other), parenchyma, organs, ct.spacing_mm)


def _read(path: Path) -> Volume:
    """A NIfTI file in the canonical view."""
    if not path.exists():
        raise InputError(f"{path} is missing; name the data folder with --data")
    image = sitk.ReadImage(str(path))
    direction = np.array(image.GetDirection()).reshape(3, 3)
    matrix = np.eye(4)
    matrix[:3, :3] = direction * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    return canonical(Volume(sitk.GetArrayFromImage(image), lps_to_ras @ matrix, path.parent.name))


@dataclass(frozen=True, eq=False)
class RealShape:
    """One tumour or cyst of a KiTS23 patient: a boolean mask at 1 mm, cropped to it, and what histology says."""

    case_id: str
    mask: npt.NDArray[np.bool_]
    mass_class: MassClass


class ShapeLibrary:
    """Random access to the masses of KiTS23 masks.

    Args:
        data: the data folder, with ``kits23_masks`` and ``kits23_cases.json``.
        held_out: whether to give the shapes kept for tests instead of those for training.

    Raises:
        InputError: the folder holds no masks.
    """

    def __init__(self, data: Path, held_out: bool = False) -> None:
        folder = Path(data) / "kits23_masks"
        every = sorted(folder.glob("case_*.nii.gz"))
        if not every:
            raise InputError(f"{folder} holds no KiTS23 masks (case_*.nii.gz)")
        table = json.loads((Path(data) / "kits23_cases.json").read_text(encoding="utf-8"))
        self._aml = {case["case_id"] for case in table if case["tumor_histologic_subtype"] == "angiomyolipoma"}
        self._paths = [path for n, path in enumerate(every) if (n % SHAPE_HOLD_OUT_STEP == 0) == held_out]

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The patients whose shapes this library gives."""
        return tuple(path.name.removesuffix(".nii.gz") for path in self._paths)

    def draw(self, rng: np.random.Generator, mass_class: MassClass) -> RealShape:
        """A random mass: a cyst's shape for `CYSTIC`, a tumour's otherwise; of AML histology for half of the AML.

        The few AML (8 patients) would repeat themselves, so other tumours lend their outlines too.
        """
        value = _KITS_CYST if mass_class is MassClass.CYSTIC else _KITS_TUMOUR
        only_aml = mass_class is MassClass.AML and rng.random() < 0.5
        pool = [p for p in self._paths if p.name.removesuffix(".nii.gz") in self._aml] if only_aml else self._paths
        while True:
            path = (pool or self._paths)[int(rng.integers(len(pool or self._paths)))]
            shapes = _components(path, value)
            if shapes:
                shape = shapes[int(rng.integers(len(shapes)))]
                return RealShape(path.name.removesuffix(".nii.gz"), shape, mass_class)
            pool = self._paths


@lru_cache(maxsize=512)
def _components(path: Path, value: int) -> tuple[npt.NDArray[np.bool_], ...]:
    image = sitk.ReadImage(str(path))
    mask = cast("npt.NDArray[np.uint8]", sitk.GetArrayFromImage(image)) == value
    box = Box.around(mask)
    if box is None:
        return ()
    components, _ = ndimage.label(mask[box.slices])
    found = []
    for number, where in enumerate(ndimage.find_objects(components), start=1):
        part = np.ascontiguousarray(components[where] == number)
        if part.sum() >= _SMALLEST_SHAPE:
            found.append(part)
    return tuple(found)
