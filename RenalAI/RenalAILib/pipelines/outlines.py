"""Outlines: from outlined kidneys to numbered, measured and painted findings; the end of every segmenting pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from ..anatomy.evidence import evidence, measure
from ..anatomy.faint_masses import FAINT_HU, without_faint_masses
from ..anatomy.kidneys import OutlinedKidney, about_kidneys, are_unenhanced, describe_kidneys
from ..anatomy.masses import Character, MassRegion, centroid_ras, diameters, mass_regions
from ..findings import Mass, Saliency
from ..labels import Label, Side
from ..orientation import Orientation
from ..phases.second_phase import register_second_phase
from ..volume import Volume
from .work import Found, Work

MOST_SEGMENTS = 255  # instances are uint8


def found_in(
    outlined: Sequence[OutlinedKidney],
    work: Work,
    character: Callable[[MassRegion], Character],
    warnings: Sequence[str] = (),
    begin: float = 0.8,
) -> Found:
    """Number, measure, classify and paint what was outlined.

    Args:
        outlined: kidneys in canonical indices, right ones first, no voxel in two of them.
        character: the class of one mass; called with progress reported before.
        warnings: of the steps before, which come first.
        begin: the share of the work that is done already.
    """
    view = work.view
    kidneys = describe_kidneys(outlined, view)
    warnings = [*warnings, *about_kidneys(outlined, kidneys, view)]
    if are_unenhanced(kidneys) and not work.seen_elsewhere:
        outlined, faint = without_faint_masses(outlined, view)
        if faint:
            kidneys = describe_kidneys(outlined, view)
            warnings.append(
                f"Left out as doubtful: {faint} region{'s' * (faint > 1)} that the networks call a mass and that differ"
                f"{'s' * (faint == 1)} from the kidney by less than {FAINT_HU:.0f} HU, without contrast medium."
            )
    regions, left_out = _numbered(outlined)
    warnings += left_out
    unenhanced = are_unenhanced(kidneys)
    masses: list[Mass] = []
    saliency: dict[str, Saliency] = {}
    second = None
    if work.registered is not None:
        second = work.registered
    elif work.second_phase is not None and regions:
        work.steps("characterise", begin, "Registering the second phase")
        second = register_second_phase(view, outlined, work.second_phase)
        warnings += second.sentences
    for n, (segment_id, region) in enumerate(regions):
        done = begin + (1 - begin) * n / len(regions)
        work.steps("characterise", done, f"Classifying mass {n + 1} of {len(regions)}")
        told = character(region)
        measured = measure(region, view, None if second is None else second.over(region.side))
        if told.saliency is not None:
            saliency[segment_id] = told.saliency
        masses.append(
            Mass(
                segment_id=segment_id,
                side=region.side,
                mass_class=told.mass_class,
                probabilities=told.probabilities,
                volume_ml=region.voxels * view.voxel_ml,
                diameter_mm=diameters(region, view),
                centroid_ras=centroid_ras(region, view),
                mean_hu=measured.mean_hu,
                evidence=evidence(measured, told.mass_class, unenhanced),
            )
        )
    if second is not None and any(mass.evidence.enhancement_hu is None for mass in masses):
        warnings.append("The second phase does not cover every mass; enhancement is not known for all.")
    labels, instances = _paint(work.volume, outlined, regions, masses)
    return Found(labels, instances, kidneys, masses, warnings, saliency)


def _numbered(outlined: Sequence[OutlinedKidney]) -> tuple[list[tuple[str, MassRegion]], list[str]]:
    """All masses with their IDs, right ones first, per side by falling volume."""
    found = [region for kidney in outlined for region in mass_regions(kidney.mass, kidney.box, kidney.side)]
    found.sort(key=lambda region: -region.voxels)
    most = MOST_SEGMENTS - len(outlined)
    warnings = []
    if len(found) > most:
        warnings.append(f"{len(found)} masses were found; the {most} largest are reported, the others left as kidney.")
        found = found[:most]
    result = []
    for side in (Side.RIGHT, Side.LEFT):
        numbers = count(1)
        result += [(f"mass_{side.value}_{next(numbers)}", region) for region in found if region.side is side]
    return result, warnings


def _paint(
    volume: Volume,
    outlined: Sequence[OutlinedKidney],
    regions: Sequence[tuple[str, MassRegion]],
    masses: Sequence[Mass],
) -> tuple[np.ndarray, np.ndarray]:
    """Label map and instance map on the stored grid; written through their canonical views, box by box."""
    labels, instances = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.uint8)
    orientation = Orientation.of(volume)
    targets = [orientation.apply(labels), orientation.apply(instances)]
    for number, kidney in enumerate(outlined, 1):
        organ = kidney.kidney | kidney.mass
        for target, value in zip(targets, (Label.kidney(kidney.side), number), strict=True):
            target[kidney.box.slices][organ] = value
    for number, ((_, region), mass) in enumerate(zip(regions, masses, strict=True), len(outlined) + 1):
        for target, value in zip(targets, (mass.mass_class.label, number), strict=True):
            target[region.box.slices][region.mask] = value
    return labels, instances
