"""``python -m RenalAITrainingLib.runs FOLDER``: the process of one run."""

from __future__ import annotations

import sys
from pathlib import Path

from .runner import work

if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))
