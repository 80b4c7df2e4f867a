"""What a radiologist draws into a result, or takes out of it, is among the findings as theirs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer
import slicer.util
from handmade import painted_outcome
from vtk.util.numpy_support import vtk_to_numpy

from RenalAILib.findings import Findings, Kidney, Mass
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.pictures.figures import Figures
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report import write_outcome
from RenalAILib.report.print_page import print_page
from RenalAIScene import drawnmasses, reference, results, volumes
from RenalAIScene.findingstable import table_of

FLIPPED = np.diag([5.0, 5, -6, 1])
OBLIQUE = np.array(
    [[-4.698, -1.71, 0.0, 90.0], [1.607, -4.415, 1.710, 70.0], [-0.584, 1.607, 5.638, -50.0], [0, 0, 0, 1]]
)


def shown(ijk_to_ras=None):
    outcome = painted_outcome(ijk_to_ras)
    ct = volumes.add_volume(outcome.volume, "CT")
    return outcome, ct, results.add_result(outcome, ct)[0]


def draw(segmentation, ct, box, name="", hu=None):
    """A new segment over ``box`` (slices), as the Segment Editor makes it: its ID."""
    segment_id = segmentation.GetSegmentation().AddEmptySegment("", name)
    mask = np.zeros(slicer.util.arrayFromVolume(ct).shape, np.uint8)
    mask[box] = 1
    if hu is not None:
        slicer.util.arrayFromVolume(ct)[box] = hu
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment_id, ct)
    return segment_id


BOX = (slice(2, 5), slice(30, 34), slice(8, 12))
OTHER_BOX = (slice(2, 5), slice(30, 34), slice(36, 40))


def column(segmentation, name):
    array = table_of(segmentation).GetTable().GetColumnByName(name)
    values = [array.GetValue(row) for row in range(array.GetNumberOfTuples())]
    return values if isinstance(values[0], str) else list(vtk_to_numpy(array))


@pytest.mark.parametrize("turn", [None, FLIPPED, OBLIQUE], ids=["axial", "flipped", "oblique"])
def test_a_drawn_mass_is_measured_where_it_lies(double, turn):
    outcome, ct, segmentation = shown(turn)
    drawn_id = draw(segmentation, ct, BOX, hu=-60)
    found = results.findings_now(segmentation)
    assert found.masses[:-1] == outcome.findings.masses and found.removed == ()
    mass = found.masses[-1]
    assert (mass.segment_id, mass.drawn, mass.mass_class, dict(mass.probabilities)) == (
        drawn_id, 1, MassClass.UNKNOWN, {},
    )  # fmt: skip
    assert mass.volume_ml == pytest.approx(48 * outcome.volume.voxel_ml)
    middle = outcome.volume.ras(np.array([3.0, 31.5, 9.5]))
    assert mass.centroid_ras == pytest.approx(tuple(middle))
    edges = np.linalg.norm(outcome.volume.ijk_to_ras[:3, :3], axis=0) * (4, 4, 3)
    assert mass.diameter_mm.axial_max == pytest.approx(np.hypot(edges[0], edges[1]), rel=0.02)
    assert mass.mean_hu == -60.0 and mass.evidence.suggests is MassClass.AML
    assert mass.evidence.text.startswith("Drawn by the radiologist") and mass.evidence.agrees is None
    near = [mass for mass in outcome.findings.masses if mass.side is found.masses[-1].side]
    far = [mass for mass in outcome.findings.masses if mass.side is not found.masses[-1].side]
    assert min(np.linalg.norm(np.subtract(middle, m.centroid_ras)) for m in near) < min(
        np.linalg.norm(np.subtract(middle, m.centroid_ras)) for m in far
    )


def test_sides_by_the_body_where_only_one_kidney_is_left(double):
    _outcome, ct, segmentation = shown()
    for segment_id in ("kidney_right", "mass_right_1", "mass_right_2"):
        segmentation.GetSegmentation().RemoveSegment(segment_id)
    draw(segmentation, ct, BOX)
    draw(segmentation, ct, OTHER_BOX)
    one, other = results.findings_now(segmentation).masses[-2:]
    assert (one.side, other.side) == (Side.RIGHT, Side.LEFT)
    assert (one.drawn, other.drawn) == (1, 2)


def test_the_class_is_the_radiologists_and_names_the_segment(double):
    _outcome, ct, segmentation = shown()
    drawn_id = draw(segmentation, ct, BOX)
    results.set_reading(segmentation, drawn_id, Reading(drawn_id, Answer.DRAWN, MassClass.AML, "fat inside"))
    assert results.findings_now(segmentation).masses[-1].mass_class is MassClass.AML
    segment = segmentation.GetSegmentation().GetSegment(drawn_id)
    assert segment.GetName() == "Right drawn mass 1 (AML)"
    labels = reference.corrected_labels(segmentation, ct)
    assert (labels[BOX] == Label.AML).all()
    results.set_reading(segmentation, drawn_id, None)
    results.set_reading(segmentation, drawn_id, Reading(drawn_id, Answer.DRAWN, MassClass.SOLID))
    assert results.findings_now(segmentation).masses[-1].mass_class is MassClass.SOLID
    assert column(segmentation, "Radiologist")[-1] == "Drawn as solid"


def test_names_and_codes_say_what_is_drawn(double):
    _outcome, ct, segmentation = shown()
    expected = {"Zyste": MassClass.CYSTIC, "AML upper pole": MassClass.AML, "": MassClass.UNKNOWN}
    for place, name in enumerate([*expected, "Leber", "Niere rechts"]):
        draw(segmentation, ct, (slice(2 * place, 2 * place + 2), slice(2, 5), slice(2, 5)), name)
    segmentation.GetSegmentation().AddEmptySegment("", "still empty")
    masses = results.findings_now(segmentation).masses[3:]
    assert [mass.mass_class for mass in masses] == list(expected.values())


def test_removed_and_erased_masses_are_told(double):
    outcome, ct, segmentation = shown()
    segmentation.GetSegmentation().RemoveSegment("mass_left_1")
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.zeros(outcome.volume.shape, np.uint8), segmentation, "mass_right_1", ct
    )
    found = results.refresh(segmentation)
    assert [segment.segment_id for segment in found.removed] == ["mass_right_1", "mass_left_1"]
    assert found.removed == results.outcome_of(segmentation).findings.removed
    assert column(segmentation, "Segment")[-2:] == ["mass_right_1", "mass_left_1"]
    assert column(segmentation, "Radiologist")[-2:] == ["Removed", "Removed"]
    results.go_to(segmentation, "mass_left_1")  # its place is known, its outline gone


def test_views_go_to_a_drawn_mass(double):
    _outcome, ct, segmentation = shown()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode")
    drawn_id = draw(segmentation, ct, BOX)
    results.go_to(segmentation, drawn_id)
    place = [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]
    assert place == pytest.approx(results.findings_now(segmentation).masses[-1].centroid_ras)
    with pytest.raises(ValueError, match="no mass"):
        results.go_to(segmentation, "mass_left_9")


def test_everything_is_in_the_outcome_and_in_every_export(double, tmp_path):
    outcome, ct, segmentation = shown()
    drawn_id = draw(segmentation, ct, BOX, hu=5)
    said = Reading(drawn_id, Answer.DRAWN, MassClass.CYSTIC, "beside the pole", "", "2026-03-01T14:05:00+01:00")
    results.set_reading(segmentation, drawn_id, said)
    segmentation.GetSegmentation().RemoveSegment("mass_left_1")
    now = results.outcome_of(segmentation)
    assert (now.labels[BOX] == Label.CYSTIC).all()
    assert (now.instances[BOX] == 1 + [s.segment_id for s in now.segments].index(drawn_id)).all()
    gone = next(mass for mass in outcome.findings.masses if mass.segment_id == "mass_left_1")
    assert now.findings.removed == (gone,)
    assert Findings.from_json(json.loads(json.dumps(now.findings.to_json()))) == now.findings
    files = write_outcome(now, tmp_path / "result", readings=(said,))
    page = files["report.html"].read_text(encoding="utf-8")
    assert "Right drawn mass 1" in page and "Drawn by the radiologist" in page
    assert "removed by the radiologist" in page and "Left mass 1" in page
    assert "name no class" not in page
    rows = files["findings.csv"].read_text(encoding="utf-8").splitlines()
    by_hand = {row.split(",")[3]: row for row in rows}
    assert ",drawn" in by_hand[drawn_id] and ",removed" in by_hand["mass_left_1"]
    kept = json.loads(files["findings.json"].read_text(encoding="utf-8"))
    assert kept["masses"][-1]["drawn"] == 1 and kept["removed"]["masses"][0]["segment_id"] == "mass_left_1"
    figures = Figures(now)
    pictures = {mass.segment_id: figures.of_mass(mass) for mass in now.findings.masses}
    printed = print_page(now.findings, figures.overview(), pictures, (said,))
    assert "Right drawn mass 1" in printed and "emoved by the radiologist" in printed


def test_drawn_and_removed_survive_save_and_reload(double, tmp_path):
    _outcome, ct, segmentation = shown()
    drawn_id = draw(segmentation, ct, BOX)
    results.set_reading(segmentation, drawn_id, Reading(drawn_id, Answer.DRAWN, MassClass.SOLID))
    segmentation.GetSegmentation().RemoveSegment("mass_right_1")
    before = results.findings_now(segmentation)
    bundle = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(bundle)
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(bundle)
    again = results.findings_now(slicer.util.getNode("CT RenalAI"))
    assert again.masses[:-1] == before.masses[:-1] and again.removed == before.removed
    drawn, was = again.masses[-1], before.masses[-1]  # its box is another now, so the last digits may be too
    assert (drawn.segment_id, drawn.mass_class, drawn.side) == (drawn_id, MassClass.SOLID, was.side)
    assert drawn.volume_ml == pytest.approx(was.volume_ml) and drawn.centroid_ras == pytest.approx(was.centroid_ras)


def test_drawn_over_a_kidney_its_voxels_are_the_masss(double):
    outcome, ct, segmentation = shown()
    kidney = np.argwhere(outcome.labels == Label.KIDNEY_RIGHT)
    k, j, i = kidney.mean(axis=0).astype(int)
    box = (slice(k, k + 2), slice(j, j + 3), slice(i, i + 3))
    drawn_id = draw(segmentation, ct, box)
    now = results.outcome_of(segmentation)
    mass = now.findings.masses[-1]
    assert (now.labels[box] == Label.UNKNOWN).all() and isinstance(mass, Mass) and mass.segment_id == drawn_id
    assert all(isinstance(kidney, Kidney) for kidney in now.findings.kidneys)
    assert drawnmasses.drawn_classes(segmentation) == {drawn_id: MassClass.UNKNOWN}
