"""DICOM SR: the measurements of an outcome as a report after TID 1500, which points into the segmentation object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..findings import Mass, Outcome
from ..radiologist.readings import Reading
from ..version import __version__
from . import concepts
from .identity import ResultUids, uid
from .installed import highdicom, names_unspoken
from .measurement_groups import measurement_group
from .segment_description import coded
from .segmentation_object import SERIES_NUMBER, is_rejected, present_segments
from .source_images import SourceImages

_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"


def structured_report(
    outcome: Outcome,
    source: SourceImages,
    readings: Mapping[str, Reading],
    uids: ResultUids,
    *,
    edited: Collection[str] = (),
) -> Any:
    """A ``highdicom.sr.Comprehensive3DSR`` with a measurement group for every kidney and mass.

    Each group refers to its segment of the object that :func:`.segmentation_object.segmentation_object` makes with the
    same ``uids``. A mass that the radiologist rejected, and a segment that they removed, has a group that says so and
    no measurements. The report is unverified: a program made it.

    Args:
        outcome: on the grid of the source images.
        source: the CT.
        readings: the last about each mass, by segment ID.
        uids: of this result.
        edited: IDs of segments whose outline the radiologist changed; the outcome holds their measurements anew.
    """
    hd = highdicom()
    findings = outcome.findings
    numbers = {segment.segment_id: n for n, segment in enumerate(present_segments(outcome, readings), start=1)}
    spoken_of = [
        segment
        for segment in outcome.segments
        if segment.segment_id in numbers
        or (isinstance(segment, Mass) and is_rejected(readings.get(segment.segment_id)))
    ]
    groups = [
        measurement_group(
            segment,
            readings.get(segment.segment_id),
            findings.bundle,
            tracking_uid=uids.tracking(segment.segment_id),
            edited=segment.segment_id in edited,
            region=_region(numbers.get(segment.segment_id), source, uids),
        )
        for segment in spoken_of
    ]
    groups += [
        measurement_group(
            segment,
            readings.get(segment.segment_id),
            findings.bundle,
            tracking_uid=uids.tracking(segment.segment_id),
            region=None,
            removed=True,
        )
        for segment in findings.removed
    ]
    report = hd.sr.MeasurementReport(
        observation_context=_observer(outcome),
        procedure_reported=coded(concepts.PROCEDURE),
        imaging_measurements=groups,
        title=coded(concepts.REPORT_TITLE),
    )
    evidence = [source.datasets[0]]
    if numbers:
        evidence.append(_segmentation(source, uids))
    bundle = findings.bundle
    with names_unspoken():
        made = hd.sr.Comprehensive3DSR(
            evidence=evidence,
            content=report[0],
            series_instance_uid=uids.of("report series"),
            series_number=SERIES_NUMBER + 1,
            sop_instance_uid=uids.of("report"),
            instance_number=1,
            manufacturer="RenalAI",
            is_complete=True,
            is_final=False,
            is_verified=False,
            manufacturer_model_name=bundle.name,
            software_versions=__version__,
            device_serial_number=bundle.sha256[:16],
            series_description="RenalAI measurements, not for diagnosis",
        )
    made.CodingSchemeIdentificationSequence = [_own_scheme()]
    return made


def _observer(outcome: Outcome) -> Any:
    """The device that measured: RenalAI with these weights (PS3.16 TID 1004)."""
    sr = highdicom().sr
    bundle = outcome.findings.bundle
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=uid("device", bundle.sha256),
        name="RenalAI",
        manufacturer_name="RenalAI",
        model_name=bundle.name,
        serial_number=bundle.sha256[:16],
    )
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=coded(concepts.DEVICE), observer_identifying_attributes=device
        )
    )


def _region(number: int | None, source: SourceImages, uids: ResultUids) -> Any:
    if number is None:
        return None
    sr = highdicom().sr
    return sr.ReferencedSegment(
        sop_class_uid=_SEGMENTATION_STORAGE,
        sop_instance_uid=uids.of("segmentation"),
        segment_number=number,
        source_series=sr.SourceSeriesForSegmentation(source.datasets[0].SeriesInstanceUID),
    )


def _segmentation(source: SourceImages, uids: ResultUids) -> Any:
    """What the report's list of evidence must know of the segmentation, which is written beside it."""
    import pydicom

    data = pydicom.Dataset()
    data.SOPClassUID, data.SOPInstanceUID = _SEGMENTATION_STORAGE, uids.of("segmentation")
    data.StudyInstanceUID = source.datasets[0].StudyInstanceUID
    data.SeriesInstanceUID = uids.of("segmentation series")
    return data


def _own_scheme() -> Any:
    """PS3.3 C.12.1.1.1: who stands behind codes of a private scheme."""
    import pydicom

    scheme = pydicom.Dataset()
    scheme.CodingSchemeDesignator = concepts.OWN_SCHEME
    scheme.CodingSchemeName = concepts.OWN_SCHEME_NAME
    scheme.CodingSchemeResponsibleOrganization = "RenalAI"
    return scheme
