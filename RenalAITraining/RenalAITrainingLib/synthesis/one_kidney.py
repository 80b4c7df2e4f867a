"""One kidney among several of a side: a graft beside the native ones, or a third one, is a kidney of its own."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import MASS_LABELS, Label, Side

from .fields import Rng
from .scene import Scene

FEWEST_VOXELS = 500


def kidneys_of(scene: Scene, side: Side, fewest_voxels: int = FEWEST_VOXELS) -> list[Box]:
    """The box of each kidney of a side, largest kidney first; masses hold together what they part."""
    kidney = scene.labels == Label.kidney(side)
    box = Box.around(kidney)
    if box is None:
        return []
    own = kidney[box.slices]
    pieces, count = ndimage.label(own | np.isin(scene.labels[box.slices], MASS_LABELS))
    voxels = np.bincount(pieces[own], minlength=count + 1)
    found = []
    for number in np.argsort(voxels)[::-1]:
        if number == 0 or voxels[number] < fewest_voxels:
            continue
        within = Box.around((pieces == number) & own)
        if within is not None:
            start, stop = np.add(within.start, box.start), np.add(within.stop, box.start)
            found.append(Box((int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))))
    return found


def drawn_kidney(rng: Rng, scene: Scene) -> tuple[Side, Box] | None:
    """A random side that has a kidney, and the box of a random kidney there; None without any."""
    sides = [(side, boxes) for side in Side if (boxes := kidneys_of(scene, side))]
    if not sides:
        return None
    side, boxes = sides[int(rng.integers(len(sides)))]
    return side, boxes[int(rng.integers(len(boxes)))]
