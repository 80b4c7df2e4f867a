"""DICOM stack: the slices of one series in order, on one regular grid, or a sentence saying why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .dicom_header import Header
from .stored import ras_from_lps

_SAME_MM = 0.01  # two slices nearer than this lie at the same place
_UNEVEN, _UNEVEN_MM = 0.1, 0.1  # off the even grid: a share of the step, or what rounding of positions explains
_GAP = 1.5  # steps from one slice to the next
_STRAY_MM = 1.0  # beside the line through the first and the last slice
_TILT_DEGREES = 0.5


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in the order of k, their grid, and what was left out."""

    headers: tuple[Header, ...]
    ijk_to_ras: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def stack(name: str, headers: Sequence[Header]) -> Stack:
    """The regular grid of a series' slices. A gantry tilt becomes a sheared matrix, from the real positions.

    Args:
        name: what messages call the series.
        headers: in any order.

    Raises:
        InputError: slices are missing, doubled with different pixels, unevenly spaced or out of line; or no images.
    """
    images = [header for header in headers if "LOCALIZER" not in header.image_type]
    if not images:
        raise InputError(f"{name} holds nothing but localizers")
    if any(header.frames > 1 or header.enhanced for header in images):
        raise InputError(f"{name} is an enhanced (multi-frame) CT; export it as a classic series, one file per slice")
    if any(header.samples != 1 for header in images):
        raise InputError(f"{name} holds color images (screen captures), not CT in HU")
    placed = [header for header in images if header.position and header.orientation and header.pixel_spacing]
    if not placed:
        raise InputError(f"{name} does not say where its slices lie (no image position, orientation or pixel spacing)")
    group = max(_groups(placed), key=len)
    notes = []
    if len(headers) > len(group):
        left = len(headers) - len(group)
        notes.append(f"{name}: {left} image{'s' * (left > 1)} of another orientation, size or kind left out.")
    row, column = _directions(name, group[0])
    normal = np.cross(row, column)
    group.sort(key=lambda header: float(np.dot(header.position or (), normal)))
    single = _without_doubles(name, group, normal)
    if len(single) < len(group):
        doubled = len(group) - len(single)
        notes.append(f"{name}: {doubled} doubled slice{'s' * (doubled > 1)} with the same pixels left out.")
    if len(single) < 2:
        raise InputError(f"{name} is a single slice; RenalAI needs the whole stack")
    positions = np.array([header.position for header in single])
    _check_steps(name, positions @ normal)
    step = (positions[-1] - positions[0]) / (len(single) - 1)
    stray = np.linalg.norm(positions - positions[0] - np.arange(len(single))[:, None] * step, axis=1).max()
    if stray > _STRAY_MM:
        raise InputError(f"{name} has slices that are shifted against each other by {stray:.1f} mm")
    tilt = math.degrees(math.acos(min(1.0, float(step @ normal) / float(np.linalg.norm(step)))))
    if tilt > _TILT_DEGREES:
        notes.append(f"{name}: the gantry was tilted by {tilt:.1f} degrees; the grid is kept sheared as scanned.")
    between_rows, between_columns = single[0].pixel_spacing or (math.nan, math.nan)
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3] = np.column_stack([row * between_columns, column * between_rows, step, positions[0]])
    return Stack(tuple(single), ras_from_lps(ijk_to_lps), tuple(notes))


def thinned(full: Stack, step_mm: float) -> Stack:
    """Every n-th slice, the most that are no further apart than ``step_mm``; two at least."""
    every = int(step_mm // float(np.linalg.norm(full.ijk_to_ras[:3, 2])))
    every = min(every, len(full.headers) - 1)
    if every < 2:
        return full
    ijk_to_ras = full.ijk_to_ras.copy()
    ijk_to_ras[:3, 2] *= every
    return Stack(full.headers[::every], ijk_to_ras, full.notes)


def _groups(headers: Sequence[Header]) -> list[list[Header]]:
    """Headers that may lie in one stack together: same size, spacing and direction."""
    groups: list[list[Header]] = []
    for header in headers:
        for group in groups:
            if _alike(header, group[0]):
                group.append(header)
                break
        else:
            groups.append([header])
    return groups


def _alike(one: Header, other: Header) -> bool:
    return (
        (one.rows, one.columns) == (other.rows, other.columns)
        and np.allclose(one.pixel_spacing or (), other.pixel_spacing or (), rtol=1e-3)
        and np.allclose(one.orientation or (), other.orientation or (), atol=1e-3)
    )


def _directions(name: str, header: Header) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    row, column = np.reshape(header.orientation or (), (2, 3))
    lengths = np.linalg.norm([row, column], axis=1)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(row @ column) > 1e-2:
        raise InputError(f"{name} has a damaged image orientation: {list(header.orientation or ())}")
    return row / lengths[0], column / lengths[1]


def _without_doubles(name: str, ordered: Sequence[Header], normal: npt.NDArray[np.float64]) -> list[Header]:
    """One slice per position. Doubles occur when a series is sent twice; several phases in one series look alike."""
    single = [ordered[0]]
    for header in ordered[1:]:
        if float(np.dot(np.subtract(header.position or (), single[-1].position or ()), normal)) > _SAME_MM:
            single.append(header)
        elif not _same_pixels(header, single[-1]):
            raise InputError(
                f"{name} holds different images at the same position ({single[-1].path.name} and {header.path.name}):"
                " several phases in one series; export the phase you want as a series of its own"
            )
    return single


def _same_pixels(one: Header, other: Header) -> bool:
    import pydicom

    if (one.slope, one.intercept) != (other.slope, other.intercept):
        return False
    first, second = (pydicom.dcmread(header.path).get("PixelData") for header in (one, other))
    return bool(first == second)


def _check_steps(name: str, heights: npt.NDArray[np.float64]) -> None:
    """Refuses gaps and uneven steps along the stack (``heights`` in mm, rising)."""
    steps = np.diff(heights)
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > _GAP * usual)
    if gaps.size:
        missing = int(np.round(steps[gaps] / usual).sum()) - gaps.size
        at = int(gaps[0])
        more = f" and in {gaps.size - 1} more places" if gaps.size > 1 else ""
        raise InputError(
            f"{name} lacks {max(missing, 1)} slice{'s' * (missing > 1)}: nothing between {heights[at]:.1f} and"
            f" {heights[at + 1]:.1f} mm, where a slice is due every {usual:.2f} mm{more}"
        )
    even = np.linspace(heights[0], heights[-1], len(heights))
    if np.abs(heights - even).max() > max(_UNEVEN * usual, _UNEVEN_MM):
        raise InputError(f"{name} has uneven slices: they are {steps.min():.2f} to {steps.max():.2f} mm apart")
