"""Samples for delineate: one kidney's box, stretched to the network's grid, with zero to three masses in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from RenalAILib.boxes import Box, Triple
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAILib.resampling import resample

from .bowel import bowel_against
from .contrast import Phase, in_phase, noisier, shifted
from .fields import Rng
from .kidney_tissue import draw_tissue, phase_like
from .made import MadeSample
from .masses import InsertedMass, PlannedMass, insert_mass, plan_mass
from .one_kidney import drawn_kidney, kidneys_of
from .reconstruction import reconstructed
from .repainting import repainted
from .scene import Scene, resample_labels
from .slice_thickness import thicker, thinner
from .sources import ShapeLibrary
from .variants import with_variants
from .warping import warped

SHAPE: Triple = (128, 128, 128)
MARGIN_MM = 15.0
_PHASES = (None, Phase.UNENHANCED, Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
_PHASE_SHARES = (0.3, 0.18, 0.3, 0.12, 0.1)  # early ones often: their pyramids are what is mistaken for masses
_REPAINTED_SHARE = {"real": 0.12, "synthetic": 0.25, "phantom": 0.88}
_THIN_SHARE = 0.08
_MASS_COUNT_SHARES = (0.25, 0.4, 0.22, 0.13)
_CLASS_SHARES = {MassClass.AML: 0.25, MassClass.CYSTIC: 0.3, MassClass.SOLID: 0.45}
"""Solid ones often: they enhance nearly as the kidney does, and are missed most."""


def prepared_kidney(
    rng: Rng, scene: Scene, plans: list[PlannedMass], shapes: ShapeLibrary | None
) -> tuple[Scene, Side, list[InsertedMass], dict[str, Any]] | None:
    """A stretch of a scan about one kidney, varied (phase, warp, look-alikes, dose, slices), with masses put in."""
    drawn = drawn_kidney(rng, scene)
    if drawn is None:
        return None
    side, box = drawn
    largest = max((plan.diameter_mm for plan in plans), default=0.0)
    part = scene.crop(box.grown(26 + 0.6 * largest, scene.spacing_mm, scene.shape))
    if rng.random() < 0.5:
        part = part.mirrored()
        side = Side.LEFT if side is Side.RIGHT else Side.RIGHT
    if rng.random() < 0.6:
        part = warped(rng, part)
    facts: dict[str, Any] = {}
    phase = _PHASES[int(rng.choice(len(_PHASES), p=_PHASE_SHARES))]
    if phase is not None and scene.kind != "phantom":
        part = in_phase(rng, part, phase)
        facts["phase"] = phase.value
    if rng.random() < _REPAINTED_SHARE[part.kind]:
        inside = phase_like(rng, part.kidney_hu) if scene.kind == "phantom" or phase is None else phase
        carve = scene.kind == "phantom" or rng.random() < 0.25
        part = repainted(rng, part, side, draw_tissue(rng, inside), carve)
        facts["inside"] = inside.value
    part, facts["variants"] = with_variants(rng, part, side, phase)
    inserted = []
    for plan in plans:
        made = insert_mass(rng, part, side, plan, shapes)
        if made is not None:
            part = made[0]
            inserted.append(made[1])
    if rng.random() < 0.35:
        part = bowel_against(rng, part, side)
    if rng.random() < 0.4:
        part = shifted(rng, part)
    if rng.random() < 0.2 and scene.kind != "phantom":
        part = noisier(rng, part, float(rng.uniform(1.2, 2.2)))
    part, facts["reconstruction"] = reconstructed(rng, part)
    if rng.random() < 0.25 and part.spacing_mm[0] < 3.5:
        part = thicker(part, float(rng.uniform(4, 5)))
    elif rng.random() < _THIN_SHARE:
        part = thinner(rng, part, float(rng.uniform(0.6, 1.2)))
    return part, side, inserted, facts


def delineate_samples(rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> list[MadeSample]:
    """One sample: a kidney with zero to three masses on the network's grid. Empty without a kidney."""
    count = int(rng.choice(4, p=_MASS_COUNT_SHARES))
    plans = [plan_mass(rng, _drawn_class(rng), 120.0 if n == 0 else 35.0) for n in range(count)]
    made = prepared_kidney(rng, scene, plans, shapes)
    if made is None:
        return []
    part, side, inserted, facts = made
    box = kidney_box_as_found(rng, part, side)
    image = resample(part.hu, box, SHAPE)
    labels = resample_labels(part.labels, box, SHAPE)
    if np.isin(labels, KIDNEY_LABELS).sum() < 1000:
        return []
    facts["masses"] = [[mass.mass_class.value, round(mass.diameter_mm, 1), mass.source] for mass in inserted]
    facts["spacing_mm"] = [round(float(value), 3) for value in part.spacing_mm]
    return [MadeSample(image, labels, part, facts)]


def _drawn_class(rng: Rng) -> MassClass:
    return list(_CLASS_SHARES)[int(rng.choice(len(_CLASS_SHARES), p=list(_CLASS_SHARES.values())))]


def kidney_box_as_found(rng: Rng, part: Scene, side: Side) -> Box:
    """The box that a coarse prediction would give: of kidney and masses, jittered, seldom far too small or large."""
    kidneys = kidneys_of(part, side, fewest_voxels=1)
    if not kidneys:
        raise ValueError("the kidney has gone")
    kidney, mask = kidneys[0], part.labels == Label.kidney(side)
    near = kidney.grown(12, part.spacing_mm, part.shape)
    whole = np.zeros(part.shape, dtype=bool)
    whole[near.slices] = mask[near.slices] | part.masses[near.slices]
    box = Box.around(whole) if rng.random() < 0.8 else kidney  # a coarse pass misses some exophytic masses
    box = kidney if box is None else box
    spread = 3.0 if rng.random() < 0.85 else 9.0
    margin = MARGIN_MM + rng.uniform(-4, 4)
    start = np.array(box.start) - np.round((margin + rng.normal(0, spread, 3)) / part.spacing_mm)
    stop = np.array(box.stop) + np.round((margin + rng.normal(0, spread, 3)) / part.spacing_mm)
    start = np.minimum(start, np.array(box.stop) - 4)
    stop = np.maximum(stop, start + 4)
    found = Box((int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2])))
    return found.clipped(part.shape)
