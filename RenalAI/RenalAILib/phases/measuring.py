"""Phases: what is found in one contrast phase of a study, measured in all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..anatomy.evidence import evidence, measure, neighborhood_means
from ..anatomy.masses import MassRegion
from ..boxes import Box
from ..contrast_phases import ContrastPhase, PhaseGuess, decided, phases_of_kidneys
from ..findings import Mass, Outcome
from ..labels import Side
from ..orientation import Orientation, canonical
from ..volume import Volume
from .registration import Motion, register, shift_sentences

SCHEMA = "renalai.phases/1"
_MOST_POINTS = 20_000

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OtherPhase:
    """A scan of the same study in another phase, and what its headers say."""

    label: str
    guess: PhaseGuess
    volume: Volume


@dataclass(frozen=True)
class Shift:
    """How far a kidney lies elsewhere in another phase than in the segmented one: RAS mm, and degrees."""

    segment_id: str
    shift_mm: tuple[float, float, float]
    distance_mm: float
    rotation_deg: float


@dataclass(frozen=True)
class PhaseReading:
    """One phase.

    Attributes:
        label: of the series.
        phase: what it is taken for: by its headers, else by the kidneys in it.
        by_headers, by_image: what each says, with the reason.
        shifts: of each kidney; empty for the segmented phase, without those it does not show.
        mean_hu: of each kidney and mass by segment ID, None where the phase does not show it.
    """

    label: str
    phase: str
    by_headers: str
    by_image: str
    shifts: tuple[Shift, ...]
    mean_hu: dict[str, float | None]


@dataclass(frozen=True)
class PhaseTable:
    """The segmented phase, then the others in the order of their acquisition.

    Attributes:
        enhancement_hu: of each mass, its highest mean less that of the plain phase; None where there is no plain one
            or no other.
    """

    phases: tuple[PhaseReading, ...]
    enhancement_hu: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``."""
        return {"schema": SCHEMA, **asdict(self)}


def measure_phases(
    outcome: Outcome,
    label: str,
    guess: PhaseGuess,
    others: Sequence[OtherPhase],
    progress: Callable[[float, str], None] = lambda *_: None,
) -> tuple[Outcome, PhaseTable]:
    """Kidneys and masses in every phase; each kidney is registered by itself, its masses move with it.

    Where a plain phase is among them, the evidence of each mass is measured anew against it (or, where the plain phase
    was segmented, against the nephrographic or another contrast phase), and enhancement is known. Sentences on phases
    and shifts join the warnings of the findings.

    Args:
        outcome: of the phase that was segmented.
        label: of its series.
        guess: what its headers say.
        others: of the same study.
        progress: called with a fraction and a sentence.
    """
    view = canonical(outcome.volume)
    instances = Orientation.of(outcome.volume).apply(outcome.instances)
    masks = {segment.segment_id: instances == n for n, segment in enumerate(outcome.segments, start=1)}
    organs = _organs(outcome, masks)
    points = {name: _points(view, mask) for name, mask in masks.items()}
    motions: list[dict[Side, Motion | None]] = []
    for number, other in enumerate(others):
        progress(number / len(others), f"Registering {other.label}")
        motions.append({side: register(view, organ, other.volume) for side, organ in organs.items()})
    values = [_values(outcome, points, view, dict.fromkeys(organs, np.eye(4)))]
    for other, motion in zip(others, motions, strict=True):
        matrices = {side: found.matrix for side, found in motion.items() if found is not None}
        values.append(_values(outcome, points, other.volume, matrices))
    names, guesses = [label, *(other.label for other in others)], [guess, *(other.guess for other in others)]
    shown = _by_image(outcome, values)
    phases = [decided(told, seen) for told, seen in zip(guesses, shown, strict=True)]
    readings = tuple(
        PhaseReading(
            label=names[n],
            phase=phases[n].value,
            by_headers=_told(guesses[n]),
            by_image=_told(shown[n]),
            shifts=() if n == 0 else _shifts(outcome, motions[n - 1]),
            mean_hu={name: _mean(found) for name, found in values[n].items()},
        )
        for n in range(len(names))
    )
    table = PhaseTable(readings, _enhancement(outcome, phases, readings))
    against = _against(phases)
    if against is not None:
        outcome = _measured_against(outcome, view, masks, others[against - 1], motions[against - 1])
    sentences = _sentences(table, None if against is None else names[against], [*zip(guesses, shown, strict=True)])
    findings = replace(outcome.findings, warnings=(*outcome.findings.warnings, *sentences))
    return replace(outcome, findings=findings), table


def _organs(outcome: Outcome, masks: dict[str, np.ndarray]) -> dict[Side, np.ndarray]:
    """The kidneys of a side with their masses, for those sides that have any."""
    found: dict[Side, np.ndarray] = {}
    for segment in outcome.segments:
        mask = masks[segment.segment_id]
        if mask.any():
            found[segment.side] = mask if segment.side not in found else found[segment.side] | mask
    return found


def _points(view: Volume, mask: np.ndarray) -> Points:
    """Voxel centers of a segment in RAS, evenly thinned where there are very many."""
    at = np.argwhere(mask)
    return view.ras(at[:: max(1, len(at) // _MOST_POINTS)])


def _values(
    outcome: Outcome, points: dict[str, Points], scan: Volume, matrices: dict[Side, Points]
) -> dict[str, npt.NDArray[np.float32]]:
    """HU of each segment in a scan, means of small neighborhoods; empty where the scan does not show it.

    Args:
        matrices: by side, 4x4, from the points to the scan.
    """
    result: dict[str, npt.NDArray[np.float32]] = {}
    for segment in outcome.segments:
        ras = points[segment.segment_id]
        if segment.side not in matrices or not len(ras):
            result[segment.segment_id] = np.zeros(0, np.float32)
            continue
        matrix = matrices[segment.side]
        ras = ras @ matrix[:3, :3].T + matrix[:3, 3]
        hu = neighborhood_means(scan, ras)
        known = np.isfinite(hu)
        result[segment.segment_id] = hu[known] if known.mean() >= 0.8 else np.zeros(0, np.float32)
    return result


def _by_image(outcome: Outcome, values: Sequence[dict[str, npt.NDArray[np.float32]]]) -> list[PhaseGuess]:
    kidneys = [kidney.segment_id for kidney in outcome.findings.kidneys]
    pooled = [np.concatenate([np.zeros(0, np.float32), *(found[name] for name in kidneys)]) for found in values]
    shown = iter(phases_of_kidneys([each for each in pooled if each.size]))
    nothing = PhaseGuess(ContrastPhase.UNKNOWN, "no kidney is in view")
    return [next(shown) if each.size else nothing for each in pooled]


def _told(guess: PhaseGuess) -> str:
    return f"{guess.phase.value} ({guess.why})"


def _mean(values: npt.NDArray[np.float32]) -> float | None:
    return round(float(values.mean()), 2) if values.size else None


def _shifts(outcome: Outcome, motions: dict[Side, Motion | None]) -> tuple[Shift, ...]:
    shifts = []
    for kidney in outcome.findings.kidneys:
        motion = motions.get(kidney.side)
        if motion is not None:
            right, anterior, superior = (round(value, 2) for value in motion.shift_mm)
            angle = round(motion.rotation_deg, 2)
            shifts.append(Shift(kidney.segment_id, (right, anterior, superior), round(motion.distance_mm, 2), angle))
    return tuple(shifts)


def _enhancement(
    outcome: Outcome, phases: Sequence[ContrastPhase], readings: Sequence[PhaseReading]
) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for mass in outcome.findings.masses:
        hu = [(phase, reading.mean_hu[mass.segment_id]) for phase, reading in zip(phases, readings, strict=True)]
        plain = [value for phase, value in hu if value is not None and phase is ContrastPhase.PLAIN]
        bright = [value for phase, value in hu if value is not None and phase.has_contrast]
        result[mass.segment_id] = round(max(bright) - plain[0], 2) if plain and bright else None
    return result


def _against(phases: Sequence[ContrastPhase]) -> int | None:
    """Which phase the segmented one (the first) is measured against; None where enhancement cannot be known."""
    if phases[0] is not ContrastPhase.PLAIN:
        return next((n for n, phase in enumerate(phases) if n and phase is ContrastPhase.PLAIN), None)
    order = (
        ContrastPhase.NEPHROGRAPHIC,
        ContrastPhase.CONTRAST,
        ContrastPhase.CORTICOMEDULLARY,
        ContrastPhase.EXCRETORY,
    )
    return next((phases.index(phase) for phase in order if phase in phases), None)


def _measured_against(
    outcome: Outcome,
    view: Volume,
    masks: dict[str, np.ndarray],
    other: OtherPhase,
    motions: dict[Side, Motion | None],
) -> Outcome:
    """The evidence of each mass with the other phase as second one, moved to where the mass lies."""
    masses: list[Mass] = []
    for mass in outcome.findings.masses:
        motion, mask = motions.get(mass.side), masks[mass.segment_id]
        box = Box.around(mask)
        if motion is None or box is None:
            masses.append(mass)
            continue
        region = MassRegion(mass.side, box, mask[box.slices])
        measured = measure(region, view, motion.bring(other.volume))
        masses.append(replace(mass, evidence=evidence(measured, mass.mass_class, unenhanced=False)))
    return replace(outcome, findings=replace(outcome.findings, masses=tuple(masses)))


def _sentences(table: PhaseTable, against: str | None, guesses: Sequence[tuple[PhaseGuess, PhaseGuess]]) -> list[str]:
    first, *others = table.phases
    if not others:
        return [f"The study has no other contrast phase than {first.label}, {first.phase}."]
    sentences = [f"{first.label}, {first.phase}, was segmented; the others are registered on it kidney by kidney."]
    for reading in others:
        shifts = {shift.segment_id.replace("_", " "): shift.distance_mm for shift in reading.shifts}
        sentences += shift_sentences(reading.label, f"{reading.label}, {reading.phase}", shifts)
    for reading, (told, seen) in zip(table.phases, guesses, strict=True):
        both = told.phase is not ContrastPhase.UNKNOWN and seen.phase is not ContrastPhase.UNKNOWN
        if both and told.phase.has_contrast is not seen.phase.has_contrast:
            sentences.append(
                f"{reading.label} is {told.phase.value} by {told.why}, but {seen.why}: it counts as {reading.phase}."
            )
    if against is not None:
        sentences.append(f"Enhancement is measured between {first.label} and {against}.")
    return sentences
