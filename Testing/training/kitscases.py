"""Cases in the exact layout that the download of KiTS23 leaves, painted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from labelledcases import ct_of, labels

from RenalAILib.labels import Label
from RenalAILib.volume import Volume

SUBTYPES = ("clear_cell_rcc", "angiomyolipoma", "papillary", "chromophobe")


def save_as_kits(volume: Volume, path: Path) -> None:
    """As the challenge stores: the first array axis from head to feet, identity directions with a flip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels[::-1].transpose(2, 1, 0)))
    k, j, i = volume.spacing_mm
    image.SetSpacing((float(k), float(j), float(i)))
    # Columns are where the axes of the image point in LPS: the first to the feet, the second back, the third left.
    image.SetDirection((0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0))
    sitk.WriteImage(image, str(path))


def kits_folder(root: Path, count: int) -> Path:
    """``root`` with ``dataset/case_00000/{imaging,segmentation}.nii.gz``, instances, and ``dataset/kits23.json``."""
    table = []
    for number in range(count):
        drawn = labels((Label.SOLID, "right", 13.0), (Label.CYSTIC, "left", 12.0), seed=number)
        as_kits = np.array([0, 1, 1, 2, 3, 2, 2], np.uint8)[drawn.voxels]  # kidney 1, tumour 2, cyst 3
        case = root / "dataset" / f"case_{number:05d}"
        save_as_kits(ct_of(drawn, number), case / "imaging.nii.gz")
        save_as_kits(drawn.with_voxels(as_kits), case / "segmentation.nii.gz")
        save_as_kits(drawn.with_voxels(as_kits), case / "instances" / "kidney_instance-1_annotation-1.nii.gz")
        table.append({"case_id": case.name, "tumor_histologic_subtype": SUBTYPES[number % len(SUBTYPES)]})
    (root / "dataset" / "kits23.json").write_text(json.dumps(table), encoding="utf-8")
    return root
