"""BraTS: the brain tumor challenge's folders, one MR sequence at a time, its nested regions as ours.

A folder per patient with ``NAME_t1ce.nii.gz`` and its like and ``NAME_seg.nii.gz`` (BraTS 2017 to 2021), or
``NAME-t1c.nii.gz`` and ``NAME-seg.nii.gz`` (2023). Brains have no kidneys: what is brought in is the nesting. Edema is
the outermost region only (as kidney is), necrosis and non-enhancing tumor lie in the core (as a cystic part of a mass
does), enhancing tumor is its innermost region (as a solid part is). So WT is our ``kidney`` with masses, TC our
``mass`` and ET our ``solid``. MR has no HU: the brain's values are brought to a mean of 40 and a standard deviation of
100, which the recipes' windows show, and the air around it to -1024.

A patient has one pseudonym, whatever the sequence, in one dataset or in several; one dataset with all sequences makes
a network for each (``renalai train --phase t1ce``) and a bundle that fuses these.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.reading import read_labels
from RenalAILib.reading.files import read_any_image
from RenalAILib.volume import Volume

from ..case import SEQUENCE_SOURCE, Facts
from .incoming import Incoming, Listed, Options
from .structures import Structure, to_labels

SEQUENCES = {"flair": ("flair", "t2f"), "t1": ("t1", "t1n"), "t1ce": ("t1ce", "t1c"), "t2": ("t2", "t2w")}
"""What the files of each sequence end with, before and since 2023."""

_MEANING = {
    1: Structure.CYSTIC,  # necrosis, non-enhancing tumor
    2: Structure.KIDNEY_RIGHT,  # edema
    3: Structure.SOLID,  # enhancing tumor since 2023
    4: Structure.SOLID,  # enhancing tumor before
}
_MEAN, _SD, _AIR = 40.0, 100.0, -1024.0
_SEGMENTATION = ("_seg.nii.gz", "_seg.nii", "-seg.nii.gz", "-seg.nii")


class Brats:
    """One sequence of the challenge's layout.

    Args:
        sequence: one of `SEQUENCES`.
    """

    def __init__(self, sequence: str) -> None:
        self.sequence = sequence
        self.title = f"BraTS (NAME/NAME_{sequence}.nii.gz and NAME_seg.nii.gz)"

    def recognizes(self, source: Path) -> bool:
        """Only the sequence with contrast agent takes a folder that no sequence was named for."""
        return self.sequence == "t1ce" and bool(_cases(source))

    def listed(self, source: Path, options: Options) -> list[Listed]:
        found = _cases(source)
        if not found:
            raise InputError(f"{source} holds no BraTS case (a folder with NAME_seg.nii.gz)")
        return [self._case(seg, options) for seg in found]

    def _case(self, seg: Path, options: Options) -> Listed:
        name = seg.parent.name
        return Listed(f"brats/{name}", self.sequence, f"{name} ({self.sequence})", lambda: self._load(seg, options))

    def _load(self, seg: Path, options: Options) -> Incoming:
        stem = next(seg.name.removesuffix(ending) for ending in _SEGMENTATION if seg.name.endswith(ending))
        names = [
            f"{stem}{mark}{word}{ending}"
            for word in SEQUENCES[self.sequence]
            for mark in "_-"
            for ending in (".nii.gz", ".nii")
        ]
        image = next((seg.parent / name for name in names if (seg.parent / name).is_file()), None)
        if image is None:
            raise InputError(f"{seg.parent.name} has no {self.sequence} ({names[0]})")
        volume, mask = read_any_image(image), read_labels(seg)
        if not volume.same_grid(mask):
            raise InputError(f"{seg.name} does not lie on the grid of {image.name}")
        scaled = like_hu(volume)
        facts = Facts(source=f"{SEQUENCE_SOURCE}{self.sequence}", licence="CC-BY-NC-SA-4.0")
        return Incoming(scaled, to_labels(mask, _MEANING, scaled), options.facts(facts))


def like_hu(volume: Volume) -> Volume:
    """A skull-stripped MR volume (0 outside the brain) in numbers that a CT window shows. Raises InputError."""
    voxels = volume.voxels.astype(np.float32)
    brain = voxels != 0
    if not brain.any() or voxels[brain].std() == 0:
        raise InputError(f"{volume.name} is empty")
    scaled = _MEAN + _SD * (voxels - voxels[brain].mean()) / voxels[brain].std()
    return volume.with_voxels(np.where(brain, np.clip(scaled, -1000, 3000), _AIR).round().astype(np.int16))


def _cases(source: Path) -> list[Path]:
    """Segmentations in the folders of ``source``, or of its HGG and LGG (BraTS 2017 to 2019)."""
    if not source.is_dir():
        return []
    return sorted(
        path for depth in ("*", "[HL]GG/*") for ending in _SEGMENTATION for path in source.glob(f"{depth}/*{ending}")
    )
