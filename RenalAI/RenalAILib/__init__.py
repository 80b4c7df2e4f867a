"""RenalAI's engine: CT in, findings out. No Slicer, no Qt, no torch.

What a program around it needs has its name here; everything else may move. A name is imported when it is first asked
for, so that ``import RenalAILib`` costs nothing:

- reading: :func:`read_volume`, :func:`read_labels`, :class:`Volume`
- weights: :func:`load_bundle`, :class:`Bundle`
- the work: :func:`segment` (arrays in, arrays out), :func:`segment_study` (files in, a result folder out)
- what was found: :class:`Outcome`, :class:`Findings`, :class:`Kidney`, :class:`Mass`, and the closed sets
  :class:`MassClass`, :class:`Side`, :class:`Label`
- afterwards: :func:`write_outcome` (the result folder), :func:`compare_labels` (against a manual segmentation)
- :class:`InputError`: bad input, told in one sentence

Example:
    >>> import numpy as np
    >>> from RenalAILib import Label, Volume, compare_labels
    >>> manual = np.zeros((20, 40, 40), np.uint8)
    >>> manual[5:15, 5:15, 5:15] = Label.KIDNEY_RIGHT
    >>> found = manual.copy()
    >>> found[5] = 0
    >>> grid = np.diag([-1.0, -1.0, 2.5, 1.0])  # IJK to RAS, mm
    >>> agreement = compare_labels(Volume(found, grid), Volume(manual, grid))
    >>> kidney = next(row for row in agreement.structures if row.structure == "kidney")
    >>> kidney.side.value, round(kidney.dice, 3), kidney.volume_difference_ml
    ('right', 0.947, -0.25)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .bundles.bundle import Bundle
    from .bundles.store import load_bundle
    from .compare import compare_labels
    from .errors import InputError
    from .findings import Findings, Kidney, Mass, Outcome
    from .labels import Label, MassClass, Side
    from .pipelines.running import segment
    from .reading import read_labels, read_volume
    from .report import write_outcome
    from .study.segmenting import segment_study
    from .volume import Volume

__all__ = [
    "Bundle",
    "Findings",
    "InputError",
    "Kidney",
    "Label",
    "Mass",
    "MassClass",
    "Outcome",
    "Side",
    "Volume",
    "__version__",
    "compare_labels",
    "load_bundle",
    "read_labels",
    "read_volume",
    "segment",
    "segment_study",
    "write_outcome",
]

_HOMES = {
    "Bundle": "bundles.bundle",
    "Findings": "findings",
    "InputError": "errors",
    "Kidney": "findings",
    "Label": "labels",
    "Mass": "findings",
    "MassClass": "labels",
    "Outcome": "findings",
    "Side": "labels",
    "Volume": "volume",
    "compare_labels": "compare",
    "load_bundle": "bundles.store",
    "read_labels": "reading",
    "read_volume": "reading",
    "segment": "pipelines.running",
    "segment_study": "study.segmenting",
    "write_outcome": "report",
}


def __getattr__(name: str) -> object:
    """PEP 562: what :data:`__all__` names, from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
