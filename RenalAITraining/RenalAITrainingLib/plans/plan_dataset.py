"""The dataset of a plan: one that is there, or one that is made of another layout's folder, imported and split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from RenalAILib.errors import InputError
from RenalAILib.pseudonyms import Pseudonyms

from ..dataset.folder import INDEX, Dataset
from ..dataset.importers.bringing import bring
from ..dataset.importers.incoming import Options
from ..dataset.importers.layouts import layout_of
from ..dataset.split import parsed_ratio, split_by_ratio

SPLIT_SEED = 1


def plan_dataset(source: Path, into: Path, ratio: str | None, report: Callable[[str], None]) -> Path:
    """The folder of the dataset to train on.

    Args:
        source: a dataset, which stays as it is; or a folder of another layout (KiTS, nnU-Net, Decathlon,
            TotalSegmentator, DeepHealth), which is only read.
        into: where a dataset is made of the latter; one that was broken off is completed.
        ratio: of training, validation and test, where the source has no split of its own; None splits nothing.
        report: is given a line of text now and then.

    Raises:
        InputError: the source is neither, or none of its cases can be used.
    """
    if (source / INDEX).is_file():
        return source
    listed = layout_of(source).listed(source, Options())
    there = (into / INDEX).is_file()
    dataset = Dataset.open(into) if there else Dataset.create(into, into.resolve().name)
    report(f"{source}: {len(listed)} cases, brought into {into}")
    brought = bring(dataset, listed, Pseudonyms.of_user(into), report=report)
    if not len(dataset):
        name, reason = brought.refused[0]
        raise InputError(f"no case of {source} could be used, the first ({name}) because: {reason}")
    if brought.refused:
        report(f"{len(brought.refused)} of {len(listed)} cases were left out, as told above")
    shared = {name for names in dataset.split.values() for name in names}
    if ratio is not None and shared != {case.name for case in dataset}:
        made = split_by_ratio(dataset.cases, parsed_ratio(ratio), SPLIT_SEED)
        dataset.set_split(made.parts, made.record, made.repeats)
        counts = ", ".join(f"{len(names)} {part}" for part, names in made.parts.items())
        report(f"Split by patient, {ratio}: {counts}")
    return into
