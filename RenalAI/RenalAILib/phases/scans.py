"""Phased scans: CTs of one patient in several contrast phases, brought to the grid of the first, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask
from ..anatomy.evidence import neighborhood_means
from ..anatomy.kidneys import OutlinedKidney, organs_by_side
from ..contrast_phases import PLAIN_BELOW_HU, ContrastPhase, PhaseGuess, decided, phases_of_kidneys
from ..labels import Side
from ..volume import Volume
from .registration import Motion
from .second_phase import SecondPhase, register_second_phase

_AIR_HU = -1024
_OUTSIDE = -32768  # no CT holds it: where the other scan ends
_MOST_POINTS = 20_000
_SHOWN = 0.8

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhasedScan:
    """A scan and what is known of its phase before anyone looked at it.

    Attributes:
        label: for messages.
        phase: a word, of `ContrastPhase` or (of other images) of the bundle; empty where it is not known.
        volume: on any grid.
        certain: whether a person said it; what headers say is given up where the image shows the contrary.
    """

    label: str
    phase: str
    volume: Volume
    certain: bool = False


@dataclass(frozen=True, eq=False)
class AlignedScan:
    """A scan on the canonical grid of another one.

    Attributes:
        scan: as it was.
        view: resampled, air where it does not reach.
        covered: where it does.
        registered: how each kidney lies in it.
    """

    scan: PhasedScan
    view: Volume
    covered: Mask
    registered: SecondPhase


def align(view: Volume, kidneys: Sequence[OutlinedKidney], scan: PhasedScan) -> AlignedScan | None:
    """A scan brought to the grid of ``view``, each half of the body so that its kidney lies over the other's.

    Where only one kidney is known or shown, both halves move with it; where none is known, places in the scanner count.

    Args:
        view: in canonical order.
        kidneys: outlined in it.
        scan: of the same patient in roughly the same position.

    Returns:
        None where kidneys are known and the scan shows none of them.
    """
    registered = register_second_phase(view, kidneys, scan.volume)
    found = registered.motions
    if kidneys and not found:
        return None
    array = np.empty(view.shape, dtype=np.int16)
    for side, columns in _halves(organs_by_side(view, kidneys)):
        motion = found.get(side) or next(iter(found.values()), None)
        array[..., columns] = _brought(view, columns, scan.volume, motion)
    covered = array != _OUTSIDE
    array[~covered] = _AIR_HU
    return AlignedScan(scan, Volume(array, view.ijk_to_ras, scan.label), covered, registered)


def phases_of(
    view: Volume, kidneys: Sequence[OutlinedKidney], first: PhasedScan, others: Sequence[AlignedScan]
) -> list[str]:
    """What each scan is, the first one first: a word of `ContrastPhase`, or what a person called it.

    Args:
        view: the first scan in canonical order.
        kidneys: outlined in it; without any, only what is told counts.
    """
    scans, views = [first, *(other.scan for other in others)], [view, *(other.view for other in others)]
    values = [_kidney_hu(each, kidneys) for each in views]
    shown = iter(phases_of_kidneys([each for each in values if each.size]))
    nothing = PhaseGuess(ContrastPhase.UNKNOWN, "no kidney is in view")
    seen = [next(shown) if each.size else nothing for each in values]
    return [_word(scan, guess) for scan, guess in zip(scans, seen, strict=True)]


def _word(scan: PhasedScan, seen: PhaseGuess) -> str:
    words = {phase.value for phase in ContrastPhase}
    if scan.phase and (scan.certain or scan.phase not in words):
        return scan.phase
    told = PhaseGuess(ContrastPhase(scan.phase or ContrastPhase.UNKNOWN.value), "its headers")
    return decided(told, seen).value


def _kidney_hu(view: Volume, kidneys: Sequence[OutlinedKidney]) -> npt.NDArray[np.float32]:
    """HU of kidneys, means of small neighborhoods; empty where the scan hardly shows them.

    Bright parts of masses count: what a network of another phase calls a mass may well be medulla.
    """
    found = _hu_at(view, [np.argwhere(kidney.kidney) + kidney.box.start for kidney in kidneys])
    if not found.size:
        return found
    masses = _hu_at(view, [np.argwhere(kidney.mass) + kidney.box.start for kidney in kidneys])
    return np.concatenate([found, masses[masses >= PLAIN_BELOW_HU]])


def _hu_at(view: Volume, at: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
    """HU at voxels, evenly thinned where there are very many; empty where a fifth of them lies outside the scan."""
    points = np.concatenate([np.zeros((0, 3), dtype=np.int64), *at])
    if not len(points):
        return np.zeros(0, np.float32)
    found = neighborhood_means(view, view.ras(points[:: max(1, len(points) // _MOST_POINTS)]))
    known = found > _AIR_HU + 1
    return found[known] if known.mean() >= _SHOWN else np.zeros(0, np.float32)


def _halves(organs: dict[Side, Mask]) -> list[tuple[Side, slice]]:
    """The columns (i) that move with the kidney of each side."""
    if len(organs) < 2:
        return [(next(iter(organs), Side.RIGHT), slice(None))]
    middles = {side: float(np.nonzero(mask.any(axis=(0, 1)))[0].mean()) for side, mask in organs.items()}
    cut = round(sum(middles.values()) / 2)
    return [(Side.RIGHT, slice(0, cut)), (Side.LEFT, slice(cut, None))]


def _brought(view: Volume, columns: slice, other: Volume, motion: Motion | None) -> npt.NDArray[np.int16]:
    """The other scan on some columns of the grid, linearly interpolated, `_OUTSIDE` where it does not reach.

    Both grids are taken as plain indices and everything else goes into the transform, which holds for tilted ones too.
    """
    import SimpleITK as sitk

    start, stop, _ = columns.indices(view.shape[2])
    to_other = np.linalg.inv(other.ijk_to_ras) @ (np.eye(4) if motion is None else motion.matrix) @ view.ijk_to_ras
    to_other = to_other @ np.array([[1, 0, 0, start], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float64)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_other[:3, :3].ravel().tolist())
    transform.SetTranslation(to_other[:3, 3].tolist())
    hu = other.voxels if other.voxels.dtype == np.int16 else np.rint(np.clip(other.voxels, _OUTSIDE + 1, -_OUTSIDE - 1))
    moving = sitk.GetImageFromArray(np.ascontiguousarray(hu, dtype=np.int16))
    size = (stop - start, view.shape[1], view.shape[0])
    found = sitk.Resample(
        moving, size, transform, sitk.sitkLinear, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), np.eye(3).ravel().tolist(), _OUTSIDE
    )
    return np.asarray(sitk.GetArrayFromImage(found), dtype=np.int16)
