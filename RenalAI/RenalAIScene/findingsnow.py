"""The findings as the segments are now: what the networks found, what the radiologist drew, changed and removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from RenalAILib.findings import Findings, Kidney, Mass

from .drawnkidneys import drawn_kidneys
from .drawnmasses import drawn_masses
from .labelmaps import segment_crop, voxel_counts
from .resultsegmentation import ct_of, findings
from .volumes import volume_of


def findings_now(segmentation: Any) -> Findings | None:
    """The findings with what the radiologist drew, and with what they removed among ``removed``.

    What they changed is measured again within its outline, as every export does (:mod:`RenalAILib.radiologist.edits`);
    class and probabilities stay the network's. None for a segmentation that RenalAI did not make.

    Raises:
        InputError: something was drawn or changed, and the CT lies under a non-linear transform or has lost its image.
    """
    found, ct = findings(segmentation), ct_of(segmentation)
    if found is None:
        return None
    counts = voxel_counts(segmentation)
    gone = {segment.segment_id for segment in (*found.kidneys, *found.masses) if not counts.get(segment.segment_id, 0)}
    kidneys, told = drawn_kidneys(segmentation)
    each = None if ct is None else volume_of(ct).voxel_ml

    def changed(segment: Kidney | Mass) -> bool:
        count = counts[segment.segment_id]
        return each is not None and count > 0 and abs(count * each - segment.volume_ml) > 0.5 * each

    return replace(
        found,
        kidneys=(
            *(
                _again(segmentation, ct, kidney) if changed(kidney) else kidney
                for kidney in found.kidneys
                if kidney.segment_id not in gone
            ),
            *kidneys,
        ),
        masses=(
            *(
                _mass_again(segmentation, ct, mass, found) if changed(mass) else mass
                for mass in found.masses
                if mass.segment_id not in gone
            ),
            *drawn_masses(segmentation),
        ),
        removed=tuple(segment for segment in (*found.kidneys, *found.masses) if segment.segment_id in gone),
        warnings=(*found.warnings, *told),
    )


def _again(segmentation: Any, ct: Any, kidney: Kidney) -> Kidney:
    from RenalAILib.radiologist.edits import kidney_within  # what measures: not needed where nothing was changed

    crop = segment_crop(segmentation, kidney.segment_id, ct)
    return kidney if crop is None else kidney_within(kidney, crop[1], crop[2])


def _mass_again(segmentation: Any, ct: Any, mass: Mass, found: Findings) -> Mass:
    from RenalAILib.radiologist.edits import mass_within

    crop = segment_crop(segmentation, mass.segment_id, ct)
    return mass if crop is None else mass_within(mass, crop[1], crop[2], found.kidneys)
