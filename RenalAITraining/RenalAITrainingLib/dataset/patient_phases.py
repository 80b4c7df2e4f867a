"""Patient phases: the cases of a dataset that show one patient in several contrast phases (or MR sequences)."""

from __future__ import annotations

from collections.abc import Sequence

from RenalAILib.contrast_phases import ContrastPhase
from RenalAILib.phased_scans import PhasedScan

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


def scan_of(dataset: Dataset, case: Case) -> PhasedScan:
    """The CT of a case with the phase that the dataset says. Raises InputError where it cannot be read."""
    return PhasedScan(case.name, phase_at_work(case.phase_word), dataset.volume(case), certain=True)
