"""What a segment of a manual segmentation is: guessed from its codes, then its name; the user's word wins."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import slicer
import vtk

from RenalAILib.labels import Label

MATCHES = "RenalAI.matches"  # node attribute: what the user said, by segment ID


class BothKidneys(Enum):
    """One segment for both kidneys, as KiTS draws them: sides come from anatomy when it is read."""

    KIDNEYS = "kidneys"


BOTH = BothKidneys.KIDNEYS
Match = Label | BothKidneys | None
"""What a segment is; None leaves it out."""
CHOICES: tuple[Match, ...] = (
    None, Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT, BOTH, Label.AML, Label.CYSTIC, Label.SOLID, Label.UNKNOWN,
)  # fmt: skip

_SIDE_CODES = {"24028007": Label.KIDNEY_RIGHT, "7771000": Label.KIDNEY_LEFT}
_KIDNEY_CODES = {"64033007", "9846003", "18639004", "T-71000"}  # kidney; right kidney; left kidney; SRT
_CYST_CODES = {"367643001"}
_TUMOR_CODES = {"108369006", "86049000", "14799000", "126880001"}  # neoplasm, primary, secondary; of kidney
_MASS_CODES = {"4147007", "52988006"}  # mass; lesion

# Words as they stand in names, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish,
# Danish, Polish, Czech, Russian, Chinese and Japanese. Those of four letters and more are found inside compounds too.
_NOT_HERE = (
    "adrenal", "surrenal", "suprarenal", "nebenniere", "bijnier", "artery", "arteria", "arterie", "arter", "vein",
    "vena", "veine", "vene", "ureter", "pelvis", "becken", "pyelon", "bassinet", "calyx", "calix", "stone", "stein",
    "calculi", "calculus", "bladder", "blase", "pararenal", "perirenal", "liver", "hepat", "leber", "foie", "higado",
    "fegato", "spleen", "milz", "pancrea", "pankrea", "lung", "pulmo", "brain", "thyroid", "prostat", "ovar", "uter",
    "bone", "colon", "stomach", "gastr",
)  # fmt: skip
_KIDNEY = (
    "kidney", "kidneys", "niere", "nieren", "rein", "reins", "rinon", "rinones", "rene", "reni", "rim", "rins",
    "nier", "njure", "njurar", "nyre", "nyrer", "nerka", "nerki", "ledvina", "ledviny", "почка", "почки", "肾", "腎",
    "rk", "lk", "parenchyma",
)  # fmt: skip
_AML = (
    "aml", "angiomyolip", "angiomiolip",
)  # fmt: skip
_CYST = (
    "cyst", "cysts", "cystic", "zyste", "zysten", "kyste", "quiste", "cisti", "cisto", "cista", "cysta", "torbiel",
    "киста", "囊", "嚢",
)  # fmt: skip
_SOLID = (
    "tumor", "tumour", "tumeur", "tumore", "guz", "nador", "solid", "solide", "solido", "rcc", "carcinom",
    "karzinom", "cancer", "krebs", "cancro", "oncocytom", "onkozytom", "neoplas", "опухоль", "肿瘤", "腫瘍",
)  # fmt: skip
_MASS = (
    "mass", "masse", "massa", "masa", "lesion", "lasion", "lesione", "lesao", "raumforderung", "unknown", "unklar",
)  # fmt: skip
_RIGHT = (
    "right", "rt", "r", "rechts", "rechte", "rechter", "re", "droit", "droite", "derecho", "derecha", "der",
    "destro", "destra", "dx", "direito", "direita", "hoyre", "hojre", "hoger", "prawa", "prawy", "prava", "pravy",
    "правая", "右", "rk",
)  # fmt: skip
_LEFT = (
    "left", "lt", "l", "links", "linke", "linker", "li", "gauche", "izquierdo", "izquierda", "izq", "sinistro",
    "sinistra", "sin", "sx", "esquerdo", "esquerda", "vanster", "venstre", "lewa", "lewy", "leva", "levy", "левая",
    "左", "lk",
)  # fmt: skip


def segments(node: Any) -> list[tuple[str, str]]:
    """ID and name of every segment, in the node's order."""
    segmentation = node.GetSegmentation()
    return [(identifier, segmentation.GetSegment(identifier).GetName()) for identifier in segmentation.GetSegmentIDs()]


def matches(node: Any) -> dict[str, Match]:
    """The label of each segment by its ID: as it was set before, else guessed; None for one that is left out."""
    said = _said(node)
    return {segment_id: said.get(segment_id, guess) for segment_id, guess in guess_matching(node).items()}


def set_match(node: Any, segment_id: str, match: Match) -> None:
    """Keep what the user says a segment is; None leaves it out."""
    said = _said(node)
    said[segment_id] = match
    kept = {key: value.value if isinstance(value, BothKidneys) else value for key, value in said.items()}
    node.SetAttribute(MATCHES, json.dumps(kept))


def guess_matching(node: Any) -> dict[str, Match]:
    """What each segment seems to be, by ID; None where neither codes nor name say it."""
    segmentation = node.GetSegmentation()
    found = {}
    for segment_id, name in segments(node):
        entry = vtk.reference("")
        segmentation.GetSegment(segment_id).GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
        from_codes, from_name = label_of_codes(str(entry)), label_of_name(name)
        # A code for "mass" or "neoplasm" is right but vague: the name may know the class.
        vague = from_codes in (Label.UNKNOWN, Label.SOLID) and from_name in (Label.AML, Label.CYSTIC, Label.SOLID)
        found[segment_id] = from_name if vague or from_codes is None else from_codes
    return found


def label_of_codes(entry: str) -> Match:
    """The label that Slicer's terminology entry of a segment stands for.

    Example:
        >>> label_of_codes("c~SCT^123037004^~SCT^64033007^Kidney~SCT^7771000^Left~r~^^~^^").name
        'KIDNEY_LEFT'
    """
    parts = [part.split("^")[1] if part.count("^") == 2 else "" for part in entry.split("~")]
    if len(parts) < 7:
        return None
    kind, side, region = parts[2], parts[3], parts[5]
    if kind in _KIDNEY_CODES:
        return {"9846003": Label.KIDNEY_RIGHT, "18639004": Label.KIDNEY_LEFT}.get(kind) or _SIDE_CODES.get(side, BOTH)
    if region and region not in _KIDNEY_CODES:
        return None
    for codes, label in ((_CYST_CODES, Label.CYSTIC), (_TUMOR_CODES, Label.SOLID), (_MASS_CODES, Label.UNKNOWN)):
        if kind in codes:
            return label
    return None


def label_of_name(name: str) -> Match:
    """The label that a name stands for, in several languages and spellings.

    Example:
        >>> [label_of_name(name) for name in ("Niere rechts", "kidney_tumor", "Nieren", "Leber")]
        [<Label.KIDNEY_RIGHT: 1>, <Label.SOLID: 5>, <BothKidneys.KIDNEYS: 'kidneys'>, None]
    """
    words = _words(name)
    if _any(words, _NOT_HERE):
        return None
    for vocabulary, label in ((_AML, Label.AML), (_CYST, Label.CYSTIC), (_SOLID, Label.SOLID), (_MASS, Label.UNKNOWN)):
        if _any(words, vocabulary):
            return label
    if not _any(words, _KIDNEY):
        return None
    right, left = _any(words, _RIGHT), _any(words, _LEFT)
    if right == left:
        return BOTH
    return Label.KIDNEY_RIGHT if right else Label.KIDNEY_LEFT


def named_elsewhere(name: str) -> bool:
    """Whether a name speaks of something that is neither a kidney nor a mass of one, such as ``Leber``.

    Example:
        >>> [named_elsewhere(name) for name in ("Leber", "Segment_1", "kidney_tumor")]
        [True, False, False]
    """
    return _any(_words(name), _NOT_HERE)


def _said(node: Any) -> dict[str, Match]:
    kept = json.loads(node.GetAttribute(MATCHES) or "{}")
    return {segment_id: _match(value) for segment_id, value in kept.items()}


def _match(value: Any) -> Match:
    if value is None:
        return None
    return BOTH if value == BOTH.value else Label(value)


def _words(name: str) -> list[str]:
    """``KidneyRight_2`` to ``["kidney", "right"]``; accents and digits fall away."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart.lower()) if not unicodedata.combining(c))
    return [word for word in re.split(r"[\W\d_]+", plain.replace("ø", "o").replace("ł", "l")) if word]


def _any(words: Iterable[str], vocabulary: Sequence[str]) -> bool:
    """Whether a word is one of the vocabulary, or holds one of its long or non-Latin ones."""
    return any(
        word == known or ((len(known) > 3 or not known.isascii()) and known in word)
        for word in words
        for known in vocabulary
    )
