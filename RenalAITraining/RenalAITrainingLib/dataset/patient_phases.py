"""Patient phases: the cases of a dataset that show one patient in several contrast phases (or MR sequences)."""

from __future__ import annotations

from collections.abc import Sequence

from RenalAILib.contrast_phases import ContrastPhase
from RenalAILib.phases.scans import PhasedScan
from RenalAILib.volume import Volume

from .case import Case
from .folder import Dataset
from .vocabulary import ScanPhase

_SEGMENTED_FIRST = (ScanPhase.NEPHROGRAPHIC, ScanPhase.CORTICOMEDULLARY, ScanPhase.EXCRETORY, ScanPhase.UNENHANCED)
_AT_WORK = {ScanPhase.UNENHANCED.value: ContrastPhase.PLAIN.value}


def phase_at_work(word: str) -> str:
    """A dataset's word for a phase as bundles and findings say it.

    Example:
        >>> phase_at_work("unenhanced"), phase_at_work("t1ce")
        ('plain', 't1ce')
    """
    return _AT_WORK.get(word, word)


def patients_in_phases(dataset: Dataset, part: str | None, phases: Sequence[str]) -> list[tuple[Case, ...]]:
    """The cases of each patient, one a phase, those that a radiologist would segment first come first.

    Args:
        dataset: whose cases say their phases.
        part: of the split; None is all.
        phases: words of the dataset; patients without any of them are left out, other cases too.
    """
    found: dict[str, dict[str, Case]] = {}
    for case in dataset:
        if case.has_image and case.phase_word in phases and part in (None, dataset.part_of(case)):
            found.setdefault(case.patient, {}).setdefault(case.phase_word, case)
    preferred = [phase.value for phase in _SEGMENTED_FIRST]
    order = [*(word for word in preferred if word in phases), *(word for word in phases if word not in preferred)]
    return [tuple(cases[word] for word in order if word in cases) for cases in found.values()]


def other_phases(dataset: Dataset, case: Case, phases: Sequence[str]) -> list[Case]:
    """The other scans of a case's patient, one a phase, in phases that a bundle names and the case is not in."""
    found: dict[str, Case] = {}
    for other in dataset:
        word = phase_at_work(other.phase_word)
        if other.patient == case.patient and other.has_image and word in phases and other.phase_word != case.phase_word:
            found.setdefault(word, other)
    return list(found.values())


def scan_of(dataset: Dataset, case: Case, ct: Volume | None = None) -> PhasedScan:
    """The CT of a case (read, unless it is given) with the phase that the dataset says.

    Raises:
        InputError: it cannot be read.
    """
    volume = dataset.volume(case) if ct is None else ct
    return PhasedScan(case.name, phase_at_work(case.phase_word), volume, certain=True)
