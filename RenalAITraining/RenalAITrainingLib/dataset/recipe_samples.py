"""The samples that a recipe learns from, cut from a dataset: what its stage looks at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..recipes.recipe import Recipe
from .folder import Dataset
from .real_samples import MASS_EDGE, fill
from .slice_samples import fill_slices


def fill_for(
    recipe: Recipe,
    dataset: Dataset,
    output: Path,
    *,
    variants: int = 1,
    fold: int | None = None,
    edge: int = MASS_EDGE,
    sinus: bool = True,
    report: Callable[[str], None],
) -> int:
    """The samples of all training and validation cases that are not there yet; how many were written.

    Args:
        recipe: whose stage, and of a classifier of slices whose classes, they are for.
        dataset: with a split.
        output: folder of samples, continued if there.
        variants, edge, sinus: see `fill`; slices with a class have none of these.
        fold: of a split in folds, the one that validates.
        report: told of each case.

    Raises:
        InputError: see `fill` and `fill_slices`.
    """
    stage = recipe.data.stage
    if stage == "slice-classify":
        return fill_slices(dataset, recipe, output, fold=fold, report=report)
    return fill(dataset, stage, output, variants=variants, fold=fold, edge=edge, sinus=sinus, report=report)
