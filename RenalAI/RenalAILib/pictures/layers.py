"""Overlays: thin outlines and Grad-CAM as transparent layers over a section."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..boxes import Box, Triple
from ..terminology import Rgb
from .sections import Place, Section

Rgba = npt.NDArray[np.uint8]

# Inferno (Smith and van der Walt 2015, CC0), nine anchors: lightness rises evenly with the value, also in grey print
# and for colour-blind eyes. A rainbow would draw edges where there are none.
HEAT_COLORS: tuple[Rgb, ...] = (
    (0, 0, 4),
    (31, 12, 72),
    (85, 15, 109),
    (136, 34, 106),
    (186, 54, 85),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)
BOX_COLOR: Rgb = (255, 193, 7)  # amber: seen on grey, and no segment has it
_HEAT_OPACITY = 0.72
_LINE_PIXELS = 2.0
_KEPT = np.float32(0.05)  # how far from one half smoothing must leave a voxel on its own side
_MARGIN = 3  # voxels around a mask that its line may need
_GAP_PIXELS = 3.0  # a kidney's line stops this far from a mass's: the border is drawn once, in the mass's colour


def outline_layer(
    section: Section, instances: np.ndarray, colors: Sequence[Rgb], kidneys: int, offset: Triple = (0, 0, 0)
) -> Rgba:
    """Lines around the segments that ``section`` cuts, transparent elsewhere.

    Each line is where the smoothed mask passes one half; a pixel's distance to it makes its opacity, so that lines are
    thin, smooth and of even width at any magnification. No voxel's middle changes sides by the smoothing.

    Args:
        section: where to cut, and the pixels.
        instances: canonical; value ``n`` is the ``n``-th segment.
        colors: of the segments, in order.
        kidneys: how many of the first segments are kidneys; the rest, masses, is drawn over them.
        offset: the canonical index of the first voxel of ``instances``, where it is a part of the scan.

    Returns:
        uint8 RGBA, shape (rows, columns, 4).
    """
    layer = np.zeros((*section.pixels, 4), np.uint8)
    slab, corner = _slab(section, instances, offset)
    if slab is None:
        return layer
    free = np.ones(section.pixels, np.float32)  # 0 where a mass's line is near
    for value in sorted((int(value) for value in np.unique(slab) if value), reverse=True):
        window, signed = _signed_distance(section, slab == value, corner)
        opacity = np.clip(_LINE_PIXELS / 2 + 0.5 - np.abs(signed), 0, 1)
        if value <= kidneys:
            opacity = opacity * free[window]
        else:
            free[window] = np.minimum(free[window], np.clip(-signed - _GAP_PIXELS, 0, 1))
        alpha = np.round(opacity * 255).astype(np.uint8)
        part = layer[window]
        stronger = alpha > part[..., 3]
        part[stronger, :3] = colors[value - 1]
        part[stronger, 3] = alpha[stronger]
    return layer


def heat_layer(section: Section, values: np.ndarray, offset: Triple) -> Rgba:
    """Grad-CAM 0 to 1 in :data:`HEAT_COLORS`, the more opaque the higher; transparent outside its box."""
    heat = np.clip(section.sample(values, offset), 0, 1)
    layer = np.empty((*section.pixels, 4), np.uint8)
    stops = np.linspace(0, 1, len(HEAT_COLORS))
    for channel, anchors in enumerate(zip(*HEAT_COLORS, strict=True)):
        layer[..., channel] = np.round(np.interp(heat, stops, anchors))
    layer[..., 3] = np.round(255 * _HEAT_OPACITY * heat)
    layer[layer[..., 3] == 0] = 0
    return layer


def box_layer(section: Section, boxes: Sequence[tuple[Place, Place]], through: bool = False) -> Rgba:
    """Frames of boxes that ``section`` cuts, transparent elsewhere; those first in ``boxes`` lie on top.

    Args:
        boxes: canonical (start, stop) edges of voxels: a voxel ``n`` reaches from ``n`` to ``n + 1``.
        through: also the boxes in front of the section and behind it.

    Returns:
        uint8 RGBA, shape (rows, columns, 4).
    """
    layer = np.zeros((*section.pixels, 4), np.uint8)
    axis = section.plane.axes[0]
    for start, stop in reversed(boxes):
        if not through and not start[axis] <= section.depth < stop[axis]:
            continue
        corners = [section.pixel((place[0] - 0.5, place[1] - 0.5, place[2] - 0.5)) for place in (start, stop)]
        (left, right), (top, bottom) = (sorted(values) for values in zip(*corners, strict=True))
        outer = _pixels_within(section, top, bottom, left, right)
        line = _LINE_PIXELS
        inner = _pixels_within(section, top + line, bottom - line, left + line, right - line)
        frame = outer & ~inner
        layer[frame, :3], layer[frame, 3] = BOX_COLOR, 255
    return layer


def _pixels_within(section: Section, top: float, bottom: float, left: float, right: float) -> npt.NDArray[np.bool_]:
    rows, columns = (np.arange(count) + 0.5 for count in section.pixels)
    inside = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))[None, :]
    return np.asarray(inside)


def _slab(section: Section, instances: np.ndarray, offset: Triple) -> tuple[np.ndarray | None, Triple]:
    """The one-voxel-thick part of ``instances`` that the section can show, with its canonical corner."""
    slices, corner = [], []
    for axis in range(3):
        at = section.positions(axis) - offset[axis]
        beyond = 0 if axis == section.plane.axes[0] else 2 + 3 * _blur_mm(section) / section.spacing_mm[axis]
        start = max(int(np.floor(at.min() - beyond)), 0)
        stop = min(int(np.ceil(at.max() + beyond)) + 1, instances.shape[axis])
        if stop <= start:
            return None, offset
        slices.append(slice(start, stop))
        corner.append(start + offset[axis])
    return instances[slices[0], slices[1], slices[2]], (corner[0], corner[1], corner[2])


def _signed_distance(
    section: Section, mask: np.ndarray, corner: Triple
) -> tuple[tuple[slice, slice], npt.NDArray[np.float32]]:
    """Pixels to the border of ``mask``, positive inside: right near the border, merely large away from it.

    Returns:
        The rows and columns of the picture around the mask, and the distances there.
    """
    through, down, along = section.plane.axes
    box = Box.around(mask)
    assert box is not None
    pad = [0 if axis == through else _MARGIN for axis in range(3)]
    part = np.pad(mask[box.slices], [(n, n) for n in pad]).astype(np.float32)
    k, j, i = (int(c + low - n) for c, low, n in zip(corner, box.start, pad, strict=True))
    windows = []
    for axis in (down, along):
        at = section.positions(axis) - (k, j, i)[axis]
        near = np.flatnonzero((at > -0.5) & (at < part.shape[axis] - 0.5))
        windows.append(slice(int(near[0]), int(near[-1]) + 1) if near.size else slice(0, 0))
    rows, columns = windows
    view = section.window(rows, columns)
    if view is None:
        return (slice(0, 0), slice(0, 0)), np.empty((0, 0), np.float32)
    level = view.sample(_smoothed(section, part), (k, j, i)) - np.float32(0.5)
    slopes = np.gradient(level)
    return (rows, columns), np.asarray(level / np.maximum(np.hypot(*slopes), 1e-3), dtype=np.float32)


def _blur_mm(section: Section) -> float:
    return max(section.spacing_mm[axis] for axis in section.plane.axes[1:])


def _smoothed(section: Section, mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``mask`` blurred, but above one half on every voxel inside it and below on every one outside.

    The blur is as wide as the largest voxel edge in the plane, so that a coronal view of thick slices shows a line and
    not a staircase. What is only a few voxels large is left as it is: its line would shrink.
    """
    in_plane = section.plane.axes[1:]
    width_mm = _blur_mm(section)
    if any((mask.shape[axis] - 2 * _MARGIN) * section.spacing_mm[axis] < 4 * width_mm for axis in in_plane):
        return mask
    soft = mask
    for axis in in_plane:
        steps = np.arange(mask.shape[axis]) * section.spacing_mm[axis] / width_mm
        weights = np.exp(-0.5 * (steps[:, None] - steps[None, :]) ** 2) * (steps[1] / np.sqrt(2 * np.pi))
        soft = np.moveaxis(np.tensordot(weights.astype(np.float32), soft, (1, axis)), 0, axis)
    return np.where(mask > 0, np.maximum(soft, 0.5 + _KEPT), np.minimum(soft, 0.5 - _KEPT))
