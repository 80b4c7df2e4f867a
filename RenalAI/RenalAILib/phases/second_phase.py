"""Second phase: another scan of the patient, laid kidney by kidney over the one that was segmented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..anatomy.kidneys import OutlinedKidney, organs_by_side
from ..labels import Side
from ..volume import Volume
from .registration import Motion, register, shift_sentences


@dataclass(frozen=True, eq=False)
class SecondPhase:
    """A scan and how each kidney lies in it.

    Attributes:
        volume: as it was read, on its own grid.
        motions: of the kidneys that it shows, from the segmented scan to it.
    """

    volume: Volume
    motions: Mapping[Side, Motion]

    def over(self, side: Side) -> Volume | None:
        """The scan moved so that this side's kidney lies where it was segmented; None where it is not shown."""
        motion = self.motions.get(side)
        return None if motion is None else motion.bring(self.volume)

    @property
    def sentences(self) -> list[str]:
        """For the findings: by how much each kidney was moved."""
        shifts = {f"kidney {side.value}": motion.distance_mm for side, motion in self.motions.items()}
        name = self.volume.name
        return shift_sentences(name or "the second phase", f"The second phase{f', {name}' if name else ''}", shifts)


def register_second_phase(view: Volume, kidneys: Sequence[OutlinedKidney], volume: Volume) -> SecondPhase:
    """Finds each kidney, with its masses, in the second phase: rigidly, as breathing moves it.

    Args:
        view: the segmented scan in canonical order.
        kidneys: outlined in it.
        volume: the second phase, on any grid, of a patient in roughly the same position.
    """
    found = {side: register(view, organ, volume) for side, organ in organs_by_side(view, kidneys).items()}
    return SecondPhase(volume, {side: motion for side, motion in found.items() if motion is not None})
