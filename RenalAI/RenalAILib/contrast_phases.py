"""Contrast phases of a CT of the kidneys, and which one an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

PLAIN_BELOW_HU = 60.0
_BRIGHT_PELVIS = 1.7  # urine with contrast medium is that much brighter than the kidney around it
_CORTEX_STANDS_OUT = 1.4  # times the spread of the evenest phase
_CORTEX_ALONE = 0.35


class ContrastPhase(Enum):
    """Seconds after the injection began, usually: 25 to 70, 70 to 180, above 180."""

    PLAIN = "plain"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"
    CONTRAST = "contrast"  # which phase is not known
    UNKNOWN = "unknown"

    @property
    def has_contrast(self) -> bool:
        """Whether contrast medium is known to be in."""
        return self not in (ContrastPhase.PLAIN, ContrastPhase.UNKNOWN)


@dataclass(frozen=True)
class PhaseGuess:
    """A phase and what speaks for it, in words for the radiologist."""

    phase: ContrastPhase
    why: str


def phases_of_kidneys(values_hu: Sequence[np.ndarray]) -> list[PhaseGuess]:
    """The phase of each of several scans of one patient, from the HU of the same kidneys in each.

    Kidneys under 60 HU are unenhanced; where a hundredth of them is far brighter than their middle, contrast medium is
    in the renal pelvis (excretory). Between the two others only the cortex decides, which stands out in the
    corticomedullary phase: how much depends on scanner and patient, so it is told by comparison or where it is a lot.

    Args:
        values_hu: for each scan HU means of small neighborhoods within the kidneys, any number, at least one.
    """
    shares = [np.percentile(values, (50, 95, 99)) for values in values_hu]
    spreads = [float((high - middle) / max(middle, 1.0)) for middle, high, _ in shares]
    shown = [_plain_or_excretory(*share) for share in shares]
    open_ones = [spread for spread, guess in zip(spreads, shown, strict=True) if guess is None]
    evenest = min(open_ones, default=0.0)
    result = []
    for spread, guess in zip(spreads, shown, strict=True):
        if guess is not None:
            result.append(guess)
        elif spread > _CORTEX_ALONE or (len(open_ones) > 1 and spread > _CORTEX_STANDS_OUT * evenest):
            result.append(PhaseGuess(ContrastPhase.CORTICOMEDULLARY, "the renal cortex stands out"))
        elif len(open_ones) > 1:
            result.append(PhaseGuess(ContrastPhase.NEPHROGRAPHIC, "the kidneys are bright and even"))
        else:
            result.append(PhaseGuess(ContrastPhase.CONTRAST, "the kidneys are bright"))
    return result


def decided(told: PhaseGuess, seen: PhaseGuess) -> ContrastPhase:
    """By the headers, unless they leave it open or the image shows that no contrast medium, or some, is in."""
    if seen.phase is ContrastPhase.UNKNOWN:
        return told.phase
    if told.phase in (ContrastPhase.UNKNOWN, ContrastPhase.CONTRAST):
        return seen.phase
    return seen.phase if told.phase.has_contrast is not seen.phase.has_contrast else told.phase


def _plain_or_excretory(middle: float, _: float, top: float) -> PhaseGuess | None:
    if middle < PLAIN_BELOW_HU:
        return PhaseGuess(ContrastPhase.PLAIN, f"the kidneys measure {middle:.0f} HU")
    if top > _BRIGHT_PELVIS * middle:
        return PhaseGuess(ContrastPhase.EXCRETORY, "there is contrast medium in the renal pelvis")
    return None
