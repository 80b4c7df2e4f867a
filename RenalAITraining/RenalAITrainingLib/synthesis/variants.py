"""Normal variants and pseudotumours put into and beside a kidney: each with its own chance, several at a time."""

from __future__ import annotations

from RenalAILib.labels import Side

from .bulging import humped, lobulated
from .fields import Rng
from .kidney_tissue import Phase
from .lookalikes import lookalike
from .neighbours import extrarenal_pelvis, hilar_vessels, nodule_beside
from .scene import Scene

SHARES = {
    "hump": 0.12, "lobulation": 0.12, "inside": 0.3, "nodule": 0.18, "extrarenal pelvis": 0.15, "hilar vessels": 0.12,
}  # fmt: skip
"""How often each comes, independently of the others."""


def with_variants(rng: Rng, scene: Scene, side: Side, phase: Phase | None) -> tuple[Scene, list[str]]:
    """``scene`` with some variants of the kidney of ``side``, and which; none of them is a mass in the truth."""
    drawn = [name for name, share in SHARES.items() if rng.random() < share]
    for name in drawn:
        if name == "hump":
            scene = humped(rng, scene, side)
        elif name == "lobulation":
            scene = lobulated(rng, scene)
        elif name == "inside":
            scene = lookalike(rng, scene, side)
        elif name == "nodule":
            scene = nodule_beside(rng, scene, side)
        elif name == "extrarenal pelvis":
            scene = extrarenal_pelvis(rng, scene, side, phase)
        else:
            scene = hilar_vessels(rng, scene, side)
    return scene, drawn
