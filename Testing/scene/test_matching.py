"""What manual segments are taken for: by codes, by names in many spellings, by the user."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from handmade import manual_copy, painted_outcome

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.terminology import segment_terminology
from RenalAIScene import matching, volumes
from RenalAIScene.reference import reference_labels

RIGHT, LEFT, BOTH = Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT, matching.BOTH
NAMES = {
    "right kidney": RIGHT, "kidney_right": RIGHT, "KidneyRight": RIGHT, "Kidney R": RIGHT, "RK": RIGHT,
    "Niere rechts": RIGHT, "rechte Niere": RIGHT, "Rein droit": RIGHT, "riñón derecho": RIGHT, "rene destro": RIGHT,
    "rim direito": RIGHT, "höger njure": RIGHT, "højre nyre": RIGHT, "right_kidney_2": RIGHT, "右肾": RIGHT,
    "kidney-left": LEFT, "LK": LEFT, "Linke Niere": LEFT, "rein gauche": LEFT, "riñón izquierdo": LEFT,
    "левая почка": LEFT, "nier links": LEFT, "Lewa nerka": LEFT,
    "tumor": Label.SOLID, "Kidney tumour left": Label.SOLID, "Nierentumor": Label.SOLID, "RCC": Label.SOLID,
    "Karzinom rechts": Label.SOLID, "solid mass": Label.SOLID,
    "cyst": Label.CYSTIC, "Nierenzyste links": Label.CYSTIC, "renal_cyst_1": Label.CYSTIC, "kyste": Label.CYSTIC,
    "AML": Label.AML, "aml_2": Label.AML, "Angiomyolipoma": Label.AML, "Angiomyolipom rechts": Label.AML,
    "lesion": Label.UNKNOWN, "Läsion": Label.UNKNOWN, "mass_right_1": Label.UNKNOWN,
    "kidney": BOTH, "Niere": BOTH, "Kidneys": BOTH, "right and left kidney": BOTH,
    "liver": None, "liver cyst": None, "Segment_1": None, "": None, "1": None,
    "right adrenal": None, "Nebenniere rechts": None, "left renal artery": None, "kidney stone right": None,
    "Nierenbecken links": None, "camera": None,
}  # fmt: skip


def segmentation(*segments):
    """A node with named segments, each with an optional terminology entry."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Manual")
    for number, (name, entry) in enumerate(segments):
        node.GetSegmentation().AddEmptySegment(f"s{number}", name)
        segment = node.GetSegmentation().GetSegment(f"s{number}")
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    return node


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert matching.label_of_name(name) == NAMES[name]


def test_our_own_codes_are_understood():
    outcome = painted_outcome()
    for segment in outcome.segments:
        label = matching.label_of_codes(segment_terminology(segment).slicer_entry)
        if segment in outcome.findings.kidneys:
            assert label is Label.kidney(segment.side)
        else:
            assert label is (Label.CYSTIC if segment.mass_class is MassClass.CYSTIC else Label.UNKNOWN)


def test_codes_count_more_than_names_but_a_vague_code_leaves_the_class_to_the_name():
    kidneys, masses = painted_outcome().findings.kidneys, painted_outcome().findings.masses
    left = next(kidney for kidney in kidneys if kidney.side is Side.LEFT)
    aml = next(mass for mass in masses if mass.mass_class is MassClass.AML)
    node = segmentation(
        ("right kidney", segment_terminology(left).slicer_entry),
        ("Angiomyolipoma", segment_terminology(aml).slicer_entry),
        ("something", segment_terminology(aml).slicer_entry),
        ("spleen", "~".join(["x", "SCT^123037004^A", "SCT^78961009^Spleen", "^^", "y", "^^", "^^"])),
    )
    assert list(matching.guess_matching(node).values()) == [LEFT, Label.AML, Label.UNKNOWN, None]


def test_the_users_word_wins_and_stays():
    node = segmentation(("right kidney", ""), ("thing", ""))
    matching.set_match(node, "s0", None)
    matching.set_match(node, "s1", Label.AML)
    assert matching.matches(node) == {"s0": None, "s1": Label.AML}
    matching.set_match(node, "s0", BOTH)
    assert matching.matches(node) == {"s0": BOTH, "s1": Label.AML}
    assert matching.segments(node) == [("s0", "right kidney"), ("s1", "thing")]


def test_a_manual_segmentation_becomes_a_label_map():
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    manual = manual_copy(outcome, ct)
    labels = reference_labels(manual, matching.matches(manual), ct)
    assert np.array_equal(labels, np.roll(outcome.labels, 2, axis=2))


def test_both_kidneys_in_one_segment_are_divided_by_anatomy():
    """As KiTS draws: kidney, tumor, cyst."""
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "KiTS")
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    masses = outcome.labels > LEFT
    for name, mask in (("kidney", outcome.labels > 0), ("tumor", masses)):
        identifier = node.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, identifier, ct)
    labels = reference_labels(node, matching.matches(node), ct)
    assert np.array_equal(labels == RIGHT, outcome.labels == RIGHT)
    assert np.array_equal(labels == LEFT, outcome.labels == LEFT)
    assert np.array_equal(labels == Label.SOLID, masses)


def test_overlaps_follow_the_stated_order():
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Manual")
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    whole = np.zeros(outcome.labels.shape, np.uint8)
    whole[5:15, 5:15, 5:15] = 1
    part = np.zeros_like(whole)
    part[8:12, 8:12, 8:20] = 1
    for name, mask in (("tumor", part), ("cyst", part), ("right kidney", whole)):
        identifier = node.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, identifier, ct)
    labels = reference_labels(node, matching.matches(node), ct)
    assert (labels[part > 0] == Label.SOLID).all()
    assert (labels[(whole > 0) & (part == 0)] == RIGHT).all()


def test_a_segmentation_that_does_not_fit_is_refused_in_words():
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    manual = manual_copy(outcome, ct)
    with pytest.raises(InputError, match="no segment of Manual is matched"):
        reference_labels(manual, dict.fromkeys(matching.matches(manual)), ct)
    elsewhere = np.array(outcome.volume.ijk_to_ras)
    elsewhere[:3, 3] += 5000
    far = volumes.add_volume(painted_outcome(elsewhere).volume, "other patient")
    with pytest.raises(InputError, match="belong together"):
        reference_labels(manual, matching.matches(manual), far)
