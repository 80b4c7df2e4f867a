"""Picture of what the synthesis makes of two phantoms: phases by row, variants and masses by column.

    python Testing/training/make_synthesis_pictures.py pictures

No scan of a patient is in it. Masses are outlined; everything else must not be called one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
for part in ("RenalAI", "RenalAITraining"):
    sys.path.insert(0, str(ROOT / part))

from RenalAILib import phantom as phantoms  # noqa: E402
from RenalAILib.boxes import Box  # noqa: E402
from RenalAILib.labels import MASS_LABELS, Label, MassClass, Side  # noqa: E402
from RenalAILib.pictures.png import png  # noqa: E402
from RenalAITrainingLib.synthesis import (  # noqa: E402
    bowel,
    bulging,
    elsewhere,
    lookalikes,
    masses,
    neighbours,
    reconstruction,
    renal_pelvis,
    repainting,
    shrunken,
    sinus_variants,
    stents,
)
from RenalAITrainingLib.synthesis.fields import Rng  # noqa: E402
from RenalAITrainingLib.synthesis.kidney_tissue import Phase, draw_tissue  # noqa: E402
from RenalAITrainingLib.synthesis.phantoms import scene_of  # noqa: E402
from RenalAITrainingLib.synthesis.scene import Scene  # noqa: E402

CELL = 120
LOW_HU, HIGH_HU = -150.0, 280.0
SIDE = Side.LEFT
SEED = 1_000_017
Change = Callable[[Rng, Scene], Scene]


def _mass(mass_class: MassClass, diameter_mm: float, depth: float, parapelvic: bool = False) -> Change:
    plan = masses.PlannedMass(mass_class, diameter_mm, depth, parapelvic)

    def put(rng: Rng, scene: Scene) -> Scene:
        for _ in range(20):
            made = masses.insert_mass(rng, scene, SIDE, plan, None)
            if made is not None:
                return made[0]
        raise RuntimeError("no place for a mass in twenty tries")

    return put


def _of_side(change: Callable[[Rng, Scene, Side], Scene]) -> Change:
    return lambda rng, scene: change(rng, scene, SIDE)


COLUMNS: tuple[tuple[Change, ...], ...] = (
    (),
    (_of_side(lookalikes.dilated_pelvis),),
    (_of_side(sinus_variants.sinus_lipomatosis), _of_side(shrunken.scarred)),
    (_of_side(sinus_variants.sinus_lobules),),
    (_of_side(sinus_variants.peripelvic_cysts),),
    (_of_side(bulging.humped), _of_side(lookalikes.prominent_column)),
    (_of_side(renal_pelvis.extrarenal_pelvis),),
    (_of_side(neighbours.nodule_beside), _of_side(neighbours.hilar_vessels)),
    (_of_side(shrunken.shrunken),),
    (_of_side(bowel.bowel_against), _of_side(elsewhere.stranded_fat)),
    (_of_side(stents.with_stent), reconstruction.sharp_kernel),
    (_mass(MassClass.AML, 24, -0.4),),
    (_mass(MassClass.CYSTIC, 26, 0.2), reconstruction.soft_kernel),
    (_mass(MassClass.CYSTIC, 22, 0.0, parapelvic=True),),
    (_mass(MassClass.SOLID, 34, -0.2), reconstruction.starved),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where synthesis.png goes")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    plain, enhanced = (_kidney(phase) for phase in (phantoms.Phase.PLAIN, phantoms.Phase.NEPHROGRAPHIC))
    rows = []
    for number, phase in enumerate(Phase):
        cells = []
        for column, changes in enumerate(COLUMNS):
            rng = np.random.default_rng([SEED, number, column])
            scene = plain if phase is Phase.UNENHANCED else enhanced
            scene = repainting.repainted(rng, scene, SIDE, draw_tissue(rng, phase), carve=True)
            before = scene
            for change in changes:
                scene = change(rng, scene)
            cells.append(_cell(scene, before))
        rows.append(np.concatenate(cells, axis=1))
    (folder / "synthesis.png").write_bytes(png(np.concatenate(rows)))
    return 0


def _kidney(phase: phantoms.Phase) -> Scene:
    """A phantom's left kidney and what lies about it."""
    made = phantoms.make_phantom(SEED, shape=(90, 380, 460), spacing_mm=(3.0, 0.8, 0.8), phase=phase, masses=())
    scene = scene_of(made, "train")
    box = Box.around(scene.labels == Label.kidney(SIDE))
    if box is None:
        raise RuntimeError("the phantom has no left kidney")
    return replace(scene.crop(box.grown(30, scene.spacing_mm, scene.shape)), kind="phantom")


def _cell(scene: Scene, before: Scene) -> npt.NDArray[np.uint8]:
    """The slice where most was changed inside the kidney's reach, masses outlined, ``CELL`` pixels square."""
    mass = np.isin(scene.labels, MASS_LABELS)
    kidney = scene.labels == Label.kidney(SIDE)
    where = mass if mass.any() else (np.abs(scene.hu - before.hu) > 40) | (kidney & ~scene.parenchyma)
    where &= ndimage.binary_dilation(kidney, np.ones((1, 3, 3)), iterations=12) | mass
    k = int(where.sum(axis=(1, 2)).argmax())
    grey = np.clip((scene.hu[k] - LOW_HU) / (HIGH_HU - LOW_HU) * 255, 0, 255)
    picture = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    rim = ndimage.binary_dilation(mass[k]) & ~mass[k]
    picture[rim] = (255, 80, 80)
    rows, columns = (np.linspace(0, count - 1, CELL).round().astype(int) for count in picture.shape[:2])
    square = picture[rows][:, columns]
    square[-1], square[:, -1] = 0, 0
    return square


if __name__ == "__main__":
    sys.exit(main())
