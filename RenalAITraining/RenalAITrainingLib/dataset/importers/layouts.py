"""Which layouts can be imported, and which one a folder has."""

from __future__ import annotations

from pathlib import Path

from RenalAILib.errors import InputError

from .brats import SEQUENCES, Brats
from .decathlon import Decathlon
from .deephealth import DeepHealth
from .incoming import Importer
from .kits import Kits
from .nnunet import NnUnet
from .totalsegmentator import TotalSegmentator

LAYOUTS: dict[str, Importer] = {
    "kits": Kits(),
    "totalsegmentator": TotalSegmentator(),
    "ddf": DeepHealth(),
    "nnunet": NnUnet(),
    "decathlon": Decathlon(),
    **{f"brats-{sequence}": Brats(sequence) for sequence in SEQUENCES},
}
"""By the word of ``--format``, in the order they are tried: our own datasets have a datalist, too."""


def layout_of(source: Path) -> Importer:
    """The layout that ``source`` has.

    Raises:
        InputError: it does not exist, or has none of them.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist")
    for layout in LAYOUTS.values():
        if layout.recognizes(source):
            return layout
    known = "; ".join(layout.title for layout in LAYOUTS.values())
    raise InputError(f"{source} has none of the layouts that can be imported: {known}")
