"""Evaluation by size, FROC, calibration of each class, and published figures: values by hand."""

from __future__ import annotations

import numpy as np
import pytest
from evaluatedcases import case, false, found, missed, sure
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.compare import compare_labels
from RenalAILib.compare.kits import HierarchicalClass
from RenalAILib.labels import Label, MassClass
from RenalAILib.volume import Volume
from RenalAITrainingLib.evaluation import measures
from RenalAITrainingLib.evaluation.bootstrap import Estimate, Resamples
from RenalAITrainingLib.evaluation.cases import CaseResult
from RenalAITrainingLib.evaluation.charts import charts
from RenalAITrainingLib.evaluation.froc import froc_curve, froc_points
from RenalAITrainingLib.evaluation.paper_tables import class_calibration, paper_tables
from RenalAITrainingLib.evaluation.published import beside_published
from RenalAITrainingLib.evaluation.reliability import class_reliability
from RenalAITrainingLib.evaluation.sizes import BINS, by_size
from RenalAITrainingLib.evaluation.table import Table

AML, CYSTIC, SOLID, UNKNOWN = MassClass


def results() -> list[CaseResult]:
    """Three patients; true masses of 4 (missed), 7, 12 (found 30), 25 (called unknown) and 60 mm; false of 6 and 15."""
    return [
        case("a", [(found(AML, AML, diameter_mm=7.0), sure(AML, 0.9)), missed(CYSTIC, 4.0), false(SOLID, 6.0)]),
        case(
            "b",
            [
                (found(CYSTIC, SOLID, diameter_mm=12.0, predicted_diameter_mm=30.0), sure(SOLID, 0.6)),
                (found(SOLID, UNKNOWN, diameter_mm=25.0), sure(SOLID, 0.5)),
                false(CYSTIC, 15.0),
            ],
        ),
        case("c", [(found(SOLID, SOLID, diameter_mm=60.0), sure(SOLID, 0.9))]),
    ]


def row(table: Table, first: str) -> dict[str, object]:
    """The row that begins with this word."""
    (found_row,) = [one for one in table.rows if one[0] == first]
    return dict(zip(table.columns, found_row, strict=True))


def value(cell: object) -> float | None:
    """Of an estimate."""
    assert isinstance(cell, Estimate)
    return cell.value


def test_every_mass_lies_in_one_bin_of_its_size() -> None:
    table = by_size(results(), Resamples("abc"))
    assert [one[1] for one in table.rows] == [1, 1, 1, 1, 1, 5]
    assert [value(row(table, part.words)["recall"]) for part in BINS] == [0, 1, 1, 1, 1]
    assert value(row(table, "all")["recall"]) == pytest.approx(4 / 5)
    assert value(row(table, "5 to 10 mm")["false masses for each CT"]) == pytest.approx(1 / 3)
    assert value(row(table, "10 to 20 mm")["class right"]) == 0
    middle = row(table, "20 to 40 mm")
    assert (value(middle["unknown"]), value(middle["class right if answered"])) == (1, None)
    assert value(row(table, "all")["class right if answered"]) == pytest.approx(2 / 3)
    edge = by_size([case("a", [found(AML, AML, diameter_mm=10.0)])], Resamples("a"))
    assert row(edge, "10 to 20 mm")["true masses"] == 1 and row(edge, "5 to 10 mm")["true masses"] == 0


def test_operating_points_by_hand() -> None:
    """Reported are the masses that were predicted large enough, whatever their true size."""
    points = {
        point.smallest_mm: (point.sensitivity.value, point.false_per_case.value)
        for point in froc_points(results(), Resamples("abc"), (0.0, 6.5, 15.0, 16.0, 100.0))
    }
    assert points[0.0] == pytest.approx((4 / 5, 2 / 3))
    assert points[6.5] == pytest.approx((4 / 5, 1 / 3))
    assert points[15.0] == pytest.approx((3 / 5, 1 / 3))
    assert points[16.0] == pytest.approx((3 / 5, 0))  # 12 mm that were drawn as 30 mm are still reported
    assert points[100.0] == (0, 0)


MASSES = st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=10)


@settings(max_examples=40, deadline=None)
@given(st.lists(MASSES, min_size=1, max_size=4))
def test_the_curve_rises_and_ends_where_everything_is_reported(told: list[list[tuple[bool, int]]]) -> None:
    cases = [
        case(str(n), [found(AML, AML, diameter_mm=size) if true else false(AML, size) for true, size in masses])
        for n, masses in enumerate(told)
    ]
    rates, sensitivities = froc_curve(cases)
    every = froc_points(cases, Resamples(map(str, range(len(told))), count=5), (0.0,))[0]
    if every.sensitivity.value is None:
        assert rates == []
        return
    assert rates == sorted(rates) and sensitivities == sorted(sensitivities)
    assert (rates[-1], sensitivities[-1]) == pytest.approx((every.false_per_case.value, every.sensitivity.value))


def test_calibration_of_a_class_by_hand() -> None:
    masses = [(found(SOLID, SOLID), sure(SOLID, 0.8))] * 3 + [(found(AML, SOLID), sure(SOLID, 0.8))]
    cases = [case("a", masses)]
    told = measures.masses_of(cases)
    # Solid: four at 0.8, three of them true. AML: four at 0.1, one of them true. Cystic: four at 0.1, none.
    for cls, error in ((SOLID, 0.05), (AML, 0.15), (CYSTIC, 0.1)):
        assert class_reliability(told, cls, Resamples("a")).error.value == pytest.approx(error)
    table = class_calibration(cases, Resamples("a"))
    assert row(table, "solid")["share of the masses"] == pytest.approx(3 / 4)
    assert class_calibration([case("a", [missed(AML)])], Resamples("a")).rows == ()


def test_published_figures_stand_beside_and_apart() -> None:
    """KiTS' tolerances and the figures of the guide; ours in columns of their own, theirs marked as of other data."""
    table = beside_published([case("a", kits=0.9), case("b", kits=0.7)], Resamples("ab"))
    tumor = row(table, "tumor")
    assert value(tumor["Dice, measured here"]) == pytest.approx(0.8)
    assert value(tumor["surface Dice, measured here"]) == pytest.approx(0.7)
    theirs = {name: cell for name, cell in tumor.items() if "nnU-Net" in name}
    assert sorted(theirs.values()) == [0.7393, 0.8491] and all("other data" in name for name in theirs)
    assert row(table, "mass")["tolerance mm"] == HierarchicalClass.MASS.tolerance_mm == 1.1328796488598762


def test_the_predicted_size_is_measured_beside_the_true_one() -> None:
    def ball(radius: float, place: tuple[int, int, int]) -> np.ndarray:
        grid = np.indices((40, 40, 40)) - np.reshape(place, (3, 1, 1, 1))
        return np.asarray((grid**2).sum(axis=0) < radius**2)

    truth, drawn = (np.full((40, 40, 40), Label.KIDNEY_RIGHT, np.uint8) for _ in range(2))
    truth[ball(5, (12, 12, 12))], drawn[ball(7, (12, 12, 12))] = Label.SOLID, Label.SOLID
    drawn[ball(4, (28, 28, 28))] = Label.CYSTIC
    truth[ball(4, (12, 30, 12))] = Label.AML
    prediction, reference = (Volume(voxels, np.eye(4), name) for voxels, name in ((drawn, "p"), (truth, "t")))
    matched, lost, wrong = compare_labels(prediction, reference).detection.domains
    assert matched.predicted_diameter_mm is not None and matched.predicted_diameter_mm > matched.diameter_mm + 2
    assert lost.predicted_diameter_mm is None and wrong.predicted_diameter_mm == wrong.diameter_mm


def test_tables_and_figures_are_on_the_way_to_the_page() -> None:
    resamples = Resamples("abc")
    keys = {table.key for table in paper_tables(results(), resamples)}
    assert {"published", "by_size", "froc", "calibration", "calibration_by_class", "kits", "false_masses"} <= keys
    drawn = charts(results(), resamples)
    assert {"FROC", "Reliability", "Reliability by class"} <= drawn.keys()
    assert {"FROC", "Reliability by class"}.isdisjoint(charts([case("a")], Resamples("a")))
