"""Normal variants and pseudotumours put into and beside a kidney: each with its own chance, several at a time."""

from __future__ import annotations

from collections.abc import Callable

from RenalAILib.labels import Side

from .aneurysm import aortic_aneurysm
from .ascites import ascites
from .bulging import humped, lobulated
from .elsewhere import liver_lesions, stranded_fat
from .fields import Rng
from .kidney_tissue import Phase
from .lookalikes import lookalike
from .neighbours import hilar_vessels, nodule_beside
from .renal_pelvis import extrarenal_pelvis
from .scene import Scene
from .shrunken import scarred, shrunken
from .sinus_variants import peripelvic_cysts, sinus_lipomatosis, sinus_lobules
from .stents import with_stent

SHARES = {
    "aneurysm": 0.05, "ascites": 0.06, "shrunken": 0.06, "scars": 0.06, "hump": 0.12, "lobulation": 0.12,
    "sinus fat": 0.18, "sinus lobules": 0.15, "peripelvic cysts": 0.06, "inside": 0.3,
    "stent": 0.03, "liver lesions": 0.1, "stranded fat": 0.12,
    "nodule": 0.18, "extrarenal pelvis": 0.2, "hilar vessels": 0.12,
}  # fmt: skip
"""How often each comes, independently of the others, in this order."""


def with_variants(rng: Rng, scene: Scene, side: Side, phase: Phase | None) -> tuple[Scene, list[str]]:
    """``scene`` with some variants of the kidney of ``side``, and which; none of them is a mass in the truth."""
    makers: dict[str, Callable[[Rng, Scene], Scene]] = {
        "aneurysm": aortic_aneurysm,
        "ascites": ascites,
        "shrunken": lambda rng, scene: shrunken(rng, scene, side),
        "scars": lambda rng, scene: scarred(rng, scene, side),
        "hump": lambda rng, scene: humped(rng, scene, side),
        "lobulation": lobulated,
        "sinus fat": lambda rng, scene: sinus_lipomatosis(rng, scene, side),
        "sinus lobules": lambda rng, scene: sinus_lobules(rng, scene, side),
        "peripelvic cysts": lambda rng, scene: peripelvic_cysts(rng, scene, side),
        "inside": lambda rng, scene: lookalike(rng, scene, side),
        "stent": lambda rng, scene: with_stent(rng, scene, side),
        "liver lesions": liver_lesions,
        "stranded fat": lambda rng, scene: stranded_fat(rng, scene, side),
        "nodule": lambda rng, scene: nodule_beside(rng, scene, side),
        "extrarenal pelvis": lambda rng, scene: extrarenal_pelvis(rng, scene, side, phase),
        "hilar vessels": lambda rng, scene: hilar_vessels(rng, scene, side),
    }
    drawn = [name for name, share in SHARES.items() if rng.random() < share]
    for name in drawn:
        scene = makers[name](rng, scene)
    return scene, drawn
