"""The cascade on painted bodies: the same anatomy from every grid, unusual anatomy, progress and cancelling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from toybundle import (
    BODY,
    KIDNEY,
    LEFT,
    LEFT_AML,
    RIGHT,
    RIGHT_CYST,
    RIGHT_SOLID,
    UNDECIDED,
    Ellipsoid,
    axial,
    inside,
    painted,
    toy_bundle,
    toy_outcome,
)

from RenalAILib.boxes import Box
from RenalAILib.findings import Findings, Outcome, segment_label
from RenalAILib.labels import MASS_LABELS, Label, MassClass, Side
from RenalAILib.orientation import Orientation
from RenalAILib.pipelines.running import segment
from RenalAILib.volume import Volume

GRID = axial((4.0, 2.5, 2.5))
RIM_ML = 0.5


def run(volume: Volume, **options) -> Outcome:
    return segment(volume, toy_bundle(), device="cpu", engine="onnxruntime", **options)


def scan(*parts: Ellipsoid, grid=GRID) -> Outcome:
    return run(painted(*grid, parts=(BODY, *parts)))


def dice(one: np.ndarray, two: np.ndarray) -> float:
    return float(2 * (one & two).sum() / (one.sum() + two.sum()))


def moved(part: Ellipsoid, r: float = 0, a: float = 0, s: float = 0) -> Ellipsoid:
    return replace(part, centre=(part.centre[0] + r, part.centre[1] + a, part.centre[2] + s))


def ids(segments: Iterable) -> list[str]:
    return [segment.segment_id for segment in segments]


def says(outcome: Outcome, words: str) -> bool:
    return any(words in warning for warning in outcome.findings.warnings)


def assert_usual_anatomy(outcome: Outcome, at_least: float) -> None:
    """Kidneys, sides, classes, places and sizes of the usual body, whatever the grid."""
    # The toy networks know grey values alone: on a few grids a patch of a kidney's blurred rim has those of a mass.
    clear = [segment for segment in outcome.segments if segment.volume_ml > RIM_ML]
    assert ids(clear) == ["kidney_right", "kidney_left", "mass_right_1", "mass_right_2", "mass_left_1"]
    masses = [mass for mass in outcome.findings.masses if mass.volume_ml > RIM_ML]
    assert [mass.mass_class for mass in masses] == [MassClass.SOLID, MassClass.CYSTIC, MassClass.AML]
    for mass, part in zip(masses, (RIGHT_SOLID, RIGHT_CYST, LEFT_AML), strict=True):
        number = outcome.segments.index(mass) + 1
        assert dice(outcome.instances == number, inside(outcome.volume, part)) > at_least
        assert np.linalg.norm(np.subtract(mass.centroid_ras, part.centre)) < 3
        assert mass.evidence.suggests is mass.mass_class and mass.evidence.agrees is True
        assert mass.diameter_mm.average == pytest.approx(2 * part.radii[0], rel=0.25)
        saliency = outcome.saliency[mass.segment_id]
        assert saliency.values.shape == saliency.box.shape and saliency.values.dtype == np.float32
        assert saliency.values.min() >= 0 and 0.3 < saliency.values.max() <= 1
        hottest = np.add(np.unravel_index(saliency.values.argmax(), saliency.values.shape), saliency.box.start)
        assert np.linalg.norm(outcome.volume.ras(hottest) - part.centre) < 1.5 * part.radii[0]
    for number, part, held in ((1, RIGHT, (RIGHT_SOLID, RIGHT_CYST)), (2, LEFT, (LEFT_AML,))):
        truth = inside(outcome.volume, part)
        for mass in held:
            truth &= ~inside(outcome.volume, mass)
        assert dice(outcome.instances == number, truth) > 0.92
        kidney = outcome.segments[number - 1]
        assert kidney.volume_ml == pytest.approx(truth.sum() * outcome.volume.voxel_ml, rel=0.12)
        assert kidney.mean_hu == pytest.approx(KIDNEY, abs=40)


def test_usual_anatomy() -> None:
    outcome = toy_outcome()
    assert_usual_anatomy(outcome, 0.88)
    assert outcome.findings.warnings == ()
    assert set(outcome.findings.timings_s) == {"locate", "delineate", "characterise", "networks", "total"}
    assert Findings.from_json(outcome.findings.to_json()) == outcome.findings


def test_labels_and_instances_say_the_same() -> None:
    outcome = toy_outcome()
    assert outcome.labels.dtype == outcome.instances.dtype == np.uint8
    assert outcome.labels.shape == outcome.volume.shape
    for number, part in enumerate(outcome.segments, 1):
        mine = outcome.instances == number
        assert set(np.unique(outcome.labels[mine])) == {segment_label(part)}
        assert mine.sum() * outcome.volume.voxel_ml == pytest.approx(part.volume_ml)
    assert ((outcome.instances > 0) == (outcome.labels > 0)).all()


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # a case takes a second
@given(
    axes=st.permutations(range(3)),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    spacing=st.tuples(st.sampled_from((2.5, 4.0)), st.sampled_from((2.0, 2.5)), st.sampled_from((2.0, 2.5))),
    tilt_deg=st.tuples(*[st.floats(-20, 20)] * 3),
    shear=st.floats(-0.2, 0.2),
)
def test_every_grid_gives_the_same_anatomy(axes, flips, spacing, tilt_deg, shear) -> None:
    """Oblique, sheared (gantry tilt), anisotropic, then stored in any order and direction of axes."""
    affine, shape = axial(spacing, half_mm=90)
    centre = np.append((np.array(shape[::-1]) - 1) / 2, 1)
    for axis, angle in enumerate(np.deg2rad(tilt_deg)):
        turn = np.eye(3)
        one, two = [n for n in range(3) if n != axis]
        turn[one, one] = turn[two, two] = np.cos(angle)
        turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 2] += shear * np.linalg.norm(affine[:3, 2]) * affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    affine[:3, 3] -= (affine @ centre)[:3]
    volume = painted(affine, shape)
    orientation = Orientation(tuple(axes), flips)
    stored = np.ascontiguousarray(orientation.undo(volume.voxels))
    turn = np.eye(4)
    turn[:3, :3] = 0
    for axis, (source, flip) in enumerate(zip(axes, flips, strict=True)):
        turn[2 - axis, 2 - source] = -1.0 if flip else 1.0
        turn[2 - axis, 3] = shape[axis] - 1 if flip else 0
    outcome = run(Volume(stored, affine @ turn, "turned"))
    assert outcome.labels.shape == stored.shape
    assert_usual_anatomy(outcome, 0.7)


def test_orders_of_axes_agree_voxel_by_voxel() -> None:
    affine, shape = GRID
    reference = run(painted(affine, shape))
    flipped = affine @ np.array([[-1, 0, 0, shape[2] - 1], [0, 1, 0, 0], [0, 0, -1, shape[0] - 1], [0, 0, 0, 1.0]])
    outcome = run(Volume(np.ascontiguousarray(reference.volume.voxels[::-1, :, ::-1]), flipped))
    assert (outcome.instances[::-1, :, ::-1] == reference.instances).all()
    for name, saliency in reference.saliency.items():
        np.testing.assert_array_equal(outcome.saliency[name].values[::-1, :, ::-1], saliency.values)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, np.float64])
def test_types_of_voxels(dtype) -> None:
    volume = painted(*GRID)
    voxels = np.maximum(volume.voxels, 0) if dtype is np.uint16 else volume.voxels
    if dtype is np.uint16:
        voxels = np.where(volume.voxels < 100, 0, voxels)  # unsigned: no fat, air or fluid
    outcome = run(volume.with_voxels(voxels.astype(dtype)))
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.LEFT]


def test_no_kidneys() -> None:
    outcome = scan()
    assert outcome.findings.kidneys == outcome.findings.masses == ()
    assert not outcome.labels.any() and not outcome.instances.any()
    assert says(outcome, "No kidney was found")


def test_air_only_and_tiny_volumes() -> None:
    for shape in ((2, 2, 2), (1, 40, 40), (5, 1, 30)):
        outcome = run(Volume(np.full(shape, -1000, np.int16), np.diag([-1.0, -1.0, 3.0, 1.0])))
        assert says(outcome, "No kidney was found") and outcome.labels.shape == shape


@pytest.mark.parametrize(("part", "side"), [(RIGHT, Side.RIGHT), (LEFT, Side.LEFT)])
def test_one_kidney_keeps_its_side(part: Ellipsoid, side: Side) -> None:
    outcome = scan(part)
    assert [kidney.side for kidney in outcome.findings.kidneys] == [side]
    assert set(np.unique(outcome.labels)) == {0, Label.kidney(side)}
    assert says(outcome, "Only one kidney")


def test_transplant_is_a_third_kidney() -> None:
    low = Ellipsoid((70, 60, -75), (28, 26, 42), KIDNEY)
    outcome = scan(moved(RIGHT, s=55), moved(LEFT, s=55), low, grid=axial((4.0, 2.5, 2.5), half_mm=130))
    assert ids(outcome.findings.kidneys) == ["kidney_right", "kidney_right_2", "kidney_left"]
    assert dice(outcome.labels == Label.KIDNEY_RIGHT, inside(outcome.volume, low) | (outcome.instances == 1)) > 0.9
    assert says(outcome, "3 kidneys") and says(outcome, "lies low") and says(outcome, "far in front")


def test_mass_of_a_second_kidney_of_one_side_has_its_own_number() -> None:
    low, cyst = Ellipsoid((70, 60, -75), (28, 26, 42), KIDNEY), replace(RIGHT_CYST, centre=(70, 60, -60))
    outcome = scan(moved(RIGHT, s=55), moved(LEFT, s=55), low, moved(RIGHT_SOLID, s=55), cyst,
                   grid=axial((4.0, 2.5, 2.5), half_mm=130))  # fmt: skip
    assert ids(outcome.findings.masses) == ["mass_right_1", "mass_right_2"]
    assert [mass.mass_class for mass in outcome.findings.masses] == [MassClass.SOLID, MassClass.CYSTIC]


def test_horseshoe_is_divided_at_the_midline() -> None:
    bridge = Ellipsoid((0, -20, -25), (70, 14, 14), KIDNEY)
    outcome = scan(RIGHT, moved(LEFT, s=-10), bridge)
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.LEFT]
    assert says(outcome, "horseshoe")
    r = outcome.volume.ras(np.argwhere(outcome.labels == Label.KIDNEY_RIGHT))[:, 0]
    assert r.min() > -6  # 3 mm coarse voxels
    whole = inside(outcome.volume, RIGHT) | inside(outcome.volume, moved(LEFT, s=-10)) | inside(outcome.volume, bridge)
    assert dice(outcome.labels > 0, whole) > 0.93
    halves = [kidney.volume_ml for kidney in outcome.findings.kidneys]
    assert min(halves) / max(halves) > 0.85


def test_mass_on_the_bridge_of_a_horseshoe_stays_one_mass() -> None:
    bridge, mass = Ellipsoid((0, -20, -25), (70, 14, 14), KIDNEY), replace(RIGHT_SOLID, centre=(4, -8, -25))
    outcome = scan(RIGHT, moved(LEFT, s=-10), bridge, mass)
    assert ids(outcome.findings.masses) == ["mass_right_1"]
    assert dice(outcome.labels == Label.SOLID, inside(outcome.volume, mass)) > 0.85


def test_crossed_kidney_stays_on_its_side() -> None:
    outcome = scan(moved(RIGHT, s=30), Ellipsoid((50, -20, -55), (28, 24, 28), KIDNEY))
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.RIGHT]
    assert says(outcome, "crossed ectopia")


def test_body_cut_at_one_side_does_not_turn_the_kidneys_round() -> None:
    affine, shape = GRID
    volume = painted(affine, shape, parts=(BODY, RIGHT, LEFT))
    cut = Volume(volume.voxels[:, :, : shape[2] * 71 // 100], affine)  # ends beside the left kidney
    outcome = run(cut)
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.LEFT]
    assert dice(outcome.labels == Label.KIDNEY_RIGHT, inside(cut, RIGHT)) > 0.92


def test_kidneys_cut_by_the_scan_are_kept_and_said() -> None:
    affine, shape = GRID
    volume = painted(affine, shape)
    top = Volume(volume.voxels[: shape[0] // 2], affine)
    outcome = run(top)
    assert ids(outcome.findings.kidneys) == ["kidney_right", "kidney_left"]
    assert says(outcome, "kidney right reaches the edge") and says(outcome, "kidney left reaches the edge")
    assert dice(outcome.labels == Label.KIDNEY_LEFT, inside(top, LEFT)) > 0.85


def test_unenhanced_kidneys_are_said() -> None:
    volume = painted(*GRID)
    outcome = run(volume.with_voxels(np.where(volume.voxels == KIDNEY, 48, volume.voxels).astype(np.int16)))
    assert len(outcome.findings.kidneys) == 2
    assert says(outcome, "probably no contrast medium")


def test_two_touching_masses_are_one_domain() -> None:
    second = moved(RIGHT_SOLID, s=-20)
    outcome = scan(RIGHT, LEFT, RIGHT_SOLID, second)
    assert len(outcome.findings.masses) == 1
    assert (
        dice(outcome.labels == Label.SOLID, inside(outcome.volume, RIGHT_SOLID) | inside(outcome.volume, second)) > 0.85
    )


def test_mass_away_from_the_kidney_does_not_count() -> None:
    outcome = scan(RIGHT, LEFT, replace(RIGHT_SOLID, centre=(60, 40, 0)), RIGHT_CYST)
    assert ids(outcome.findings.masses) == ["mass_right_1"]
    assert outcome.findings.masses[0].mass_class is MassClass.CYSTIC


def test_exophytic_mass_belongs_to_its_kidney() -> None:
    outcome = scan(RIGHT, LEFT, replace(RIGHT_SOLID, centre=(96, -35, 0), radii=(15, 15, 15)))
    assert ids(outcome.findings.masses) == ["mass_right_1"]
    assert dice(outcome.labels == Label.SOLID, inside(outcome.volume, replace(
        RIGHT_SOLID, centre=(96, -35, 0), radii=(15, 15, 15)))) > 0.8  # fmt: skip


def test_uncertain_class_is_unknown() -> None:
    outcome = scan(RIGHT, LEFT, replace(RIGHT_SOLID, hu=UNDECIDED))
    (mass,) = outcome.findings.masses
    assert mass.mass_class is MassClass.UNKNOWN and mass.evidence.agrees is None
    assert max(mass.probabilities.values()) < 0.6
    assert sum(mass.probabilities.values()) == pytest.approx(1)
    assert set(np.unique(outcome.labels)) & set(MASS_LABELS) == {Label.UNKNOWN}


def test_threshold_of_unknown_and_temperature_are_obeyed() -> None:
    bundle = toy_bundle()
    volume = painted(*GRID, parts=(BODY, RIGHT, LEFT, RIGHT_SOLID))

    def classify(**changes: float):
        stage = replace(bundle.stages.characterise, **changes)
        changed = replace(bundle, stages=replace(bundle.stages, characterise=stage))
        return segment(volume, changed, device="cpu", engine="onnxruntime").findings.masses[0]

    assert classify().mass_class is MassClass.SOLID
    hot = classify(temperature=1e4)
    assert hot.mass_class is MassClass.UNKNOWN and max(hot.probabilities.values()) < 0.4
    assert classify(temperature=1e4, unknown_below=0.3).mass_class is MassClass.SOLID


def test_second_phase_on_another_grid_gives_the_enhancement() -> None:
    parts = (BODY, RIGHT, LEFT, RIGHT_SOLID, RIGHT_CYST)
    plain = [replace(part, hu={KIDNEY: 35.0, RIGHT_SOLID.hu: 38.0}.get(part.hu, part.hu)) for part in parts]
    affine, shape = axial((5.0, 2.0, 2.0))
    second = painted(np.diag([-1, -1, 1, 1]) @ affine, shape, parts=plain)  # stored to the other sides
    solid, cyst = run(painted(*GRID, parts=parts), second_phase=second).findings.masses
    assert solid.evidence.enhancement_hu == pytest.approx(42, abs=8)
    assert cyst.evidence.enhancement_hu == pytest.approx(0, abs=8)
    assert (solid.evidence.suggests, cyst.evidence.suggests) == (MassClass.SOLID, MassClass.CYSTIC)
    part_only = Volume(second.voxels[:12], second.ijk_to_ras)
    outcome = run(painted(*GRID, parts=parts), second_phase=part_only)
    assert says(outcome, "second phase does not cover") and outcome.findings.masses[0].evidence.enhancement_hu is None


def test_wider_search_finds_what_the_first_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from RenalAILib.cascade import locate as module

    look, spacings = module._look, []

    def short_sighted(view, stage, networks, spacing_mm, threshold):
        spacings.append(spacing_mm)
        found = look(view, stage, networks, spacing_mm, threshold)
        return replace(found, components=found.components[:1]) if len(spacings) == 1 else found

    monkeypatch.setattr(module, "_look", short_sighted)
    outcome = scan(RIGHT, LEFT)
    assert len(outcome.findings.kidneys) == 2
    assert spacings == pytest.approx([3.0, 2.4])
    assert says(outcome, "a second, wider one found 2 kidneys")


def test_progress_rises_to_the_end() -> None:
    told: list[tuple[str, float, str]] = []
    run(painted(*GRID), progress=lambda *step: told.append(step))
    stages, fractions, messages = zip(*told, strict=True)
    assert list(dict.fromkeys(stages)) == ["locate", "delineate", "characterise"]
    assert list(fractions) == sorted(fractions) and (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert "Outlining the left kidney" in messages and "Classifying mass 2 of 3" in messages


def test_what_the_listener_raises_ends_the_work() -> None:
    told: list[str] = []

    def listen(stage: str, fraction: float, message: str) -> None:
        told.append(stage)
        if stage == "delineate":
            raise InterruptedError(message)

    with pytest.raises(InterruptedError):
        run(painted(*GRID), progress=listen)
    assert told.count("delineate") == 1 and "characterise" not in told


def test_volume_is_not_changed_and_may_be_read_only() -> None:
    volume = painted(*GRID)
    before = volume.voxels.copy()
    volume.voxels.setflags(write=False)
    run(volume)
    assert (volume.voxels == before).all()


def test_saliency_box_lies_inside_the_volume() -> None:
    affine, shape = GRID
    volume = painted(affine, shape)
    k = round(volume.kji(RIGHT_CYST.centre)[0])
    outcome = run(Volume(volume.voxels[k:], volume.with_voxels(volume.voxels).ijk_to_ras @ shift(k)))
    (name,) = [mass.segment_id for mass in outcome.findings.masses if mass.mass_class is MassClass.CYSTIC]
    box = outcome.saliency[name].box
    assert box == box.clipped(outcome.volume.shape) and box.start[0] == 0
    assert Box.around(outcome.labels == Label.CYSTIC).overlap(box) == Box.around(outcome.labels == Label.CYSTIC)


def shift(k: int) -> np.ndarray:
    matrix = np.eye(4)
    matrix[2, 3] = k
    return matrix
