"""The stages of a ``slice-vote`` bundle (Pedersen 2020, Bolocan 2023): a classifier and the slices it looks at."""

from __future__ import annotations

from dataclasses import dataclass

from ..metadata import Reader, Window
from .cascade import DelineateStage, LocateStage, read_delineate, read_locate

CHOICES = ("all", "kidney", "mass")


@dataclass(frozen=True)
class SliceClassifyStage:
    """The slice classifier and its vote.

    Attributes:
        models: an ensemble, whose probabilities are averaged.
        shape: rows and columns of the input.
        classes: of the outputs; of two classes a network may have one output, the second's.
        labelled: what gave the training slices their class (``mass``, ``oncocytoma``); an evaluation labels alike.
        slices: which slices vote: ``all`` of the CT, those through a ``kidney`` or those through a ``mass``.
        decisive: the class that is the verdict where at least ``threshold`` of the slices vote for it, else it is the
            strongest of the others; empty where the class with most votes wins.
        threshold: share of the slices.
    """

    models: tuple[str, ...]
    shape: tuple[int, int]
    window: Window
    classes: tuple[str, ...]
    labelled: str
    slices: str
    decisive: str
    threshold: float


@dataclass(frozen=True)
class SliceVoteStages:
    """A slice classifier, with the networks that find kidneys and masses where only those slices vote."""

    slice_classify: SliceClassifyStage
    locate: LocateStage | None
    delineate: DelineateStage | None

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        finders = [stage.models for stage in (self.locate, self.delineate) if stage is not None]
        return (*self.slice_classify.models, *(model for models in finders for model in models))


def read(stages: Reader) -> SliceVoteStages:
    """The ``stages`` of a bundle whose pipeline is ``slice-vote``. Raises InputError as :class:`Reader` does."""
    section = stages.section("slice-classify")
    classes = section.different("classes")
    classify = SliceClassifyStage(
        models=section.texts("models"),
        shape=section.pair("shape"),
        window=section.window(),
        classes=classes,
        labelled=section.text("labelled"),
        slices=section.choice("slices", CHOICES),
        decisive=section.choice("decisive", ("", *classes)),
        threshold=section.number("threshold", above=0, up_to=1),
    )
    section.nothing_else()
    locate = read_locate(stages.section("locate")) if classify.slices != "all" else None
    delineate = read_delineate(stages.section("delineate")) if classify.slices == "mass" else None
    stages.nothing_else()
    return SliceVoteStages(classify, locate, delineate)
