"""Charts: the figures of a paper as PNG files, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import MassClass
from RenalAILib.report.verdict_card import COLORS as VOTE_COLORS
from RenalAILib.terminology import CLASS_COLORS, CLASS_NAMES, KIDNEY_COLOR, Rgb

from ..metrics.ranking import pair_wins
from . import measures
from .bootstrap import Floats, Resamples
from .cases import KNOWN_CLASSES, CaseResult
from .comparison import shared
from .froc import froc_curve, froc_points
from .paper_tables import by_class, sets_of
from .reliability import class_reliability, reliability
from .roc import curve_points, roc_curves
from .statistics import kruskal_wallis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
_INK = "#1a1e24"
_SPREAD = 0.12  # how far points of a box stand from its middle
_POINTS_UP_TO = 300  # a box of more is drawn without its points
_COLORS = {CLASS_NAMES[cls]: CLASS_COLORS[cls] for cls in MassClass}


def charts(results: Sequence[CaseResult], resamples: Resamples) -> dict[str, bytes]:
    """PNG files by title; a figure without anything to show is left out."""
    drawn = {
        "Dice by set": _dice_by_set(results),
        "Dice by class": _by_class(results, "dice", "Dice of found masses"),
        "Hausdorff distance by class": _by_class(results, "hausdorff", "Hausdorff distance of found masses, mm"),
        "Size against Dice": _size_against_dice(results),
        "ROC": _roc(results, resamples),
        "Reliability": _reliability(results, resamples),
        "Reliability by class": _class_reliability(results, resamples),
        "FROC": _froc(results, resamples),
    }
    return {title: _png(figure) for title, figure in drawn.items() if figure is not None}


def paired_chart(first: Sequence[CaseResult], second: Sequence[CaseResult], names: tuple[str, str]) -> bytes:
    """KiTS' Dice of each case by one system against the other; above the line the second is better."""
    figure, axes = _figure(4.6)
    one, other = shared(first, second)
    for n, (words, color) in enumerate((("kidney and mass", KIDNEY_COLOR), ("mass", CLASS_COLORS[MassClass.SOLID]))):
        scores = [[result.agreement.kits[n].dice for result in results] for results in (one, other)]
        axes.scatter(
            scores[0], scores[1], s=26, color=_shade(color), edgecolors=_INK, linewidths=0.4, label=words, alpha=0.85
        )
    _unit_square(axes)
    axes.set_xlabel(f"KiTS Dice, {names[0]}")
    axes.set_ylabel(f"KiTS Dice, {names[1]}")
    axes.legend(frameon=False, loc="lower right")
    return _png(figure)


def vote_roc(scores: Floats, right: npt.NDArray[np.bool_], positive: str) -> bytes:
    """ROC of slices, whose probability of ``positive`` is ``scores``; both kinds must be there."""
    figure, axes = _figure(4.6)
    false_rate, true_rate = curve_points(scores, right)
    area = float(pair_wins(scores[right], scores[~right]).mean())
    axes.plot(false_rate, true_rate, color=_shade(VOTE_COLORS[1]), linewidth=2, label=f"{positive}: AUC {area:.3f}")
    _unit_square(axes)
    axes.set_xlabel("1 - specificity")
    axes.set_ylabel("sensitivity")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return _png(figure)


def vote_shares(shares: Mapping[str, Mapping[str, float]], decisive: str, threshold: float) -> bytes:
    """The shares of each case's votes, and the share that the decisive class needs."""
    figure, axes = _figure(6.2)
    figure.set_figheight(max(2.0, 0.9 + 0.22 * len(shares)))
    classes = list(next(iter(shares.values())))
    ordered = [decisive, *(name for name in classes if name != decisive)] if decisive else classes
    before = np.zeros(len(shares))
    for name in ordered:
        values = np.array([100 * share[name] for share in shares.values()])
        color = _shade(VOTE_COLORS[classes.index(name) % len(VOTE_COLORS)])
        axes.barh(np.arange(len(shares)), values, 0.75, left=before, color=color, label=name)
        before = before + values
    needed = threshold if decisive else 0.5
    axes.axvline(100 * needed, color=_INK, linewidth=1, linestyle="--")
    axes.set_yticks(np.arange(len(shares)), list(shares), fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"votes, % of the slices (dashed: {100 * needed:.0f} %)")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _png(figure)


def _dice_by_set(results: Sequence[CaseResult]) -> Figure | None:
    groups: dict[str, list[float]] = {}
    colors: list[Rgb] = []
    sets = sets_of(results)
    for structure, words, color in (
        ("kidney_and_mass", "kidneys\nwith masses", KIDNEY_COLOR),
        ("mass", "masses", CLASS_COLORS[MassClass.SOLID]),
    ):
        for name, chosen in sets.items():
            found = [part.dice for _, part in measures.structures(chosen, structure) if part.dice is not None]
            if found:
                groups[words if len(sets) == 1 else f"{words}\n{name}"] = found
                colors.append(color)
    if not groups:
        return None
    figure, axes = _figure(max(3.6, 1.15 * len(groups)))
    _boxes(axes, groups, colors)
    axes.set_ylabel("Dice of a side")
    axes.set_ylim(-0.03, 1.03)
    return figure


def _by_class(results: Sequence[CaseResult], what: str, label: str) -> Figure | None:
    groups = {name: values for name, values in by_class(results, what).items() if values}
    if not groups:
        return None
    figure, axes = _figure(4.2)
    _boxes(axes, groups, [_COLORS[name] for name in groups])
    axes.set_ylabel(label)
    if what == "dice":
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(bottom=0)
    test = kruskal_wallis(groups)
    if test is not None:
        axes.set_title(f"Kruskal-Wallis H({test.degrees}) = {test.h:.2f}, p = {test.p:.3g}", fontsize=9)
    return figure


def _size_against_dice(results: Sequence[CaseResult]) -> Figure | None:
    masses = [mass for mass in measures.masses_of(results) if mass.domain.true_class is not None]
    if not masses:
        return None
    figure, axes = _figure(5.2)
    for cls in MassClass:
        mine = [mass for mass in masses if mass.domain.true_class is cls]
        for found, face in ((True, _shade(CLASS_COLORS[cls])), (False, "none")):
            drawn = [mass for mass in mine if mass.found is found]
            if drawn:
                label = CLASS_NAMES[cls] if found else f"{CLASS_NAMES[cls]}, missed"
                edge = _INK if found else _shade(CLASS_COLORS[cls])
                diameters, overlaps = [mass.domain.diameter_mm for mass in drawn], [mass.dice for mass in drawn]
                axes.scatter(diameters, overlaps, s=30, facecolors=face, edgecolors=edge, linewidths=0.8, label=label)
    axes.axvline(5, color="#5a6472", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    sizes = [mass.domain.diameter_mm for mass in masses]
    axes.set_xlim(min(4.0, 0.85 * min(sizes)), max(30.0, 1.15 * max(sizes)))
    ticks = [size for size in (1, 2, 5, 10, 20, 50, 100, 200) if axes.get_xlim()[0] <= size <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [str(size) for size in ticks])
    axes.minorticks_off()
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("average diameter, mm (dotted: 5 mm)")
    axes.set_ylabel("Dice of the mass")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _roc(results: Sequence[CaseResult], resamples: Resamples) -> Figure | None:
    curves = [roc for roc in roc_curves(measures.masses_of(results), resamples) if roc.area.value is not None]
    if not curves:
        return None
    figure, axes = _figure(4.6)
    for roc in curves:
        between = "" if roc.area.low is None else f" ({roc.area.low:.2f} to {roc.area.high:.2f})"
        label = f"{CLASS_NAMES[roc.mass_class]}: AUC {roc.area.value:.3f}{between}"
        axes.plot(roc.false_rate, roc.true_rate, color=_shade(CLASS_COLORS[roc.mass_class]), linewidth=2, label=label)
    _unit_square(axes)
    axes.set_xlabel("1 - specificity")
    axes.set_ylabel("sensitivity")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _reliability(results: Sequence[CaseResult], resamples: Resamples) -> Figure | None:
    found = reliability(measures.masses_of(results), resamples)
    told = [part for part in found.bins if part.count]
    if not told:
        return None
    figure, axes = _figure(4.6)
    for part in told:
        middle, width = (part.low + part.high) / 2, part.high - part.low
        axes.bar(middle, part.accuracy or 0.0, 0.92 * width, color="#0b6e86", alpha=0.75)
        axes.annotate(f"n = {part.count}", (middle, (part.accuracy or 0.0) + 0.015), ha="center", fontsize=7)
    means = np.array([(part.confidence, part.accuracy) for part in told], dtype=np.float64)
    axes.plot(
        means[:, 0], means[:, 1], "o-", color=_INK, markersize=4, linewidth=1, label="accuracy at mean confidence"
    )
    _unit_square(axes)
    axes.set_title(f"expected calibration error {found.error.value:.3f}", fontsize=9)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _class_reliability(results: Sequence[CaseResult], resamples: Resamples) -> Figure | None:
    masses = measures.masses_of(results)
    found = {cls: class_reliability(masses, cls, resamples) for cls in KNOWN_CLASSES}
    if not any(one.error.count for one in found.values()):
        return None
    figure, axes = _figure(4.6)
    for cls, one in found.items():
        means = [(part.confidence, part.accuracy) for part in one.bins if part.count]
        axes.plot(
            *np.array(means, dtype=np.float64).T,
            "o-",
            color=_shade(CLASS_COLORS[cls]),
            markersize=4,
            label=f"{CLASS_NAMES[cls]}: error {one.error.value:.3f}",
        )
    _unit_square(axes)
    axes.set_xlabel("probability of the class")
    axes.set_ylabel("share that is of the class")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _froc(results: Sequence[CaseResult], resamples: Resamples) -> Figure | None:
    false_rates, sensitivities = froc_curve(results)
    if len(false_rates) < 2:
        return None
    figure, axes = _figure(4.6)
    axes.step(false_rates, sensitivities, where="post", color="#0b6e86", linewidth=2)
    told = set()
    for point in froc_points(results, resamples):
        at = (point.false_per_case.value or 0.0, point.sensitivity.value or 0.0)
        axes.plot(*at, "o", color=_INK, markersize=4)
        if at not in told:  # thresholds that change nothing share one point, and the first's words
            axes.annotate(
                f"{point.smallest_mm:g} mm", at, textcoords="offset points", xytext=(5, -9), fontsize=7, color=_INK
            )
            told.add(at)
    axes.set_xlim(left=-0.02 * max(false_rates[-1], 1.0))
    axes.set_ylim(-0.03, 1.05)
    axes.set_xlabel("false masses for each CT (points: smallest diameter reported)")
    axes.set_ylabel("sensitivity")
    return figure


def _boxes(axes: Axes, groups: Mapping[str, Sequence[float]], colors: Sequence[Rgb]) -> None:
    """Boxes from quartile to quartile, whiskers to 1.5 of their height, and every value as a point."""
    labels = [f"{name}\nn = {len(values)}" for name, values in groups.items()]
    drawn = axes.boxplot(
        list(groups.values()),
        tick_labels=labels,
        patch_artist=True,
        widths=0.55,
        showfliers=False,
        medianprops={"color": _INK, "linewidth": 1.4},
    )
    rng = np.random.default_rng(0)
    for n, (box, values, color) in enumerate(zip(drawn["boxes"], groups.values(), colors, strict=True), 1):
        box.set_facecolor((*_unit(color), 0.45))
        if len(values) <= _POINTS_UP_TO:
            beside = n + rng.uniform(-_SPREAD, _SPREAD, len(values))
            axes.scatter(beside, values, s=12, color=_shade(color), edgecolors=_INK, linewidths=0.3, zorder=3)


def _unit_square(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color="#a2abb7", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.05)
    axes.set_aspect("equal")


def _figure(width_inch: float) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inch, 3.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()


def _unit(color: Rgb) -> tuple[float, float, float]:
    r, g, b = (value / 255 for value in color)
    return r, g, b


def _shade(color: Rgb) -> tuple[float, float, float]:
    """Darker: the colours were chosen for lines on a dark CT and stand on white here."""
    r, g, b = (0.82 * value for value in _unit(color))
    return r, g, b
