"""Pictures of what was drawn: each axial slice of prediction and truth as a PNG, as Bolocan 2023 keeps them.

``CASE/prediction/0042.png`` and ``CASE/truth/0042.png`` are grey pictures of label values times `STEP`; slices in which
neither draws anything have none. ``CASE/regions.json`` holds the agreement region by region (see `regions`).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from RenalAILib.compare.regrid import on_grid_of
from RenalAILib.orientation import canonical
from RenalAILib.pictures.png import png
from RenalAILib.volume import Volume
from RenalAILib.writing.whole import replaced_file, write_text

from .regions import region_agreement

STEP = 40
"""Grey levels from one label value to the next: 6 of them are told apart by eye."""


class SlicePictures:
    """A folder of pictures, a folder for each case in it.

    Args:
        folder: made with the first case.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, case: str) -> bool:
        """Whether a case is complete: its regions are written last."""
        return (self._folder / case / "regions.json").is_file()

    def write(self, case: str, prediction: Volume, reference: Volume) -> None:
        """The pictures of one case, on the reference's slices, the patient's right on the left, the back below.

        Args:
            prediction, reference: uint8 `Label` values, on any grids.
        """
        truth = canonical(reference)
        found = canonical(prediction if prediction.same_grid(reference) else on_grid_of(prediction, reference))
        drawn = {"prediction": found.voxels, "truth": truth.voxels}
        for name, labels in drawn.items():
            (self._folder / case / name).mkdir(parents=True, exist_ok=True)
            for k in np.flatnonzero((found.voxels > 0).any(axis=(1, 2)) | (truth.voxels > 0).any(axis=(1, 2))):
                with replaced_file(self._folder / case / name / f"{k:04d}.png") as new:
                    new.write_bytes(png(np.ascontiguousarray(labels[k] * np.uint8(STEP))))
        regions = region_agreement(np.asarray(found.voxels), np.asarray(truth.voxels))
        told = {name: asdict(region) for name, region in regions.items()}
        write_text(self._folder / case / "regions.json", json.dumps(told, indent=1) + "\n")
