"""Work: what every pipeline is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ..bundles.bundle import Bundle
from ..detections import Detection
from ..engines.networks import Networks
from ..findings import Kidney, Mass, Saliency
from ..phases.scans import PhasedScan
from ..phases.second_phase import SecondPhase
from ..steps import Steps
from ..timing import Stopwatch
from ..verdicts import Verdict
from ..volume import Volume

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Work:
    """One CT for one bundle.

    Attributes:
        volume: the CT in HU as stored; results lie on its grid.
        view: the same in canonical order.
        bundle: whose networks run.
        networks: runs them.
        steps: called before each step; reports progress.
        stopwatch: gets seconds by stage.
        fast: less work for slightly worse results, where a pipeline can.
        second_phase: a CT of the same patient in another contrast phase, on any grid.
        registered: the same where a pipeline has registered it already; else it is done when masses are measured.
        phases: the CT itself and others of the same patient, with what is known of the phase of each, for bundles whose
            networks are bound to phases; empty where nothing is known.
        seen_elsewhere: whether networks drew on another phase too, where what is faint in this one may be plain to see.
    """

    volume: Volume
    view: Volume
    bundle: Bundle
    networks: Networks
    steps: Steps
    stopwatch: Stopwatch
    fast: bool = False
    second_phase: Volume | None = None
    registered: SecondPhase | None = None
    phases: Sequence[PhasedScan] = ()
    seen_elsewhere: bool = False

    def stages(self, kind: type[T]) -> T:
        """The bundle's stages as the type that its pipeline reads."""
        if not isinstance(self.bundle.stages, kind):
            raise TypeError(f"the pipeline {self.bundle.pipeline} has other stages than {kind.__name__}")
        return self.bundle.stages


@dataclass(frozen=True, eq=False)
class Found:
    """What a pipeline found; the arrays lie on the grid of ``Work.volume``.

    Attributes:
        labels: uint8, values of `Label`.
        instances: uint8, numbers of kidneys and then masses from 1.
        saliency: by mass segment ID.
    """

    labels: np.ndarray
    instances: np.ndarray
    kidneys: Sequence[Kidney] = ()
    masses: Sequence[Mass] = ()
    warnings: Sequence[str] = ()
    saliency: Mapping[str, Saliency] = field(default_factory=dict)
    verdict: Verdict | None = None
    detections: Sequence[Detection] | None = None

    @classmethod
    def without_segments(
        cls,
        volume: Volume,
        warnings: Sequence[str] = (),
        verdict: Verdict | None = None,
        detections: Sequence[Detection] | None = None,
    ) -> Found:
        """Of a pipeline that draws nothing: empty label maps beside its verdict or boxes."""
        labels, instances = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.uint8)
        return cls(labels, instances, warnings=warnings, verdict=verdict, detections=detections)
