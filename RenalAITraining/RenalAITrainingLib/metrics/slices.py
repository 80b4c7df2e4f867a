"""What a classifier of slices is worth: per image as the papers count, and per patient by vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.pipelines.voting import patient_class, slice_vote

from .ranking import Floats, pair_wins


@dataclass(frozen=True)
class JudgedSlice:
    """One slice with its truth.

    Attributes:
        patient: whose it is.
        truth: its class.
        probabilities: by class, in the classifier's order; the last class is the positive one.
    """

    patient: str
    truth: str
    probabilities: Mapping[str, float]

    @property
    def vote(self) -> str:
        """The class it votes for."""
        return slice_vote(list(self.probabilities.values()), list(self.probabilities))


@dataclass(frozen=True)
class JudgedPatient:
    """The vote of a patient's slices.

    Attributes:
        truth: the class of the patient: the positive one where any slice has it.
        label: the class by vote.
        shares: of the votes, by class.
    """

    patient: str
    truth: str
    label: str
    shares: Mapping[str, float]


def patients_of(
    slices: Sequence[JudgedSlice], classes: Sequence[str], decisive: str = "", threshold: float = 0.5
) -> list[JudgedPatient]:
    """Each patient once, in the order they come; see `RenalAILib.pipelines.voting.patient_class` for the rule.

    Example:
        >>> two = [JudgedSlice("p", "rcc", {"benign": 1 - p, "rcc": p}) for p in (0.6, 0.1)]
        >>> [(one.label, one.shares["rcc"]) for one in patients_of(two, ("benign", "rcc"), "benign", 0.51)]
        [('rcc', 0.5)]
    """
    grouped: dict[str, list[JudgedSlice]] = {}
    for one in slices:
        grouped.setdefault(one.patient, []).append(one)
    result = []
    for patient, own in grouped.items():
        votes = [one.vote for one in own]
        truths = {one.truth for one in own}
        truth = next(name for name in reversed(classes) if name in truths)
        shares = {name: votes.count(name) / len(votes) for name in classes}
        result.append(JudgedPatient(patient, truth, patient_class(votes, classes, decisive, threshold), shares))
    return result


def image_metrics(slices: Sequence[JudgedSlice], classes: Sequence[str]) -> dict[str, float]:
    """AUC, accuracy, sensitivity and specificity over images; those that cannot be measured are left out.

    Positive is the last class. With more than two classes AUC, sensitivity and specificity are of the last against the
    rest.
    """
    positive = classes[-1]
    right = np.array([one.truth == positive for one in slices], dtype=np.bool_)
    found = np.array([one.vote == positive for one in slices], dtype=np.bool_)
    result = {"accuracy": float(np.mean([one.vote == one.truth for one in slices]))}
    scores = positive_scores(slices, classes)
    if right.any() and not right.all():
        result["auc"] = float(pair_wins(scores[right], scores[~right]).mean())
    if right.any():
        result["sensitivity"] = float(found[right].mean())
    if not right.all():
        result["specificity"] = float((~found[~right]).mean())
    return result


def positive_scores(slices: Sequence[JudgedSlice], classes: Sequence[str]) -> Floats:
    """The probability of the last class of each slice."""
    return np.array([one.probabilities[classes[-1]] for one in slices], dtype=np.float64)


def confusion(pairs: Sequence[tuple[str, str]], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Counts ``[truth, said]`` of (truth, said) pairs.

    Example:
        >>> confusion([("a", "b"), ("a", "a")], ("a", "b")).tolist()
        [[1, 1], [0, 0]]
    """
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for truth, said in pairs:
        counts[classes.index(truth), classes.index(said)] += 1
    return counts
