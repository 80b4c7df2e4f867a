"""DICOM series: what lies in a folder, which series is the one to segment, and that series as a volume."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..contrast_phases import ContrastPhase, PhaseGuess
from ..errors import InputError
from .dicom_header import Header, is_dicom, read_header, walk_dicom
from .dicom_phase import PhaseClues, phases_of_headers
from .dicom_pixels import read_pixels
from .dicom_stack import stack, thinned
from .stored import Stored

__all__ = [
    "ChosenSeries",
    "Series",
    "choose_series",
    "described",
    "is_dicom",
    "list_series",
    "phase_name",
    "read_chosen",
    "read_series",
]

_SHARP = re.compile(r"lung|bone|edge|\b[bh][67]\d|\bbr[67]\d|\bfc[358]\d", re.IGNORECASE)
_SAME_SCAN_S = 10.0
_PROJECTED = {"LOCALIZER", "MIP", "MINIP", "PROJECTION IMAGE"}


@dataclass(frozen=True)
class Series:
    """One series of a folder, from its headers alone.

    Attributes:
        uid: Series Instance UID.
        orientation: ``axial``, ``sagittal``, ``coronal``, ``oblique``, or ``none`` where the files do not say.
        spacing_mm: (k, j, i) as far as the headers tell; k is the usual step between slices.
        study_uid: Study Instance UID.
        study: its description.
        phase: of contrast, as far as the headers of the whole study tell.
        sharp: reconstructed for lung or bone.
        projected: a localizer or a projection (MIP).
    """

    uid: str
    number: int | None
    description: str
    modality: str
    slices: int
    orientation: str
    spacing_mm: tuple[float, float, float]
    study_uid: str
    study: str
    phase: PhaseGuess
    sharp: bool
    projected: bool
    headers: tuple[Header, ...] = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """How messages call it, e.g. ``series 3 (Portal venous 2.0)``."""
        told = f"series {self.number}" if self.number is not None else f"series {self.uid}"
        return f"{told} ({self.description})" if self.description else told

    @property
    def shows_a_phase(self) -> bool:
        """Whether it is a scan of the body in one phase: axial CT of at least 10 slices that is no projection."""
        return self.modality == "CT" and self.orientation == "axial" and self.slices >= 10 and not self.projected

    @property
    def contrast(self) -> int:
        """2 nephrographic (portal venous), 1 another contrast phase, 0 none known of."""
        return 2 if self.phase.phase is ContrastPhase.NEPHROGRAPHIC else int(self.phase.phase.has_contrast)

    @property
    def preference(self) -> tuple[float, ...]:
        """Larger is better: a stack rather than a localizer, axial, contrast, soft kernel, long, thin slices."""
        length = self.slices * self.spacing_mm[0]
        return (
            not self.projected,
            self.slices >= 10,
            self.orientation == "axial",
            self.contrast,
            not self.sharp,
            round(length / 30.0),
            -self.spacing_mm[0],
            self.slices,
        )


def list_series(folder: Path) -> list[Series]:
    """The image series in ``folder`` and below it, of any modality, in the order of their numbers.

    Raises:
        InputError: a file has a damaged header.
        OSError: the folder cannot be read.
    """
    grouped: dict[str, list[Header]] = {}
    for path in walk_dicom(folder):
        header = read_header(path)
        if header is not None:
            grouped.setdefault(header.series_uid, []).append(header)
    found = _with_phases([_series(uid, headers) for uid, headers in grouped.items()])
    return sorted(found, key=lambda series: (series.number is None, series.number or 0, series.uid))


def read_series(path: Path, wanted: str | None) -> tuple[Stored, str]:
    """The wanted series in a folder, or the best axial contrast CT, and the name of the volume.

    Args:
        path: a folder, or one DICOM file, which stands for its series in its folder.
        wanted: Series Instance UID or series number.

    Raises:
        InputError: no such series, no CT, or a series that makes no regular stack.
    """
    chosen = choose_series(path, wanted)
    return read_chosen(path, chosen.series, chosen.notes)


@dataclass(frozen=True)
class ChosenSeries:
    """The series to read, why, and what else lies there."""

    series: Series
    notes: tuple[str, ...]
    others: tuple[Series, ...]

    @property
    def other_phases(self) -> tuple[Series, ...]:
        """The other contrast phases of the same study, the best series of each, in the order of their acquisition.

        Axial CT of at least 10 slices that is no projection. Two series of one phase that were acquired within 10 s of
        each other are reconstructions of the same scan.
        """
        kept = [self.series]
        for series in sorted(self.others, key=lambda each: each.preference, reverse=True):
            beside = series.study_uid == self.series.study_uid
            if series.shows_a_phase and beside and not any(_same_scan(series, each) for each in kept):
                kept.append(series)
        return tuple(sorted(kept[1:], key=lambda each: (_acquired(each) or 0.0, each.number or 0)))


def choose_series(path: Path, wanted: str | None) -> ChosenSeries:
    """The wanted series, or the best by :attr:`Series.preference`.

    Raises:
        InputError: no such series, or no CT.
    """
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and wanted is None:
        header = read_header(path)
        if header is None:
            raise InputError(f"{path.name} is a DICOM file without an image")
        wanted = header.series_uid
    found = list_series(folder)
    if not found:
        raise InputError(f"{folder} holds no DICOM images; for NIfTI, NRRD or MetaImage give the file itself")
    series, notes = _asked(folder, found, wanted) if wanted is not None else _best(folder, found)
    return ChosenSeries(series, notes, tuple(each for each in found if each is not series))


def read_chosen(path: Path, series: Series, notes: tuple[str, ...] = (), step_mm: float = 0.0) -> tuple[Stored, str]:
    """A series as a volume, and its name. Raises InputError where it makes no regular stack of CT.

    Args:
        path: its folder, or a file in it.
        series: of that folder.
        notes: to which those about the series are added.
        step_mm: slices are left out as long as the others are no further apart.
    """
    folder = path if path.is_dir() else path.parent
    name = f"{folder.resolve().name}, {series.label}"
    if series.modality != "CT":
        raise InputError(f"{name} is {series.modality or 'of unknown modality'}, not CT")
    built = thinned(stack(name, series.headers), step_mm)
    slices = tuple(header.path for header in built.headers)
    if any(header.minor for header in built.headers):
        notes = (*notes, "The patient is under 18 years old by the DICOM header; the networks were trained on adults.")
    return Stored(read_pixels(name, built.headers), built.ijk_to_ras, (*notes, *built.notes), slices), name


def _asked(folder: Path, found: Sequence[Series], wanted: str) -> tuple[Series, tuple[str, ...]]:
    hits = [series for series in found if wanted in (series.uid, str(series.number))]
    if len(hits) == 1:
        return hits[0], ()
    listed = "; ".join(f"{series.label}, UID {series.uid}" for series in hits or found)
    problem = f"{len(hits)} series with the number {wanted}" if hits else f"no series {wanted}"
    raise InputError(f"{folder} holds {problem}; there are: {listed}")


def _best(folder: Path, found: Sequence[Series]) -> tuple[Series, tuple[str, ...]]:
    ct = [series for series in found if series.modality == "CT"]
    if not ct:
        counts = Counter(series.modality or "unknown" for series in found)
        raise InputError(
            f"{folder} holds no CT, only " + ", ".join(f"{n} series of {kind}" for kind, n in counts.items())
        )
    best = max(ct, key=lambda series: series.preference)
    others = [series.label for series in found if series is not best]
    if not others:
        return best, ()
    taken = f"{best.orientation}, {described(best.phase)}, {best.slices} slices of {best.spacing_mm[0]:.1f} mm"
    return best, (f"Of {len(found)} series, {best.label} was taken ({taken}); not taken: {'; '.join(others)}.",)


def _series(uid: str, headers: Sequence[Header]) -> Series:
    first = headers[len(headers) // 2]
    orientation, step = _orientation_and_step(headers)
    between_rows, between_columns = first.pixel_spacing or (0.0, 0.0)
    return Series(
        uid=uid,
        number=first.series_number,
        description=first.description,
        modality=first.modality,
        slices=len(headers),
        orientation=orientation,
        spacing_mm=(step, between_rows, between_columns),
        study_uid=first.study_uid,
        study=first.study,
        phase=PhaseGuess(ContrastPhase.UNKNOWN, "not asked"),
        sharp=bool(_SHARP.search(f"{first.description} {first.kernel}")),
        projected=bool(_PROJECTED & set(first.image_type)),
        headers=tuple(headers),
    )


def phase_name(phase: ContrastPhase) -> str:
    """A phase in words."""
    names = {ContrastPhase.UNKNOWN: "no known contrast", ContrastPhase.CONTRAST: "contrast of unknown phase"}
    return names.get(phase, phase.value)


def described(guess: PhaseGuess) -> str:
    """A guessed phase and why, e.g. ``nephrographic (its description)``."""
    name = phase_name(guess.phase)
    return name if guess.phase is ContrastPhase.UNKNOWN else f"{name} ({guess.why})"


def _with_phases(found: Sequence[Series]) -> list[Series]:
    """The phases of each study's CT series, which tell about one another."""
    result = list(found)
    for study in {series.study_uid for series in found}:
        at = [n for n, series in enumerate(found) if series.study_uid == study and not series.projected]
        for n, guess in zip(at, phases_of_headers([_clues(found[n]) for n in at]), strict=True):
            result[n] = replace(found[n], phase=guess)
    return result


def _acquired(series: Series) -> float | None:
    """When the first slice was acquired, seconds."""
    return min((header.acquired_s for header in series.headers if header.acquired_s is not None), default=None)


def _same_scan(one: Series, other: Series) -> bool:
    first, second = _acquired(one), _acquired(other)
    if first is not None and second is not None:
        return abs(first - second) <= _SAME_SCAN_S
    return one.phase.phase is other.phase.phase


def _clues(series: Series) -> PhaseClues:
    middle = series.headers[len(series.headers) // 2]
    return PhaseClues(
        told=f"{series.description} {' '.join(middle.image_type)}",
        agent=bool(middle.contrast_agent),
        acquired_s=_acquired(series),
        injected_s=middle.injected_s,
    )


def _orientation_and_step(headers: Sequence[Header]) -> tuple[str, float]:
    """The name of the plane (within 30 degrees), and the median distance between neighbouring slices in mm."""
    placed = [header for header in headers if header.position and header.orientation]
    if not placed:
        return "none", 0.0
    orientation = np.reshape(placed[len(placed) // 2].orientation or (), (2, 3))
    normal = np.cross(orientation[0], orientation[1])
    heights = np.unique(np.round([float(np.dot(header.position or (), normal)) for header in placed], 3))
    step = float(np.median(np.diff(heights))) if heights.size > 1 else 0.0
    axis = int(np.argmax(np.abs(normal)))
    plane = ("sagittal", "coronal", "axial")[axis] if abs(normal[axis]) > np.cos(np.radians(30)) else "oblique"
    return plane, step
