"""Painted patients in two contrast phases: the mass is seen in one of them only, and breathing moves the kidneys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from labelledcases import NAMES

from RenalAILib.labels import Label
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.case import Facts
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.real_samples import chosen_cases, scene_of
from RenalAITrainingLib.dataset.vocabulary import ScanPhase
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.synthesis.slice_samples import slice_samples

PHASES = (ScanPhase.CORTICOMEDULLARY, ScanPhase.NEPHROGRAPHIC)
SHAPE = (32, 32)
SPACING_MM = 5.0


def painted_phase(seed: int, phase: ScanPhase, shift: float = 0.0) -> tuple[Volume, Volume]:
    """CT and labels, 16 slices of 32 x 32 at 5 mm: a body, two kidneys, a mass at the right or the left one.

    The corticomedullary phase has a bright cortex and a mass like medulla; the nephrographic one even kidneys, a dark
    mass, and more noise. ``shift``: slices by which the kidneys lie higher.
    """
    rng = np.random.default_rng(seed)
    k, j, i = np.ogrid[:16, :32, :32]
    hu, labels = np.full((16, 32, 32), -1000.0), np.zeros((16, 32, 32), np.uint8)
    hu[np.broadcast_to(((j - 16) / 12) ** 2 + ((i - 15.5) / 15) ** 2 <= 1, hu.shape)] = -90.0
    early = phase is ScanPhase.CORTICOMEDULLARY
    for number, (side, column) in enumerate(((Label.KIDNEY_RIGHT, 8.5), (Label.KIDNEY_LEFT, 22.5))):
        at = np.array([7.5, 17.0, column]) + rng.uniform(-1, 1, 3) + (shift, 0, 0)
        far = ((k - at[0]) / 5.5) ** 2 + ((j - at[1]) / 4.5) ** 2 + ((i - at[2]) / 4.5) ** 2
        hu[far <= 1], labels[far <= 1] = (160.0 if early else 150.0), side
        if early:
            hu[far <= 0.72] = 100.0
        middle, radius = at + rng.uniform(-1.5, 1.5, 3), rng.uniform(2.6, 3.2)
        if number == seed % 2:
            mass = ((k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2 <= radius**2) & (far <= 1.2)
            labels[mass] = Label.SOLID
            if not early:
                hu[mass] = 30.0
    hu += np.random.default_rng([seed, early]).normal(0, 8 if early else 15, hu.shape)
    matrix = np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0])
    name = f"patient {seed} {phase.value}"
    return Volume(hu.round().astype(np.int16), matrix, name), Volume(labels, matrix, name)


def phased_dataset(folder: Path, patients: int = 7, validating: int = 1) -> Dataset:
    """Each patient in both phases; the last ones validate."""
    dataset = Dataset.create(folder, "phases")
    parts: dict[str, list[str]] = {"training": [], "validation": []}
    for number in range(patients):
        for phase in PHASES:
            ct, mask = painted_phase(number, phase, shift=1.5 if phase is ScanPhase.CORTICOMEDULLARY else 0.0)
            name = NAMES.case(f"patient {number}", phase.value)
            dataset.add_case(name, ct, mask, facts=Facts(phase))
            parts["training" if number < patients - validating else "validation"].append(name)
    dataset.set_split({part: tuple(names) for part, names in parts.items()}, {}, {})
    return dataset


def phased_samples(dataset: Dataset, folder: Path) -> SampleStore:
    """Small slices of every case with its phase, as ``dataset samples`` would cut large ones."""
    store = SampleStore(folder)
    for case, split in chosen_cases(dataset, None):
        for made in slice_samples(np.random.default_rng(0), scene_of(dataset, case, split), SHAPE):
            store.append(
                made.image, made.label, split=split, stage="slice-segment", kind="real", sources=(case.name,),
                phase=case.phase_word, **made.facts,
            )  # fmt: skip
    return store
