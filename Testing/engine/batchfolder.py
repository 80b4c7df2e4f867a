"""Folders of small CTs for batches, some of them broken, and an execution without processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from scanfiles import write_nifti
from toybundle import BODY, LEFT, RIGHT, RIGHT_CYST, RIGHT_SOLID, Ellipsoid, axial, painted

from RenalAILib.study.task import StudyRecord, StudyTask

BROKEN = {"empty": "is empty", "torn": "is truncated", "words": "is not a NIfTI file", "flat": "every voxel is"}


def write_cts(folder: Path, count: int, seed: int = 0) -> list[str]:
    """``count`` small CTs of different kidneys, and their names; about a second each for the toy networks."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    affine, shape = axial((6.0, 4.0, 4.0))
    names = [f"case{n:03d}" for n in range(count)]
    for name in names:
        shift, size = rng.uniform(-5, 5, 3), rng.uniform(0.9, 1.1)
        moved = [
            Ellipsoid(tuple(np.add(part.centre, shift)), tuple(size * np.array(part.radii)), part.hu)
            for part in (RIGHT, LEFT, RIGHT_SOLID, RIGHT_CYST)[: int(rng.integers(2, 5))]
        ]
        volume = painted(affine, shape, [BODY, *moved], noise_hu=2.0)
        write_nifti(folder / f"{name}.nii.gz", volume.voxels, affine)
    return names


def write_broken(folder: Path, like: str, more: int = 0) -> list[str]:
    """One file for each way of :data:`BROKEN`, by name, and ``more`` torn ones."""
    whole = (folder / f"{like}.nii.gz").read_bytes()
    for name, content in (("empty", b""), ("torn", whole[:3000]), ("words", b"no image" * 100)):
        (folder / f"{name}.nii.gz").write_bytes(content)
    write_nifti(folder / "flat.nii.gz", np.full((20, 40, 40), 3, np.int16))
    others = [f"torn{n}" for n in range(more)]
    for n, name in enumerate(others):
        (folder / f"{name}.nii.gz").write_bytes(whole[: 2000 + 100 * n])
    return [*BROKEN, *others]


class Pretended:
    """Does nothing, and remembers what it was asked for; ``fails`` names studies that fail."""

    def __init__(self, fails: Iterable[str] = ()) -> None:
        self.asked: list[str] = []
        self._fails = set(fails)

    def run(self, tasks: Iterable[StudyTask], begun: Callable[[str], None]) -> Iterator[StudyRecord]:
        for task in tasks:
            begun(task.name)
            self.asked.append(task.name)
            if task.name in self._fails:
                yield StudyRecord(task.name, "", reason="it was told to fail")
                continue
            folder = task.folder(task.key(task.name))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "findings.json").write_text("{}", encoding="utf-8")
            yield StudyRecord(
                task.name, "", task.key(task.name), folder.relative_to(task.output).as_posix(), measured={"masses": 1}
            )
