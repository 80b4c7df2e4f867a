"""Evaluation: statistics against values by hand, and tables that account for every mass."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from evaluatedcases import case, false, found, missed, sure
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.labels import MassClass
from RenalAITrainingLib.evaluation import measures
from RenalAITrainingLib.evaluation.bootstrap import Estimate, Ratio, Resamples
from RenalAITrainingLib.evaluation.cases import CaseResult
from RenalAITrainingLib.evaluation.comparison import side_by_side
from RenalAITrainingLib.evaluation.listings import mass_listing
from RenalAITrainingLib.evaluation.paper_tables import (
    by_class,
    classes,
    confusions,
    detection,
    differences,
    healthy,
    overlap,
    paper_tables,
)
from RenalAITrainingLib.evaluation.reliability import reliability
from RenalAITrainingLib.evaluation.roc import curve_points, roc_curves
from RenalAITrainingLib.evaluation.statistics import corrected_p, dunn, kruskal_wallis
from RenalAITrainingLib.evaluation.table import Table
from RenalAITrainingLib.metrics.ranking import pair_wins

AML, CYSTIC, SOLID, UNKNOWN = MassClass
FEW = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=8)


def results() -> list[CaseResult]:
    """Four patients: 5 masses found, 2 missed, 2 false."""
    return [
        case("a", [(found(AML, AML), sure(AML, 0.9)), missed(CYSTIC)], part="test", kits=0.9),
        case(
            "b", [(found(CYSTIC, CYSTIC, iou=0.5, diameter_mm=4.5), sure(CYSTIC, 0.8)), false(SOLID, 3.0)], part="test"
        ),
        case("c", [(found(SOLID, UNKNOWN), sure(SOLID, 0.5)), (found(SOLID, AML), sure(AML, 0.7))], part="training"),
        case("d", [(found(UNKNOWN, SOLID), sure(SOLID, 0.9)), missed(SOLID), false(CYSTIC)], part="training"),
        case("e", part="training", dice=None),
    ]


def cell(table: Table, column: str, **where: object) -> object:
    """The one cell in ``column`` of the row with these words."""
    names = {name.replace("_", " "): value for name, value in where.items()}
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    (row,) = [row for row in rows if all(row[name] == value for name, value in names.items())]
    return row[column]


def test_dunn_and_kruskal_wallis_by_hand() -> None:
    groups = {"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}
    whole = kruskal_wallis(groups)
    assert whole is not None
    assert (whole.h, whole.degrees, whole.p) == (pytest.approx(7.2), 2, pytest.approx(math.exp(-3.6)))
    # Mean ranks 2, 5, 8; spread 9 * 10 / 12 = 7.5; error sqrt(7.5 * 2 / 3) = sqrt(5).
    ab, ac, bc = dunn(groups)
    assert [pair.z for pair in (ab, ac, bc)] == pytest.approx([-3 / math.sqrt(5), -6 / math.sqrt(5), -3 / math.sqrt(5)])
    assert [pair.p for pair in (ab, ac, bc)] == pytest.approx([0.1797125, 0.0072904, 0.1797125], abs=1e-6)
    assert [pair.corrected_p for pair in (ab, ac, bc)] == pytest.approx([0.3594250, 0.0218711, 0.3594250], abs=1e-6)
    assert dunn(groups, "bonferroni")[0].corrected_p == pytest.approx(0.5391375, abs=1e-6)


def test_dunn_with_ties_by_hand() -> None:
    # Ranks 1.5 1.5 3.5 | 3.5 5.5 5.5, three ties of two: spread 6 * 7 / 12 - 18 / 60 = 3.2.
    (pair,) = dunn({"a": [1, 1, 2], "b": [2, 3, 3]})
    assert pair.z == pytest.approx((6.5 - 14.5) / 3 / math.sqrt(3.2 * 2 / 3))


@given(FEW, FEW)
def test_dunn_of_two_groups_is_kruskal_wallis(first: list[float], second: list[float]) -> None:
    """With two groups the square of Dunn's z is H, ties and all: two formulas, one of them scipy's."""
    whole, pairs = kruskal_wallis({"a": first, "b": second}), dunn({"a": first, "b": second})
    assert whole is not None
    assert pairs[0].z ** 2 == pytest.approx(whole.h, abs=1e-9)
    assert pairs[0].p == pytest.approx(whole.p, abs=1e-9)


def test_groups_without_values_are_no_groups() -> None:
    assert kruskal_wallis({"a": [1.0], "b": []}) is None
    assert dunn({"a": [1.0], "b": []}) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_lies_between_p_and_bonferroni(values: list[float]) -> None:
    holm, bonferroni = corrected_p(values, "holm"), corrected_p(values, "bonferroni")
    assert all(p <= h <= b for p, h, b in zip(values, holm, bonferroni, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(holm)[order]) >= 0).all()


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
def test_area_of_pairs_is_area_under_the_curve(told: list[tuple[int, bool]]) -> None:
    """Ranks and trapezoids agree, also where most scores are equal."""
    scores = np.array([score / 4 for score, _ in told])
    right = np.array([is_right for _, is_right in told])
    false_rate, true_rate = curve_points(scores, right)
    if right.all() or not right.any():
        assert false_rate.size == 0
        return
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
    trapezoids = np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2
    assert pair_wins(scores[right], scores[~right]).mean() == pytest.approx(trapezoids.sum())


def test_roc_of_each_class() -> None:
    cases = results()
    curves = {roc.mass_class: roc for roc in roc_curves(measures.masses_of(cases), Resamples("abcde"))}
    # Probabilities of AML: 0.9 of the true one against 0.1, 0.25 and 0.7. Of solid: 0.5 and 0.15 against 0.05 and 0.1.
    assert (curves[AML].area.value, curves[AML].positives, curves[AML].negatives) == (1.0, 1, 3)
    assert curves[SOLID].area.value == 1.0
    nothing = roc_curves(measures.masses_of(cases[:1]), Resamples("a"))
    assert [roc.area.value for roc in nothing] == [None, None, None]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 1)), min_size=3, max_size=12))
@settings(max_examples=25)
def test_weighted_sums_are_resamples_of_patients(units: list[tuple[str, float]]) -> None:
    resamples = Resamples("abcd", count=20)
    ratio = Ratio.mean(units)
    weights = resamples.weights(patient for patient, _ in units).astype(int)
    values = np.array([value for _, value in units])
    for drawn, mine in zip(weights, resamples.ratios(ratio), strict=True):
        theirs = np.repeat(values, drawn)
        assert (mine == pytest.approx(theirs.mean())) if theirs.size else math.isnan(mine)
        for patient in "abcd":  # everything of a patient comes along
            assert len({n for n, (name, _) in zip(drawn, units, strict=True) if name == patient}) <= 1


def test_intervals() -> None:
    resamples = Resamples("abcd")
    rng = np.random.default_rng(1)
    many = Resamples(map(str, range(400)))
    values = rng.normal(0.8, 0.1, 400)
    normal = many.estimate(Ratio.mean((str(n), value) for n, value in enumerate(values)))
    error = 1.96 * values.std() / 20
    assert (normal.low, normal.high) == (
        pytest.approx(values.mean() - error, abs=2e-3),
        pytest.approx(values.mean() + error, abs=2e-3),
    )
    same = resamples.estimate(Ratio.mean((patient, 0.5) for patient in "abcd"))
    assert same == Estimate(0.5, 0.5, 0.5, 4)
    assert Resamples("a").estimate(Ratio.mean([("a", 0.5)])) == Estimate(0.5, None, None, 1)
    assert resamples.estimate(Ratio.mean([("a", None)])) == Estimate(None, None, None, 0)
    assert resamples.estimate(Ratio.mean(zip("abcd", (0.1, 0.2, 0.3, 0.9), strict=True))) == Resamples("dcba").estimate(
        Ratio.mean(zip("abcd", (0.1, 0.2, 0.3, 0.9), strict=True))
    )


def test_detection_counts_ratios_and_sizes() -> None:
    cases = results()
    table = detection(cases, Resamples("abcde"))
    whole = {name: cell(table, name, set="all", average_diameter="all") for name in table.columns}
    assert (whole["found"], whole["false"], whole["missed"]) == (5, 2, 2)
    assert [whole[name].value for name in ("precision", "recall", "F1")] == pytest.approx([5 / 7, 5 / 7, 10 / 14])
    small = {name: cell(table, name, set="all", average_diameter="under 5 mm") for name in table.columns}
    assert (small["found"], small["false"], small["missed"]) == (1, 1, 2)
    assert cell(table, "found", set="test", average_diameter="all") == 2
    alarms = healthy(cases, Resamples("abcde"))
    assert cell(alarms, "false masses for each CT", set="all").value == pytest.approx(0.4)
    assert (
        cell(alarms, "CTs without masses", set="all"),
        cell(alarms, "share of them with a false one", set="all").value,
    ) == (1, 0)


def test_confusion_counts_every_mass_once() -> None:
    cases = results()
    whole, small, large = confusions(cases)
    counts = [sum(n for row in table.rows for n in row[1:] if n is not None) for table in (whole, small, large)]
    assert counts == [9, 4, 5] == [len(measures.masses_of(cases, size)) for size in (None, True, False)]
    assert cell(whole, "unknown class", truth="solid") == 1
    assert cell(whole, "AML", truth="solid") == 1
    assert cell(whole, "missed", truth="solid") == 1
    assert cell(whole, "cystic", truth="no mass") == 1


def test_unknown_is_wrong_but_not_an_answer() -> None:
    table = classes(results(), Resamples("abcde"))
    whole = {name: cell(table, name, average_diameter="all", **{"class": "all classes"}) for name in table.columns}
    assert whole["n"] == 4  # the found mass of unknown true class does not count
    assert whole["accuracy"].value == pytest.approx(2 / 4)
    assert whole["accuracy if answered"].value == pytest.approx(2 / 3)
    assert whole["unknown"].value == pytest.approx(1 / 4)
    aml = {name: cell(table, name, average_diameter="all", **{"class": "AML"}) for name in table.columns}
    assert [aml[name].value for name in ("sensitivity", "specificity", "accuracy")] == pytest.approx([1, 2 / 3, 3 / 4])


def test_calibration_error_by_hand() -> None:
    masses = [(found(SOLID, SOLID), sure(SOLID, 0.9))] * 3 + [(found(CYSTIC, SOLID), sure(SOLID, 0.9))]
    masses += [(found(AML, AML), sure(AML, 0.6))]
    told = measures.masses_of([case("a", masses)])
    measured = reliability(told, Resamples("a"))
    # Four at 0.9 of which three are right, one at 0.6 which is right.
    assert measured.error.value == pytest.approx((4 * abs(0.9 - 0.75) + 1 * abs(0.6 - 1.0)) / 5)
    assert [(part.count, part.accuracy) for part in measured.bins if part.count] == [(1, 1.0), (4, 0.75)]


def test_overlap_by_set_and_side() -> None:
    cases = [case("a", part="test", dice=0.8), case("b", part="test", dice=0.9), case("c", part="training", dice=0.7)]
    table = overlap(cases, Resamples("abc"))
    both = {"structure": "kidney with masses", "side": "both"}
    assert cell(table, "Dice", set="test", **both).value == pytest.approx(0.85)
    assert cell(table, "Dice", set="all", **both).value == pytest.approx(0.8)
    assert cell(table, "n", set="all", **both) == 6
    assert cell(table, "volume difference ml", set="all", **both).value == pytest.approx(-10)


def test_differences_between_classes() -> None:
    masses = [found(AML, AML, iou=0.3), found(AML, AML, iou=0.4), found(SOLID, SOLID, iou=0.8), missed(SOLID)]
    cases = [case("a", masses)]
    assert by_class(cases, "dice")["AML"] == pytest.approx([2 * 0.3 / 1.3, 2 * 0.4 / 1.4])
    assert len(by_class(cases, "dice")["solid"]) == 1
    tests = [row[:2] for row in differences(cases).rows]
    assert ("Dice", "Kruskal-Wallis (AML 2 / solid 1)") in tests
    assert ("Hausdorff distance", "Dunn: AML against solid") in tests


def test_side_by_side_is_paired() -> None:
    """A constant gain is certain although the cases differ widely."""
    dices = {"a": 0.5, "b": 0.7, "c": 0.9, "d": 0.95}
    first = [case(name, dice=dice, kits=dice) for name, dice in dices.items()]
    second = [case(name, dice=dice + 0.02, kits=dice) for name, dice in reversed(dices.items())]
    table = side_by_side([*first, case("only here", dice=0.0)], second, ("one", "two"), Resamples(dices))
    gain = cell(table, "difference", measure="Dice, kidneys with masses")
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.02, 0.02, 0.02))
    assert cell(table, "interval without 0", measure="Dice, kidneys with masses") == "differs"
    assert cell(table, "difference", measure="KiTS Dice, mass").value == 0
    assert cell(table, "interval without 0", measure="KiTS Dice, mass") == ""


def test_a_case_comes_back_from_json() -> None:
    for result in results():
        text = json.dumps(result.to_json(), allow_nan=False)
        assert CaseResult.from_json(json.loads(text)) == result
    with pytest.raises(ValueError, match="schema"):
        CaseResult.from_json({"schema": "another/1"})
    with pytest.raises(ValueError, match="not a complete"):
        CaseResult.from_json({"schema": "renalai.case-result/1"})


def test_tables_of_nothing_found() -> None:
    """No mass at all, and no kidney: every table can be made, written and read."""
    for cases in ([case("a")], [case("a", [missed(AML)]), case("b", dice=None)]):
        for table in paper_tables(cases, Resamples(result.patient for result in cases)):
            assert len(table.csv_text().splitlines()) == 1 + len(table.rows)
            json.dumps(table.to_json(), allow_nan=False)


def test_csv_spreads_intervals() -> None:
    table = Table("k", "T", ("name", "Dice"), (("a", Estimate(0.9, 0.8, 0.95, 4)), ("b", None)))
    assert table.csv_text() == "name,Dice,Dice low,Dice high\r\na,0.9,0.8,0.95\r\nb,,,\r\n"
    assert mass_listing(results()).csv_text().count("\r\n") == 10
    with pytest.raises(ValueError, match="rows of another length"):
        Table("k", "T", ("a",), (("1", "2"),))
