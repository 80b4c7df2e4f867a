"""Dataset: the folder, read and written; every change is there whole or not at all.

```
NAME/
  dataset.yaml          the DeepHealth format: which images and masks there are, their split
  cases.csv             one line for each case; phase, histology, source and licence may be edited there
  dataset.json          the same for MONAI and nnU-Net; splits_final.json nnU-Net's folds
  split.json            how the split was made
  images/CASE.nii.gz    int16 HU
  labels/CASE.READER.nii.gz   uint8 `Label` values
```
A case exists once it stands in ``dataset.yaml``, which is replaced last: a writer that is killed leaves at most files
that nobody reads. One process may write at a time, any number may read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass
from RenalAILib.reading import read_labels, read_volume
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAILib.writing.whole import replaced_file, write_text

from .case import COLUMNS, FUSED, WRITTEN_COLUMNS, Case, Facts
from .datalists import datalist, nnunet_splits
from .ddf import Ddf, DdfImage, parse, render
from .deidentified import CASE, plain_word, reader_word, without_traces
from .grids import value_counts
from .inside import inside
from .known_masses import known_masses
from .table import edited, render_table
from .vocabulary import Histology

INDEX, TABLE, DATALIST, FOLDS, SPLIT_RECORD = (
    "dataset.yaml", "cases.csv", "dataset.json", "splits_final.json", "split.json",
)  # fmt: skip
_CLASSES = tuple(mass_class.value for mass_class in MassClass)


class Dataset:
    """A dataset on disk. Made by `create` or `open`; what others write meanwhile is seen at the next change.

    Attributes:
        folder: where it lies.
        name, description: of the whole.
        cases: in the order they came.
        split: names of cases by part: ``training``, ``validation``, ``test``, or ``fold_1``, ``fold_2``, ...
    """

    def __init__(self, folder: Path, content: Ddf, cases: tuple[Case, ...]) -> None:
        self.folder = folder
        self.name, self.description = content.name, content.description
        self.cases = cases
        names = [case.name for case in cases]
        self.split: dict[str, tuple[str, ...]] = {
            part: tuple(names[index] for index in indices) for part, indices in content.split.items()
        }
        self._seen = self._state()

    @classmethod
    def create(cls, folder: Path, name: str, description: str = "") -> Dataset:
        """An empty dataset in a new or empty folder.

        Raises:
            InputError: the folder holds something, cannot be written, or a text could identify someone.
        """
        plain_word(name, "name of the dataset")
        without_traces(description, "description")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is not an empty folder; a new dataset needs one")
        dataset = cls(folder, Ddf(name, description), ())
        dataset._save()
        return dataset

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """The dataset in ``folder``.

        Raises:
            InputError: there is none, or one of its tables is damaged.
        """
        path = folder / INDEX
        if not path.is_file():
            raise InputError(f"{folder} holds no dataset ({INDEX} is missing); renalai dataset create makes one")
        content = parse(_text(path), str(path))
        if content.features not in WRITTEN_COLUMNS:
            raise InputError(f"{path} was not written by RenalAI; renalai dataset import {folder} takes it over")
        cases = tuple(_case(image, content.features, f"{path}: image {n}") for n, image in enumerate(content.images))
        if (folder / TABLE).is_file():
            cases = edited(cases, _text(folder / TABLE), str(folder / TABLE))
        return cls(folder, content, cases)

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __contains__(self, name: object) -> bool:
        return any(case.name == name for case in self.cases)

    def case(self, name: str) -> Case:
        """The case of a name. Raises InputError where there is none."""
        for case in self.cases:
            if case.name == name:
                return case
        raise InputError(f"{self.folder} has no case {name}")

    def part_of(self, case: Case) -> str:
        """The part of the split that a case is in; empty where it is in none."""
        return next((part for part, members in self.split.items() if case.name in members), "")

    def volume(self, case: Case) -> Volume:
        """The CT of a case. Raises InputError where it has none or it cannot be read."""
        if not case.has_image:
            raise InputError(f"{case.name} has no CT, only masks")
        return read_volume(inside(self.folder, case.image_path))

    def labels(self, case: Case, reader: str | None = None) -> Volume:
        """The mask of a case by one reader, the reference without one. Raises InputError where it cannot be read."""
        return read_labels(inside(self.folder, case.label_path(reader)))

    def add_case(
        self,
        name: str,
        ct: Volume | None,
        labels: Volume,
        *,
        reader: str = "reader-1",
        facts: Facts | None = None,
        time: str = "",
        histologies: Sequence[Histology] = (),
    ) -> Case:
        """Add one scan; of the two volumes nothing but voxels and affine is written.

        Args:
            name: its pseudonym, from `Pseudonyms.case`.
            ct: HU on any grid, or None where there is only a mask.
            labels: `Label` values on the grid of ``ct``.
            reader: who drew them, as a word such as "reader-1".
            facts: what the mask does not tell.
            time: of the reading, see `Case.times`.
            histologies: of the masses, in the order of `known_masses`.

        Raises:
            InputError: the name is no pseudonym or taken, the grids differ, or there are other values than labels.
        """
        self._refresh()
        if not CASE.fullmatch(name):
            raise InputError(f"{name!r} is no pseudonym of a case; names from outside never go into a dataset")
        if name in self:
            raise InputError(f"{self.folder} has the case {name} already")
        _check_reader(reader)
        _check_labels(labels)
        if ct is not None and not ct.same_grid(labels):
            raise InputError(f"{labels.name} does not lie on the grid of {ct.name}")
        masses = known_masses(labels)
        told = [*histologies, *[Histology.UNKNOWN] * len(masses)]
        masses = tuple(replace(mass, histology=word) for mass, word in zip(masses, told, strict=False))
        case = Case(name, (reader,), reader, masses, facts or Facts(), ct is not None, times=(time,) if time else ())
        if ct is not None:
            self._write(case.image_path, nifti_ct(ct.with_voxels(_hounsfield(ct)), ""))
        self._write(case.label_path(), nifti_labels(labels, ""))
        self.cases = (*self.cases, case)
        self._save()
        return case

    def add_reading(self, name: str, labels: Volume, reader: str, time: str = "") -> Case:
        """Another reader's mask of a case that is there; the reference stays.

        Raises:
            InputError: the case is not there, has a mask of this reader, or the mask does not fit it.
        """
        _check_reader(reader)
        return self._with_mask(name, labels, reader, reference=None, time=time)

    def set_fusion(self, name: str, labels: Volume) -> Case:
        """A fusion of the readers' masks, which becomes the reference; an older one is replaced."""
        return self._with_mask(name, labels, FUSED, reference=FUSED)

    def set_split(
        self, split: Mapping[str, tuple[str, ...]], record: Mapping[str, Any], repeats: Mapping[str, int]
    ) -> None:
        """A new split, how it was made (``split.json``), and how often training draws each case (once if not said)."""
        self._refresh()
        for members in split.values():
            for name in members:
                self.case(name)
        self.cases = tuple(replace(case, repeats=repeats.get(case.name, 1)) for case in self.cases)
        self.split = {part: tuple(members) for part, members in split.items()}
        write_text(self.folder / SPLIT_RECORD, json.dumps(record, indent=1) + "\n")
        self._save()

    def _with_mask(self, name: str, labels: Volume, reader: str, reference: str | None, time: str = "") -> Case:
        self._refresh()
        case = self.case(name)
        _check_labels(labels)
        if reader in case.readers and reader != FUSED:
            raise InputError(f"{name} has a mask of {reader} already")
        if not labels.same_grid(self.labels(case)):
            raise InputError(f"{labels.name} does not lie on the grid of {name}")
        self._write(case.label_path(reader), nifti_labels(labels, ""))
        new = case
        if reader not in case.readers:
            times = (*case.times, *[""] * (len(case.readers) - len(case.times)), time)
            new = replace(case, readers=(*case.readers, reader), times=times if any(times) else ())
        if reference is not None:
            new = replace(new, reference=reference, masses=known_masses(labels))
        self.cases = tuple(new if each.name == name else each for each in self.cases)
        self._save()
        return new

    def _refresh(self) -> None:
        """Take over what another process, or a person in the table, has changed."""
        if self._state() != self._seen:
            there = Dataset.open(self.folder)
            self.name, self.description, self.cases, self.split = (
                there.name, there.description, there.cases, there.split,
            )  # fmt: skip

    def _state(self) -> list[tuple[int, int]]:
        paths = [self.folder / INDEX, self.folder / TABLE]
        return [(status.st_mtime_ns, status.st_size) for path in paths if path.exists() and (status := path.stat())]

    def _save(self) -> None:
        """All tables; the one that counts last."""
        write_text(self.folder / TABLE, render_table(self.cases))
        write_text(self.folder / DATALIST, datalist(self.name, self.description, self.cases, self.split))
        if self.split:
            write_text(self.folder / FOLDS, nnunet_splits(self.cases, self.split))
        write_text(self.folder / INDEX, render(self._content()))
        self._seen = self._state()

    def _content(self) -> Ddf:
        number = {case.name: n for n, case in enumerate(self.cases)}
        images = tuple(
            DdfImage(
                (case.image_path if case.has_image else case.label_path(),),
                case.label_path(),
                tuple(value or None for value in case.row().values()),
            )
            for case in self.cases
        )
        split = {part: tuple(number[name] for name in members) for part, members in self.split.items()}
        return Ddf(self.name, self.description, _CLASSES, COLUMNS, images, split)

    def _write(self, relative: str, content: bytes) -> None:
        with replaced_file(inside(self.folder, relative)) as new:
            new.write_bytes(content)


def _case(image: DdfImage, columns: tuple[str, ...], where: str) -> Case:
    row = dict(zip(columns, (value or "" for value in image.values), strict=False))
    try:
        return Case.from_row(row, has_image=image.locations[0].startswith("images/"))
    except (ValueError, KeyError) as problem:
        raise InputError(f"{where} is damaged: {problem}") from problem


def _check_reader(reader: str) -> None:
    reader_word(reader)
    if reader == FUSED:
        raise InputError(f"the reader may not be called {FUSED}: that is the fusion of all of them")


def _check_labels(labels: Volume) -> None:
    foreign = np.flatnonzero(value_counts(labels.voxels)[len(Label) :])
    if foreign.size:
        raise InputError(
            f"{labels.name} holds the value {foreign[0] + len(Label)}, which is no label (0 to {max(Label)} are)"
        )


def _hounsfield(ct: Volume) -> np.ndarray:
    if ct.voxels.dtype == np.int16:
        return ct.voxels
    if not np.isfinite(ct.voxels).all():
        raise InputError(f"{ct.name} has voxels that are not a number")
    return cast(np.ndarray, np.clip(np.rint(ct.voxels), -32768, 32767).astype(np.int16))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} cannot be read ({problem})") from problem
