"""SampleStore: the cached, preprocessed samples that synthesis and datasets write and the trainer reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass

from .stages import STAGES, Stage

Split = Literal["train", "validation"]
Kind = Literal["real", "synthetic", "phantom"]

INDEX = "samples.jsonl"


@dataclass(frozen=True)
class SampleRecord:
    """What is known about one sample: one line of ``samples.jsonl``.

    Args:
        id: number in the store, from 1; also the stem of its files.
        split: the part it belongs to; decided by patient before any sample is made.
        stage: the network stage it is preprocessed for.
        kind: a real scan, a scan or simulation with synthesised content, or a phantom.
        sources: ids of all the cases that anything in it was taken from (scan and shapes).
        seed: what its random parts were drawn from.
        mass_class: of a characterise sample, None elsewhere; the key ``class`` in the file.
        category: of a slice-classify sample, one of the recipe's ``data.classes``; None elsewhere.
        extra: whatever else the writer noted (augmentation drawn, HU inserted, ...).
    """

    id: int
    split: Split
    stage: Stage
    kind: Kind
    sources: tuple[str, ...] = ()
    seed: int = 0
    mass_class: MassClass | None = None
    category: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("split", self.split, get_args(Split)),
            ("stage", self.stage, get_args(Stage)),
            ("kind", self.kind, get_args(Kind)),
        ):
            if value not in allowed:
                raise ValueError(f"a sample's {name} must be one of {', '.join(allowed)}, got {value!r}")
        if (self.stage == "characterise") != (self.mass_class is not None):
            raise ValueError("a characterise sample needs a mass class, and no other has one")
        if STAGES[self.stage].named != (self.category is not None):
            raise ValueError("a slice-classify sample needs a category, and no other has one")

    @property
    def group(self) -> str | None:
        """What a recipe may balance classes by: the mass class or the category."""
        return self.mass_class.value if self.mass_class is not None else self.category

    def to_json(self) -> str:
        """One line, without its end."""
        known: dict[str, Any] = {
            "id": self.id,
            "split": self.split,
            "stage": self.stage,
            "kind": self.kind,
            "sources": list(self.sources),
            "seed": self.seed,
        }
        if self.mass_class is not None:
            known["class"] = self.mass_class.value
        if self.category is not None:
            known["category"] = self.category
        clash = known.keys() & self.extra.keys()
        if clash:
            raise ValueError(f"a sample's extra facts may not be called {', '.join(sorted(clash))}")
        return json.dumps(known | self.extra)

    @classmethod
    def from_json(cls, line: str) -> SampleRecord:
        """The inverse of `to_json`. Raises ValueError or KeyError where the line is not a record."""
        known = json.loads(line)
        mass_class = known.pop("class", None)
        return cls(
            id=int(known.pop("id")),
            split=known.pop("split"),
            stage=known.pop("stage"),
            kind=known.pop("kind"),
            sources=tuple(known.pop("sources")),
            seed=int(known.pop("seed")),
            mass_class=None if mass_class is None else MassClass(mass_class),
            category=known.pop("category", None),
            extra=known,
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """One training example; the arrays are memory-mapped, and changing them never changes the files.

    Args:
        image: int16 HU, canonical ``[k, j, i]`` (to the head, to the back, to the patient's left), on the grid that
            the stage's network sees; of a slice stage with a depth of 1.
        label: uint8 `Label` values on the same grid. Of a characterise sample: only the mass to be classified.
        record: where it is from.
    """

    image: npt.NDArray[np.int16]
    label: npt.NDArray[np.uint8]
    record: SampleRecord


class SampleStore(Sequence[Sample]):
    """A folder of samples: ``00001.image.npy``, ``00001.label.npy``, ... and one line each in ``samples.jsonl``.

    A sample exists once its line is there, and the line is written last: a writer that is killed leaves at most files
    that nobody reads. Several processes may append at once.

    Args:
        folder: made by the first `append`; until then the store is empty.

    Example:
        >>> import tempfile
        >>> store = SampleStore(tempfile.mkdtemp())
        >>> image, label = np.zeros((4, 4, 4), np.int16), np.ones((4, 4, 4), np.uint8)
        >>> store.append(image, label, split="train", stage="locate", kind="real", sources=["btcv_1"]).id
        1
        >>> len(store), len(store.split("validation")), store[0].record.sources
        (1, 0, ('btcv_1',))
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._records = self._read()

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        record = self._records[index]
        return Sample(self._array(record, "image"), self._array(record, "label"), record)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    @property
    def records(self) -> tuple[SampleRecord, ...]:
        """All of them, oldest first, without opening an array."""
        return tuple(self._records)

    def split(self, name: Split) -> SampleStore:
        """The samples of one split: a view to read from."""
        return self._part([record for record in self._records if record.split == name])

    def stage(self, name: Stage) -> SampleStore:
        """The samples of one network stage: a view to read from."""
        return self._part([record for record in self._records if record.stage == name])

    def phase(self, word: str) -> SampleStore:
        """The samples of scans in one contrast phase: a view to read from. Raises InputError where there is none."""
        found = [record for record in self._records if record.extra.get("phase") == word]
        if not found:
            known = sorted({str(record.extra["phase"]) for record in self._records if "phase" in record.extra})
            raise InputError(f"{self.folder} holds no sample of the phase {word}; it has {', '.join(known) or 'none'}")
        return self._part(found)

    def append(
        self,
        image: npt.NDArray[Any],
        label: npt.NDArray[Any],
        *,
        split: Split,
        stage: Stage,
        kind: Kind,
        sources: Sequence[str] = (),
        seed: int = 0,
        mass_class: MassClass | None = None,
        category: str | None = None,
        **extra: Any,
    ) -> SampleRecord:
        """Add one sample.

        Args:
            image: HU, any numeric type; stored rounded as int16.
            label: `Label` values on the same grid; of a characterise sample zero outside the mass itself.
            split, stage, kind, sources, seed, mass_class, category, extra: see `SampleRecord`.

        Raises:
            ValueError: shapes, label values, class or record do not fit each other.
            InputError: the disk is full or may not be written; the samples that are there stay.
        """
        if image.ndim != 3 or image.shape != label.shape:
            raise ValueError(f"image and label need one 3-D shape, got {image.shape} and {label.shape}")
        if not np.isfinite(image).all():
            raise ValueError("the image has values that are not finite")
        present = {int(value) for value in np.unique(label)}
        allowed = {int(value) for value in Label}
        if mass_class is not None:
            allowed = {int(Label.BACKGROUND), int(mass_class.label)}
        if not present <= allowed:
            raise ValueError(f"the label may hold {sorted(allowed)}, it holds {sorted(present)}")
        record = SampleRecord(0, split, stage, kind, tuple(sources), seed, mass_class, category, extra)
        record.to_json()  # refused before anything is written
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            record = self._written(record, image, label)
        except OSError as error:
            raise InputError(
                f"no sample could be written to {self.folder} ({error.strerror or error}); those that are there stay,"
                " and the same words go on with the rest"
            ) from error
        self._records.append(record)
        return record

    def _written(self, record: SampleRecord, image: npt.NDArray[Any], label: npt.NDArray[Any]) -> SampleRecord:
        number = self._claim()
        try:
            record = replace(record, id=number)
            np.save(self._path(number, "image"), np.clip(np.rint(image), -32768, 32767).astype(np.int16))
            np.save(self._path(number, "label"), label.astype(np.uint8))
            self._cut_torn_line()
            with open(self.folder / INDEX, "ab") as index:
                index.write(record.to_json().encode() + b"\n")  # one write in append mode: lines never mix
        except OSError:
            for what in ("image", "label"):
                self._path(number, what).unlink(missing_ok=True)
            raise
        return record

    def _part(self, records: list[SampleRecord]) -> SampleStore:
        part = SampleStore.__new__(SampleStore)
        part.folder, part._records = self.folder, records
        return part

    def _claim(self) -> int:
        """The next free number; its image file is created, so that no other writer takes it."""
        number = max((record.id for record in self._records), default=0) + 1
        while True:
            try:
                os.close(os.open(self._path(number, "image"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                return number
            except FileExistsError:
                number += 1

    def _cut_torn_line(self) -> None:
        """Take away the part of a line that a killed writer or a full disk left at the end of the index."""
        path = self.folder / INDEX
        if path.exists():
            content = path.read_bytes()
            if not content.endswith(b"\n"):
                os.truncate(path, content.rfind(b"\n") + 1)

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{number:05d}.{what}.npy"

    def _array(self, record: SampleRecord, what: str) -> npt.NDArray[Any]:
        path = self._path(record.id, what)
        try:
            return cast(npt.NDArray[Any], np.load(path, mmap_mode="c", allow_pickle=False))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as a sample ({error}); write the samples again") from error

    def _read(self) -> list[SampleRecord]:
        path = self.folder / INDEX
        if not path.exists():
            return []
        records = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), start=1):
            try:
                records.append(SampleRecord.from_json(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if not line.endswith("\n"):
                    break  # a writer is at work, or was killed within this line: the sample does not exist yet
                raise InputError(f"{path}, line {number}, is not a sample record ({error})") from error
        return records
