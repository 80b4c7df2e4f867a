"""The contrast phase of a series, as far as its headers tell: words, seconds after the injection, agents, order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..contrast_phases import ContrastPhase, PhaseGuess

_WORDS = (
    (ContrastPhase.PLAIN, r"non[ -]?con|without|unenhanced|\bnati|\bplain|\bw/?o\b|\bpre\b|pre[ -]?con|\bc-"),
    (ContrastPhase.EXCRETORY, r"excret|urogr|pyelogr|delay|\blate\b|\bsp[aä]t"),
    (ContrastPhase.NEPHROGRAPHIC, r"portal|ven|nephro|\bpv|\bnp\b|parenchym"),
    (ContrastPhase.CORTICOMEDULLARY, r"arter|\bart\b|cortico|\bcmp?\b"),
    (ContrastPhase.CONTRAST, r"contrast|enhanced|\bpost\b|\bce\b|c\+|\bkm\b|\bi\.?v\b"),
)
_PATTERNS = tuple((phase, re.compile(pattern, re.IGNORECASE)) for phase, pattern in _WORDS)
_FIRST_PASS_S, _NEPHROGRAPHIC_S, _EXCRETORY_S = 20.0, 70.0, 180.0
_LONGEST_S = 1800.0  # a later scan, or a clock that was not set


@dataclass(frozen=True)
class PhaseClues:
    """What the headers of one series say.

    Attributes:
        told: its description and image type.
        agent: whether a contrast agent is named.
        acquired_s: when it was acquired, in seconds of any clock that the study's series share; None where not told.
        injected_s: when the injection began, by the same clock.
    """

    told: str
    agent: bool
    acquired_s: float | None
    injected_s: float | None


def phases_of_headers(series: Sequence[PhaseClues]) -> list[PhaseGuess]:
    """The phase of each series of one study: by its words, else by the delay, else by agents and order."""
    guesses = [_alone(clues) for clues in series]
    start = min(
        (clues.acquired_s for clues, guess in zip(series, guesses, strict=True) if _open(guess) and clues.acquired_s),
        default=None,
    )
    named = any(guess.phase.has_contrast for guess in guesses)
    result = []
    for clues, guess in zip(series, guesses, strict=True):
        if guess.phase is ContrastPhase.UNKNOWN and named:
            guess = PhaseGuess(ContrastPhase.PLAIN, "no contrast agent is named, but in other series of the study")
        elif guess.phase is ContrastPhase.CONTRAST and start is not None and clues.acquired_s is not None:
            guess = _after_first(clues.acquired_s - start, guess, _later(series, guesses, start))
        result.append(guess)
    return result


def phase_of_words(text: str) -> ContrastPhase | None:
    """The phase that a description names; CONTRAST where it names none but says that contrast medium is in.

    Example:
        >>> phase_of_words("Abdomen portal venous 2.0"), phase_of_words("non-contrast"), phase_of_words("Abdomen")
        (<ContrastPhase.NEPHROGRAPHIC: 'nephrographic'>, <ContrastPhase.PLAIN: 'plain'>, None)
    """
    return next((phase for phase, pattern in _PATTERNS if pattern.search(text)), None)


def phase_of_delay(seconds: float) -> ContrastPhase | None:
    """The phase so long after the injection began; None where that cannot be."""
    if seconds < 0:
        return ContrastPhase.PLAIN
    if seconds > _LONGEST_S or seconds < _FIRST_PASS_S:
        return None
    if seconds < _NEPHROGRAPHIC_S:
        return ContrastPhase.CORTICOMEDULLARY
    return ContrastPhase.NEPHROGRAPHIC if seconds <= _EXCRETORY_S else ContrastPhase.EXCRETORY


def _alone(clues: PhaseClues) -> PhaseGuess:
    """One series by itself."""
    worded = phase_of_words(clues.told)
    if worded is not None and worded is not ContrastPhase.CONTRAST:
        return PhaseGuess(worded, "its description")
    if clues.acquired_s is not None and clues.injected_s is not None:
        seconds = clues.acquired_s - clues.injected_s
        timed = phase_of_delay(seconds)
        if timed is not None:
            when = f"{seconds:.0f} s after" if seconds >= 0 else f"{-seconds:.0f} s before"
            return PhaseGuess(timed, f"{when} the injection began")
    if worded is not None:
        return PhaseGuess(worded, "its description")
    if clues.agent:
        return PhaseGuess(ContrastPhase.CONTRAST, "a contrast agent is named")
    return PhaseGuess(ContrastPhase.UNKNOWN, "nothing tells")


def _open(guess: PhaseGuess) -> bool:
    return guess.phase is ContrastPhase.CONTRAST


def _later(series: Sequence[PhaseClues], guesses: Sequence[PhaseGuess], start: float) -> bool:
    """Whether a contrast series whose phase is open began later than the first."""
    return any(
        _open(guess) and clues.acquired_s is not None and clues.acquired_s > start + 10
        for clues, guess in zip(series, guesses, strict=True)
    )


def _after_first(seconds: float, guess: PhaseGuess, others: bool) -> PhaseGuess:
    """Of several contrast series without any name the first is usually taken at 30 s, the last after minutes."""
    if not others:
        return guess
    if seconds <= 10:
        return PhaseGuess(ContrastPhase.CORTICOMEDULLARY, "the first of several contrast series")
    if seconds <= _EXCRETORY_S - 30:
        return PhaseGuess(ContrastPhase.NEPHROGRAPHIC, f"{seconds:.0f} s after the first contrast series")
    return PhaseGuess(ContrastPhase.EXCRETORY, f"{seconds:.0f} s after the first contrast series")
