"""The stage of a ``slice-segmentation`` bundle (Bolocan 2023): networks that draw on axial slices, one by one."""

from __future__ import annotations

from dataclasses import dataclass

from ...labels import Side
from ...structures import STRUCTURES
from ..metadata import Reader, Window


@dataclass(frozen=True)
class Drawing:
    """Networks that draw the same.

    Attributes:
        models: an ensemble, whose probabilities are averaged.
        structures: names of `STRUCTURES` in the order of the outputs.
        activation: ``sigmoid``: each output says yes or no; ``softmax``: the first output is the background.
    """

    models: tuple[str, ...]
    structures: tuple[str, ...]
    activation: str


@dataclass(frozen=True)
class SliceSegmentationStages:
    """What is drawn, each structure by one of the drawings.

    Attributes:
        shape: rows and columns of the input.
        unknown_below: the class of a mass is unknown where its mean probability is lower.
    """

    drawings: tuple[Drawing, ...]
    shape: tuple[int, int]
    window: Window
    unknown_below: float

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        return tuple(model for drawing in self.drawings for model in drawing.models)

    @property
    def structures(self) -> tuple[str, ...]:
        """Every structure that is drawn."""
        return tuple(name for drawing in self.drawings for name in drawing.structures)


def read(stages: Reader) -> SliceSegmentationStages:
    """The ``stages`` of a bundle whose pipeline is ``slice-segmentation``. Raises InputError as `Reader` does."""
    section = stages.section("slice-segment")
    readers = section.sections("drawings")
    drawings = tuple(
        Drawing(
            reader.texts("models"), reader.different("structures"), reader.choice("activation", ("sigmoid", "softmax"))
        )
        for reader in readers
    )
    found = SliceSegmentationStages(
        drawings, section.pair("shape"), section.window(), section.number("unknown_below", up_to=1)
    )
    for reader in (*readers, section, stages):
        reader.nothing_else()
    problem = unfit(found.structures)
    if problem:
        raise section.unfit("drawings", problem)
    return found


def unfit(structures: tuple[str, ...]) -> str:
    """Why these structures together are no kidneys with masses; empty where they are."""
    unknown = [name for name in structures if name not in STRUCTURES]
    if unknown:
        return f"there is no structure {unknown[0]}; there are {', '.join(STRUCTURES)}"
    if len(set(structures)) != len(structures):
        return "a structure is drawn twice"
    kidneys = [STRUCTURES[name].side for name in structures if not STRUCTURES[name].is_mass]
    if len(kidneys) != len(set(kidneys)) or (None in kidneys and len(kidneys) > 1):
        return "kidneys of both sides and of one side are drawn together"
    if not kidneys:
        return "no kidney is drawn"
    masses = {STRUCTURES[name].side for name in structures if STRUCTURES[name].is_mass}
    lonely = (masses & set(Side)) - set(kidneys)
    if lonely and None not in kidneys:
        return "masses of a side without its kidney are drawn"
    return ""
