"""Recipe: one published system, or one of ours, as a typed, strictly checked YAML file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from RenalAILib.errors import InputError

from ..stages import LOSSES, STAGES, Stage
from ..strict_yaml import build, read_yaml
from .slice_settings import SliceAugmentation
from .vote_rule import Vote

_SHIPPED = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Window:
    """The CT window that becomes -1 ... 1, HU."""

    width: float = 300.0
    level: float = 30.0


@dataclass(frozen=True)
class Data:
    """What the network sees.

    Args:
        stage: which samples.
        window: of the image channel.
        patch: shape (k, j, i) of a random sub-crop; None is the whole sample.
        foreground: share of patches centred (nearly) on something labelled, where the sample has any.
        balance: draw samples evenly over their ``class`` or ``kind`` instead of as often as they are there.
        validation_samples: at most so many, evenly spaced over the split.
        classes: of a slice classifier or a detector, in the order of its outputs; the samples' categories.
        structures: of a slice segmentation or one-stage network, in the order of its outputs; see its task.
        fixed: of a one-stage network that takes patches of exactly the shape ``patch`` and nothing else.
        phase: only samples of this contrast phase (or MR sequence), as their dataset says it; empty is all.
    """

    stage: Stage
    window: Window = field(default_factory=Window)
    patch: tuple[int, int, int] | None = None
    foreground: float = 0.0
    balance: Literal["none", "class", "kind"] = "none"
    validation_samples: int = 1000
    classes: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    fixed: bool = False
    phase: str = ""

    def __post_init__(self) -> None:
        facts = STAGES[self.stage]
        if len(set(self.classes)) != len(self.classes) or (facts.named and len(self.classes) < 2):
            raise ValueError(f"the stage {self.stage} needs two or more different classes, got {list(self.classes)}")
        in_3d = facts.purpose == "segment" and facts.dimensions == 3
        if self.fixed and (self.patch is None or self.stage != "one-stage"):
            raise ValueError("fixed needs a patch and the stage one-stage")
        if in_3d and not self.fixed and self.patch is not None and any(edge % 16 for edge in self.patch):
            raise ValueError(f"the edges of a patch must be multiples of 16, got {list(self.patch)}")


@dataclass(frozen=True)
class Network:
    """A name from `networks.NETWORKS` and its constructor's options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Loss:
    """What is made small; `stages.LOSSES` says which losses fit which stage, `training.losses` what they are.

    Args:
        channel_weights: of a segmentation's outputs; None weighs them alike.
        smoothing: label smoothing of cross entropy.
    """

    name: Literal["dice", "bce", "dice_bce", "cross_entropy_minus_dice", "cross_entropy", "multibox"]
    channel_weights: tuple[float, ...] | None = None
    smoothing: float = 0.0


@dataclass(frozen=True)
class Optimiser:
    """How a gradient becomes a step; ``clip`` is the largest gradient norm, None for no limit."""

    name: Literal["adam", "adamw", "sgd", "rmsprop"]
    learning_rate: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    clip: float | None = None


@dataclass(frozen=True)
class Augmentation:
    """Ranges and probabilities of the random changes; all zero is none. Drawn anew for every sample of every step.

    Args:
        spatial_probability: share of samples that are rotated, scaled and shifted together.
        rotation_deg: largest angle about each axis.
        scale: largest relative change of size, per axis.
        shift: largest displacement as a fraction of the patch.
        flip: probability of swapping left and right.
        brightness_hu: largest shift of all HU.
        contrast: largest relative change of contrast about the window's level.
        gamma: largest relative exponent, g in 1/(1+g) ... 1+g.
        noise: largest standard deviation of Gaussian noise, in units of half the window.
        noise_probability: share of samples with noise.
        blur: largest sigma of a Gaussian blur, voxels.
        blur_probability: share of samples blurred.
        coarse: largest factor of thinning along one or all axes (thick slices, low resolution).
        coarse_probability: share of samples thinned.
        mask_jitter: of a classifier's mask channel, probability that its border moves by up to about a voxel.
    """

    spatial_probability: float = 1.0
    rotation_deg: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    flip: float = 0.0
    brightness_hu: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    noise_probability: float = 1.0
    blur: float = 0.0
    blur_probability: float = 0.0
    coarse: float = 1.0
    coarse_probability: float = 0.0
    mask_jitter: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        batch: samples a step.
        epochs, steps: the length; exactly one of them. An epoch draws as many samples as there are.
        accumulate: batches whose gradients are summed before a step.
        shape: ``constant``; ``cosine``: warm-up, then a half cosine to zero; ``one_cycle``: warm-up over ``warmup``,
            then to zero on a straight line.
        warmup: fraction of the length over which the learning rate rises.
        average: decay of the exponential moving average of the weights that is validated and kept; 0 for none.
        validate_every: steps between validations; None is once per epoch.
        patience: validations without a better one after which training ends; None is never.
        cut_after: validations without a better one after which the learning rate is multiplied with ``cut_to``, again
            and again; None is never.
        cut_to: see ``cut_after``.
    """

    batch: int
    epochs: int | None = None
    steps: int | None = None
    accumulate: int = 1
    shape: Literal["constant", "cosine", "one_cycle"] = "constant"
    warmup: float = 0.0
    average: float = 0.0
    validate_every: int | None = None
    patience: int | None = None
    cut_after: int | None = None
    cut_to: float = 0.1

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        for name in ("batch", "accumulate", "epochs", "steps", "validate_every", "cut_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must lie in 0 ... 1, got {self.average}")


@dataclass(frozen=True)
class Recipe:
    """A system: what it learns from, how, and what its authors measured.

    Args:
        name: of the recipe, as the command takes it.
        title: in words, for a reader who does not know the paper.
        citation: of the paper; of our own recipes, of what they follow.
        augmentation: of the stages in 3-D.
        slices: augmentation of the stages in 2-D.
        vote: of a slice classifier: which slices, and how they decide for the patient.
        paper: the authors' own numbers and settings, as they state them; quoted, never used.
    """

    name: str
    title: str
    citation: str
    data: Data
    network: Network
    loss: Loss
    optimiser: Optimiser
    schedule: Schedule
    augmentation: Augmentation = field(default_factory=Augmentation)
    slices: SliceAugmentation = field(default_factory=SliceAugmentation)
    vote: Vote = field(default_factory=Vote)
    paper: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        facts = STAGES[self.data.stage]
        if self.loss.name not in LOSSES[facts.purpose]:
            raise ValueError(f"the loss {self.loss.name} does not fit the stage {self.data.stage}")
        if facts.dimensions == 2 and self.augmentation != Augmentation():
            raise ValueError(f"the stage {self.data.stage} takes its augmentation from the section slices")
        if facts.dimensions == 3 and self.slices != SliceAugmentation():
            raise ValueError(f"the stage {self.data.stage} takes its augmentation from the section augmentation")

    def to_json(self) -> dict[str, Any]:
        """Plain types only, the inverse of `from_mapping`."""
        return asdict(self)


def from_mapping(content: Any, where: str) -> Recipe:
    """A recipe from plain types. Raises InputError that names ``where`` and the key."""
    return build(Recipe, content, where)


def load(name: str | Path) -> Recipe:
    """The recipe of a shipped name or of a YAML file.

    Raises:
        InputError: neither, or the file is no recipe; one sentence naming the file and the key.

    Example:
        >>> load("zhao2023-kidney").optimiser.learning_rate
        0.0001
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise InputError(f"{path} does not exist")
        text, where = path.read_text(encoding="utf-8"), str(path)
    elif str(name) in shipped():
        text, where = (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml"
    else:
        raise InputError(f"no recipe is called {name}; there are {', '.join(shipped())}, or give a .yaml file")
    return from_mapping(read_yaml(text, where), where)


def shipped() -> list[str]:
    """Names of the recipes that come with the library."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))
