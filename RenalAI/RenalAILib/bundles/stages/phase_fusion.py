"""The stages of a ``phase-fusion`` bundle (Allaoui and Zetout 2020): a network for each phase, and how they are fused.

Their work trains one network for each MR sequence and fuses what they draw; its Table 4.2 says which combination of
sequences is best for which region. Its text was not at hand, so what is done here is said exactly: the fusion is the
mean of the probabilities of the combination's networks; every combination of phases was measured on validation patients
when the bundle was made, and each region (kidney with its masses, masses, masses of each class) is drawn by the
combination whose mean Dice of that region was best. Where phases are missing, it is the best of those that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ...structures import STRUCTURES
from ..metadata import Reader
from . import one_stage, slice_segmentation
from .one_stage import OneStageStages
from .slice_segmentation import SliceSegmentationStages

KIDNEY, MASS = "kidney", "mass"

DrawingStages = OneStageStages | SliceSegmentationStages
"""The stages of the kinds of bundle whose networks may be bound to phases."""

DRAWN_BY: Mapping[str, Callable[[Reader], DrawingStages]] = {
    "one-stage": one_stage.read,
    "slice-segmentation": slice_segmentation.read,
}
"""Those kinds, by name."""


@dataclass(frozen=True)
class Member:
    """What is run on one phase.

    Attributes:
        phase: a contrast phase (``nephrographic``), or another word for a kind of image (``t1ce``).
        stages: networks, as in a bundle of the kind by which all members draw.
    """

    phase: str
    stages: DrawingStages


@dataclass(frozen=True)
class Combination:
    """One row of the table of combinations: phases, and the mean Dice of each region over validation patients."""

    phases: tuple[str, ...]
    dice: Mapping[str, float]


@dataclass(frozen=True)
class PhaseFusionStages:
    """The members, which draw the same structures on the same grid, and every combination of them.

    Attributes:
        drawn_by: the kind of bundle, of `DRAWN_BY`, whose pipeline runs the members.
        members: in the order in which a scan of unknown phase is tried.
        combinations: each set of phases once.
        patients: on whom the combinations were measured.
    """

    drawn_by: str
    members: tuple[Member, ...]
    combinations: tuple[Combination, ...]
    patients: int

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        return tuple(file for member in self.members for file in member.stages.files)

    @property
    def phases(self) -> tuple[str, ...]:
        """Those that there are networks for."""
        return tuple(member.phase for member in self.members)

    @property
    def regions(self) -> tuple[str, ...]:
        """What is fused by a rule of its own."""
        return regions_of(self.members[0].stages.structures)

    def member(self, phase: str) -> Member:
        """The one of a phase."""
        return next(member for member in self.members if member.phase == phase)

    def best(self, region: str, present: Collection[str]) -> Combination:
        """The combination of phases that are there by which a region is drawn best; of equals the one with fewest."""
        there = [each for each in self.combinations if set(each.phases) <= set(present)]
        return max(there, key=lambda each: (each.dice[region], -len(each.phases)))


def regions_of(structures: Sequence[str]) -> tuple[str, ...]:
    """The regions that structures make, one inside the other: the kidney with its masses, masses, those of each class.

    Example:
        >>> regions_of(["parenchyma", "cystic", "solid"]), regions_of(["kidney_right", "kidney_left"])
        (('kidney', 'mass', 'cystic', 'solid'), ('kidney',))
    """
    classes = [STRUCTURES[name].mass_class for name in structures]
    named = dict.fromkeys(mass_class.value for mass_class in classes if mass_class is not None)
    masses = (MASS,) if any(STRUCTURES[name].is_mass for name in structures) else ()
    return (KIDNEY, *masses, *named)


def all_combinations(phases: Sequence[str]) -> list[tuple[str, ...]]:
    """Every set of phases that is not empty, small ones first.

    Example:
        >>> all_combinations(["plain", "nephrographic"])
        [('plain',), ('nephrographic',), ('plain', 'nephrographic')]
    """
    return [chosen for size in range(1, len(phases) + 1) for chosen in combinations(phases, size)]


def read(stages: Reader) -> PhaseFusionStages:
    """The ``stages`` of a bundle whose pipeline is ``phase-fusion``. Raises InputError as `Reader` does."""
    drawn_by = stages.choice("drawn_by", tuple(DRAWN_BY))
    sections = stages.sections("members")
    members = tuple(Member(each.text("phase"), DRAWN_BY[drawn_by](each.section("stages"))) for each in sections)
    phases = [member.phase for member in members]
    if len(members) < 2 or len(set(phases)) != len(phases):
        raise stages.unfit("members", "two or more are needed, each of another phase")
    if len({drawn_as(member.stages) for member in members}) > 1:
        raise stages.unfit("members", "all must draw the same structures on the same grid")
    regions = regions_of(members[0].stages.structures)
    fuse = stages.section("fuse")
    rows = fuse.sections("combinations")
    measured = []
    for row in rows:
        dice = row.section("dice")
        measured.append(Combination(row.texts("phases"), {name: dice.number(name, -1e-9, 1) for name in regions}))
        for reader in (dice, row):
            reader.nothing_else()
    if sorted(sorted(each.phases) for each in measured) != sorted(sorted(each) for each in all_combinations(phases)):
        raise fuse.unfit("combinations", f"each set of the phases {', '.join(phases)} must be there once")
    found = PhaseFusionStages(drawn_by, members, tuple(measured), int(fuse.number("patients", above=0)))
    for reader in (*sections, fuse, stages):
        reader.nothing_else()
    return found


def drawn_as(stages: DrawingStages) -> tuple[object, ...]:
    """What members must have in common."""
    grid = (stages.spacing_mm, stages.tile) if isinstance(stages, OneStageStages) else stages.shape
    return tuple(sorted(stages.structures)), grid
