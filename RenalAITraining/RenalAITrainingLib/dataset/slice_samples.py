"""Axial slices of a dataset's cases as samples of a slice classifier: which slices, of which class, split by patient.

A recipe's ``vote.labelled`` says what the class of a slice is:

- ``mass`` (Bolocan 2023): the second class where the slice shows a mass; the first for every slice through a kidney of
  a patient without any. Slices of a patient with masses that show none are left out: the paper's healthy slices are of
  healthy kidneys.
- ``oncocytoma`` (Pedersen 2020): by the patient's histology, the first class for oncocytoma and the second for any
  renal cell carcinoma; slices that show a mass. Patients with another histology, with both or with none known are left
  out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from RenalAILib.axial_slices import Pair, fitted, slice_on_grid
from RenalAILib.boxes import Box
from RenalAILib.errors import InputError
from RenalAILib.labels import MASS_LABELS
from RenalAILib.volume import Volume

from ..recipes.recipe import Recipe
from ..samples import Kind, SampleStore, Split
from ..synthesis.phantoms import phantom_scene
from ..synthesis.scene import resample_labels
from .case import Case
from .folder import Dataset
from .real_samples import canonical_case, chosen_cases
from .vocabulary import Histology

SHAPE: Pair = (224, 224)
KIDNEY_MM2, MASS_MM2 = 100.0, 50.0
"""The least of a kidney or a mass that a slice shows."""

CARCINOMAS = frozenset(
    {
        Histology.CHROMOPHOBE_RCC,
        Histology.CLEAR_CELL_PAPILLARY,
        Histology.CLEAR_CELL_RCC,
        Histology.COLLECTING_DUCT,
        Histology.MULTILOCULAR_CYSTIC_RCC,
        Histology.PAPILLARY_RCC,
        Histology.RCC_UNCLASSIFIED,
    }
)


@dataclass(frozen=True, eq=False)
class Patient:
    """One scan to cut slices from.

    Attributes:
        ct, labels: canonical views on one grid; `Label` values.
        histologies: of the patient's masses, as far as they are known.
    """

    ct: Volume
    labels: Volume
    histologies: frozenset[Histology] = frozenset()


Labelling = Callable[[Patient], "tuple[int, npt.NDArray[np.bool_]] | None"]


def fill_slices(
    dataset: Dataset,
    recipe: Recipe,
    output: Path,
    *,
    most: int | None = None,
    shape: Pair = SHAPE,
    fold: int | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> int:
    """The slices of all training and validation cases that are not there yet; how many were written.

    Args:
        dataset: with a split; its patients, never its slices, are split.
        recipe: of the stage slice-classify.
        output: folder of samples, continued if there.
        most: at most so many slices of a case, evenly spaced; None for all.
        shape: rows and columns.
        fold: of a split in folds, the one that validates.
        report: told of each case and why it gives none.

    Raises:
        InputError: the recipe is of another stage, there is no split, no such fold, or a class got no training slice.
    """
    _check(recipe, most)
    store = SampleStore(output)
    before = len(store)
    there = _held(store)
    for case, split in chosen_cases(dataset, fold):
        if case.has_image:
            patient = patient_of_case(dataset, case)
            report(
                f"{case.name} ({split}): {_add(store, there, recipe, patient, case.name, split, 'real', most, shape)}"
            )
    _check_classes(store, recipe)
    return len(store) - before


def fill_from_phantoms(count: int, recipe: Recipe, output: Path, *, most: int | None = 12) -> int:
    """Slices of ``count`` simulated patients, of which every fifth validates; how many were written.

    Raises:
        InputError: the recipe is of another stage or wants a histology, which phantoms have not.
    """
    _check(recipe, most)
    if recipe.vote.labelled != "mass":
        raise InputError(f"phantoms have no histology, which {recipe.name} classifies by; give it a dataset")
    store = SampleStore(output)
    before = len(store)
    there = _held(store)
    for number in range(count):
        split: Split = "validation" if number % 5 == 4 else "train"
        scene = phantom_scene(number, split, "delineate")
        k, j, i = scene.spacing_mm
        grid = np.diag([-i, -j, k, 1.0])
        patient = Patient(Volume(scene.hu, grid), Volume(scene.labels, grid))
        _add(store, there, recipe, patient, f"phantom{number}", split, "phantom", most, SHAPE)
    _check_classes(store, recipe)
    return len(store) - before


def patient_of_case(dataset: Dataset, case: Case) -> Patient:
    """A case in the canonical view, with what is known of its histology. Raises InputError for grids that differ."""
    ct, labels = canonical_case(dataset, case)
    told = {mass.histology for mass in case.masses} | {case.facts.histology}
    return Patient(ct, labels, frozenset(told - {Histology.UNKNOWN}))


def by_mass(patient: Patient) -> tuple[int, npt.NDArray[np.bool_]] | None:
    """Class number and slices: 1 and those that show a mass, or 0 and those through a kidney where there is none."""
    masses = np.isin(patient.labels.voxels, [int(label) for label in MASS_LABELS])
    if masses.any():
        return 1, _showing(masses, patient, MASS_MM2)
    return 0, _showing(patient.labels.voxels > 0, patient, KIDNEY_MM2)


def by_oncocytoma(patient: Patient) -> tuple[int, npt.NDArray[np.bool_]] | None:
    """Class number (0 oncocytoma, 1 carcinoma) and the slices that show a mass; None where neither or both are known.

    Cysts and stones do not matter beside the tumor.
    """
    benign, malignant = Histology.ONCOCYTOMA in patient.histologies, bool(patient.histologies & CARCINOMAS)
    others = patient.histologies - CARCINOMAS - {Histology.ONCOCYTOMA, Histology.CYST}
    if benign == malignant or others:
        return None
    masses = np.isin(patient.labels.voxels, [int(label) for label in MASS_LABELS])
    return int(malignant), _showing(masses, patient, MASS_MM2)


LABELLINGS: Mapping[str, Labelling] = {"mass": by_mass, "oncocytoma": by_oncocytoma}


def _add(
    store: SampleStore,
    there: set[tuple[str, int]],
    recipe: Recipe,
    patient: Patient,
    name: str,
    split: Split,
    kind: Kind,
    most: int | None,
    shape: Pair,
) -> str:
    """Store what is missing of one patient; what was done, in words."""
    labelled = LABELLINGS[recipe.vote.labelled](patient)
    if labelled is None:
        return "left out, its histology does not tell the class"
    number, showing = labelled
    category = recipe.data.classes[number]
    slices = _spread(np.flatnonzero(showing), most)
    outside = recipe.data.window.level - recipe.data.window.width
    for k in slices:
        if (name, k) in there:
            continue
        store.append(
            slice_on_grid(patient.ct, k, shape, outside)[None], labels_on_grid(patient.labels, k, shape)[None],
            split=split, stage="slice-classify", kind=kind, sources=(name,), category=category, slice=k,
            of=len(slices),
        )  # fmt: skip
    return f"{len(slices)} slices, {category}"


def labels_on_grid(labels: Volume, k: int, shape: Pair) -> npt.NDArray[np.uint8]:
    """The labels of slice ``k`` where `slice_on_grid` puts its voxels."""
    rows, columns = fitted(labels, shape)
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    result = np.zeros(shape, dtype=np.uint8)
    box = Box((0, 0, 0), (1, labels.shape[1], labels.shape[2]))
    one = np.ascontiguousarray(labels.voxels[k : k + 1], dtype=np.uint8)
    result[top : top + rows, left : left + columns] = resample_labels(one, box, (1, rows, columns))[0]
    return result


def _showing(mask: npt.NDArray[np.bool_], patient: Patient, least_mm2: float) -> npt.NDArray[np.bool_]:
    pixel_mm2 = float(np.prod(patient.ct.spacing_mm[1:]))
    return np.asarray(mask.sum(axis=(1, 2)) * pixel_mm2 >= least_mm2)


def _spread(slices: npt.NDArray[np.int64], most: int | None) -> list[int]:
    """At most ``most``, evenly spaced."""
    if most is None or len(slices) <= most:
        return [int(k) for k in slices]
    return [int(slices[n * len(slices) // most]) for n in range(most)]


def _held(store: SampleStore) -> set[tuple[str, int]]:
    return {
        (record.sources[0], int(record.extra.get("slice", -1)))
        for record in store.records
        if record.stage == "slice-classify"
    }


def _check(recipe: Recipe, most: int | None) -> None:
    if recipe.data.stage != "slice-classify" or len(recipe.data.classes) != 2:
        raise InputError(f"{recipe.name} is no recipe of a classifier of slices with two classes")
    if most is not None and most < 1:
        raise InputError(f"the most slices of a case must be at least 1, got {most}")


def _check_classes(store: SampleStore, recipe: Recipe) -> None:
    counts = Counter(record.category for record in store.stage("slice-classify").split("train").records)
    lacking = [name for name in recipe.data.classes if not counts[name]]
    if lacking:
        raise InputError(f"no training patient gave a slice of the class {lacking[0]}, which {recipe.name} needs")
