"""The modules are tested by clicking, in the double of the Slicer application."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [str(ROOT / part) for part in ("Testing", "RenalAI", "RenalAITraining")]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

from slicerdouble.fixtures import *  # noqa: E402, F403
