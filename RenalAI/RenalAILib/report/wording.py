"""The report's sentences: what was found, in a radiologist's words."""

from __future__ import annotations

from collections.abc import Sequence

from ..detections import Detection
from ..findings import Findings, Mass
from ..labels import MassClass, Side
from ..terminology import CLASS_NAMES
from ..verdicts import Verdict

NBSP = "\N{NO-BREAK SPACE}"  # a number stays with its unit
DEMONSTRATION = "Demonstration weights: research only, not for diagnosis."
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def summary(findings: Findings) -> str:
    """The findings in a few sentences.

    Example:
        >>> from RenalAILib.findings import BundleIdentity
        >>> summary(Findings(BundleIdentity("b", "1", ""), {}, (), (), ()))
        'No kidney and no renal mass was found in this scan.'
    """
    if findings.verdict is not None and not findings.kidneys and not findings.masses:
        return verdict_sentence(findings.verdict)  # its bundle outlines nothing
    if findings.detections is not None and not findings.kidneys and not findings.masses:
        return detections_sentence(findings.detections)
    if not findings.kidneys and not findings.masses:
        return "No kidney and no renal mass was found in this scan."
    sentences = [_kidneys(findings)]
    if not findings.masses:
        sentences.append("No renal mass was found.")
    else:
        count = len(findings.masses)
        parts = [part for side in Side if (part := _on_side(findings, side))]
        sentences.append(f"{number(count).capitalize()} renal {plural('mass', count)}: {'; '.join(parts)}.")
    if findings.verdict is not None:
        sentences.append(verdict_sentence(findings.verdict))
    return " ".join(sentences)


def verdict_sentence(verdict: Verdict) -> str:
    """The class of the patient with the share of the slices.

    Example:
        >>> from RenalAILib.verdicts import SliceVote
        >>> votes = tuple(SliceVote(k, (0, 0, k), {"benign": k / 3, "rcc": 1 - k / 3}, "rcc") for k in range(2))
        >>> verdict_sentence(Verdict("rcc", "benign", 0.51, votes)).replace(NBSP, " ")
        'By the votes of its slices this scan is rcc: 2 of 2 slices, 100 %.'
    """
    votes = round(verdict.share * len(verdict.slices))
    side = f"the {verdict.side.value} kidney" if verdict.side else "this scan"
    return (
        f"By the votes of its slices {side} is {verdict.label}: {votes} of {len(verdict.slices)} "
        f"{plural('slice', len(verdict.slices))}, {percent(verdict.share)}."
    )


def verdict_rule(verdict: Verdict) -> str:
    """How the votes became the verdict: ``70 % of 44 slices; oncocytoma needs 51 %``."""
    told = f"{percent(verdict.share)} of {len(verdict.slices)} {plural('slice', len(verdict.slices))} vote for it"
    if verdict.decisive is None:
        return f"{told}; the class with most votes counts."
    return f"{told}; {verdict.decisive} needs at least {percent(verdict.threshold)} of them."


def detections_sentence(detections: Sequence[Detection]) -> str:
    """How many candidates there are, of what, on which side.

    Example:
        >>> detections_sentence(())
        'The detector found no candidate in this scan.'
    """
    if not detections:
        return "The detector found no candidate in this scan."
    count = len(detections)
    sides = [
        f"{number(on_side)} on the {side.value}"
        for side in Side
        if (on_side := sum(one.side is side for one in detections))
    ]
    kinds = ", ".join(sorted({one.label for one in detections}))
    told = f" ({', '.join(sides)})" if sides else ""
    return (
        f"The detector found {number(count)} {plural('candidate', count)} ({kinds}){told}. "
        "A box is a suspicion: nothing was outlined or measured."
    )


def detection_name(detection: Detection) -> str:
    """``Candidate 2``."""
    return detection.detection_id.replace("_", " ").capitalize()


def box_size(detection: Detection) -> str:
    """The edges of a box along the CT's own axes: ``24 x 21 x 30 mm``."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{edge:.0f}" for edge in detection.size_mm) + f"{NBSP}mm"


def number(count: int) -> str:
    """Small numbers as words."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def plural(noun: str, count: int) -> str:
    """``mass`` or ``masses``, ``kidney`` or ``kidneys``."""
    return noun if count == 1 else noun + ("es" if noun.endswith("s") else "s")


def class_phrase(mass_class: MassClass, capital: bool = False) -> str:
    """A class as a report says it: ``AML``, ``cystic``, ``solid``, ``unknown class``."""
    words = CLASS_NAMES[mass_class]
    return words[:1].upper() + words[1:] if capital else words


def disagreement(mass: Mass) -> str | None:
    """Why to look twice: network and measurements speak for different classes. None where they agree."""
    evidence = mass.evidence
    if mass.drawn:
        if evidence.agrees is not False:
            return None
        said, measured = _as_class(mass.mass_class), _as_class(evidence.suggests)
        return f"The radiologist drew {said}; the measurements speak for {measured}."
    if not mass.probabilities:
        return f"These networks name no class of a mass. The measurements speak for {_as_class(evidence.suggests)}."
    if evidence.agrees is None:
        return (
            "The network is not sure enough to name a class. "
            f"The measurements speak for {_as_class(evidence.suggests)}."
        )
    if evidence.agrees:
        return None
    return (
        f"Network and measurements disagree: the network says {_as_class(mass.mass_class)}, "
        f"the measurements speak for {_as_class(evidence.suggests)}."
    )


def millimeters(value: float) -> str:
    """A length without false precision: one decimal below 10 mm, none above."""
    return f"{value:.1f}{NBSP}mm" if value < 10 else f"{value:.0f}{NBSP}mm"


def diameters(mass: Mass) -> str:
    """Largest axial and average diameter: ``38 / 31 mm``."""
    axial = millimeters(mass.diameter_mm.axial_max).removesuffix(f"{NBSP}mm")
    return f"{axial}{NBSP}/{NBSP}{millimeters(mass.diameter_mm.average)}"


def milliliters(value: float) -> str:
    """A volume without false precision."""
    if value < 1:
        return f"{value:.2f}{NBSP}ml"
    return f"{value:.1f}{NBSP}ml" if value < 10 else f"{value:.0f}{NBSP}ml"


def hounsfield(value: float) -> str:
    """HU with a true minus sign."""
    return f"{value:.0f}{NBSP}HU".replace("-", "\N{MINUS SIGN}")


def percent(fraction: float) -> str:
    """A share; never ``0 %`` or ``100 %`` for what is not quite."""
    if 0 < fraction < 0.005:
        return f"<{NBSP}1{NBSP}%"
    if 0.995 <= fraction < 1:
        return f">{NBSP}99{NBSP}%"
    return f"{100 * fraction:.0f}{NBSP}%"


def place(ras: Sequence[float], axis: int) -> str:
    """One coordinate with the letter of its direction: ``R 71 mm``, ``P 30 mm``, ``I 45 mm``."""
    letter = ("RL", "AP", "SI")[axis][0 if ras[axis] >= 0 else 1]
    return f"{letter}{NBSP}{abs(ras[axis]):.0f}{NBSP}mm"


def place_of(ras: Sequence[float]) -> str:
    """A place with its unit once: ``R 71, P 30, I 45 mm``."""
    return ", ".join(place(ras, axis) for axis in range(3)).replace(f"{NBSP}mm,", ",")


def _kidneys(findings: Findings) -> str:
    """How many are there, and which of them a radiologist drew."""
    drawn = " and the ".join(kidney.side.value for kidney in findings.kidneys if kidney.drawn)
    return _count(findings) + (f" The {drawn} one was drawn by the radiologist." if drawn else "")


def _count(findings: Findings) -> str:
    counts = {side: sum(kidney.side is side for kidney in findings.kidneys) for side in Side}
    if counts == {Side.RIGHT: 1, Side.LEFT: 1}:
        return "Both kidneys were found."
    if not findings.kidneys:
        return "No kidney was found."
    if len(findings.kidneys) == 1:
        return f"Only one kidney was found, the {findings.kidneys[0].side.value} one."
    parts = " and ".join(f"{number(count)} on the {side.value}" for side, count in counts.items() if count)
    return f"{number(len(findings.kidneys)).capitalize()} kidneys were found: {parts}."


def _on_side(findings: Findings, side: Side) -> str:
    masses = [mass for mass in findings.masses if mass.side is side]
    if not masses:
        return ""
    phrases = [_phrase(mass) for mass in masses]
    listed = phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]
    return f"on the {side.value}, {listed}"


def _phrase(mass: Mass) -> str:
    size = millimeters(mass.diameter_mm.axial_max) + (" (drawn by the radiologist)" if mass.drawn else "")
    if mass.mass_class is MassClass.UNKNOWN:
        return f"a mass of unknown class of {size}"
    if mass.mass_class is MassClass.AML:
        return f"an AML of {size}"
    return f"a {CLASS_NAMES[mass.mass_class]} mass of {size}"


def _as_class(mass_class: MassClass) -> str:
    return {MassClass.AML: "an AML", MassClass.UNKNOWN: "no class"}.get(mass_class, f"a {CLASS_NAMES[mass_class]} mass")
