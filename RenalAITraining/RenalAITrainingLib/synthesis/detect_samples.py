"""Samples for detectors: axial slices of a scene with their neighbours, and boxes about kidneys and masses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.anatomy.masses import mass_regions
from RenalAILib.axial_slices import Pair
from RenalAILib.boxes import Box
from RenalAILib.default_boxes import Boxes
from RenalAILib.detector.slices import SliceGrid, looked_at, network_slices
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, Side
from RenalAILib.volume import Volume

from ..lesion_boxes import LesionBox, rect_of, to_facts
from .contrast import Phase, in_phase, shifted
from .fields import Rng
from .locate_samples import varied_kidneys
from .made import MadeSample
from .scene import Scene
from .sources import ShapeLibrary
from .surroundings import air_as_air

SHAPE: Pair = (430, 418)
STEP_MM = 3.0
NEIGHBOURS = 1
"""Slices below and above that a sample has beside its own."""
EMPTY_SHARE = 0.25
"""Share of the slices without kidney and mass that become samples."""
KIDNEY, MASS = "kidney", "mass"
MOST_OF_A_DRAW = 8
_SMALLEST_PIXELS = 4  # of a structure in a slice of the CT: less is the edge of one


def detect_samples(rng: Rng, scene: Scene, shape: Pair = SHAPE, step_mm: float = STEP_MM) -> list[MadeSample]:
    """The slices that a detector looks at: all with kidney or mass, and some of the others, from feet to head.

    Boxes lie about each kidney (with its sinus, without masses) and each mass. Label maps are left empty: boxes tell
    all that a detector learns.
    """
    dk, dj, di = (float(mm) for mm in scene.spacing_mm)
    view = Volume(scene.hu, np.diag([-di, -dj, dk, 1.0]))
    slices = looked_at(view, step_mm)
    grid = SliceGrid.of(view, shape)
    boxes = true_boxes(scene.labels)
    made = []
    for k in slices:
        here = [
            LesionBox(_rect(grid.to_shares(np.array([box.rect])), shape), box.label, box.lesion)
            for box in boxes.get(k, [])
        ]
        if not here and rng.random() >= EMPTY_SHARE:
            continue
        image = network_slices(view, k, slices.step, NEIGHBOURS, shape)
        made.append(MadeSample(image, np.zeros(image.shape, np.uint8), scene, {"k": k, **to_facts(here)}))
    return made


def synthetic_detect_samples(rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> list[MadeSample]:
    """A few slices of a scan whose kidneys were given masses, other phases and lookalikes; of a phantom, its own.

    At most `MOST_OF_A_DRAW` of them, at random: many scans teach more than many slices of one.
    """
    part = scene
    if scene.kind != "phantom":
        part = air_as_air(part.mirrored() if rng.random() < 0.5 else part)
        if rng.random() < 0.5:
            part = in_phase(rng, part, list(Phase)[int(rng.integers(len(Phase)))])
        part = varied_kidneys(rng, part, shapes)
        if rng.random() < 0.5:
            part = shifted(rng, part)
    made = detect_samples(rng, part)
    chosen = sorted(rng.permutation(len(made))[:MOST_OF_A_DRAW].tolist())
    return [made[number] for number in chosen]


def true_boxes(labels: npt.NDArray[np.uint8]) -> dict[int, list[LesionBox]]:
    """What is in each slice of a canonical label map, in pixel edges of it: kidneys (without masses) and masses."""
    found: dict[int, list[LesionBox]] = {}
    structures = [(KIDNEY, labels == label) for label in KIDNEY_LABELS]
    structures.append((MASS, np.isin(labels, MASS_LABELS)))
    number = 0
    for label, mask in structures:
        for region in mass_regions(mask, Box.whole(mask.shape), Side.RIGHT):
            number += 1
            for depth, plane in enumerate(region.mask):
                rect = rect_of(plane)
                if rect is None or plane.sum() < _SMALLEST_PIXELS:
                    continue
                _, down, along = region.box.start
                moved = (rect[0] + down, rect[1] + along, rect[2] + down, rect[3] + along)
                found.setdefault(region.box.start[0] + depth, []).append(LesionBox(moved, label, number))
    return found


def _rect(shares: Boxes, shape: Pair) -> tuple[float, float, float, float]:
    top, left, bottom, right = (shares[0] * np.tile(np.array(shape, dtype=float), 2)).tolist()
    return top, left, bottom, right
