"""Limits: what about a scan lies outside of what kidney networks are trained on, as warnings.

None of these refuses a scan (`reading.plausibility` does that): the result is shown, with what to mind. All thresholds
leave out ordinary abdominal and chest CTs, low dose and contrast in any phase included; the numbers beside them are
what was measured on sixteen such scans. Everything is measured on thinned samples: 20 to 40 ms for 512 x 512 x 300.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import connected_domains
from ..volume import Volume

THICK_MM = 5.5
"""Usual abdominal CTs have slices of up to 5 mm, and so have training scans; thicker ones hide masses of a cm."""

SMALL_BODY_MM = 215.0
"""Effective diameter (AAPM Report 204: the root of width times depth) of the ten-year-old of Cristy's phantoms
(ORNL/NUREG/TM-367, 1980: trunk of 278 by 168 mm; five years 185 mm, adult 283 mm). Ordinary adults: 260 mm and more."""

NOISY_HU = 30.0
"""Standard deviation in even soft tissue. Usual protocols aim at 10 to 20 HU; measured: 8 to 21 HU in abdomens, 24 HU
in a chest. A mass that differs from the kidney by 30 HU has a contrast-to-noise ratio under one here."""

METAL_HU, METAL_ML = 3000.0, 0.2
"""Twelve-bit scanners end at 3071 HU. Bone stays under 2000 HU, excreted contrast medium nearly always under 3000."""

METAL_NEAR_MM = 10.0
"""Streaks run in the plane of the metal: what lies in other slices does not matter."""

BETWEEN_HU, BETWEEN_SHARE = (-450.0, -180.0), 0.2
"""Between lung and fat there is hardly anything in a body, borders apart: measured up to 6 % (of what is above)."""

DENSE_HU, DENSE_SHARE = 300.0, 0.3
"""Bone and contrast medium; measured up to 7 %."""

_THIN_MM, _METAL_STEP_MM, _PATCH_MM = 4.0, 2.0, 8.0
_BODY_SLICES, _NOISE_SLICES, _FEWEST_PATCHES = 12, 8, 50
_EVEN_HU = (0.0, 200.0)  # mean of an even patch: muscle, liver, spleen, kidney
_FAT_HU = -120.0
_EVEN_QUANTILE = 0.1  # of all patches: those without borders
_CUT_SHARE = 1 / 3


def about_scan(view: Volume, labels: npt.NDArray[np.uint8]) -> list[str]:
    """Warnings about a scan, in the order of their weight.

    Args:
        view: the CT in canonical order.
        labels: what was found in it, on its grid: kidneys and masses are not 0.
    """
    step = _step(view, _THIN_MM)
    level = np.flatnonzero(labels[:, :: step[1], :: step[2]].any(axis=(1, 2)))
    slices = slice(int(level[0]), int(level[-1]) + 1) if level.size else slice(0, view.shape[0])
    found = (
        strange_values(view),
        small_body(view, slices),
        thick_slices(view),
        heavy_noise(view, slices),
        metal(view, slices) if level.size else None,
    )
    return [warning for warning in found if warning is not None]


def strange_values(view: Volume) -> str | None:
    """Whether the values are hardly those of a CT: MR that was stored as one, or a wrong rescale."""
    sample = _thinned(view, _THIN_MM)
    body = sample[sample > BETWEEN_HU[0]]
    if body.size == 0:
        return None
    between = float((body < BETWEEN_HU[1]).mean())
    dense = float((body > DENSE_HU).mean())
    if between <= BETWEEN_SHARE and dense <= DENSE_SHARE:
        return None
    return (
        "The values are hardly those of a CT in HU (an MR stored as CT, or a wrong rescale?): "
        f"{100 * between:.0f} % lie between lung and fat, {100 * dense:.0f} % are as dense as bone. "
        "Nothing found here should be trusted."
    )


def small_body(view: Volume, slices: slice) -> str | None:
    """Whether the body is smaller than the adults that networks are trained on; None where the image cuts it off."""
    step = _step(view, _THIN_MM)
    places = np.linspace(slices.start, slices.stop - 1, _BODY_SLICES).astype(int)
    diameters = []
    for k in dict.fromkeys(places.tolist()):
        extent_mm = _body_extent_mm(view.voxels[k, :: step[1], :: step[2]], view.spacing_mm[1:] * step[1:])
        if extent_mm is None:
            return None
        diameters.append(float(np.sqrt(extent_mm[0] * extent_mm[1])))
    middle = float(np.median(diameters))
    if middle >= SMALL_BODY_MM:
        return None
    return (
        f"The body is small ({middle / 10:.0f} cm across): a child, or another part of the body than the abdomen. "
        "The networks were trained on abdomens of adults."
    )


def thick_slices(view: Volume) -> str | None:
    """Whether slices are too far apart for small masses."""
    thickness = float(view.spacing_mm.max())
    if thickness <= THICK_MM:
        return None
    return f"The slices are {thickness:.1f} mm apart: small masses can be missed, and sizes are rough."


def heavy_noise(view: Volume, slices: slice) -> str | None:
    """Whether soft tissue is so noisy that faint masses drown."""
    noise = noise_hu(view, slices)
    if noise is None or noise <= NOISY_HU:
        return None
    return (
        f"The scan is noisy ({noise:.0f} HU in even soft tissue; low dose, or a kernel for lung or bone): "
        "faint masses can be missed, and noise can be taken for one."
    )


def noise_hu(view: Volume, slices: slice) -> float | None:
    """Standard deviation within even soft tissue, HU; None where there is too little of it.

    Of all patches of 8 x 8 mm in soft tissue those with the smallest deviation are without borders and vessels (the
    idea of Christianson et al., AJR 2015, 205:W93, who take the most frequent deviation). Low by a tenth with voxels of
    0.8 mm and by a third with voxels of 2 mm, of which a patch holds few.
    """
    rows, columns = (max(3, round(_PATCH_MM / float(size))) for size in view.spacing_mm[1:])
    deviations = []
    for k in np.linspace(slices.start, slices.stop - 1, _NOISE_SLICES).astype(int):
        image = np.asarray(view.voxels[k], dtype=np.float32)
        height, width = image.shape[0] // rows, image.shape[1] // columns
        tiles = image[: height * rows, : width * columns].reshape(height, rows, width, columns)
        patches = tiles.transpose(0, 2, 1, 3).reshape(height * width, rows * columns)
        mean = patches.mean(axis=1)
        even = patches[(mean > _EVEN_HU[0]) & (mean < _EVEN_HU[1])]
        deviations.append(even.std(axis=1))
    told = np.concatenate(deviations)
    return float(np.quantile(told, _EVEN_QUANTILE)) if told.size >= _FEWEST_PATCHES else None


def metal(view: Volume, slices: slice) -> str | None:
    """Whether metal lies at the level of the kidneys."""
    near = int(np.ceil(METAL_NEAR_MM / view.spacing_mm[0]))
    level = slice(max(slices.start - near, 0), slices.stop + near)
    step = _step(view, _METAL_STEP_MM)
    sample = view.voxels[level][:: step[0], :: step[1], :: step[2]]
    volume_ml = float(np.count_nonzero(sample >= METAL_HU) * view.voxel_ml * np.prod(step))
    if volume_ml < METAL_ML:
        return None
    return (
        f"Metal at the level of the kidneys ({volume_ml:.1f} ml of {METAL_HU:.0f} HU and more): "
        "its streaks can hide masses and look like some."
    )


def _body_extent_mm(image: npt.NDArray[Any], spacing_mm: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """Depth and width of the body in one slice; None where the image cuts it off."""
    numbers, counts = connected_domains((image > _FAT_HU)[None])
    if counts.size == 0:
        return None
    body = numbers[0] == 1
    rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
    depth, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    touched = (np.count_nonzero(body[edge]) for edge in (0, -1))
    touched_aside = (np.count_nonzero(body[:, edge]) for edge in (0, -1))
    if max(touched) > _CUT_SHARE * width or max(touched_aside) > _CUT_SHARE * depth:
        return None
    return float(depth * spacing_mm[0]), float(width * spacing_mm[1])


def _thinned(view: Volume, step_mm: float) -> npt.NDArray[Any]:
    k, j, i = _step(view, step_mm)
    return view.voxels[::k, ::j, ::i]


def _step(view: Volume, step_mm: float) -> npt.NDArray[np.int64]:
    """Voxels per step of about ``step_mm``, (k, j, i)."""
    return np.maximum(np.rint(step_mm / view.spacing_mm), 1).astype(np.int64)
