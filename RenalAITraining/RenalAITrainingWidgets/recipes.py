"""Recipes as the panel offers them: in words, by what they train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAIWidgets.dependencies import NotInstalledError

from .parameters import ModelKind
from .wording import network_in_words

if TYPE_CHECKING:
    from RenalAITrainingLib.recipes.recipe import Recipe


@dataclass(frozen=True)
class Described:
    """A recipe and what is said of it.

    Attributes:
        name: as the parameter has it.
        title: in words.
        details: what it trains, how long, and where it comes from.
        recipe: itself.
    """

    name: str
    title: str
    details: str
    recipe: Recipe

    @property
    def stage(self) -> str:
        """The network it trains."""
        return str(self.recipe.data.stage)


def describe(name: str) -> Described:
    """A shipped recipe or a .yaml file.

    Raises:
        InputError: there is none, or it is no recipe.
        NotInstalledError: the package that reads it is missing.
    """
    return _described(name, _library().load(name))


def described_recipes() -> list[Described]:
    """Those that a dataset of this module can train, by network. Raises NotInstalledError."""
    library = _library()
    stages = list(dict.fromkeys(stage for kind in ModelKind for stage in kind.stages))
    found = []
    for name in library.shipped():
        try:
            recipe = library.load(name)
        except InputError:
            continue  # of a newer version; it is refused by name where it is asked for
        if recipe.data.stage in stages and _of_kidneys(recipe):
            found.append(_described(name, recipe))
    return sorted(found, key=lambda each: (stages.index(each.stage), each.name))


def _of_kidneys(recipe: Recipe) -> bool:
    """Whether it learns what a dataset of kidneys and masses shows; lung nodules, for one, are brought in elsewhere."""
    return recipe.data.stage != "slice-detect" or set(recipe.data.classes) <= {"kidney", "mass"}


def _described(name: str, recipe: Recipe) -> Described:
    schedule = recipe.schedule
    length = (
        _("{count} epochs").format(count=schedule.epochs)
        if schedule.epochs is not None
        else _("{count} steps").format(count=schedule.steps)
    )
    details = _("Network: {network}. Length: {length}, {batch} at a time.").format(
        network=network_in_words(recipe.data.stage), length=length, batch=schedule.batch
    )
    return Described(name, recipe.title.rstrip("."), details, recipe)


def _library() -> Any:
    try:
        from RenalAITrainingLib.recipes import recipe
    except ImportError as missing:
        text = _("Recipes cannot be read yet: {package} is missing. It is installed with the first case or check.")
        raise NotInstalledError(text.format(package=missing.name)) from missing
    return recipe
