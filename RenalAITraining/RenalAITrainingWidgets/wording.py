"""Words of the training panel."""

from __future__ import annotations

from slicer.i18n import tr as _

from RenalAITrainingLib.dataset.vocabulary import Histology
from RenalAITrainingLib.runs.plan import State

from .parameters import Network


def histology_in_words(histology: Histology) -> str:
    """What the pathologist found, as a radiologist writes it."""
    known = {
        Histology.UNKNOWN: _("Not known"),
        Histology.ANGIOMYOLIPOMA: _("Angiomyolipoma"),
        Histology.CHROMOPHOBE_RCC: _("Chromophobe RCC"),
        Histology.CLEAR_CELL_PAPILLARY: _("Clear cell papillary"),
        Histology.CLEAR_CELL_RCC: _("Clear cell RCC"),
        Histology.MEST: _("Mixed epithelial and stromal"),
        Histology.MULTILOCULAR_CYSTIC_RCC: _("Multilocular cystic RCC"),
        Histology.PAPILLARY_RCC: _("Papillary RCC"),
        Histology.RCC_UNCLASSIFIED: _("RCC, unclassified"),
        Histology.WILMS_TUMOR: _("Wilms tumor"),
    }
    return known.get(histology, histology.value.replace("_", " ").capitalize())


def state_in_words(state: State) -> str:
    """Where a training stands."""
    return {
        State.STARTING: _("Starting"),
        State.PREPARING: _("Preparing"),
        State.TRAINING: _("Training"),
        State.STOPPED: _("Stopped"),
        State.FINISHED: _("Finished"),
        State.FAILED: _("Failed"),
        State.INTERRUPTED: _("Interrupted"),
    }[state]


def network_in_words(stage: str) -> str:
    """What the network of a stage does; the stage itself where this version does not know it."""
    known = {network.value: network.label() for network in Network} | {
        "one-stage": _("Kidneys and masses on the whole scan at once"),
        "slice-segment": _("Kidneys or masses, slice by slice"),
        "slice-classify": _("Class of a slice"),
        "slice-detect": _("Boxes in slices"),
    }
    return known.get(stage, stage)


def duration_in_words(seconds: float) -> str:
    """A time that is expected, no more exact than it is known.

    Example:
        >>> duration_in_words(42), duration_in_words(1500), duration_in_words(9000)
        ('1 min', '25 min', '2.5 h')
    """
    if seconds < 5400:
        return _("{minutes:.0f} min").format(minutes=max(1.0, seconds / 60))
    return _("{hours:.1f} h").format(hours=seconds / 3600)


def size_in_words(count: float) -> str:
    """Bytes as disks are sold.

    Example:
        >>> size_in_words(2.4e9), size_in_words(12e6)
        ('2.4 GB', '12 MB')
    """
    return _("{size:.1f} GB").format(size=count / 1e9) if count >= 1e9 else _("{size:.0f} MB").format(size=count / 1e6)
