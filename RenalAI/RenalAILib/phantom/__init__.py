"""Phantom: an abdominal CT made from a seed, with the exact truth. Numbers on it prove the code, not the accuracy.

Anatomy is painted from soft-edged implicit shapes in millimetres (x to the patient's left, y to the back, z to the
head), then a scanner adds its blur, slice thickness and correlated noise. HU by phase follow textbook values for
unenhanced, corticomedullary (25-40 s), nephrographic (80-120 s) and excretory (> 180 s) CT (Dyer R. et al., Simplified
imaging approach for evaluation of the solid renal mass in adults, Radiology 247, 331 (2008)). Masses keep to the
definitions of the cascade's reference standard: macroscopic fat below -30 HU in an AML, fluid of -10 to 20 HU in a
cyst, enhancing tissue of less than the cortex in a solid mass.

Example:
    >>> phantom = make_phantom(1, shape=(40, 96, 112), spacing_mm=(6.0, 3.5, 3.5))
    >>> sorted({int(value) for value in np.unique(phantom.labels)})
    [0, 1, 2, 3, 4, 5]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..boxes import Triple
from ..labels import Side
from ..volume import Volume
from .body import paint_body
from .canvas import Canvas
from .kidneys import paint_kidneys
from .masses import PlacedMass, paint_masses
from .plans import Anatomy, Extent, MassPlan, Phase, default_masses, draw_patient
from .scanner import scan

__all__ = ["Anatomy", "Extent", "MassPlan", "Phantom", "Phase", "PlacedMass", "make_phantom"]


@dataclass(frozen=True, eq=False)
class Phantom:
    """A made CT and what is in it.

    Attributes:
        volume: int16 HU, canonical axes (k to the head, j to the back, i to the left).
        labels: uint8 ``[k, j, i]``, values of `Label`; the sinus belongs to the kidney, a mass overrides it.
        masses: the masses as placed; one that found no room is not among them.
    """

    volume: Volume
    labels: npt.NDArray[np.uint8]
    masses: tuple[PlacedMass, ...]


def make_phantom(
    seed: int,
    *,
    shape: Triple = (110, 320, 384),
    spacing_mm: tuple[float, float, float] = (2.5, 1.0, 1.0),
    phase: Phase = Phase.NEPHROGRAPHIC,
    masses: tuple[MassPlan, ...] | None = None,
    anatomy: Anatomy = Anatomy.NORMAL,
    extent: Extent = Extent.ABDOMEN,
    arms: bool = False,
    noise_hu: float | None = None,
    streaks_hu: float = 0.0,
) -> Phantom:
    """A CT of a patient drawn from ``seed``.

    Args:
        seed: of everything random.
        shape, spacing_mm: of the grid, (k, j, i). 384 mm wide and 275 mm long hold an abdomen; a longer grid shows
            more of the trunk.
        phase: of contrast.
        masses: what to put in; None is one AML, two cysts and one solid mass. At an absent kidney they are left out.
        anatomy: which kidneys there are.
        extent: which part of the trunk the grid is centred on.
        arms: beside the body.
        noise_hu: standard deviation; None draws one of a usual dose.
        streaks_hu: standard deviation of the streaks that arms beside the body cause.

    Raises:
        ValueError: a shape or spacing that is not positive.
    """
    if min(shape) < 8 or min(spacing_mm) <= 0:
        raise ValueError(f"a phantom needs 8 voxels an axis and positive spacing, got {shape} and {spacing_mm}")
    rng = np.random.default_rng(seed)
    patient = draw_patient(rng, phase, anatomy, extent, arms)
    canvas = Canvas(shape, spacing_mm, patient.centre_z_mm)
    paint_body(canvas, patient, rng)
    kidneys = paint_kidneys(canvas, patient, rng)
    plans = default_masses(rng) if masses is None else masses
    sides: dict[Side, list[int]] = {side: [n for n, k in enumerate(kidneys) if k.side is side] for side in Side}
    placed = paint_masses(canvas, patient, kidneys, [plan for plan in plans if sides[plan.side]], rng)
    hu = scan(canvas.hu, spacing_mm, rng, noise_hu, streaks_hu)
    dk, dj, di = spacing_mm
    matrix = np.diag([-di, -dj, dk, 1.0])
    matrix[:3, 3] = -canvas.x[0, 0, 0], -canvas.y[0, 0, 0], canvas.z[0, 0, 0]
    return Phantom(Volume(hu, matrix, f"phantom {seed}"), canvas.labels, placed)
