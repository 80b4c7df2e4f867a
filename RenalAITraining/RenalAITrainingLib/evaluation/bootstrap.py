"""Bootstrap: 95 % intervals of confidence, drawn over patients.

Patients are drawn with replacement as often as there are patients, and everything of a patient comes along: the masses
of one kidney are not independent. The interval is that of the percentiles (Efron and Tibshirani 1993, chapter 13).
Every measure here is a sum over a sum, so that a resample is a weighted sum and thousands of them cost one product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
FEW_PATIENTS = 10
"""Below so many, intervals of percentiles are too narrow to be believed."""
SEED = 20230923
_CONFIDENCE = 95.0


@dataclass(frozen=True)
class Estimate:
    """A measured value with its interval of confidence; None where it cannot be measured.

    Attributes:
        value: from all units.
        low, high: 95 % interval; None with fewer than two patients.
        count: the units behind it (kidneys, masses, cases).
    """

    value: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True, eq=False)
class Ratio:
    """A sum of parts over a sum of wholes, one of each for every unit.

    Attributes:
        patients: of each unit.
        parts, wholes: of each unit; a mean has wholes of 1.

    Example:
        >>> Ratio.of([("a", 1.0, 1.0), ("a", 0.0, 1.0), ("b", 1.0, 1.0)]).value
        0.6666666666666666
    """

    patients: tuple[str, ...]
    parts: Floats
    wholes: Floats

    @classmethod
    def of(cls, units: Iterable[tuple[str, float, float]]) -> Ratio:
        """From (patient, part, whole) of each unit."""
        told = list(units)
        return cls(
            tuple(patient for patient, _, _ in told),
            np.array([part for _, part, _ in told], dtype=np.float64),
            np.array([whole for _, _, whole in told], dtype=np.float64),
        )

    @classmethod
    def mean(cls, units: Iterable[tuple[str, float | None]]) -> Ratio:
        """The mean of (patient, value); what could not be measured is left out."""
        return cls.of((patient, value, 1.0) for patient, value in units if value is not None)

    @property
    def value(self) -> float | None:
        """None where there is nothing to divide by."""
        whole = float(self.wholes.sum())
        return float(self.parts.sum()) / whole if whole > 0 else None

    @property
    def count(self) -> int:
        """Units with a whole."""
        return int(np.count_nonzero(self.wholes))


class Resamples:
    """How often each patient is drawn in each resample.

    Args:
        patients: all of the evaluation, each once or more.
        count: of resamples.
        seed: what is drawn depends on it and on the set of patients alone: two systems on the same patients share it,
            so that their difference is a paired one.
    """

    def __init__(self, patients: Iterable[str], count: int = RESAMPLES, seed: int = SEED) -> None:
        self._place = {patient: n for n, patient in enumerate(sorted(set(patients)))}
        many = len(self._place)
        self.count, self.seed, self.patients = count, seed, many
        chances = np.full(many, 1 / many) if many else np.zeros(0)
        rng = np.random.default_rng(seed)
        self._drawn = rng.multinomial(many, chances, size=count).astype(np.float64) if many else np.zeros((count, 0))

    def weights(self, patients: Iterable[str]) -> Floats:
        """(resamples, units): how often each unit is drawn."""
        return self._drawn[:, [self._place[patient] for patient in patients]]

    def ratios(self, ratio: Ratio) -> Floats:
        """(resamples,): the ratio in each; not a number where its whole is 0."""
        if not ratio.patients:
            return np.full(self.count, np.nan)
        place = [self._place[patient] for patient in ratio.patients]
        parts, wholes = (np.bincount(place, values, self.patients) for values in (ratio.parts, ratio.wholes))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self._drawn @ parts) / (self._drawn @ wholes), dtype=np.float64)

    def estimate(self, ratio: Ratio) -> Estimate:
        """The ratio with its interval."""
        return self.interval(ratio.value, self.ratios(ratio), ratio.count)

    def difference(self, first: Ratio, second: Ratio) -> Estimate:
        """Second minus first, paired: both are measured on the same patients in each resample."""
        a, b = first.value, second.value
        value = None if a is None or b is None else b - a
        return self.interval(value, self.ratios(second) - self.ratios(first), min(first.count, second.count))

    def interval(self, value: float | None, resampled: Floats, count: int) -> Estimate:
        """An estimate from a measure's value in each resample; those in which it is not a number are left out."""
        told = resampled[np.isfinite(resampled)]
        if value is None or self.patients < 2 or told.size < 2:
            return Estimate(value, None, None, count)
        beyond = (100 - _CONFIDENCE) / 2
        low, high = np.percentile(told, [beyond, 100 - beyond])
        return Estimate(value, float(low), float(high), count)
