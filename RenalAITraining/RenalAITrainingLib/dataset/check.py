"""Check: what is wrong with a dataset, each thing in one sentence that names the case and the cause."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from RenalAILib.cascade.sides import Component, body_at
from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, Label, Side
from RenalAILib.orientation import canonical
from RenalAILib.volume import Volume

from .case import Case
from .folder import Dataset
from .grids import thinned, value_counts
from .known_masses import known_masses
from .vocabulary import Histology

_STEP_MM = 4.0
_KIDNEY_HU = (-20.0, 350.0)  # mean of a kidney's tissue: plain about 30, arterial cortex up to 250
_KIDNEY_ML = (20.0, 1000.0)
_FAR_OVER_MM = 15.0  # a single kidney's middle may lie a little beyond the midline
_CLIPPED_HU = (-300.0, 500.0)  # what soft tissue can be: the mean must not follow stones, stents and gas


class Severity(Enum):
    """How bad it is: an error spoils training, a warning wants a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a sentence that names the case."""

    severity: Severity
    case: str
    text: str


@dataclass(eq=False)
class Inspected:
    """A case as it was read, and what is wrong with it alone.

    Attributes:
        case: of the dataset.
        ct, labels: canonical views; None where there is none or it cannot be read.
        findings: filled while inspecting.
        digests: SHA-256 of the voxels of CT and reference mask, in canonical order.
    """

    case: Case
    ct: Volume | None = None
    labels: Volume | None = None
    findings: list[Finding] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def error(self, text: str) -> None:
        """Note an error."""
        self.findings.append(Finding(Severity.ERROR, self.case.name, text))

    def warning(self, text: str) -> None:
        """Note a warning."""
        self.findings.append(Finding(Severity.WARNING, self.case.name, text))


def check(dataset: Dataset, look: Callable[[int, Inspected], None] | None = None) -> list[Finding]:
    """Everything that is wrong.

    Args:
        dataset: it is read, never changed.
        look: called with the number (from 1) and content of each case while it is in memory: for pictures, progress.
    """
    findings: list[Finding] = []
    digests: dict[str, dict[str, str]] = {}
    for number, inspected in enumerate(_inspected(dataset), 1):
        if look is not None:
            look(number, inspected)
        findings += inspected.findings
        digests[inspected.case.name] = inspected.digests
    return [*findings, *_across(dataset, digests), *_strange_files(dataset)]


def _inspected(dataset: Dataset) -> Iterator[Inspected]:
    for case in dataset:
        seen = Inspected(case)
        _read(dataset, seen)
        if seen.labels is not None:
            _check_labels(seen, seen.labels)
            _check_sides(seen, seen.labels)
            if seen.ct is not None:
                _check_hounsfield(seen, seen.ct, seen.labels)
        yield seen


def _read(dataset: Dataset, seen: Inspected) -> None:
    name = seen.case.name
    try:
        if seen.case.has_image:
            seen.ct = canonical(dataset.volume(seen.case))
            seen.digests["CT"] = _digest(seen.ct)
    except InputError as problem:
        seen.error(f"The CT of {name} cannot be used ({problem}).")
    for reader in seen.case.readers:
        try:
            labels = canonical(dataset.labels(seen.case, reader))
        except InputError as problem:
            seen.error(f"The mask of {name} by {reader} cannot be used ({problem}).")
            continue
        if seen.ct is not None and not labels.same_grid(seen.ct):
            seen.error(
                f"The mask of {name} by {reader} does not lie on the grid of its CT ({_grids(labels, seen.ct)})."
            )
            continue
        foreign = np.flatnonzero(value_counts(labels.voxels)[len(Label) :])
        if foreign.size:
            seen.error(f"The mask of {name} by {reader} holds the value {foreign[0] + len(Label)}, which is no label.")
            continue
        if reader == seen.case.reference:
            seen.labels = labels
            seen.digests["mask"] = _digest(labels)


def _check_labels(seen: Inspected, labels: Volume) -> None:
    name = seen.case.name
    counts = value_counts(labels.voxels)
    if counts[1:].sum() == 0:
        seen.warning(f"The mask of {name} is empty: no kidney and no mass is labelled.")
        seen.digests.pop("mask")
        return
    if not counts[list(KIDNEY_LABELS)].any():
        seen.warning(f"The mask of {name} holds masses but no kidney.")
    for side in Side:
        ml = counts[Label.kidney(side)] * labels.voxel_ml
        if ml and not _KIDNEY_ML[0] <= ml <= _KIDNEY_ML[1]:
            seen.warning(f"The {side.value} kidney of {name} has {ml:.0f} ml.")
    drawn = tuple(replace(mass, histology=Histology.UNKNOWN) for mass in seen.case.masses)
    if known_masses(labels) != drawn:
        seen.warning(f"The masses of {name} in the tables are not those of its mask, which was changed afterwards.")


def _check_sides(seen: Inspected, labels: Volume) -> None:
    """Both kidneys against each other; a single one against the midline of the body, where there is a CT."""
    thin, steps = thinned(labels, _STEP_MM)
    places = {side: thin.ras(np.argwhere(thin.voxels == Label.kidney(side))) for side in Side}
    right, left = (float(place[:, 0].mean()) if len(place) else None for place in places.values())
    name = seen.case.name
    if right is not None and left is not None:
        if right <= left:
            seen.error(
                f"The sides of {name} are mixed up: its left kidney lies to the patient's right of the right one."
            )
        return
    if seen.ct is None or (right is None and left is None):
        return
    mask = np.isin(thin.voxels, KIDNEY_LABELS + MASS_LABELS)
    coarse = seen.ct.voxels[:: steps[0], :: steps[1], :: steps[2]]
    midline = body_at(thin.with_voxels(coarse), [Component(mask, 1.0, 1.0)]).midline_r
    side, beyond = (Side.LEFT, left - midline) if left is not None else (Side.RIGHT, midline - (right or 0.0))
    if beyond > _FAR_OVER_MM:
        seen.error(
            f"The sides of {name} look mixed up: its only kidney is labelled {side.value} but lies {beyond:.0f} mm to"
            f" the other side of the body's midline."
        )


def _check_hounsfield(seen: Inspected, ct: Volume, labels: Volume) -> None:
    for side in Side:
        tissue = ct.voxels[labels.voxels == Label.kidney(side)]
        if tissue.size == 0:
            continue
        mean = float(np.clip(tissue, *_CLIPPED_HU).mean())
        if not _KIDNEY_HU[0] <= mean <= _KIDNEY_HU[1]:
            seen.error(f"The {side.value} kidney of {seen.case.name} has a mean of {mean:.0f} HU, which no kidney has.")


def _across(dataset: Dataset, digests: dict[str, dict[str, str]]) -> Iterator[Finding]:
    for what in ("CT", "mask"):
        same = defaultdict(list)
        for name, known in digests.items():
            if what in known:
                same[known[what]].append(name)
        for names in same.values():
            if len(names) > 1:
                text = f"{' and '.join(names)} have the same {what}, voxel for voxel."
                yield Finding(Severity.ERROR if what == "CT" else Severity.WARNING, names[1], text)
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    for case in dataset:
        part = dataset.part_of(case)
        if part:
            parts[case.patient].setdefault(part, case.name)
        elif dataset.split:
            yield Finding(Severity.WARNING, case.name, f"{case.name} came after the split and is in no part of it.")
    for patient, held in parts.items():
        if len(held) > 1:
            text = f"The patient {patient} is in more than one part of the split: {' and '.join(held)}."
            yield Finding(Severity.ERROR, next(iter(held.values())), text)
    for part in dataset.split:
        members = dataset.split[part]
        if len(set(members)) < len(members):
            text = f"The part {part} of the split names a case twice; repeats belong into their column."
            yield Finding(Severity.WARNING, "", text)


def _strange_files(dataset: Dataset) -> Iterator[Finding]:
    known = {case.image_path for case in dataset if case.has_image}
    known |= {case.label_path(reader) for case in dataset for reader in case.readers}
    for folder in ("images", "labels"):
        for path in sorted((dataset.folder / folder).glob("*")):
            relative = f"{folder}/{path.name}"
            if relative not in known:
                text = f"{relative} belongs to no case; it was left by a writer that was stopped, and may be deleted."
                yield Finding(Severity.WARNING, "", text)


def _grids(labels: Volume, ct: Volume) -> str:
    if labels.shape != ct.shape:
        return f"{labels.shape} against {ct.shape} voxels"
    corners = np.array([[0, 0, 0], np.subtract(ct.shape, 1)])
    return f"up to {np.abs(labels.ras(corners) - ct.ras(corners)).max():.1f} mm away"


def _digest(volume: Volume) -> str:
    total = hashlib.sha256(str(volume.shape).encode())
    for plane in volume.voxels:
        total.update(np.ascontiguousarray(plane, dtype=np.int16).tobytes())
    return total.hexdigest()
