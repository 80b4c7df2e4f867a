"""One result in the scene, from the engine's outcome to its nodes and back: what the module's widgets talk to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import slicer.util

from RenalAILib.errors import InputError
from RenalAILib.findings import Findings, Kidney, Mass, Outcome, segment_label
from RenalAILib.radiologist.readings import Reading
from RenalAILib.terminology import segment_name

from . import readings as _readings
from .candidateboxes import add_candidates, candidate_nodes
from .drawnkidneys import drawn_kidneys
from .drawnmasses import add_drawn_segment, describe_drawn, drawn_classes, drawn_masses
from .findingsnow import findings_now
from .findingstable import add_table, fill_table, show_answer, table_of
from .labelmaps import segment_array
from .matching import matches, segments, set_match
from .overlays import drop_agreement, show
from .resultsegmentation import add_segmentation, ct_of, findings, put_beside
from .saliencymaps import add_saliency, hide_saliency, saliency_node, saliency_of, show_saliency
from .views import go_to, go_to_point
from .volumes import volume_of
from .votestable import add_votes, votes_of
from .watching import watch_segments

__all__ = [
    "add_drawn_segment", "add_result", "ct_of", "findings", "findings_now", "go_to", "go_to_point", "hide_saliency",
    "matches", "outcome_of", "readings", "refresh", "remove_result", "segments", "set_match", "set_reading", "show",
    "show_saliency", "watch_segments",
]  # fmt: skip

readings = _readings.readings


def add_result(outcome: Outcome, ct: Any) -> tuple[Any, Any]:
    """The nodes of an outcome: segmentation, table, of a verdict its votes, a hidden Grad-CAM map a mass, and a
    region a candidate. All of them or none.

    Args:
        outcome: on the grid of ``ct``.
        ct: the scalar volume node it was computed from, still in the scene.

    Returns:
        Segmentation node and table node.

    Raises:
        InputError: the CT is gone from the scene, or is no longer what was segmented.
    """
    if not slicer.mrmlScene.IsNodePresent(ct):
        raise InputError(f"{ct.GetName()} was removed from the scene before its result arrived")
    if not volume_of(ct).same_grid(outcome.volume):
        raise InputError(f"{ct.GetName()} was moved or changed while it was segmented; segment it again")
    segmentation = add_segmentation(outcome, ct)
    try:
        table = add_table(outcome.findings, segmentation)
        put_beside(table, ct)
        votes = add_votes(outcome.findings, segmentation)
        if votes is not None:
            put_beside(votes, ct)
        add_saliency(outcome, segmentation, ct)
        add_candidates(segmentation, ct)
    except Exception:
        remove_result(segmentation)
        raise
    return segmentation, table


def remove_result(segmentation: Any) -> None:
    """Take a result out of the scene with everything that came with it."""
    drop_agreement(segmentation)
    maps = [saliency_node(segmentation, segment_id) for segment_id in segmentation.GetSegmentation().GetSegmentIDs()]
    beside = [*candidate_nodes(segmentation), table_of(segmentation), votes_of(segmentation)]
    for node in [*maps, *beside, segmentation]:
        if node is not None:
            displayed = node.IsA("vtkMRMLDisplayableNode")
            displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())] if displayed else []
            for owned in [*displays, node.GetStorageNode(), node]:
                if owned is not None:
                    slicer.mrmlScene.RemoveNode(owned)


def set_reading(segmentation: Any, segment_id: str, reading: Reading | None) -> None:
    """Keep the radiologist's answer in the segmentation and show it in the table; None forgets it.

    The class of a drawn mass becomes that of its segment: codes, and name and colour where the user gave none.
    """
    _readings.set_reading(segmentation, segment_id, reading)
    table = table_of(segmentation)
    if segment_id not in drawn_classes(segmentation):
        if table is not None:
            show_answer(table, segment_id, reading)
        return
    found = refresh(segmentation)
    if reading is not None and found is not None:
        for mass in found.masses:
            if mass.segment_id == segment_id:
                describe_drawn(segmentation, mass)


def refresh(segmentation: Any) -> Findings | None:
    """Look at the segments as they are now and write the table of it; returns :func:`.findingsnow.findings_now`."""
    found, table = findings_now(segmentation), table_of(segmentation)
    if found is not None and table is not None:
        fill_table(table, found, readings(segmentation))
    return found


def outcome_of(segmentation: Any) -> Outcome:
    """The outcome back from its nodes, segments as they are now: for reports of a saved or an edited scene.

    A kidney or mass whose segment was removed or erased is among ``removed``, and a warning names it. What the
    radiologist drew is among kidneys and masses (``drawn``), after those of the networks. Where segments overlap, the
    later one has the voxels.

    Raises:
        InputError: not a result of RenalAI, or its CT is gone.
    """
    found, ct = findings(segmentation), ct_of(segmentation)
    if found is None:
        raise InputError(f"{segmentation.GetName()} was not made by RenalAI")
    if ct is None:
        raise InputError(f"the CT of {segmentation.GetName()} is no longer in the scene")
    volume = volume_of(ct)
    labels, instances = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.uint8)
    present = set(segmentation.GetSegmentation().GetSegmentIDs())
    kidneys, told = drawn_kidneys(segmentation)
    found = replace(
        found,
        kidneys=(*found.kidneys, *kidneys),
        masses=(*found.masses, *drawn_masses(segmentation)),
        warnings=(*found.warnings, *told),
    )
    every: tuple[Kidney | Mass, ...] = (*found.kidneys, *found.masses)
    left: list[int] = []
    for value, segment in reversed(list(enumerate(every, start=1))):
        if segment.segment_id in present:
            mask = (segment_array(segmentation, segment.segment_id, ct) > 0) & (instances == 0)
            if mask.any():
                labels[mask], instances[mask] = segment_label(segment), value
                left.append(value)
    if len(left) < len(every):
        found, instances = _without(found, every, sorted(left), instances)
    saliency: Mapping[str, Any] = saliency_of(segmentation)
    return Outcome(volume, found, labels, instances, saliency)


def _without(
    found: Findings, every: Sequence[Kidney | Mass], left: Sequence[int], instances: npt.NDArray[np.uint8]
) -> tuple[Findings, npt.NDArray[np.uint8]]:
    """Findings of the segments that are ``left`` (their values), and the instances numbered by them.

    What was drawn and a later one covers whole is nobody's finding, so there is nothing to tell of it.
    """
    renumbered = np.zeros(len(every) + 1, np.uint8)
    renumbered[list(left)] = np.arange(1, len(left) + 1)
    gone = [segment for n, segment in enumerate(every, 1) if n not in left]
    removed = tuple(segment for segment in gone if not segment.drawn)
    kept = replace(
        found,
        kidneys=tuple(kidney for n, kidney in enumerate(found.kidneys, 1) if n in left),
        masses=tuple(mass for n, mass in enumerate(found.masses, 1 + len(found.kidneys)) if n in left),
        removed=removed,
    )
    if removed:
        names = ", ".join(segment_name(segment).partition(" (")[0] for segment in removed)
        kept = replace(kept, warnings=(*found.warnings, f"Removed by hand after the networks had found it: {names}."))
    return kept, renumbered[instances]
