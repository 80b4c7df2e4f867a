"""Segments of a DICOM segmentation: what each is, and who says so (PS3.3 C.8.20.4, Segment Description macro)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..findings import BundleIdentity, Kidney, Mass
from ..radiologist.readings import Reading
from ..terminology import CLASS_NAMES, Code, segment_color, segment_name, segment_terminology
from ..version import __version__
from .installed import highdicom

_LABEL_LENGTH, _DESCRIPTION_LENGTH = 64, 1024  # LO and ST, PS3.5 6.2


def describe_segment(
    number: int,
    segment: Kidney | Mass,
    reading: Reading | None,
    bundle: BundleIdentity,
    *,
    tracking_uid: str,
    edited: bool = False,
) -> Any:
    """A ``highdicom.seg.SegmentDescription``.

    AUTOMATIC, by RenalAI; SEMIAUTOMATIC where the radiologist changed the class, which is then the one given, or the
    outline; MANUAL, of no algorithm, where the radiologist drew the mass.

    Args:
        number: of the segment in the object, from 1.
        segment: as the engine found it.
        reading: the radiologist's last word about it, if any.
        bundle: the weights that spoke.
        tracking_uid: by which other objects speak of the same kidney or mass.
        edited: whether the radiologist changed the outline.
    """
    hd = highdicom()
    drawn = is_drawn(segment)
    theirs = ["outline"] * edited + ["class"] * (reading is not None and reading.mass_class is not None)
    said = as_read(segment, reading)
    terminology = segment_terminology(said)
    label = segment_name(said)
    if drawn or theirs:
        label += f", {'' if drawn else ' and '.join(theirs) + ' '}by the radiologist"
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label[:_LABEL_LENGTH],
        segmented_property_category=coded(terminology.category),
        segmented_property_type=coded(terminology.kind),
        algorithm_type="MANUAL" if drawn else "SEMIAUTOMATIC" if theirs else "AUTOMATIC",
        algorithm_identification=None if drawn else _algorithm(bundle),
        tracking_uid=tracking_uid,
        tracking_id=segment.segment_id,
        anatomic_regions=[coded(terminology.region)] if terminology.region.value else None,
        display_color=hd.color.CIELabColor.from_rgb(*segment_color(said)),
    )
    if terminology.modifier.value:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded(terminology.modifier)]
    if terminology.region_modifier.value:
        region = description.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [coded(terminology.region_modifier)]
    words = spoken(segment, reading, edited)
    if words:
        description.SegmentDescription = words[:_DESCRIPTION_LENGTH]
    return description


def is_drawn(segment: Kidney | Mass) -> bool:
    """Whether the radiologist drew it, and no network."""
    return bool(segment.drawn)


def as_read(segment: Kidney | Mass, reading: Reading | None) -> Kidney | Mass:
    """The segment with the radiologist's class where there is one."""
    if isinstance(segment, Mass) and reading is not None and reading.mass_class is not None:
        return replace(segment, mass_class=reading.mass_class)
    return segment


def spoken(segment: Kidney | Mass, reading: Reading | None, edited: bool = False) -> str:
    """What the algorithm said, then what the radiologist said, each named."""
    said = []
    if isinstance(segment, Mass) and segment.drawn:
        said.append("Drawn by the radiologist; the algorithm did not find it.")
    elif segment.drawn:
        said.append("Drawn by the radiologist, by no algorithm.")
    elif isinstance(segment, Mass):
        probability = segment.probabilities.get(segment.mass_class)
        sure = "" if probability is None else f", probability {probability:.2f}"
        said.append(f"Algorithm, not a diagnosis: {CLASS_NAMES[segment.mass_class]}{sure}.")
    if edited and not is_drawn(segment):
        said.append("The radiologist changed the outline.")
    if reading is not None:
        who = f"Radiologist ({reading.reader})" if reading.reader else "Radiologist"
        note = f" Note: {reading.note}" if reading.note else ""
        said.append(f"{who}: {reading.words}.{note}")
    return " ".join(said)


def _algorithm(bundle: BundleIdentity) -> Any:
    hd = highdicom()
    return hd.AlgorithmIdentificationSequence(
        name="RenalAI",
        family=coded(Code("DCM", "123109", "Artificial Intelligence")),  # CID 7162
        version=__version__,
        parameters={"bundle": f"{bundle.name} {bundle.version}", "sha256": bundle.sha256},
    )


def coded(code: Code) -> Any:
    """The code as highdicom has it."""
    return highdicom().sr.CodedConcept(code.value, code.scheme, code.meaning)


def coded_dataset(code: Code) -> Any:
    """The code as a pydicom data set, for what is written without highdicom (PS3.3 8.8)."""
    import pydicom

    made = pydicom.Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = code.value, code.scheme, code.meaning
    return made
