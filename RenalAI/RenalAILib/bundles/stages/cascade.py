"""The stages of a ``cascade`` bundle (Zhao 2023): locate, delineate, characterise."""

from __future__ import annotations

from dataclasses import dataclass

from ...boxes import Triple
from ...labels import MassClass
from ..metadata import Reader, Window


@dataclass(frozen=True)
class LocateStage:
    """The coarse kidney networks: an ensemble over the whole CT, ``spacing_mm`` between samples."""

    models: tuple[str, ...]
    spacing_mm: float
    window: Window


@dataclass(frozen=True)
class DelineateStage:
    """The kidney and mass networks: an ensemble over the box of each kidney, stretched to ``shape`` (k, j, i)."""

    models: tuple[str, ...]
    shape: Triple
    margin_mm: float
    window: Window


@dataclass(frozen=True)
class CharacteriseStage:
    """The mass classifiers: an ensemble over image and mask of a cube about each mass.

    Attributes:
        heads: arrays of the fully connected head of each model, for Grad-CAM.
        scale: edge of the cube, in longest edges of the mass's box; never below ``minimum_mm``.
        classes: order of the network's outputs.
        temperature: the logits of each model are divided by it before the softmax, and then the probabilities
            averaged: it calibrates the ensemble.
        unknown_below: the class is unknown where the highest probability is lower.
    """

    models: tuple[str, ...]
    heads: tuple[str, ...]
    shape: Triple
    scale: float
    minimum_mm: float
    window: Window
    classes: tuple[MassClass, ...]
    temperature: float
    unknown_below: float


@dataclass(frozen=True)
class CascadeStages:
    """The three stages of Zhao 2023."""

    locate: LocateStage
    delineate: DelineateStage
    characterise: CharacteriseStage

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        models = (*self.locate.models, *self.delineate.models, *self.characterise.models)
        return (*models, *self.characterise.heads)


def read(stages: Reader) -> CascadeStages:
    """The ``stages`` of a bundle whose pipeline is ``cascade``. Raises InputError as :class:`Reader` does."""
    characterise = stages.section("characterise")
    read = CascadeStages(
        read_locate(stages.section("locate")),
        read_delineate(stages.section("delineate")),
        CharacteriseStage(
            models=characterise.texts("models"),
            heads=_heads(characterise),
            shape=characterise.shape("shape"),
            scale=characterise.number("scale", above=0, up_to=10),
            minimum_mm=characterise.number("minimum_mm", above=0, up_to=500),
            window=characterise.window(),
            classes=tuple(MassClass(name) for name in characterise.one_of("classes", ("aml", "cystic", "solid"))),
            temperature=characterise.number("temperature", above=0),
            unknown_below=characterise.number("unknown_below", up_to=1),
        ),
    )
    if len(read.characterise.heads) != len(read.characterise.models):
        raise characterise.unfit("heads", "there must be one for each of models")
    characterise.exactly("channels", ("image", "mask"))
    for reader in (characterise, stages):
        reader.nothing_else()
    return read


def _heads(characterise: Reader) -> tuple[str, ...]:
    """``heads``, or the ``head`` of a bundle published when there was one classifier at most."""
    return (characterise.text("head"),) if characterise.has("head") else characterise.texts("heads")


def read_locate(section: Reader) -> LocateStage:
    """The kidney networks, in any bundle that has them."""
    stage = LocateStage(section.texts("models"), section.number("spacing_mm", above=0.3, up_to=20), section.window())
    section.nothing_else()
    return stage


def read_delineate(section: Reader) -> DelineateStage:
    """The kidney and mass networks, in any bundle that has them."""
    stage = DelineateStage(
        section.texts("models"),
        section.shape("shape"),
        section.number("margin_mm", above=0, up_to=100),
        section.window(),
    )
    section.nothing_else()
    return stage
