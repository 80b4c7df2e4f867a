"""Test scans: whole CTs on their own grid with masses put into real kidneys, for what no training may have seen.

The scenes, masses and variants are those of the training samples; what differs is what a test wants. Counts, classes,
sizes and contrast phases are balanced, not drawn: every five scans hold 0, 1, 2, 3 and 4 masses, every three masses one
of each class, and sizes run evenly through the logarithm. Every outline is one of KiTS23. Nothing is turned, warped or
resampled, but for what breathing or a hump does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAILib.orientation import Orientation
from RenalAILib.reading import read_volume
from RenalAILib.volume import Volume

from .bowel import bowel_against
from .contrast import Phase, in_phase, noisier
from .fields import Rng
from .masses import PlannedMass, insert_mass
from .reconstruction import reconstructed
from .scans import real_scene
from .scene import Scene
from .sources import ShapeLibrary, load_case
from .variants import with_variants

SIZES_MM = (5.0, 80.0)
"""Diameters of the sphere of a mass's volume, from and to."""

_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
_COUNTS = (0, 1, 2, 3, 4)
_PHASES = (None, Phase.UNENHANCED, Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, lie as evenly as any (van der Corput's theorem of three gaps)
_TRIES = 12  # of a mass: sides, depths and outlines
_BOWEL_SHARE, _LOW_DOSE_SHARE = 0.2, 0.2


@dataclass(frozen=True, eq=False)
class PlacedMass:
    """A mass of a test scan: what was wanted, where it is, and whose outline it has."""

    planned: PlannedMass
    side: Side
    shape: str


@dataclass(frozen=True, eq=False)
class MadeScan:
    """One CT with its truth, on the grid of the scan it was made of.

    Attributes:
        ct: int16 HU.
        labels: uint8 `Label` values, in the project's convention.
        background: the real case.
        phase: it was brought to; None for its own.
        enhanced: whether there is contrast agent in the kidneys.
        placed: the masses put in, largest first.
        without_place: those that were planned and found none.
        variants, reconstruction: what else was done.
    """

    ct: Volume
    labels: Volume
    background: str
    phase: Phase | None
    enhanced: bool
    placed: tuple[PlacedMass, ...]
    without_place: tuple[PlannedMass, ...]
    variants: tuple[str, ...]
    reconstruction: tuple[str, ...]


class Background:
    """A labelled real CT that test scans are made of.

    Args:
        data: the data folder.
        case_id: of ``data/ct``; held out or not is for the caller to know.

    Raises:
        InputError: a file is missing, or it has no kidney to put masses in.
    """

    def __init__(self, data: Path, case_id: str) -> None:
        case = load_case(data, case_id, held_out=())
        if not np.isin(case.labels, KIDNEY_LABELS).any():
            raise InputError(f"{case_id} has no kidney that masses could be put in")
        self.case_id = case_id
        self.scene = real_scene(case, "validation")
        self.grid = read_volume(Path(data) / "ct" / case_id / "ct.nii.gz")


def planned_masses(number: int, seed: int, sizes_mm: tuple[float, float] = SIZES_MM) -> list[PlannedMass]:
    """The masses of scan ``number`` of a seed, largest first; their depth is drawn anew with each try.

    Example:
        >>> [len(planned_masses(n, seed=1)) for n in range(5)]
        [4, 0, 1, 2, 3]
    """
    of_block = [_balanced(seed, 0, n, len(_COUNTS)) for n in range(number - number % len(_COUNTS), number + 1)]
    *before, own = [_COUNTS[n] for n in of_block]
    first = number // len(_COUNTS) * sum(_COUNTS) + sum(before)
    start = float(np.random.default_rng([seed, 1]).random())
    low, high = np.log(sizes_mm[0]), np.log(sizes_mm[1])
    plans = []
    for n in range(first, first + own):
        share = (start + n * _GOLDEN) % 1.0
        mass_class = _CLASSES[_balanced(seed, 2, n, len(_CLASSES))]
        plans.append(PlannedMass(mass_class, float(np.exp(low + share * (high - low))), 0.0))
    return sorted(plans, key=lambda plan: -plan.diameter_mm)


def make_scan(
    background: Background, shapes: ShapeLibrary, number: int, seed: int, sizes_mm: tuple[float, float] = SIZES_MM
) -> MadeScan:
    """Scan ``number`` of a seed; it depends on these, the background and the library alone.

    The contrast phase changes only where organs are labelled: a scan whose liver stays plain beside enhanced kidneys
    would be none.
    """
    rng = np.random.default_rng([seed, 3, number])
    scene = background.scene
    phase = _PHASES[_balanced(seed, 4, number, len(_PHASES))] if scene.organs.any() else None
    if phase is not None:
        scene = in_phase(rng, scene, phase)
    enhanced = scene.enhanced
    variants: list[str] = []
    for side in _sides(scene):
        scene, drawn = with_variants(rng, scene, side, phase)
        variants += [f"{name} {side.value}" for name in drawn]
    placed, without_place = [], []
    for plan in planned_masses(number, seed, sizes_mm):
        made = _placed(rng, scene, plan, shapes)
        if made is None:
            without_place.append(plan)
        else:
            scene = made[0]
            placed.append(made[1])
    for side in _sides(scene):
        if rng.random() < _BOWEL_SHARE:
            scene = bowel_against(rng, scene, side)
            variants.append(f"bowel {side.value}")
    if rng.random() < _LOW_DOSE_SHARE:
        scene = noisier(rng, scene, float(rng.uniform(1.2, 2.0)))
        variants.append("low dose")
    scene, reconstruction = reconstructed(rng, scene)
    turn = Orientation.of(background.grid)
    hu = np.clip(np.rint(scene.hu), -1024, 3071).astype(np.int16)
    return MadeScan(
        background.grid.with_voxels(turn.undo(hu)),
        background.grid.with_voxels(turn.undo(scene.labels)),
        background.case_id, phase, enhanced, tuple(placed), tuple(without_place), tuple(variants),
        tuple(reconstruction),
    )  # fmt: skip


def _balanced(seed: int, tag: int, number: int, kinds: int) -> int:
    """One of ``kinds`` for each number: all of them once in every ``kinds`` numbers, in an order drawn for each."""
    order = np.random.default_rng([seed, tag, number // kinds]).permutation(kinds)
    return int(order[number % kinds])


def _sides(scene: Scene) -> list[Side]:
    return [side for side in Side if (scene.labels == Label.kidney(side)).any()]


def _placed(rng: Rng, scene: Scene, plan: PlannedMass, shapes: ShapeLibrary) -> tuple[Scene, PlacedMass] | None:
    """The scene with a mass more, apart from all others; None where none of the tries found a place."""
    sides = _sides(scene)
    for _ in range(_TRIES):
        side = sides[int(rng.integers(len(sides)))]
        tried = PlannedMass(plan.mass_class, plan.diameter_mm, float(rng.uniform(-1.2, 0.7)))
        made = insert_mass(rng, scene, side, tried, shapes, traced_only=True)
        if made is not None and not _touches(scene.masses, made[0].masses):
            return made[0], PlacedMass(tried, side, made[1].source)
    return None


def _touches(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> bool:
    """Whether a new mass lies against an old one: together they would count as one."""
    return bool((ndimage.binary_dilation(after & ~before, np.ones((3, 3, 3))) & before).any())
