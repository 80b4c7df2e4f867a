"""The tables of a paper on renal masses: overlap, detection, classes, KiTS' scores, calibration, tests."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, stdev

from RenalAILib.compare import DomainOutcome
from RenalAILib.compare.detection import MATCH_IOU
from RenalAILib.compare.kits import HierarchicalClass
from RenalAILib.labels import MassClass, Side
from RenalAILib.terminology import CLASS_NAMES

from . import measures
from .bootstrap import Resamples
from .cases import KNOWN_CLASSES, CaseResult, EvaluatedMass
from .froc import froc
from .published import beside_published
from .regions import region_table
from .reliability import class_reliability, reliability
from .roc import roc_curves
from .sizes import by_size
from .statistics import dunn, kruskal_wallis
from .table import Cell, Table

SIZES: tuple[tuple[str, bool | None], ...] = (("all", None), ("under 5 mm", True), ("5 mm and more", False))
_STRUCTURES = {"kidney_and_mass": "kidney with masses", "kidney": "kidney without masses", "mass": "masses"}
_SIDES: tuple[tuple[str, Side | None], ...] = (("right", Side.RIGHT), ("left", Side.LEFT), ("both", None))
_MISSED = "missed"
_NO_MASS = "no mass"


def paper_tables(results: Sequence[CaseResult], resamples: Resamples) -> list[Table]:
    """All tables of one system, in the order of the report."""
    return [
        composition(results),
        overlap(results, resamples),
        kits(results, resamples),
        beside_published(results, resamples),
        region_table(((result.patient, result.regions) for result in results), resamples),
        detection(results, resamples),
        by_size(results, resamples),
        healthy(results, resamples),
        froc(results, resamples),
        *confusions(results),
        classes(results, resamples),
        roc_table(results, resamples),
        calibration(results, resamples),
        class_calibration(results, resamples),
        differences(results),
    ]


def sets_of(results: Sequence[CaseResult]) -> dict[str, list[CaseResult]]:
    """The results by set, in order of appearance; ``all`` last where there are several, alone where there is none."""
    parts = list(dict.fromkeys(result.part for result in results))
    told = {part or "without a set": [result for result in results if result.part == part] for part in parts}
    if parts == [""]:
        return {"all": list(results)}
    return {**told, "all": list(results)} if len(parts) > 1 else told


def composition(results: Sequence[CaseResult]) -> Table:
    """What was evaluated: patients, cases and true masses by class and size."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        true = [mass for mass in measures.masses_of(chosen) if mass.domain.true_class is not None]
        counts = [sum(mass.domain.true_class is cls for mass in true) for cls in MassClass]
        small = sum(mass.domain.small for mass in true)
        rows.append((name, len({result.patient for result in chosen}), len(chosen), len(true), *counts, small))
    columns = ("set", "patients", "CTs", "true masses", *(CLASS_NAMES[cls] for cls in MassClass), "under 5 mm")
    return Table("composition", "What was evaluated", columns, tuple(rows))


def overlap(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Dice, surface Dice and Hausdorff distances by set, structure and side."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        for structure, words in _STRUCTURES.items():
            for side_name, side in _SIDES:
                found = [part for _, part in measures.structures(chosen, structure, side)]
                values = [part.dice for part in found if part.dice is not None]
                if not values:
                    continue
                means = [
                    resamples.estimate(measures.mean_of(chosen, value, structure, side))
                    for value in (
                        lambda part: part.dice,
                        lambda part: part.surface_dice,
                        lambda part: part.hausdorff_mm,
                        lambda part: part.hausdorff95_mm,
                        lambda part: part.volume_difference_ml,
                    )
                ]
                spread = stdev(values) if len(values) > 1 else None
                rows.append((name, words, side_name, len(values), means[0], spread, median(values), *means[1:]))
    columns = (
        "set",
        "structure",
        "side",
        "n",
        "Dice",
        "SD",
        "median",
        "surface Dice",
        "HD mm",
        "HD95 mm",
        "volume difference ml",
    )
    notes = (
        "Means over sides where prediction or reference has the structure; one of them empty counts as Dice 0 and has"
        " no Hausdorff distance. Surface Dice at KiTS' tolerances: 1.033 mm for kidneys, 1.133 mm for masses.",
        "Volume difference: predicted minus true.",
    )
    digits = {"HD mm": 1, "HD95 mm": 1, "volume difference ml": 1}
    return Table("overlap", "Overlap by set and side", columns, tuple(rows), notes, digits)


def kits(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """KiTS' hierarchical classes: mean Dice and surface Dice over cases."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        for cls in HierarchicalClass:
            scores = [resamples.estimate(measures.kits_mean(chosen, cls, surface)) for surface in (False, True)]
            rows.append((name, cls.value.replace("_", " "), scores[0].count, *scores, cls.tolerance_mm))
    columns = ("set", "class", "CTs", "Dice", "surface Dice", "tolerance mm")
    notes = (
        "KiTS23's rules: both masks empty is 1, exactly one empty is 0. AML count as tumor, unknown masses do not.",
    )
    return Table("kits", "KiTS hierarchical classes", columns, tuple(rows), notes, {"tolerance mm": 4})


def detection(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Masses found, false and missed, in all and by size."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        for size, small in SIZES:
            masses = measures.masses_of(chosen, small)
            outcomes = [mass.domain.outcome for mass in masses]
            counts = [outcomes.count(outcome) for outcome in DomainOutcome]
            ratios = (measures.precision(masses), measures.recall(masses), measures.f1(masses))
            rows.append((name, size, *counts, *(resamples.estimate(ratio) for ratio in ratios)))
    columns = ("set", "average diameter", "found", "false", "missed", "precision", "recall", "F1")
    notes = (
        f"Connected domains, matched at an intersection over union of {MATCH_IOU} or more, each once. Found and missed"
        " masses count by their true size, false ones by the predicted.",
    )
    return Table("detection", "Masses found", columns, tuple(rows), notes)


def healthy(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """False masses: for each CT, and in CTs without any true mass."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        without = [result for result in chosen if not result.has_masses]
        alarm = resamples.estimate(measures.false_alarm(chosen))
        rows.append((name, len(chosen), resamples.estimate(measures.false_per_case(chosen)), len(without), alarm))
    columns = ("set", "CTs", "false masses for each CT", "CTs without masses", "share of them with a false one")
    return Table("false_masses", "False masses", columns, tuple(rows))


def confusions(results: Sequence[CaseResult]) -> list[Table]:
    """True against predicted classes: all, under 5 mm, 5 mm and more."""
    return [
        confusion(measures.masses_of(results, small), f"confusion{key}", f"Classes of masses: {words}")
        for (words, small), key in zip(SIZES, ("", "_under_5_mm", "_from_5_mm"), strict=True)
    ]


def confusion(masses: Sequence[EvaluatedMass], key: str, title: str) -> Table:
    """Every mass in one cell: missed ones in the last column, false ones in the last row. No rows without masses."""
    rows: list[tuple[Cell, ...]] = []
    for true in (*MassClass, None) if masses else ():
        chosen = [mass.domain for mass in masses if mass.domain.true_class is true]
        counts = [sum(domain.predicted_class is cls for domain in chosen) for cls in MassClass]
        lost = None if true is None else sum(domain.predicted_class is None for domain in chosen)
        rows.append((CLASS_NAMES[true] if true else _NO_MASS, *counts, lost))
    columns = ("truth", *(CLASS_NAMES[cls] for cls in MassClass), _MISSED)
    return Table(key, title, columns, tuple(rows), ("Rows: truth. Columns: prediction.",))


def classes(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Sensitivity, specificity and accuracy of each class, and how often no class was given."""
    rows: list[tuple[Cell, ...]] = []
    for size, small in SIZES:
        masses = measures.masses_of(results, small)
        if not any(mass.classifiable for mass in masses):
            continue
        for cls in KNOWN_CLASSES:
            ratios = [
                kind(masses, cls) for kind in (measures.sensitivity, measures.specificity, measures.class_accuracy)
            ]
            rows.append((size, CLASS_NAMES[cls], ratios[0].count, *map(resamples.estimate, ratios), None, None))
        every, answered, unknown = (
            resamples.estimate(ratio)
            for ratio in (measures.accuracy(masses), measures.accuracy(masses, answered=True), measures.unknown(masses))
        )
        rows.append((size, "all classes", every.count, None, None, every, answered, unknown))
    columns = (
        "average diameter",
        "class",
        "n",
        "sensitivity",
        "specificity",
        "accuracy",
        "accuracy if answered",
        "unknown",
    )
    notes = (
        "Found masses whose true class is AML, cystic or solid. Called unknown counts as not the class, and as wrong in"
        " the accuracy of all classes; the accuracy if answered leaves it out.",
    )
    return Table("classes", "Classification", columns, tuple(rows), notes)


def roc_table(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Area under the ROC curve of each class against the rest."""
    rows = tuple(
        (CLASS_NAMES[roc.mass_class], roc.positives, roc.negatives, roc.area)
        for roc in roc_curves(measures.masses_of(results), resamples)
        if roc.positives or roc.negatives
    )
    columns = ("class", "masses of it", "other masses", "AUC")
    return Table("roc", "Area under the ROC curve", columns, rows, ("One class against the rest; ties count half.",))


def calibration(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Confidence against accuracy in bins, and the expected calibration error."""
    found = reliability(measures.masses_of(results), resamples)
    rows: list[tuple[Cell, ...]] = [
        (f"{part.low:.1f} to {part.high:.1f}", part.count, part.confidence, part.accuracy, None)
        for part in found.bins
        if part.count
    ]
    if rows:
        rows.append(("expected calibration error", found.error.count, None, None, found.error))
    columns = ("confidence", "n", "mean confidence", "accuracy", "error")
    notes = ("The highest probability against whether that class is right, before any mass is called unknown.",)
    return Table("calibration", "Calibration", columns, tuple(rows), notes)


def class_calibration(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """The expected calibration error of each class's probability; no rows where nothing was classified."""
    masses = measures.masses_of(results)
    rows: list[tuple[Cell, ...]] = []
    for cls in KNOWN_CLASSES:
        found = class_reliability(masses, cls, resamples)
        if found.error.value is not None:
            mean = sum((part.confidence or 0.0) * part.count for part in found.bins) / found.error.count
            share = sum((part.accuracy or 0.0) * part.count for part in found.bins) / found.error.count
            rows.append((CLASS_NAMES[cls], found.error.count, mean, share, found.error))
    columns = ("class", "n", "mean probability", "share of the masses", "expected calibration error")
    notes = ("Each class's probability against whether it is the true one, over all found masses of known class.",)
    return Table("calibration_by_class", "Calibration of each class", columns, tuple(rows), notes)


def by_class(results: Sequence[CaseResult], what: str) -> dict[str, list[float]]:
    """Dice (``dice``) or Hausdorff distance (``hausdorff``, mm) of the found masses by their true class."""
    groups: dict[str, list[float]] = {CLASS_NAMES[cls]: [] for cls in KNOWN_CLASSES}
    for mass in measures.masses_of(results):
        value = mass.dice if what == "dice" else mass.domain.hausdorff_mm
        if mass.classifiable and mass.domain.true_class and value is not None:
            groups[CLASS_NAMES[mass.domain.true_class]].append(value)
    return groups


def differences(results: Sequence[CaseResult]) -> Table:
    """Whether Dice and Hausdorff distance differ between the classes."""
    rows: list[tuple[Cell, ...]] = []
    for what, words in (("dice", "Dice"), ("hausdorff", "Hausdorff distance")):
        groups = by_class(results, what)
        whole = kruskal_wallis(groups)
        if whole is None:
            continue
        told = " / ".join(f"{name} {len(values)}" for name, values in groups.items() if values)
        rows.append((words, f"Kruskal-Wallis ({told})", f"H({whole.degrees}) = {whole.h:.3f}", whole.p, None))
        rows += [
            (words, f"Dunn: {pair.first} against {pair.second}", f"z = {pair.z:.3f}", pair.p, pair.corrected_p)
            for pair in dunn(groups)
        ]
    columns = ("measure", "test", "statistic", "p", "p (Holm)")
    notes = (
        "Over the found masses by true class; missed ones are in the detection counts. The tests take masses as"
        " independent, also several of one patient.",
    )
    return Table("tests", "Differences between classes", columns, tuple(rows), notes, {"p": 4, "p (Holm)": 4})
