"""Phantoms as scenes: the engine's simulated patients, drawn wide enough to be of use in training.

Seeds below `FIRST_TRAINING_SEED` are never used: they are the demonstration's and the tests'. Validation draws from
its own range.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.labels import KIDNEY_LABELS, MassClass, Side
from RenalAILib.phantom import Anatomy, Extent, MassPlan, Phantom, Phase, make_phantom

from ..samples import Split
from ..stages import Stage
from .fields import Noise, Rng
from .scene import Scene

FIRST_TRAINING_SEED = 1_000_000
FIRST_VALIDATION_SEED = 2_000_000

_PHASES = tuple(Phase)
_PHASE_SHARES = {"locate": (0.35, 0.2, 0.35, 0.1), "delineate": (0.22, 0.22, 0.46, 0.1)}
_WHOLE_SHARES = {
    Anatomy.NORMAL: 0.78, Anatomy.ONE_KIDNEY: 0.06, Anatomy.HORSESHOE: 0.05, Anatomy.TRANSPLANT: 0.04,
    Anatomy.PTOTIC: 0.04, Anatomy.NO_KIDNEYS: 0.03,
}  # fmt: skip
_KIDNEY_SHARES = {
    Anatomy.NORMAL: 0.72, Anatomy.ONE_KIDNEY: 0.04, Anatomy.HORSESHOE: 0.09, Anatomy.TRANSPLANT: 0.08,
    Anatomy.PTOTIC: 0.07,
}  # fmt: skip
"""Which kidneys a phantom has: of a whole scan, and where samples are of one kidney."""

_LONG_MM, _THICK_MM = 400.0, 2.5  # of a grid that reaches a graft in the pelvis: no more voxels than usual


def phantom_scene(number: int, split: Split, stage: Stage) -> Scene:
    """Phantom ``number`` of a split: on a coarse grid with any extent for locate, of the kidneys' region else."""
    seed = (FIRST_VALIDATION_SEED if split == "validation" else FIRST_TRAINING_SEED) + number
    rng = np.random.default_rng([seed, 7])
    whole = stage in ("locate", "one-stage")
    phase = _PHASES[int(rng.choice(4, p=_PHASE_SHARES["locate" if whole else "delineate"]))]
    extent, arms = Extent.ABDOMEN, False
    shares = _WHOLE_SHARES if whole else _KIDNEY_SHARES
    anatomy = list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]
    noise_hu: float | None = None
    if whole:
        extent = (Extent.ABDOMEN, Extent.TRUNK, Extent.THORAX)[int(rng.choice(3, p=(0.62, 0.28, 0.1)))]
        arms = bool(rng.random() < 0.25)
        step = (float(rng.uniform(2.5, 3.2)),) * 3
        length = rng.uniform(240, 340) if extent is Extent.ABDOMEN else rng.uniform(340, 480)
        width = rng.uniform(350, 400) + (80 if arms else 0)
        shape = round(length / step[0]), round(rng.uniform(280, 330) / step[1]), round(width / step[2])
        noise_hu = float(rng.uniform(2, 12))  # that of a slice, after averaging down to the coarse grid
    else:
        step = float(rng.uniform(1.2, 5.0)), (in_plane := float(rng.uniform(0.7, 1.05))), in_plane
        long = anatomy is Anatomy.TRANSPLANT
        step = (max(step[0], _THICK_MM), *step[1:]) if long else step
        shape = round((_LONG_MM if long else 270) / step[0]), round(310 / step[1]), round(380 / step[2])
    phantom = make_phantom(
        seed, shape=shape, spacing_mm=step, phase=phase, masses=_masses(rng), anatomy=anatomy, extent=extent,
        arms=arms, noise_hu=noise_hu,
    )  # fmt: skip
    return scene_of(phantom, split)


def scene_of(phantom: Phantom, split: Split) -> Scene:
    """A phantom as a scene; its noise measured in soft tissue, parenchyma told from sinus by HU."""
    hu = phantom.volume.voxels
    smooth = ndimage.uniform_filter(hu.astype(np.float32), 3)
    parenchyma = np.isin(phantom.labels, KIDNEY_LABELS) & (smooth > 10)
    parenchyma = ndimage.binary_opening(parenchyma, np.ones((1, 3, 3)))  # not the line where the hilum meets the fat
    soft: npt.NDArray[np.bool_] = (smooth > 25) & (smooth < 140) & (phantom.labels == 0)
    soft = ndimage.binary_erosion(soft, np.ones((1, 3, 3)), iterations=2)
    return Scene(
        hu.astype(np.float32), phantom.labels, parenchyma, np.zeros(hu.shape, np.uint8),
        phantom.volume.spacing_mm, Noise.of(hu, soft), "phantom", split, (phantom.volume.name.replace(" ", "_"),),
    )  # fmt: skip


def _masses(rng: Rng) -> tuple[MassPlan, ...] | None:
    """None (the phantom's usual four) for half of them, else none to four of any class and size."""
    if rng.random() < 0.5:
        return None
    classes = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
    return tuple(
        MassPlan(
            classes[int(rng.integers(3))],
            list(Side)[int(rng.integers(2))],
            float(np.exp(rng.uniform(np.log(6), np.log(60)))),
            float(rng.uniform(0, 0.8)),
        )
        for _ in range(int(rng.integers(0, 4)))
    )
