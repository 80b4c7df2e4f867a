"""The bundles that lie in this tree's ``Resources/Bundles``, for tests that look at each of them."""

from __future__ import annotations

from pathlib import Path

from RenalAILib.bundles.store import DEFAULT_BUNDLE, SHIPPED

FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Bundles"
PRESENT = [name for name in SHIPPED if (FOLDER / name).is_dir()]
"""Names; in a tree without weights none, and such tests are skipped."""
ACCURATE = DEFAULT_BUNDLE
