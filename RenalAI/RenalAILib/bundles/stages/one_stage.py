"""The stage of a ``one-stage`` bundle: one network over the whole CT draws kidneys and masses at once."""

from __future__ import annotations

from dataclasses import dataclass

from ...boxes import Triple
from ...errors import InputError
from ...structures import STRUCTURES
from ..metadata import Reader, Window


@dataclass(frozen=True)
class OneStageStages:
    """An ensemble of networks with one softmax over background and structures.

    Attributes:
        models: their probabilities are averaged.
        spacing_mm: of the grid that the whole CT is resampled to.
        structures: names of `STRUCTURES` in the order of the outputs after the background: ``parenchyma``, then
            ``mass`` or mass classes; each voxel is one of them.
        unknown_below: the class is unknown where its mean probability in the mass is lower.
        tile: the only shape (k, j, i) that the networks take, in overlapping tiles; None where any is taken.
    """

    models: tuple[str, ...]
    spacing_mm: float
    window: Window
    structures: tuple[str, ...]
    unknown_below: float
    tile: Triple | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        return self.models


def read(stages: Reader) -> OneStageStages:
    """The ``stages`` of a bundle whose pipeline is ``one-stage``. Raises InputError as `Reader` does."""
    segment = stages.section("segment")
    found = OneStageStages(
        models=segment.texts("models"),
        spacing_mm=segment.number("spacing_mm", above=0.3, up_to=20),
        window=segment.window(),
        structures=segment.texts("structures"),
        unknown_below=segment.number("unknown_below", up_to=1),
        tile=segment.shape("tile") if segment.has("tile") else None,
    )
    for reader in (segment, stages):
        reader.nothing_else()
    check_structures(found.structures)
    return found


def check_structures(structures: tuple[str, ...]) -> None:
    """Refuse what one softmax cannot draw: structures that overlap, or no kidney. Raises InputError."""
    for name in structures:
        if name not in STRUCTURES:
            raise InputError(f"there is no structure {name!r}; there are {', '.join(STRUCTURES)}")
    taken = [label for name in structures for label in STRUCTURES[name].labels]
    if len(set(taken)) != len(taken) or any(STRUCTURES[name].side for name in structures):
        raise InputError(f"the structures {', '.join(structures)} overlap or are of one side; a softmax draws one each")
    if "parenchyma" not in structures:
        raise InputError(f"a one-stage network draws parenchyma, this one {', '.join(structures)}")
