"""Identity of a result: UIDs that the same CT, weights, voxels and readings give again, and others do not.

An object that is made twice, because a sender died before it knew whether the PACS had the first, is then the same
object for the PACS, and not a second one.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from ..findings import Outcome
from ..radiologist.readings import Reading
from ..version import __version__
from .source_images import SourceImages


class ResultUids:
    """The UIDs of the objects of one result.

    Args:
        outcome: with the voxels that are written.
        source: the CT.
        readings: in order of time.
    """

    def __init__(self, outcome: Outcome, source: SourceImages, readings: Sequence[Reading]) -> None:
        found = outcome.findings.to_json()
        where = [str(data.SOPInstanceUID) for data in source.datasets]
        said = [found["bundle"], found["kidneys"], found["masses"], found["warnings"], found.get("removed")]
        voxels = source.arrange(outcome.instances, outcome.volume).tobytes()
        self._voxels = _digest(where, said, hashlib.sha256(voxels).hexdigest())
        self._all = _digest(self._voxels, [reading.to_json() for reading in readings], __version__)

    def of(self, what: str) -> str:
        """A UID of this result: ``segmentation series``, ``segmentation``, and whatever else is made once."""
        return uid(self._all, what)

    def tracking(self, segment_id: str) -> str:
        """The UID by which objects speak of one kidney or mass; another reading of it does not change it."""
        return uid(self._voxels, "tracking", segment_id)


def uid(*parts: str) -> str:
    """A UID under ``2.25`` (PS3.5 B.2), always the same for the same parts.

    Example:
        >>> uid("series", "a") == uid("series", "a") != uid("series", "b")
        True
    """
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, _digest(*parts)).int}"


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()
