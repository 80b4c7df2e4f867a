"""The add job: one CT and one reader's labels into a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from RenalAILib.steps import Report
from RenalAILib.volume import Volume
from RenalAILib.worker.arrays import read_volume, write_volume

from .job_files import read_answer, write_answer


@dataclass(frozen=True)
class AddCaseJob:
    """A new case, or another reader's mask of a case that is there. Everything in it is de-identified already.

    Attributes:
        dataset: its folder; made where there is none.
        name: the case's pseudonym.
        ct, labels: on one grid; nothing but voxels and affine is written of them.
        reader: a word such as "reader-1".
        time: when it was read, UTC to the minute.
        phase, source, licence: facts of the case, in the words of the dataset's tables.
        histologies: of the masses, in the order of `known_masses`.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.adding:AddCaseJob"

    dataset: Path
    name: str
    ct: Volume
    labels: Volume
    reader: str
    time: str
    phase: str = "unknown"
    source: str = "unknown"
    licence: str = "unknown"
    histologies: tuple[str, ...] = ()

    def write(self, folder: Path) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in _WORDS}
        # Names of nodes may name patients: they stay behind.
        return told | {
            "dataset": str(self.dataset),
            "histologies": list(self.histologies),
            "ct": write_volume(Volume(self.ct.voxels, self.ct.ijk_to_ras, "the CT"), folder, "ct"),
            "labels": write_volume(Volume(self.labels.voxels, self.labels.ijk_to_ras, "the mask"), folder, "labels"),
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> AddCaseJob:
        return cls(
            Path(fields["dataset"]),
            ct=read_volume(fields["ct"], folder),
            labels=read_volume(fields["labels"], folder),
            histologies=tuple(fields["histologies"]),
            **{name: str(fields[name]) for name in _WORDS},
        )

    def run(self, output: Path, report: Report) -> None:
        from ..dataset.case import Facts
        from ..dataset.folder import INDEX, Dataset
        from ..dataset.vocabulary import Histology, ScanPhase

        report("dataset", 0.1, "Reading the dataset")
        there = (self.dataset / INDEX).exists()
        dataset = Dataset.open(self.dataset) if there else Dataset.create(self.dataset, self.dataset.resolve().name)
        report("write", 0.3, "Writing the case")
        new = self.name not in dataset
        if new:
            facts = Facts(ScanPhase(self.phase), source=self.source, licence=self.licence)
            histologies = [Histology(word) for word in self.histologies]
            case = dataset.add_case(
                self.name, self.ct, self.labels,
                reader=self.reader, facts=facts, time=self.time, histologies=histologies,
            )  # fmt: skip
        else:
            case = dataset.add_reading(self.name, self.labels, self.reader, self.time)
        write_answer(
            output,
            {
                "case": case.name,
                "new": new,
                "readers": list(case.readers),
                "masses": [str(mass) for mass in case.masses],
                "cases": len(dataset),
            },
        )

    def load(self, output: Path) -> dict[str, Any]:
        """Name of the case, whether it is new, its readers and masses, how many cases there are now."""
        return read_answer(output)


_WORDS = ("name", "reader", "time", "phase", "source", "licence")
