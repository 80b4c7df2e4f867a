"""BundlePlan: everything that a bundle is made of, from samples to networks to its texts, as one YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from RenalAILib.errors import InputError

from ..publishing.bundle_description import CARDS, BundleDescription, description_of, load_description
from ..recipes import recipe
from ..recipes.recipe import Recipe, from_mapping
from ..stages import Stage
from ..strict_yaml import build, read_yaml

_SHIPPED = Path(__file__).resolve().parent


@dataclass(frozen=True)
class SynthesisPlan:
    """Samples that ``renalai dataset synthesise`` makes of the data folder.

    Args:
        stage: the network they are for.
        count: how many.
        seed: what every random part is drawn from.
        phantoms: share made from phantoms, 0 to 1.
    """

    stage: Stage
    count: int
    seed: int = 1
    phantoms: float = 0.35


@dataclass(frozen=True)
class NetworkPlan:
    """One training.

    Args:
        name: of the run's folder.
        recipe: a shipped recipe's name, or a .yaml file beside the plan.
        seed: of weights, order and augmentation. Several networks of one stage with seeds of their own are an ensemble.
        minutes: of training in place of the recipe's length.
        start_from: the name of a network that stands before it in the plan, whose best weights it begins with.
        changes: of the recipe, section by section: ``schedule: {batch: 2}`` changes that one value.
    """

    name: str
    recipe: str
    seed: int = 1
    minutes: float | None = None
    start_from: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BundlePlan:
    """What ``renalai train --all`` does.

    Args:
        title: in words, for a reader who chooses among plans.
        networks: in the order in which they are trained.
        bundle: texts and settings of the bundle: the name of a shipped description, or its content.
        synthesise: samples made of the data folder; none where a dataset alone is trained on.
        variants: of each kidney or mass of a dataset's training cases, with boxes and masks of their own.
        edge: voxels along each axis of a mass's patch, of a dataset's samples.
        split: ratio of training, validation and test, where the dataset is made of another layout's folder.
        sinus: ``filled``: everything inside a kidney's outer boundary is taught as kidney, see `convention`;
            ``as-drawn``: kidneys as the dataset has them, so that a challenge's own scores can be measured.
    """

    title: str
    networks: tuple[NetworkPlan, ...]
    bundle: Any
    synthesise: tuple[SynthesisPlan, ...] = ()
    variants: int = 1
    edge: int = 64
    split: str = "8:1:1"
    sinus: Literal["filled", "as-drawn"] = "filled"

    def __post_init__(self) -> None:
        names = [network.name for network in self.networks]
        if not names or len(set(names)) != len(names):
            raise ValueError("a plan needs networks with different names")
        for number, network in enumerate(self.networks):
            if network.start_from is not None and network.start_from not in names[:number]:
                raise ValueError(f"{network.name} starts from {network.start_from}, which does not stand before it")


@dataclass(frozen=True)
class LoadedPlan:
    """A plan with all that it names: recipes by network, description, card and licence; nothing is left to fail.

    Attributes:
        name: of the plan.
        plan: as it was read.
        recipes: of each network, changes made.
        description: of the bundle.
        license: the text of the licence of the weights.
    """

    name: str
    plan: BundlePlan
    recipes: tuple[Recipe, ...]
    description: BundleDescription
    license: str

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those that its networks are for, each once."""
        return tuple(dict.fromkeys(one.data.stage for one in self.recipes))


def load(name: str | Path) -> LoadedPlan:
    """The plan of a shipped name or of a YAML file.

    Raises:
        InputError: neither; the file is no plan; or a recipe or description that it names is not there.

    Example:
        >>> [network.recipe for network in load("zhao2023").plan.networks]
        ['zhao2023-kidney', 'zhao2023-mass', 'zhao2023-mass', 'zhao2023-mass', 'zhao2023-classifier']
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if str(name) not in shipped():
            raise InputError(f"no plan is called {name}; there are {', '.join(shipped())}, or give a .yaml file")
        path = _SHIPPED / f"{name}.yaml"
    elif not path.is_file():
        raise InputError(f"{path} does not exist")
    plan = build(BundlePlan, read_yaml(path.read_text(encoding="utf-8"), str(path)), str(path))
    description = _description(plan.bundle, path)
    recipes = tuple(_recipe(network, path) for network in plan.networks)
    return LoadedPlan(path.stem, plan, recipes, description, description.license_text())


def shipped() -> list[str]:
    """Names of the plans that come with the library."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def _recipe(network: NetworkPlan, plan: Path) -> Recipe:
    beside = plan.parent / network.recipe
    found = recipe.load(beside if beside.suffix in (".yaml", ".yml") else network.recipe)
    return (
        from_mapping(_merged(found.to_json(), network.changes), f"{plan}: {network.name}") if network.changes else found
    )


def _merged(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``content`` with every value that ``changes`` gives, at any depth."""
    result = dict(content)
    for key, value in changes.items():
        inner = result.get(key)
        result[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def _description(bundle: Any, plan: Path) -> BundleDescription:
    if isinstance(bundle, str):
        return load_description(CARDS / f"{bundle}.yaml")
    return description_of(bundle, f"{plan}: bundle")
