"""Watching: being told that the segments of a result were edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer


def watch_segments(segmentation: Any, edited: Callable[[], None]) -> Callable[[], None]:
    """Call ``edited`` whenever a segment is added, removed, renamed or drawn into: many times for one stroke.

    Returns:
        what ends it.
    """
    kinds = slicer.vtkSegmentation
    events = (kinds.SegmentAdded, kinds.SegmentRemoved, kinds.SegmentModified, kinds.SourceRepresentationModified)
    tags = [segmentation.AddObserver(event, lambda _node, _event: edited()) for event in events]

    def stop() -> None:
        while tags:
            segmentation.RemoveObserver(tags.pop())

    return stop
