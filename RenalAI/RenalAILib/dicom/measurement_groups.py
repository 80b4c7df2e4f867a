"""Measurement groups: what is said of one kidney or mass in a structured report (PS3.16 TID 1411 and TID 1501)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..findings import BundleIdentity, Kidney, Mass
from ..radiologist.readings import Reading
from ..terminology import Code, segment_terminology
from ..version import __version__
from . import concepts
from .installed import highdicom
from .segment_description import as_read, coded, is_drawn, spoken


def measurement_group(
    segment: Kidney | Mass,
    reading: Reading | None,
    bundle: BundleIdentity,
    *,
    tracking_uid: str,
    region: Any,
    edited: bool = False,
    removed: bool = False,
) -> Any:
    """The group of one kidney or mass: its measurements, its classes, and who says which.

    Args:
        segment: as the engine found it, or as measured again.
        reading: the radiologist's last word about it, if any.
        bundle: the weights that spoke.
        tracking_uid: by which the segmentation speaks of the same kidney or mass.
        region: a ``highdicom.sr.ReferencedSegment``; None for a mass without voxels, which has nothing to measure.
        edited: whether the radiologist changed the outline.
        removed: whether the radiologist took the segment out; what the algorithm had found is then said in words.

    Returns:
        a ``highdicom.sr`` template for :class:`highdicom.sr.MeasurementReport`.
    """
    sr = highdicom().sr
    terminology = segment_terminology(as_read(segment, reading))
    side = terminology.modifier if isinstance(segment, Kidney) else terminology.region_modifier
    organ = terminology.kind if isinstance(segment, Kidney) else terminology.region
    words: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(tracking_uid, segment.segment_id),
        "finding_category": coded(terminology.category),
        "finding_type": coded(terminology.kind),
        "finding_sites": [sr.FindingSite(coded(organ), laterality=coded(side))],
        "algorithm_id": _algorithm(bundle),
        "qualitative_evaluations": list(_evaluations(segment, reading, edited, removed)),
    }
    if region is None:
        group = sr.MeasurementsAndQualitativeEvaluations(**words)
    else:
        group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            **words, referenced_segment=region, measurements=list(_measurements(segment))
        )
    said = " ".join(filter(None, [spoken(segment, reading, edited), "The radiologist removed it." * removed]))
    if said:
        group[0].ContentSequence.append(
            sr.TextContentItem(coded(concepts.COMMENT), said, relationship_type=sr.RelationshipTypeValues.CONTAINS)
        )
    return group


def _measurements(segment: Kidney | Mass) -> Iterator[Any]:
    yield _measured(concepts.VOLUME, segment.volume_ml, concepts.CUBIC_CENTIMETER)
    if isinstance(segment, Mass):
        # In the axial slice where it is longest; the other is the mean over three axes.
        yield _measured(concepts.LONG_AXIS, segment.diameter_mm.axial_max, concepts.MILLIMETER)
        yield _measured(concepts.DIAMETER, segment.diameter_mm.average, concepts.MILLIMETER, concepts.MEAN)
    yield _measured(concepts.ATTENUATION, segment.mean_hu, concepts.HOUNSFIELD, concepts.MEAN)
    if isinstance(segment, Mass):
        evidence = segment.evidence
        yield _measured(concepts.ATTENUATION, evidence.sd_hu, concepts.HOUNSFIELD, concepts.STANDARD_DEVIATION)
        yield _measured(concepts.FAT_FRACTION, 100 * evidence.fat_fraction, concepts.PERCENT)
        yield _measured(concepts.FLUID_FRACTION, 100 * evidence.fluid_fraction, concepts.PERCENT)
        if evidence.enhancement_hu is not None:
            yield _measured(concepts.ENHANCEMENT, evidence.enhancement_hu, concepts.HOUNSFIELD)
        for mass_class, concept in concepts.PROBABILITIES.items():
            if mass_class in segment.probabilities:
                yield _measured(concept, segment.probabilities[mass_class], concepts.NO_UNITS)


def _evaluations(segment: Kidney | Mass, reading: Reading | None, edited: bool, removed: bool) -> Iterator[Any]:
    evaluation = highdicom().sr.QualitativeEvaluation
    drawn = is_drawn(segment)
    theirs = None if reading is None else reading.mass_class
    if isinstance(segment, Mass):
        if drawn:
            theirs = theirs or segment.mass_class
        else:
            yield evaluation(coded(concepts.CLASS_BY_ALGORITHM), coded(concepts.CLASSES[segment.mass_class]))
        yield evaluation(coded(concepts.CLASS_BY_MEASUREMENT), coded(concepts.CLASSES[segment.evidence.suggests]))
    if edited or drawn:
        yield evaluation(coded(concepts.OUTLINE), coded(concepts.BY_RADIOLOGIST))
    if reading is not None:
        answer = Code(concepts.OWN_SCHEME, reading.verdict.value, reading.verdict.value.capitalize())
        yield evaluation(coded(concepts.VERDICT_BY_RADIOLOGIST), coded(answer))
    elif removed:
        yield evaluation(coded(concepts.VERDICT_BY_RADIOLOGIST), coded(concepts.REMOVED))
    if theirs is not None:
        yield evaluation(coded(concepts.CLASS_BY_RADIOLOGIST), coded(concepts.CLASSES[theirs]))


def _measured(name: Code, value: float, unit: Code, derivation: Code | None = None) -> Any:
    """Six digits: what a decimal string of 16 characters holds of any of these numbers."""
    return highdicom().sr.Measurement(
        name=coded(name),
        value=float(f"{value:.6g}"),
        unit=coded(unit),
        derivation=None if derivation is None else coded(derivation),
    )


def _algorithm(bundle: BundleIdentity) -> Any:
    told = [f"bundle: {bundle.name} {bundle.version}", f"sha256: {bundle.sha256}"]
    if bundle.demonstration:
        told.append("demonstration weights, research only, not for diagnosis")
    return highdicom().sr.AlgorithmIdentification(
        name="RenalAI",
        version=__version__,
        parameters=told,
        family=coded(concepts.ARTIFICIAL_INTELLIGENCE),
    )
