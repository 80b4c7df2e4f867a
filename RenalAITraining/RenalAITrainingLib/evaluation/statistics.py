"""Tests of difference between groups: Kruskal-Wallis over all, Dunn between each two.

Sources: Kruskal and Wallis, Use of ranks in one-criterion variance analysis, JASA 1952; Dunn, Multiple comparisons
using rank sums, Technometrics 1964, with the correction for ties; Holm, A simple sequentially rejective multiple test
procedure, Scand. J. Statist. 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.stats import kruskal, norm, rankdata

Correction = Literal["holm", "bonferroni"]


@dataclass(frozen=True)
class KruskalWallis:
    """Whether any group differs: H, its degrees of freedom and the chance of such an H without any difference."""

    h: float
    degrees: int
    p: float


@dataclass(frozen=True)
class DunnPair:
    """Two groups: z of their mean ranks, the two-sided p, and p corrected for the number of pairs."""

    first: str
    second: str
    z: float
    p: float
    corrected_p: float


def kruskal_wallis(groups: Mapping[str, Sequence[float]]) -> KruskalWallis | None:
    """Compare all groups that hold a value; None where fewer than two do.

    Example:
        >>> round(kruskal_wallis({"a": [1, 2, 3], "b": [4, 5, 6]}).h, 4)
        3.8571
    """
    told = [list(values) for values in groups.values() if len(values)]
    if len(told) < 2:
        return None
    if len({value for values in told for value in values}) == 1:
        return KruskalWallis(0.0, len(told) - 1, 1.0)  # scipy divides 0 by 0
    found = kruskal(*told)
    return KruskalWallis(float(found.statistic), len(told) - 1, float(found.pvalue))


def dunn(groups: Mapping[str, Sequence[float]], correction: Correction = "holm") -> tuple[DunnPair, ...]:
    """Compare each two groups that hold a value, on the ranks of all values together.

    With N values, mean ranks r and t values in each tie: z = (r_i - r_j) / sqrt(s (1 / n_i + 1 / n_j)), where
    s = N (N + 1) / 12 - sum(t^3 - t) / (12 (N - 1)).
    """
    told = {name: np.asarray(values, dtype=np.float64) for name, values in groups.items() if len(values)}
    if len(told) < 2:
        return ()
    ranks = rankdata(np.concatenate(list(told.values())))
    total = len(ranks)
    stops = np.cumsum([len(values) for values in told.values()])
    mean_rank = {name: float(part.mean()) for name, part in zip(told, np.split(ranks, stops[:-1]), strict=True)}
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    spread = total * (total + 1) / 12 - float((ties**3 - ties).sum()) / (12 * (total - 1))
    found = []
    for first, second in combinations(told, 2):
        error = np.sqrt(spread * (1 / len(told[first]) + 1 / len(told[second])))
        z = (mean_rank[first] - mean_rank[second]) / error if error > 0 else 0.0
        found.append((first, second, float(z), float(2 * norm.sf(abs(z)))))
    corrected = corrected_p([p for _, _, _, p in found], correction)
    return tuple(DunnPair(*pair, p) for pair, p in zip(found, corrected, strict=True))


def corrected_p(values: Sequence[float], correction: Correction) -> list[float]:
    """p values corrected for their number; Holm's are never larger than Bonferroni's.

    Example:
        >>> corrected_p([0.01, 0.04, 0.03], "holm"), corrected_p([0.01, 0.04, 0.5], "bonferroni")
        ([0.03, 0.06, 0.06], [0.03, 0.12, 1.0])
    """
    many = len(values)
    if correction == "bonferroni":
        return [min(1.0, many * p) for p in values]
    result, largest = [0.0] * many, 0.0
    for place, index in enumerate(sorted(range(many), key=lambda n: values[n])):
        largest = max(largest, min(1.0, (many - place) * values[index]))
        result[index] = largest
    return result
