"""Edits: which outlines were changed after the engine drew them, and the measurements of those as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np

from ..anatomy.domains import Mask
from ..anatomy.evidence import UNENHANCED_KIDNEY_BELOW_HU, evidence, measure
from ..anatomy.masses import MassRegion, centroid_ras, diameters
from ..boxes import Box
from ..findings import Kidney, Mass, Outcome
from ..orientation import Orientation, canonical
from ..volume import Volume

_ANEW = "Measured again within the outline as the radiologist changed it. "


def edited_segments(outcome: Outcome) -> frozenset[str]:
    """IDs of the kidneys and masses that are there, but no longer with as many voxels as were measured.

    An outcome that comes back from Slicer holds the segments as they are now beside the findings as they were. A
    change that gives a segment exactly as many voxels as it takes away is not seen.
    """
    counts = np.bincount(outcome.instances.reshape(-1), minlength=len(outcome.segments) + 1)
    each = outcome.volume.voxel_ml
    return frozenset(
        segment.segment_id
        for count, segment in zip(counts[1:], outcome.segments, strict=False)
        if count and abs(count * each - segment.volume_ml) > 0.5 * each
    )


def measured_again(outcome: Outcome, edited: Collection[str]) -> Outcome:
    """The outcome with volume, sizes, place, HU and evidence of the ``edited`` segments as they are now.

    Classes and probabilities stay the network's, of the outline that it saw. The enhancement of an edited mass is not
    known: the second phase is not at hand.
    """
    if not edited:
        return outcome
    view = canonical(outcome.volume)
    instances = Orientation.of(outcome.volume).apply(outcome.instances)
    found = outcome.findings
    masks = {
        segment.segment_id: instances == value
        for value, segment in enumerate(outcome.segments, start=1)
        if segment.segment_id in edited
    }
    kidneys = [
        kidney_within(kidney, masks[kidney.segment_id], view) if kidney.segment_id in masks else kidney
        for kidney in found.kidneys
    ]
    masses = [
        mass_within(mass, masks[mass.segment_id], view, found.kidneys) if mass.segment_id in masks else mass
        for mass in found.masses
    ]
    return replace(outcome, findings=replace(found, kidneys=tuple(kidneys), masses=tuple(masses)))


def kidney_within(kidney: Kidney, mask: Mask, volume: Volume) -> Kidney:
    """The kidney with volume and mean HU of ``mask``, bool ``[k, j, i]`` on the voxels of ``volume``.

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError(f"{kidney.segment_id} has no voxels to measure")
    mean = float(volume.voxels[mask].mean())
    return replace(kidney, volume_ml=int(mask.sum()) * volume.voxel_ml, mean_hu=mean)


def mass_within(mass: Mass, mask: Mask, volume: Volume, kidneys: Iterable[Kidney]) -> Mass:
    """The mass as measured within ``mask``; class and probabilities stay.

    Args:
        mask: bool ``[k, j, i]`` on the voxels of ``volume``.
        volume: the CT, or the part of it that ``mask`` lies in.
        kidneys: of the same CT: whether they enhance says what can be told from HU.

    Raises:
        ValueError: the mask is empty.
    """
    view = canonical(volume)
    mask = Orientation.of(volume).apply(np.asarray(mask, dtype=bool))
    box = Box.around(mask)
    if box is None:
        raise ValueError(f"{mass.segment_id} has no voxels to measure")
    region = MassRegion(mass.side, box, mask[box.slices])
    unenhanced = any(kidney.mean_hu < UNENHANCED_KIDNEY_BELOW_HU for kidney in kidneys)
    measured = measure(region, view)
    shown = evidence(measured, mass.mass_class, unenhanced)
    return replace(
        mass,
        volume_ml=region.voxels * view.voxel_ml,
        diameter_mm=diameters(region, view),
        centroid_ras=centroid_ras(region, view),
        mean_hu=measured.mean_hu,
        evidence=replace(shown, text=_ANEW + shown.text),
    )
