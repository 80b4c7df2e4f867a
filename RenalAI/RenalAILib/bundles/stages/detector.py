"""The stages of a ``detector`` bundle (Abdullah et al.): one, ``slice-detect``, a single-shot detector of slices."""

from __future__ import annotations

from dataclasses import dataclass

from ...default_boxes import DefaultBoxes
from ...errors import InputError
from ..metadata import Reader, Window


@dataclass(frozen=True)
class SliceDetectStage:
    """Detectors of slices, whose outputs are averaged.

    Attributes:
        models: of one set of default boxes.
        window: of the input.
        neighbours: slices above and below that the network sees too, as further channels: 0 or 1.
        step_mm: between the slices that are looked at (each one where they are further apart), and to the neighbours.
        classes: of the boxes, in the order of the network's outputs after the background.
        reported: those of the classes that are candidates. The others are context: where there are any, a candidate
            counts only if it lies near a box of theirs.
        sides: whether candidates belong to a side of the body.
        defaults: the default boxes, and the shape of the input (rows, columns).
        score_above: boxes with a lower score are left out.
        suppress_above: overlap (IoU) above which the box with the lower score is left out.
        fewest_slices: that a candidate must be seen in, of those looked at.
    """

    models: tuple[str, ...]
    window: Window
    neighbours: int
    step_mm: float
    classes: tuple[str, ...]
    reported: tuple[str, ...]
    sides: bool
    defaults: DefaultBoxes
    score_above: float
    suppress_above: float
    fewest_slices: int

    @property
    def channels(self) -> int:
        """Of the input."""
        return 2 * self.neighbours + 1


@dataclass(frozen=True)
class DetectorStages:
    """The one stage."""

    slice_detect: SliceDetectStage

    @property
    def files(self) -> tuple[str, ...]:
        """Every model file, relative to the bundle."""
        return self.slice_detect.models


def read(stages: Reader) -> DetectorStages:
    """The ``stages`` of a bundle whose pipeline is ``detector``. Raises InputError as `Reader` does."""
    detect = stages.section("slice-detect")
    boxes = detect.section("default_boxes")
    try:
        defaults = DefaultBoxes(
            shape=detect.pair("shape"),
            strides=tuple(int(stride) for stride in boxes.numbers("strides", above=0)),
            smallest=boxes.number("smallest", above=0, up_to=1),
            largest=boxes.number("largest", above=0, up_to=1),
            ratios=boxes.numbers("ratios", above=0),
        )
    except InputError:
        raise
    except ValueError as problem:
        raise detect.unfit("default_boxes", str(problem)) from problem
    read = SliceDetectStage(
        models=detect.texts("models"),
        window=detect.window(),
        neighbours=int(detect.number("neighbours", above=-1, up_to=1)),
        step_mm=detect.number("step_mm", above=0, up_to=50),
        classes=detect.texts("classes"),
        reported=detect.texts("reported"),
        sides=detect.flag("sides"),
        defaults=defaults,
        score_above=detect.number("score_above", above=0, up_to=1),
        suppress_above=detect.number("suppress_above", above=0, up_to=1),
        fewest_slices=int(detect.number("fewest_slices", above=0, up_to=100)),
    )
    if len(set(read.classes)) != len(read.classes) or not set(read.reported) <= set(read.classes):
        raise detect.unfit("reported", "must name some of the classes, and no class may be named twice")
    for reader in (boxes, detect, stages):
        reader.nothing_else()
    return DetectorStages(read)
