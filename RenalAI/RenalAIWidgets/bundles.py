"""Bundles as the panel needs them: found by name, described by their own words. Checksums are the engine's business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Described:
    """A bundle that was not verified.

    Attributes:
        folder: where it lies.
        metadata: its ``metadata.json``.
    """

    folder: Path
    metadata: dict[str, Any]

    @property
    def licence(self) -> str:
        """Its licence as it names it; empty where it names none."""
        return str(self.metadata.get("license", "")).strip()

    @property
    def licence_file(self) -> Path:
        return self.folder / "LICENSE"


def described(name: str) -> Described:
    """A bundle by name or folder; the default one for an empty name.

    Raises:
        OSError, ValueError: there is none by that name, or its description cannot be read.
    """
    from RenalAILib.bundles.bundle import METADATA
    from RenalAILib.bundles.store import bundle_folder

    folder = bundle_folder(name or None)
    metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    if not isinstance(metadata, dict):
        raise ValueError(_("{folder} does not describe a model").format(folder=folder))
    return Described(folder, metadata)
