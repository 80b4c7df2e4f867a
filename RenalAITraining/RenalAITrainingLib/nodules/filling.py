"""Samples of nodules: three slices through the middle of each, with their neighbours, and slices without any."""

from __future__ import annotations

import hashlib

import numpy as np

from RenalAILib.detector.slices import SliceGrid, looked_at, network_slices

from ..lesion_boxes import LesionBox, as_shares, to_facts
from ..samples import SampleStore, Split
from ..synthesis.detect_samples import NEIGHBOURS, SHAPE
from .boxed_scan import BoxedScan

STEP_MM = 2.5
"""Between the slices of a sample, and at work."""


def case_name(source: str, series: str) -> str:
    """What a scan is called in samples: no identifier of the source's.

    Example:
        >>> case_name("luna", "1.3.6.1.4.1.14519.5.2.1.6279.6001.1")
        'luna_cecd0f200b'
    """
    return f"{source}_{hashlib.sha256(series.encode()).hexdigest()[:10]}"


def split_of(name: str, validation_share: float) -> Split:
    """Training or validation, by the name alone: a scan stays where it is when others come."""
    place = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8
    return "validation" if place < validation_share else "train"


def add_scan(store: SampleStore, scan: BoxedScan, name: str, split: Split, *, empty: int = 3) -> int:
    """Store the samples of one scan; how many there are. A scan that is there already adds none.

    Args:
        empty: slices without a nodule, evenly spaced over the scan.
    """
    if any(name in record.sources for record in store.records):
        return 0
    step = looked_at(scan.view, STEP_MM).step
    wanted = {
        k
        for centre in scan.centres.values()
        for k in (centre - step, centre, centre + step)
        if 0 <= k < scan.view.shape[0]
    }
    without = [k for k in range(scan.view.shape[0]) if not scan.boxes.get(k)]
    wanted |= {without[n] for n in np.linspace(0, len(without) - 1, min(empty, len(without))).round().astype(int)}
    grid = SliceGrid.of(scan.view, SHAPE)
    for k in sorted(wanted):
        boxes = [_on_grid(box, grid) for box in scan.boxes.get(k, ())]
        image = network_slices(scan.view, k, step, NEIGHBOURS, SHAPE)
        facts = {"k": k, **to_facts(boxes)}
        label = np.zeros(image.shape, np.uint8)
        store.append(image, label, split=split, stage="slice-detect", kind="real", sources=(name,), **facts)
    return len(wanted)


def _on_grid(box: LesionBox, grid: SliceGrid) -> LesionBox:
    pixels = np.array([box.rect])
    edges = grid.to_shares(pixels)[0] * np.tile(np.array(SHAPE, dtype=np.float64), 2)
    top, left, bottom, right = edges.tolist()
    moved = LesionBox((top, left, bottom, right), box.label, box.lesion)
    assert (as_shares([moved], SHAPE) >= 0).all(), "a box lies in its slice"
    return moved
