"""Seen phases: the contrast phase of each series of a study, told by the kidneys in its images.

Words and clocks of the headers are quick and often missing. Here every series is looked at: few of its slices, the
kidneys found on the coarse grid of a bundle's first network, and their HU compared over the study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import eroded
from ..anatomy.evidence import neighborhood_means
from ..bundles.bundle import Bundle
from ..bundles.stages.cascade import CascadeStages
from ..cascade.locate import locate
from ..contrast_phases import ContrastPhase, PhaseGuess, phases_of_kidneys
from ..engines.networks import Networks
from ..errors import InputError
from ..orientation import canonical
from ..reading import read_thinned
from ..reading.dicom_series import Series
from ..volume import Volume

STEP_MM = 5.0
"""Of the slices that are read: what lies between them tells no other phase. The network works on 3 mm."""


def phases_seen(
    folder: Path,
    found: Sequence[Series],
    bundle: Bundle,
    device: str = "auto",
    progress: Callable[[float, str], None] = lambda *_: None,
) -> dict[str, PhaseGuess]:
    """The phase of each axial CT series, by series UID; UNKNOWN with the reason where the image does not tell.

    Scout views, projections, reformations and short series are not looked at, and have no entry. About a second of
    CPU time a series.

    Args:
        folder: where the series lie.
        found: of any number of studies; phases are told by comparison within each.
        bundle: of the kind ``cascade``, whose first network finds the kidneys.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: called with a fraction and a sentence before each series.

    Raises:
        InputError: the bundle is of another kind.
    """
    stages = bundle.stages
    if not isinstance(stages, CascadeStages):
        raise InputError(f"{bundle.name} finds no kidneys in whole CTs by itself; take a bundle of the kind cascade")
    networks = Networks(bundle, device)
    looked = [series for series in found if series.shows_a_phase]
    result: dict[str, PhaseGuess] = {}
    values: dict[str, npt.NDArray[np.float32]] = {}
    for number, series in enumerate(looked):
        progress(number / len(looked), f"Looking at {series.label}")
        try:
            values[series.uid] = _kidney_hu(read_thinned(folder, series, STEP_MM), stages, networks)
        except InputError as problem:
            result[series.uid] = PhaseGuess(ContrastPhase.UNKNOWN, f"cannot be read: {problem}")
    for study in {series.study_uid for series in looked}:
        uids = [each.uid for each in looked if each.study_uid == study and each.uid in values]
        shown = [uid for uid in uids if values[uid].size]
        result |= dict.fromkeys(uids, PhaseGuess(ContrastPhase.UNKNOWN, "no kidney is in view"))
        result |= dict(zip(shown, phases_of_kidneys([values[uid] for uid in shown]), strict=True))
    return result


def _kidney_hu(volume: Volume, stages: CascadeStages, networks: Networks) -> npt.NDArray[np.float32]:
    """HU within the kidneys, less their border, which on a coarse grid is half fat; empty where there are none."""
    view = canonical(volume)
    location = locate(view, stages.locate, networks, fast=True)  # grey values need no exact border
    if not location.kidneys:
        return np.zeros(0, np.float32)
    mask = eroded(np.any([kidney.mask for kidney in location.kidneys], axis=0))
    means = neighborhood_means(view, location.coarse.ras(np.argwhere(mask)))
    return means[np.isfinite(means)]
