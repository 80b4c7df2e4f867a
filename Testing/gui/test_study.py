"""Section Study: what is wrong with the choice, in words, and the first CT chosen by itself."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
import qt
import slicer

from RenalAIWidgets.study import StudySection, caution, problem


def volume(voxels, spacing=(1.5, 1.5, 3.0), name="CT"):
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    return slicer.util.addVolumeFromArray(np.asarray(voxels), ijkToRAS=affine, name=name)


def ct(shape=(40, 64, 64), enhanced=True):
    """Air around a body at 40 HU, with something as bright as an enhanced kidney."""
    voxels = np.full(shape, -1000, np.int16)
    voxels[:, 12:52, 12:52] = 40
    if enhanced:
        voxels[10:30, 20:35, 20:35] = 180
    voxels[:, 44:48, 30:34] = 500
    return voxels


def mr():
    """Positive grey values of any scale, as an MR has them."""
    return np.random.default_rng(0).integers(0, 900, (40, 64, 64)).astype(np.int16)


def normalized():
    """A CT scaled to 0 to 1, as for a network."""
    return (ct().astype(np.float32) + 1000) / 1500


def labels():
    return (ct() > 0).astype(np.int16) + (ct() > 100)


def test_a_contrast_ct_is_fine():
    node = volume(ct())
    assert problem(node) is None and caution(node) is None


def test_a_ct_clipped_to_soft_tissue_is_fine():
    """As the abdomens of BTCV are shared: no air is left in them."""
    noise = np.random.default_rng(0).integers(-20, 20, (40, 64, 64), dtype=np.int16)
    assert problem(volume(np.clip(ct() + noise, -126, 276))) is None


def test_a_plain_ct_is_possible_with_a_caution():
    node = volume(ct(enhanced=False))
    assert problem(node) is None
    assert "no contrast" in caution(node)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: None, "Load a contrast CT"),
        (lambda: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"), "empty holds no image"),
        (lambda: volume(ct((6, 64, 64))), "only 6 slices"),
        (lambda: volume(ct(), spacing=(1, 1, 15.0)), "15 mm apart"),
        (lambda: volume(ct().astype(float) + np.nan), "not a number"),
        (lambda: volume(mr(), name="MR"), "MR is not a CT in HU"),
        (lambda: volume((ct() + 1024).astype(np.uint16)), "CT stored with 1024 added"),
        (lambda: volume(normalized()), "as after normalization"),
        (lambda: volume(labels()), "looks like a label map"),
        (lambda: volume(np.zeros((40, 64, 64), np.int16)), "every voxel is 0"),
        (lambda: volume(ct(), spacing=(0.1, 0.1, 0.1)), "no CT of an abdomen"),
    ],
)
def test_what_is_wrong_is_said(make, words):
    assert words in problem(make())


def section():
    ui = SimpleNamespace(studyLine=qt.QLabel())
    return StudySection(ui), ui


def parameters(**values):
    return SimpleNamespace(**{"inputVolume": None, "secondPhase": None, **values})


def test_the_first_usable_ct_is_chosen():
    volume(np.zeros((40, 64, 64), np.int16), name="map")
    wanted = volume(ct(), name="CT")
    volume(ct(), name="later")
    study, _ = section()
    chosen = parameters()
    study.preselect(chosen)
    assert chosen.inputVolume is wanted


def test_the_line_says_it_and_the_second_phase_must_be_another():
    study, ui = section()
    node = volume(ct())
    study.update(parameters(inputVolume=node))
    assert study.problem is None and "64 × 64 × 40" in ui.studyLine.text
    study.update(parameters(inputVolume=node, secondPhase=node))
    assert "is the CT itself" in study.problem and "is the CT itself" in ui.studyLine.text
    study.update(parameters())
    assert "Load a contrast CT" in ui.studyLine.text


def test_looking_at_a_large_ct_does_not_block(measured):
    node = volume(np.tile(ct((60, 64, 64)), (4, 6, 6)))
    begun = time.thread_time()  # not the wall's: other processes may have the machine
    problem(node), caution(node)
    took = time.thread_time() - begun
    columns, rows, slices = node.GetImageData().GetDimensions()
    measured(f"study check of {columns}x{rows}x{slices}, CPU", 1000 * took, "ms", 50)
