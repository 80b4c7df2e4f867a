"""What the views show, by the colours of their pixels (fonts and drivers differ, colours do not)."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from fourup import FourUp
from handmade import manual_copy, painted_outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from RenalAIScene import overlays, results, views, volumes
from RenalAIScene.overlays import Style, agreement_map


@pytest.fixture(scope="session")
def four():
    return FourUp(200)


@pytest.fixture
def shown(double, four):
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    ct.GetDisplayNode().SetAutoWindowLevel(False)
    ct.GetDisplayNode().SetWindowLevel(2000, 0)
    segmentation, _table = results.add_result(outcome, ct)
    manual = manual_copy(outcome, ct, shift=4)
    manual.GetDisplayNode().SetVisibility(False)
    four.look_at(ct, outcome.findings.masses[0].centroid_ras)
    return outcome, ct, segmentation, manual


def colored(picture):
    """How many pixels are red, green, yellow, cyan, and of any colour at all, without the bars over the views."""
    r, g, b = (picture[..., channel].astype(int) for channel in range(3))
    return {
        "red": int(((r - g > 60) & (r - b > 60)).sum()),
        "green": int(((g - r > 60) & (g - b > 40)).sum()),
        "yellow": int(((r - b > 60) & (g - b > 50) & (abs(r - g) < 50)).sum()),
        "any": int((np.ptp(picture, axis=-1) > 25).sum()),
    }


def axial(four):
    return four.slices["Red"].pixels()


def test_the_result_is_seen_in_every_view(four, shown):
    _outcome, _ct, segmentation, _manual = shown
    for name, view in four.slices.items():
        assert colored(view.pixels())["any"] > 100, name
    segmentation.CreateClosedSurfaceRepresentation()
    assert np.ptp(four.solid.pixels().reshape(-1, 3), axis=0).max() > 60
    segmentation.GetDisplayNode().SetVisibility(False)
    assert colored(axial(four))["any"] == 0


def test_outlines_are_red_for_the_prediction_and_green_for_the_manual_one(four, shown):
    _outcome, _ct, segmentation, manual = shown
    results.show(Style.OUTLINES, segmentation, manual, 1.0)
    seen = colored(axial(four))
    assert seen["red"] > 60 and seen["green"] > 60
    own = segmentation.GetSegmentation().GetSegment("kidney_left").GetColor()
    results.show(Style.PREDICTION, segmentation, manual, 0.5)
    assert colored(axial(four))["green"] == 0
    assert segmentation.GetSegmentation().GetSegment("kidney_left").GetColor() == own
    assert not manual.GetDisplayNode().GetVisibility(), "the manual segmentation was hidden before, and is again"
    assert manual.GetAttribute(overlays.LOOK) is None


def test_agreement_is_yellow_where_both_are_red_and_green_where_one_is(four, shown, double):
    _outcome, _ct, segmentation, manual = shown
    results.show(Style.AGREEMENT, segmentation, manual, 1.0)
    seen = colored(axial(four))
    assert seen["yellow"] > seen["red"] > 30 and seen["green"] > 30
    fill = segmentation.GetNodeReference(overlays.AGREEMENT)
    results.show(Style.AGREEMENT, segmentation, manual, 0.4)
    assert segmentation.GetNodeReference(overlays.AGREEMENT) is fill, "another opacity is no reason to compute again"
    results.set_match(manual, "Segment_1", None)
    results.show(Style.AGREEMENT, segmentation, manual, 0.4)
    assert segmentation.GetNodeReference(overlays.AGREEMENT) is not fill
    with double.counted() as changes:
        results.show(Style.PREDICTION, segmentation, manual, 0.5)
        assert changes() == {"vtkMRMLSegmentationNode": -1, "vtkMRMLSegmentationDisplayNode": -1}
    with pytest.raises(ValueError, match="manual"):
        results.show(Style.OUTLINES, segmentation, None, 0.5)


def test_gradcam_lies_over_the_mass_and_goes_again(four, shown):
    _outcome, ct, segmentation, _manual = shown
    segmentation.GetDisplayNode().SetVisibility(False)
    composite = four.slices["Red"].logic.GetSliceCompositeNode()
    composite.SetForegroundVolumeID(ct.GetID())
    composite.SetForegroundOpacity(0.25)
    assert results.show_saliency(segmentation, "mass_right_1", 1.0, 0.2)
    many = colored(axial(four))["any"]
    assert results.show_saliency(segmentation, "mass_right_1", 1.0, 0.7)
    few = colored(axial(four))["any"]
    assert many > few > 0
    assert not results.show_saliency(segmentation, "mass_right_9", 1.0, 0.2)
    results.hide_saliency()
    assert colored(axial(four))["any"] == 0
    assert composite.GetForegroundVolumeID() == ct.GetID() and composite.GetForegroundOpacity() == 0.25


def test_every_view_goes_to_the_mass(four, shown):
    outcome, _ct, segmentation, _manual = shown
    for mass in outcome.findings.masses:
        results.go_to(segmentation, mass.segment_id)
        for view in four.slices.values():
            matrix = view.logic.GetSliceNode().GetSliceToRAS()
            centre = [matrix.GetElement(row, 3) for row in range(3)]
            assert np.allclose(centre, mass.centroid_ras, atol=0.01)
        display = segmentation.GetDisplayNode()
        fills = {s.segment_id: display.GetSegmentOpacity2DFill(s.segment_id) for s in outcome.segments}
        chosen = fills.pop(mass.segment_id)
        assert all(fill < chosen for fill in fills.values())
    views.highlight(segmentation, None)
    assert all(segmentation.GetDisplayNode().GetSegmentOpacity2DOutline(s.segment_id) == 1 for s in outcome.segments)
    with pytest.raises(ValueError, match="no mass"):
        results.go_to(segmentation, "kidney_left")


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 6)), st.integers(0, 3))
def test_agreement_is_symmetric_and_complete(labels, shift):
    other = np.roll(labels, shift, axis=2)
    forth, back = agreement_map(labels, other), agreement_map(other, labels)
    swap = np.array([0, 1, 3, 2], np.uint8)
    assert np.array_equal(swap[forth], back)
    assert np.array_equal(forth > 0, (labels > 0) | (other > 0))
    assert (agreement_map(labels, labels)[labels > 0] == 1).all()


def test_a_missed_mass_is_green_and_an_invented_one_red():
    predicted, manual = np.array([[[1, 5, 0, 2, 0]]], np.uint8), np.array([[[4, 1, 0, 1, 6]]], np.uint8)
    assert agreement_map(predicted, manual).tolist() == [[[3, 2, 0, 1, 3]]]


def test_camera_follows_to_a_point(double, four, shown):
    (camera,) = slicer.util.getNodesByClass("vtkMRMLCameraNode")[:1]
    before = np.subtract(camera.GetPosition(), camera.GetFocalPoint())
    results.go_to_point((10.0, -20.0, 30.0))
    assert camera.GetFocalPoint() == (10.0, -20.0, 30.0)
    assert np.allclose(np.subtract(camera.GetPosition(), camera.GetFocalPoint()), before)


def test_what_is_compared_is_seen_in_3d_too_where_the_prediction_is(shown):
    _outcome, _ct, segmentation, manual = shown

    def solid(node):
        return bool(node.GetSegmentation().ContainsRepresentation("Closed surface"))

    results.show(Style.OUTLINES, segmentation, manual, 0.5)
    assert not solid(manual)  # nobody asked for 3-D
    segmentation.CreateClosedSurfaceRepresentation()
    results.show(Style.OUTLINES, segmentation, manual, 0.5)
    assert solid(manual)
    results.show(Style.AGREEMENT, segmentation, manual, 0.5)
    assert solid(segmentation.GetNodeReference(overlays.AGREEMENT)) and not solid(manual)
    results.show(Style.PREDICTION, segmentation, manual, 0.5)
    assert not solid(manual) and segmentation.GetNodeReference(overlays.AGREEMENT) is None
    manual.CreateClosedSurfaceRepresentation()
    results.show(Style.OUTLINES, segmentation, manual, 0.5)
    results.show(Style.PREDICTION, segmentation, manual, 0.5)
    assert solid(manual), "a surface of the user's own was taken away"
