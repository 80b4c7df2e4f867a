"""Training samples from the real cases of a dataset: on the grids the networks see, without anything synthesised.

The same boxes, margins and grids as in `synthesis`, so that both kinds of sample can lie in one store. Boxes are
jittered as a coarse prediction would give them, masks of masses as a network would draw them; everything else is the
trainer's augmentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from RenalAILib.anatomy.masses import mass_regions
from RenalAILib.boxes import Box
from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAILib.orientation import canonical
from RenalAILib.resampling import coarse_shape, resample
from RenalAILib.volume import Volume

from ..convention import to_convention
from ..samples import SampleStore, Split
from ..stages import CUT, Stage
from ..synthesis.characterise_samples import SHAPE as MASS_SHAPE
from ..synthesis.characterise_samples import sample_of_mass
from ..synthesis.delineate_samples import SHAPE, kidney_box_as_found
from ..synthesis.detect_samples import detect_samples
from ..synthesis.fields import Noise, Rng
from ..synthesis.locate_samples import SPACING_MM
from ..synthesis.made import MadeSample
from ..synthesis.scene import Scene, resample_labels
from ..synthesis.slice_samples import slice_samples
from .case import Case
from .folder import Dataset

_AROUND_KIDNEY_MM = 40.0  # more than margin and jitter of a box can take
_AROUND_MASS_SHARE, _AROUND_MASS_MM = 0.75, 16.0  # more than the cube about a flat mass can take
_SMALLEST_KIDNEY_VOXELS = 1000
MASS_EDGE = MASS_SHAPE[0]
_WHOLE = ("locate", "one-stage", "slice-segment", "slice-detect")  # nothing is jittered: one variant a case
_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)


def fill(
    dataset: Dataset,
    stage: Stage,
    output: Path,
    *,
    seed: int = 1,
    variants: int = 1,
    fold: int | None = None,
    edge: int = MASS_EDGE,
    sinus: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> int:
    """The samples of all training and validation cases that are not there yet; how many were written.

    What a case gives depends on seed, stage, variant and the case alone. Cases of rare classes give more training
    samples by the dataset's own repeats. Test cases, and those without a CT, give none.

    Args:
        dataset: with a split.
        stage: the network the samples are for.
        output: folder of samples, continued if there.
        seed: of the jitter.
        variants: of each kidney or mass of a training case, with boxes and masks of their own; locate makes one.
        fold: of a split in folds, the one that validates.
        edge: voxels along each axis of a mass's patch, of characterise.
        sinus: count a kidney's sinus as kidney, also where readers left it out; otherwise kidneys are as drawn.
        report: told of each case.

    Raises:
        InputError: there is no split, no such fold, or no case with a CT; a file cannot be read.
    """
    if variants < 1:
        raise InputError(f"the number of variants must be at least 1, got {variants}")
    if edge < 16 or edge % 16:
        raise InputError(f"the edge of a mass's patch must be a multiple of 16, got {edge}")
    chosen = [(case, split) for case, split in chosen_cases(dataset, fold) if case.has_image]
    if not chosen:
        raise InputError(f"{dataset.folder} has no case with a CT to train on, only masks (or only tests)")
    store = SampleStore(output)
    there = Counter(
        (record.sources, record.extra.get("variant"))
        for record in store.records
        if record.stage == stage and record.seed == seed and record.kind == "real"
    )
    before = len(store)
    patches = store.stage("characterise")
    if stage == "characterise" and len(patches) and patches[0].image.shape[0] != edge:
        raise InputError(
            f"{output} holds patches of {patches[0].image.shape[0]} voxels along each axis; those of {edge} need"
            " another folder"
        )
    for number, (case, split) in enumerate(chosen, 1):
        report(f"{number} of {len(chosen)}: {case.name} ({split})")
        each = 1 if stage in _WHOLE else variants
        count = each * case.repeats if split == "train" else 1
        scene: Scene | None = None
        phase = {"phase": case.phase_word} if case.phase_word else {}
        for variant in range(count):
            done = there[(case.name,), variant]
            if done and _complete(store, case, stage, seed, variant, done):
                continue
            scene = scene or scene_of(dataset, case, split, sinus)
            rng = np.random.default_rng([seed, CUT.index(stage), variant, _number(case)])
            made = list(_characterise(rng, scene, edge) if stage == "characterise" else _MAKERS[stage](rng, scene))
            for part, sample in enumerate(made[done:], done):
                store.append(
                    sample.image, sample.label, split=split, stage=stage, kind="real", sources=(case.name,), seed=seed,
                    mass_class=sample.mass_class, variant=variant, part=part, of=len(made), repeats=case.repeats,
                    **phase, **sample.facts,
                )  # fmt: skip
    return len(store) - before


def canonical_case(dataset: Dataset, case: Case) -> tuple[Volume, Volume]:
    """CT and reference of a case in the canonical view. Raises InputError where they do not lie on one grid."""
    ct, labels = canonical(dataset.volume(case)), canonical(dataset.labels(case))
    if not labels.same_grid(ct):
        raise InputError(f"the mask of {case.name} does not lie on the grid of its CT; see renalai dataset check")
    return ct, labels


def scene_of(dataset: Dataset, case: Case, split: Split, sinus: bool = True) -> Scene:
    """A case in the canonical view, kidneys with their sinus; what only synthesis asks for is left empty."""
    ct, labels = canonical_case(dataset, case)
    drawn = np.ascontiguousarray(labels.voxels, dtype=np.uint8)
    return Scene(
        ct.voxels.astype(np.float32),
        to_convention(drawn, ct.spacing_mm) if sinus else drawn,
        np.isin(drawn, KIDNEY_LABELS),
        np.zeros(ct.shape, np.uint8),
        ct.spacing_mm,
        Noise(0.0, (0.0, 0.0, 0.0)),
        "real",
        split,
        (case.name,),
    )


def _locate(rng: Rng, scene: Scene) -> Iterator[MadeSample]:
    box, shape = Box.whole(scene.shape), coarse_shape(scene.shape, scene.spacing_mm, SPACING_MM)
    spacing = scene.spacing_mm * np.divide(scene.shape, shape)
    yield MadeSample(
        resample(scene.hu, box, shape), resample_labels(scene.labels, box, shape), scene,
        {"spacing_mm": [round(float(mm), 3) for mm in spacing]},
    )  # fmt: skip


def _delineate(rng: Rng, scene: Scene) -> Iterator[MadeSample]:
    for side in Side:
        kidney = Box.around(scene.labels == Label.kidney(side))
        if kidney is None:
            continue
        part = scene.crop(kidney.grown(_AROUND_KIDNEY_MM, scene.spacing_mm, scene.shape))
        box = kidney_box_as_found(rng, part, side)
        labels = resample_labels(part.labels, box, SHAPE)
        if np.isin(labels, KIDNEY_LABELS).sum() < _SMALLEST_KIDNEY_VOXELS:
            continue
        facts = {"side": side.value, "spacing_mm": [round(float(mm), 3) for mm in part.spacing_mm]}
        yield MadeSample(resample(part.hu, box, SHAPE), labels, scene, facts)


def _characterise(rng: Rng, scene: Scene, edge: int = MASS_EDGE) -> Iterator[MadeSample]:
    for mass_class in _CLASSES:
        for region in mass_regions(scene.labels == mass_class.label, Box.whole(scene.shape), Side.RIGHT):
            longest = float((np.array(region.box.shape) * scene.spacing_mm).max())
            around = region.box.grown(_AROUND_MASS_SHARE * longest + _AROUND_MASS_MM, scene.spacing_mm, scene.shape)
            part = scene.crop(around)
            mask = np.zeros(part.shape, dtype=np.bool_)
            mask[region.box.relative_to(around).slices] = region.mask
            made = sample_of_mass(rng, part, mask, mass_class, {}, (edge,) * 3)
            if made is not None:
                yield made


_MAKERS: Mapping[Stage, Callable[[Rng, Scene], Iterator[MadeSample]]] = {
    "locate": _locate,
    "delineate": _delineate,
    "characterise": _characterise,
    "one-stage": _locate,
    "slice-segment": lambda rng, scene: iter(slice_samples(rng, scene)),
    "slice-detect": lambda rng, scene: iter(detect_samples(rng, scene)),
}


def chosen_cases(dataset: Dataset, fold: int | None) -> Iterator[tuple[Case, Split]]:
    """Training and validation cases with their part. Raises InputError: no split, or no such fold."""
    if not dataset.split:
        raise InputError(f"{dataset.folder} has no split yet; renalai dataset split {dataset.folder} makes one")
    in_folds = "fold_1" in dataset.split
    if in_folds and f"fold_{fold}" not in dataset.split:
        raise InputError(f"{dataset.folder} is split in {len(dataset.split)} folds; say which one with --fold 1 and up")
    if fold is not None and not in_folds:
        raise InputError(f"{dataset.folder} is not split in folds; leave out --fold")
    validating = f"fold_{fold}" if in_folds else "validation"
    for case in dataset:
        part = dataset.part_of(case)
        if part and part != "test":
            yield case, "validation" if part == validating else "train"


def _complete(store: SampleStore, case: Case, stage: Stage, seed: int, variant: int, done: int) -> bool:
    """Whether all samples of a variant are there: each says how many there are."""
    for record in store.records:
        same = record.sources == (case.name,) and record.stage == stage and record.seed == seed
        if same and record.extra.get("variant") == variant:
            return bool(done >= record.extra.get("of", 1))
    return False


def _number(case: Case) -> int:
    """A number of the case for the seed: its name, read as digits."""
    return int.from_bytes(case.name.encode(), "big")
