"""``python -m RenalAITrainingLib.runs FOLDER``: the process of one run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from .runner import Wish, work


def main(folder: Path) -> int:
    """Do the run; its exit code."""
    wish = Wish(folder)
    signal.signal(signal.SIGTERM, lambda number, frame: wish.now())  # the computer shuts down: there is time to save
    if hasattr(os, "nice"):
        os.nice(5)  # the programs that somebody sits at go first; Windows is told by whoever starts this
    return work(folder, wish)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
