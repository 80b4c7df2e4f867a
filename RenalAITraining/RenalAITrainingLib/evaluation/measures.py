"""Measures: the numbers of an evaluation as sums over sums, so that each can be given an interval of confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from RenalAILib.compare import DomainOutcome, StructureAgreement
from RenalAILib.compare.kits import HierarchicalClass
from RenalAILib.labels import MassClass, Side

from .bootstrap import Ratio
from .cases import CaseResult, EvaluatedMass

SIDE_DICE = 0.5
"""Overlap from which a kidney counts as drawn on its own side: mixed up sides overlap not at all."""

Value = Callable[[StructureAgreement], float | None]


def structures(
    results: Iterable[CaseResult], structure: str, side: Side | None = None
) -> list[tuple[str, StructureAgreement]]:
    """(patient, agreement) of one structure on one side or both, where prediction or reference has it."""
    return [
        (result.patient, found)
        for result in results
        for found in result.agreement.structures
        if found.structure == structure and side in (None, found.side)
    ]


def mean_of(results: Iterable[CaseResult], value: Value, structure: str, side: Side | None = None) -> Ratio:
    """The mean of one value over kidneys or sides with masses."""
    return Ratio.mean((patient, value(found)) for patient, found in structures(results, structure, side))


def sides_right(results: Iterable[CaseResult]) -> Ratio:
    """Share of the cases in which every kidney, true or predicted, meets its like on its own side."""
    return Ratio.mean(
        (
            result.patient,
            float(
                all(
                    (found.dice or 0.0) >= SIDE_DICE
                    for found in result.agreement.structures
                    if found.structure == "kidney_and_mass"
                )
            ),
        )
        for result in results
    )


def masses_of(results: Iterable[CaseResult], small: bool | None = None) -> list[EvaluatedMass]:
    """All masses, those under 5 mm (True) or the others (False)."""
    return [mass for result in results for mass in result.masses if small is None or mass.domain.small is small]


def precision(masses: Iterable[EvaluatedMass]) -> Ratio:
    """Share of the predicted masses that are true."""
    return Ratio.of(
        (mass.patient, float(mass.found), 1.0)
        for mass in masses
        if mass.domain.outcome is not DomainOutcome.FALSE_NEGATIVE
    )


def recall(masses: Iterable[EvaluatedMass]) -> Ratio:
    """Share of the true masses that were found."""
    return Ratio.of(
        (mass.patient, float(mass.found), 1.0)
        for mass in masses
        if mass.domain.outcome is not DomainOutcome.FALSE_POSITIVE
    )


def f1(masses: Iterable[EvaluatedMass]) -> Ratio:
    """Harmonic mean of both: 2 TP / (2 TP + FP + FN)."""
    return Ratio.of((mass.patient, 2.0 * mass.found, 2.0 if mass.found else 1.0) for mass in masses)


def accuracy(masses: Iterable[EvaluatedMass], answered: bool = False) -> Ratio:
    """Share of the found masses of known class that were given it.

    Args:
        masses: any; only found ones of known class count.
        answered: leave out those that were called unknown, which are wrong otherwise.
    """
    return Ratio.of(
        (mass.patient, float(mass.domain.predicted_class is mass.domain.true_class), 1.0)
        for mass in masses
        if mass.classifiable and not (answered and mass.domain.predicted_class is MassClass.UNKNOWN)
    )


def unknown(masses: Iterable[EvaluatedMass]) -> Ratio:
    """Share of the found masses of known class that were called unknown."""
    return Ratio.of(
        (mass.patient, float(mass.domain.predicted_class is MassClass.UNKNOWN), 1.0)
        for mass in masses
        if mass.classifiable
    )


def sensitivity(masses: Iterable[EvaluatedMass], cls: MassClass) -> Ratio:
    """Share of the found masses of a class that were given it; unknown is not it."""
    return Ratio.of(
        (mass.patient, float(mass.domain.predicted_class is cls), 1.0)
        for mass in masses
        if mass.classifiable and mass.domain.true_class is cls
    )


def specificity(masses: Iterable[EvaluatedMass], cls: MassClass) -> Ratio:
    """Share of the found masses of the other known classes that were not given this one."""
    return Ratio.of(
        (mass.patient, float(mass.domain.predicted_class is not cls), 1.0)
        for mass in masses
        if mass.classifiable and mass.domain.true_class is not cls
    )


def class_accuracy(masses: Iterable[EvaluatedMass], cls: MassClass) -> Ratio:
    """Share of the found masses of known class that were rightly given or denied this one."""
    return Ratio.of(
        (mass.patient, float((mass.domain.predicted_class is cls) == (mass.domain.true_class is cls)), 1.0)
        for mass in masses
        if mass.classifiable
    )


def false_per_case(results: Iterable[CaseResult]) -> Ratio:
    """Predicted masses that are not true, for each case."""
    return Ratio.mean((result.patient, float(result.agreement.detection.counts().false_positive)) for result in results)


def false_alarm(results: Iterable[CaseResult]) -> Ratio:
    """Share of the cases without a true mass in which one was predicted."""
    return Ratio.mean((result.patient, float(bool(result.masses))) for result in results if not result.has_masses)


def kits_mean(results: Iterable[CaseResult], cls: HierarchicalClass, surface: bool) -> Ratio:
    """Mean KiTS Dice or surface Dice of a hierarchical class over cases."""
    return Ratio.mean(
        (result.patient, score.surface_dice if surface else score.dice)
        for result in results
        for score in result.agreement.kits
        if score.hierarchical_class is cls
    )


def headline(results: Sequence[CaseResult]) -> dict[str, Ratio]:
    """The measures that two systems are compared by, by their names."""

    def dice(found: StructureAgreement) -> float | None:
        return found.dice

    told = {
        "Dice, kidneys with masses": mean_of(results, dice, "kidney_and_mass"),
        "Dice, right kidney with masses": mean_of(results, dice, "kidney_and_mass", Side.RIGHT),
        "Dice, left kidney with masses": mean_of(results, dice, "kidney_and_mass", Side.LEFT),
        "Dice, masses of a side": mean_of(results, dice, "mass"),
    }
    for cls in HierarchicalClass:
        words = cls.value.replace("_", " ")
        told[f"KiTS Dice, {words}"] = kits_mean(results, cls, surface=False)
        told[f"KiTS surface Dice, {words}"] = kits_mean(results, cls, surface=True)
    for words, small in (("all masses", None), ("under 5 mm", True), ("5 mm and more", False)):
        masses = masses_of(results, small)
        told[f"Recall, {words}"] = recall(masses)
        told[f"Precision, {words}"] = precision(masses)
        told[f"F1, {words}"] = f1(masses)
    told["False masses for each case"] = false_per_case(results)
    told["Accuracy of the class (unknown is wrong)"] = accuracy(masses_of(results))
    told["Share called unknown"] = unknown(masses_of(results))
    return told
