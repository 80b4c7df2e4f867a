"""What the bundles of each pipeline say about their networks: one file a kind, with its types and ``read``.

The module of a kind is its name with underscores: ``slice-vote`` is read by ``bundles.stages.slice_vote`` and run by
``pipelines.slice_vote``. Adding a kind is these two files and its name here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from ..metadata import Reader

KINDS = ("cascade", "slice-vote", "detector", "one-stage", "slice-segmentation", "phase-fusion")


class Stages(Protocol):
    """The ``stages`` of any bundle."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the bundle that they name, relative to its folder."""


def read_stages(kind: str, section: Reader) -> Stages:
    """The ``stages`` section of a bundle of ``kind``, one of `KINDS`. Raises InputError as `Reader` does."""
    return cast(Stages, import_module(f".{kind.replace('-', '_')}", __package__).read(section))
