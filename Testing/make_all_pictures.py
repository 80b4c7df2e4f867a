"""Makes every picture of the documentation anew, from the code as it is, in about two minutes.

    python Testing/make_all_pictures.py

Needs what `./run test` installs, and EGL or an X server. The scans are phantoms: no patient is in a picture. Another
folder than Resources/Docs/Pictures may be given, to look before anything is replaced.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PICTURES = HERE.parent / "Resources" / "Docs" / "Pictures"

# What each script makes, and what the documentation calls it.
SCRIPTS = {
    ("gui/make_tutorial_pictures.py",): {
        "window.png": "window.png",
        "window-compare.png": "window-compare.png",
        "tutorial-1-choose.png": "tutorial-1-choose.png",
        "tutorial-2-segment.png": "tutorial-2-segment.png",
        "tutorial-3-judge.png": "tutorial-3-judge.png",
        "report-page.png": "report-page.png",
    },
    ("scene/make_pictures.py", "--phantom"): {
        "outlines.png": "four-up-outlines.png",
        "agreement.png": "four-up-agreement.png",
    },
    ("gui/make_training_pictures.py",): {
        "training-annotate-light-1x.png": "training-annotate.png",
        "training-dataset-light-1x.png": "training-dataset.png",
        "training-train-light-1x.png": "training-train.png",
        "training-evaluate-light-1x.png": "training-evaluate.png",
    },
    ("training/make_synthesis_pictures.py",): {"synthesis.png": "synthesis.png"},
}
NAMES = sorted(name for made in SCRIPTS.values() for name in made.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PICTURES, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for number, (words, made) in enumerate(SCRIPTS.items()):
            script, *options = words
            there = Path(scratch) / str(number)
            print(f"{script} ...", flush=True)
            subprocess.run([sys.executable, str(HERE / script), *options, str(there)], check=True)
            for name, called in made.items():
                _save_small(there / name, folder / called)
    print(f"{len(NAMES)} pictures in {folder}")
    return 0


def _save_small(made: Path, picture: Path) -> None:
    """With 256 colours: half the bytes, which stay in the history of the repository for good."""
    with Image.open(made) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
