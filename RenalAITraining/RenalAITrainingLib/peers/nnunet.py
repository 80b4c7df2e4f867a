"""nnU-Net's predictor, fed from memory, with the published network in place of its own (Isensee et al. 2021)."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import torch

from .question import Labels, Question, Setup

_CUBIC = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
_LINEAR = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
_LABEL = {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None}


class NnUNet:
    """nnU-Net 2's default inference without mirroring, or its cheapest settings.

    Its CT normalisation clips to two percentiles and divides by a standard deviation; the percentiles given here are
    the ends of the network's window and the deviation half its width, so that the network sees what it was trained on.

    Args:
        setup: by default cubic resampling and tiles that overlap by half; else resampling by torch, and tiles that
            overlap by a fifth, as its authors advise where time matters, or one tile.
    """

    def __init__(self, question: Question, setup: Setup = Setup.DEFAULT) -> None:
        with _quiet():
            from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
            from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

            self.name = f"nnU-Net, {setup.value}"
            self._question, self._setup = question, setup
            self._predictor = nnUNetPredictor(
                tile_step_size=0.5 if setup is Setup.DEFAULT else 0.8,
                use_mirroring=False,
                perform_everything_on_device=False,
                device=torch.device("cpu"),
                allow_tqdm=False,
            )
            plans = PlansManager(_plans(question, setup))
            self._predictor.manual_initialization(
                question.network(), plans, plans.get_configuration("3d"), [{}], _DATASET, "nnUNetTrainer", None
            )

    def answer(self) -> Labels:
        """1 where there is kidney."""
        if self._setup is Setup.SAME_IMAGE:
            return self._of_given_image()
        volume = self._question.volume
        image = np.asarray(volume.voxels, np.float32)[None]
        with _quiet():
            found = self._predictor.predict_single_npy_array(image, {"spacing": list(map(float, volume.spacing_mm))})
        return np.asarray(found, np.uint8)

    def _of_given_image(self) -> Labels:
        """Its prediction and its way back, without its preparation of the image."""
        from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

        volume, predictor = self._question.volume, self._predictor
        coarse, image = self._question.image()
        k, j, i = coarse.shape
        properties = {  # as its preparation would have noted them; nothing was cropped
            "spacing": list(map(float, volume.spacing_mm)),
            "shape_before_cropping": volume.shape,
            "shape_after_cropping_and_before_resampling": volume.shape,
            "bbox_used_for_cropping": [[0, size] for size in volume.shape],
        }
        with _quiet():
            logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image[None]))[:, :k, :j, :i]
            found = convert_predicted_logits_to_segmentation_with_correct_shape(
                logits, predictor.plans_manager, predictor.configuration_manager, predictor.label_manager, properties
            )
        return np.asarray(found, np.uint8)


_DATASET = {
    "channel_names": {"0": "CT"},
    "labels": {"background": 0, "kidney": 1},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}


def _plans(question: Question, setup: Setup) -> dict[str, Any]:
    """What nnU-Net's planning would have written, as far as inference reads it."""
    stage = question.stage
    half = stage.window.width_hu / 2
    level = stage.window.level_hu
    cheap = setup is not Setup.DEFAULT
    resampler = "resample_torch_fornnunet" if cheap else "resample_data_or_seg_to_shape"
    torch_words = {"is_seg": False, "force_separate_z": False, "memefficient_seg_resampling": False}
    words = {
        "data": torch_words if cheap else _CUBIC,
        "probabilities": torch_words if cheap else _LINEAR,
        "seg": torch_words | {"is_seg": True} if cheap else _LABEL,
    }
    configuration: dict[str, Any] = {
        "data_identifier": "peer",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(question.patch(setup)),
        "spacing": [stage.spacing_mm] * 3,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "architecture": {"network_class_name": "", "arch_kwargs": {}, "_kw_requires_import": []},
        "batch_dice": False,
    }
    for what, given in words.items():
        configuration[f"resampling_fn_{what}"] = resampler
        configuration[f"resampling_fn_{what}_kwargs"] = given
    return {
        "dataset_name": "peer",
        "plans_name": "peer",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": level,
                "std": half,
                "percentile_00_5": level - half,
                "percentile_99_5": level + half,
            }
        },
        "configurations": {"3d": configuration},
    }


@contextlib.contextmanager
def _quiet() -> Any:
    """nnU-Net prints about paths that it does not need here."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
