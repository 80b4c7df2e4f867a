"""Characterise: the class of each mass, and where the classifier looked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..anatomy.masses import Character, MassRegion
from ..boxes import Box
from ..bundles.stages.cascade import CharacteriseStage
from ..engines.networks import Networks
from ..findings import Saliency
from ..labels import MassClass
from ..orientation import Orientation
from ..resampling import resample, window
from ..saliency import Head, mean_grad_cam
from ..volume import Volume


def characterise(
    volume: Volume,
    view: Volume,
    region: MassRegion,
    stage: CharacteriseStage,
    networks: Networks,
    heads: Sequence[Head],
) -> Character:
    """Classify one mass by the mean of the models' probabilities.

    Masses run one by one: each runtime plans for fixed shapes, and a changing batch would make it plan anew.

    Args:
        volume: the CT as stored; the saliency lies on its grid.
        view: the same in canonical order; ``region`` is in its indices.
        heads: of each model; the saliency is the mean of what each looked at for the class that all chose together.
    """
    box = region.box.cube(view.spacing_mm, stage.scale, stage.minimum_mm)
    image = window(resample(view.voxels, box, stage.shape), stage.window.width_hu, stage.window.level_hu)
    patch = np.stack([image, _mask_patch(region, box, view, stage)])[None]
    outputs = [networks.run(model, patch) for model in stage.models]
    scores = np.mean([_softmax(output["logits"][0] / stage.temperature) for output in outputs], axis=0)
    chosen = int(scores.argmax())
    certain = scores[chosen] >= stage.unknown_below
    cam = mean_grad_cam(heads, [output["features"][0] for output in outputs], chosen)
    return Character(
        stage.classes[chosen] if certain else MassClass.UNKNOWN,
        {name: float(score) for name, score in zip(stage.classes, scores, strict=True)},
        _on_input_grid(cam, box, volume, view),
    )


def _mask_patch(region: MassRegion, box: Box, view: Volume, stage: CharacteriseStage) -> npt.NDArray[np.float32]:
    """The mass's mask, 0 to 1, on the network's grid, as if cut from a mask of the whole CT."""
    crop = box.clipped(view.shape)
    mask = np.zeros(crop.shape, dtype=np.uint8)
    inside = region.box.overlap(crop)
    assert inside is not None, "the cube about a mass holds a part of it"
    mask[inside.relative_to(crop).slices] = region.mask[inside.relative_to(region.box).slices]
    return resample(mask, box.relative_to(crop), stage.shape)


def _on_input_grid(cam: npt.NDArray[np.float32], box: Box, volume: Volume, view: Volume) -> Saliency:
    """A map over ``box`` (canonical indices, maybe reaching outside) as a Saliency on the stored grid."""
    crop = box.clipped(view.shape)
    values = resample(cam, Box.whole((cam.shape[0], cam.shape[1], cam.shape[2])), box.shape)
    values = values[crop.relative_to(box).slices]
    orientation = Orientation.of(volume)
    return Saliency(orientation.undo_box(crop, volume.shape), np.ascontiguousarray(orientation.undo(values)))


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    powers = np.exp(np.asarray(logits, dtype=np.float64) - logits.max())
    return np.asarray(powers / powers.sum())
