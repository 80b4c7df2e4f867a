"""Grad-CAM as a DICOM parametric map (PS3.3 A.75): where the classifier looked, on the slices of the CT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..findings import Outcome
from ..report.readings import Reading
from ..terminology import Code
from . import concepts
from .identity import ResultUids
from .installed import highdicom, names_unspoken
from .segment_description import coded
from .segmentation_object import SERIES_NUMBER, is_rejected, pixel_measures
from .source_images import SourceImages

STEPS = 255  # stored value n is n / 255, as in gradcam.nii.gz
_RLE = "1.2.840.10008.1.2.5"
_DERIVATION = Code(concepts.OWN_SCHEME, "gradcam", "Grad-CAM of a classification network")


def has_activation(outcome: Outcome, readings: Mapping[str, Reading]) -> bool:
    """Whether there is Grad-CAM of a mass that nobody rejected."""
    return any(np.any(_stored(part.values)) for _, part in _kept(outcome, readings))


def activation_map(outcome: Outcome, source: SourceImages, readings: Mapping[str, Reading], uids: ResultUids) -> Any:
    """A ``highdicom.pm.ParametricMap`` of the slices where anything is above zero; 0 to 1 within each mass' own patch.

    Where patches of two masses overlap, the larger value stands. Frames are RLE-packed: nearly all of them is zero.
    """
    hd = highdicom()
    values = np.zeros(outcome.volume.shape, np.uint8)
    for _, part in _kept(outcome, readings):
        there = values[part.box.slices]
        np.maximum(there, _stored(part.values), out=there)
    slices = source.arrange(values, outcome.volume)
    looked_at = np.flatnonzero(slices.any(axis=(1, 2)))
    bundle = outcome.findings.bundle
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="GRADCAM",
        lut_explanation="Grad-CAM of the class, 0 to 1 by mass",
        unit=coded(concepts.NO_UNITS),
        value_range=(0, STEPS),
        slope=1 / STEPS,
        intercept=0.0,
        quantity_definition=coded(concepts.CLASS_ACTIVATION),
    )
    with names_unspoken():
        made = hd.pm.ParametricMap(
            source_images=[source.datasets[k] for k in looked_at],
            pixel_array=slices[looked_at].astype(np.uint16),  # 8 bits are not allowed (PS3.3 C.8.32.2)
            series_instance_uid=uids.of("activation series"),
            series_number=SERIES_NUMBER + 2,
            sop_instance_uid=uids.of("activation"),
            instance_number=1,
            manufacturer="RenalAI",
            manufacturer_model_name=bundle.name,
            software_versions=__version__,
            device_serial_number=bundle.sha256[:16],
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(window_center=STEPS / 2, window_width=STEPS)],
            pixel_measures=pixel_measures(source),
            transfer_syntax_uid=_RLE,
            content_label="GRADCAM",
            content_description="Grad-CAM of renal masses, research only",
            derivation=coded(_DERIVATION),
            series_description="RenalAI Grad-CAM, not for diagnosis",
        )
    if "Laterality" not in made:
        made.Laterality = ""  # both sides; may be empty, must be there for a paired organ (PS3.3 C.7.3.1)
    return made


def _kept(outcome: Outcome, readings: Mapping[str, Reading]) -> list[tuple[str, Any]]:
    return [(name, part) for name, part in outcome.saliency.items() if not is_rejected(readings.get(name))]


def _stored(values: np.ndarray) -> npt.NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(values, 0, 1) * STEPS), np.uint8)
