"""Synthesis: truth exact, HU as the class says, seeds reproducible, scenes varied without losing their labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from paintedscene import KIDNEY_HU, NOISE, SHAPE, SPACING_MM, painted_scene
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAITrainingLib.stages import Stage
from RenalAITrainingLib.synthesis.contrast import Phase, in_phase, noisier
from RenalAITrainingLib.synthesis.fields import Noise, smooth_field
from RenalAITrainingLib.synthesis.lookalikes import dilated_pelvis, pyramids, stones
from RenalAITrainingLib.synthesis.masses import PlannedMass, _obstacles, _rooted, insert_mass, plan_mass
from RenalAITrainingLib.synthesis.partial_volume import share_within
from RenalAITrainingLib.synthesis.scene import Scene, resample_labels
from RenalAITrainingLib.synthesis.shapes import Ellipsoid
from RenalAITrainingLib.synthesis.stages import STAGES
from RenalAITrainingLib.synthesis.surroundings import padded, with_arms, with_table, with_thorax
from RenalAITrainingLib.synthesis.warping import warped

CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)


def _with_mass(mass_class: MassClass, seed: int, diameter_mm: float = 20.0, depth: float = -0.3) -> tuple[Scene, Scene]:
    scene = painted_scene()
    for attempt in range(20):
        rng = np.random.default_rng([seed, attempt])
        made = insert_mass(rng, scene, Side.LEFT, PlannedMass(mass_class, diameter_mm, depth), None)
        if made is not None:
            return scene, made[0]
    raise AssertionError("no place found in 20 attempts")


@pytest.mark.parametrize("mass_class", CLASSES)
def test_outside_the_mass_and_its_border_nothing_changes(mass_class: MassClass) -> None:
    before, after = _with_mass(mass_class, 1)
    truth = after.labels == mass_class.label
    assert truth.any() and not (after.parenchyma & truth).any()
    assert (after.labels[~truth] == before.labels[~truth]).all()
    far = ndimage.distance_transform_edt(~truth, sampling=SPACING_MM) > 10
    assert (after.hu[far] == before.hu[far]).all()
    assert ndimage.label(truth)[1] == 1
    assert after.kind == "synthetic"


@pytest.mark.parametrize("seed", range(6))
def test_a_mass_takes_no_organ_and_no_bone(seed: int) -> None:
    before, after = _with_mass(CLASSES[seed % 3], seed, 30.0, 0.3)
    taken = after.labels != before.labels
    assert not (taken & (before.organs > 0)).any()
    bone = ndimage.binary_opening((before.hu > 200) & (before.labels == 0), iterations=1)
    assert not (taken & bone).any()


def test_a_second_mass_leaves_the_first_alone() -> None:
    _, scene = _with_mass(MassClass.CYSTIC, 3, 30.0)
    first = scene.labels == Label.CYSTIC
    for seed in range(12):
        made = insert_mass(np.random.default_rng(seed), scene, Side.LEFT, PlannedMass(MassClass.AML, 30, 0), None)
        if made is not None:
            assert (made[0].labels[first] == Label.CYSTIC).all()


def _tissue(mass_class: MassClass, seed: int) -> np.ndarray:
    """HU inside one mass of 28 mm, noise averaged out."""
    scene = _with_mass(mass_class, seed, 28)[1]
    return np.asarray(ndimage.uniform_filter(scene.hu, 3)[scene.labels == mass_class.label])


def test_a_mass_cut_in_two_is_the_part_in_the_kidney_and_leaves_no_trace_of_the_other() -> None:
    """The larger part may lie beyond muscle; nothing of it is drawn."""
    signed = np.full((5, 20, 40), 4.0, np.float32)
    signed[1:4, 5:9, 5:9] = -1.0  # in the kidney
    signed[1:4, 5:15, 20:35] = -1.0  # larger, outside
    components, count = ndimage.label(signed < 0)
    kidney = np.zeros(signed.shape, bool)
    kidney[:, :, :12] = True
    truth, left = _rooted(components, kidney, signed, np.array([3.0, 1.0, 1.0]))
    assert count == 2 and truth.sum() == 3 * 4 * 4 and not (truth & ~kidney).any()
    assert (left[truth] == signed[truth]).all() and left[2, 10, 25] > 10
    assert (share_within(left, np.array([3.0, 1.0, 1.0]), 0.75)[:, :, 15:] < 1e-3).all()


def test_specks_of_noise_and_vessels_leave_no_holes_in_a_mass() -> None:
    """A mass grows over them; muscle it bends round."""
    muscle, specks = np.zeros((2, 12, 60, 60), bool)
    muscle[:, 40:, :] = True
    specks[3:8, 5:25:10, 5:55:10] = specks[3:8, 6:26:10, 6:56:10] = True
    specks = ndimage.binary_dilation(specks, iterations=2)
    assert ndimage.label(specks)[1] == 10 and ndimage.binary_opening(specks).any()
    obstacles = _obstacles(muscle | specks, SPACING_MM * 0.5)
    assert not (obstacles & specks).any() and (obstacles == ndimage.binary_opening(muscle)).all()


def test_hu_follow_the_reference_standard() -> None:
    """Of 8 masses each: most AML hold fat, most cysts are fluid, and in every solid one a good part enhances."""
    fat = [float((_tissue(MassClass.AML, seed) < -30).mean()) for seed in range(8)]
    fluid = [float(np.median(_tissue(MassClass.CYSTIC, seed))) for seed in range(8)]
    solid = [_tissue(MassClass.SOLID, seed) for seed in range(8)]
    assert sum(share > 0.1 for share in fat) >= 6
    assert sum(-10 < hu < 40 for hu in fluid) >= 6 and max(fluid) < 110
    assert all((hu > 50).mean() > 0.3 for hu in solid)
    assert all(np.median(hu) > -30 for hu in solid)


def test_the_border_is_partial_volume() -> None:
    """Voxels at the outline lie between the two tissues, on average near the middle."""
    before, after = _with_mass(MassClass.CYSTIC, 8, 26, -1.0)
    truth = after.labels == Label.CYSTIC
    signed = ndimage.distance_transform_edt(~truth) - ndimage.distance_transform_edt(truth)
    fluid = float(np.median(after.hu[signed < -3]))
    around = after.parenchyma & (signed > 3) & (signed < 6)
    rim = (np.abs(signed) <= 1) & before.parenchyma
    mean = float(after.hu[rim].mean())
    tissue = float(after.hu[around].mean())
    assert fluid + 0.2 * (tissue - fluid) < mean < fluid + 0.8 * (tissue - fluid)


@pytest.mark.parametrize("roughness", [0.0, 0.2])
def test_an_ellipsoid_has_the_volume_asked_for(roughness: float) -> None:
    step = 0.75
    axis = (np.arange(56) - 27.5).astype(np.float32) * step
    offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
    outline = Ellipsoid.draw(np.random.default_rng(5), 20.0, roughness)
    inside = outline.signed_mm(offsets) < 0
    assert float(inside.sum()) * step**3 == pytest.approx(np.pi / 6 * 20**3, rel=0.03 if roughness == 0 else 0.4)
    assert np.sqrt((offsets[:, inside] ** 2).sum(axis=0)).max() <= outline.reach_mm + step


def test_planned_masses_cover_the_sizes() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([plan_mass(rng).diameter_mm for _ in range(400)])
    assert sizes.min() >= 3 and sizes.max() <= 120
    assert 0.5 < ((sizes >= 5) & (sizes < 30)).mean() < 0.95 and (sizes > 40).any()


def test_unenhanced_kidneys_are_flat_and_fat_stays_fat() -> None:
    scene = painted_scene()
    plain = in_phase(np.random.default_rng(1), scene, Phase.UNENHANCED)
    assert (plain.labels == scene.labels).all()
    inner = ndimage.binary_erosion(scene.parenchyma, iterations=2)
    assert 18 < plain.hu[inner].mean() < 44
    assert plain.hu[inner].std() == pytest.approx(NOISE.sd_hu, rel=0.4)
    far = (scene.hu < -70) & (ndimage.distance_transform_edt(scene.hu < -50) > 4)
    assert plain.hu[far].mean() == pytest.approx(scene.hu[far].mean(), abs=1.5)
    spine = ndimage.binary_erosion(scene.hu > 220, iterations=3)
    assert plain.hu[spine].mean() > 200


def test_plain_livers_are_as_usual_and_a_few_are_fatty() -> None:
    scene = painted_scene()
    liver = ndimage.binary_erosion(scene.organs > 0, iterations=2)
    plain = [in_phase(np.random.default_rng(seed), scene, Phase.UNENHANCED).hu[liver].mean() for seed in range(16)]
    usual = [hu for hu in plain if 42 < hu < 68]
    assert len(usual) >= 12
    assert all(-5 < hu < 68 for hu in plain)
    assert any(hu < 42 for hu in plain)


def test_corticomedullary_cortex_outshines_the_medulla() -> None:
    scene = painted_scene()
    early = in_phase(np.random.default_rng(2), scene, Phase.CORTICOMEDULLARY)
    depth = ndimage.distance_transform_edt(scene.kidney, sampling=SPACING_MM)
    cortex = early.hu[scene.parenchyma & (depth > 2) & (depth < 4)]
    medulla = early.hu[scene.parenchyma & (depth > 10)]
    assert cortex.mean() > medulla.mean() + 25


def test_cysts_keep_their_hu_through_a_phase() -> None:
    _, scene = _with_mass(MassClass.CYSTIC, 3, 30.0)
    core = ndimage.binary_erosion(scene.labels == Label.CYSTIC, iterations=2)
    plain = in_phase(np.random.default_rng(1), scene, Phase.UNENHANCED)
    assert plain.hu[core].mean() == pytest.approx(scene.hu[core].mean(), abs=2)


@pytest.mark.parametrize("change", [pyramids, dilated_pelvis, stones])
def test_lookalikes_change_the_image_inside_one_kidney_and_no_label(
    change: Callable[[np.random.Generator, Scene, Side], Scene],
) -> None:
    scene = painted_scene()
    changed = change(np.random.default_rng(4), scene, Side.RIGHT)
    assert (changed.labels == scene.labels).all()
    moved = np.abs(changed.hu - scene.hu) > 1e-3
    assert moved.any()
    box = Box.around(scene.labels == Label.KIDNEY_RIGHT)
    assert box is not None
    moved[box.slices] = False
    assert not moved.any()


def test_noise_is_measured_as_it_was_made() -> None:
    made = Noise(15.0, (0.4, 0.8, 0.8))
    hu = np.round(100 + made.draw(np.random.default_rng(0), (30, 80, 80))).astype(np.int16)
    measured = Noise.of(hu, np.ones(hu.shape, bool))
    assert measured.sd_hu == pytest.approx(15, rel=0.1)
    assert measured.blur == pytest.approx(made.blur, abs=0.15)
    with pytest.raises(ValueError, match="homogeneous region"):
        Noise.of(hu, np.zeros(hu.shape, bool))


def test_a_lower_dose_has_that_much_more_noise() -> None:
    scene = painted_scene()
    noisy = noisier(np.random.default_rng(9), scene, 2.0)
    inner = ndimage.binary_erosion(scene.parenchyma, iterations=1)
    assert noisy.hu[inner].std() == pytest.approx(2 * scene.hu[inner].std(), rel=0.1)


def test_a_smooth_field_is_normal_and_smooth() -> None:
    field = smooth_field(np.random.default_rng(0), (30, 60, 60), (2, 1, 1), 15)
    assert field.mean() == pytest.approx(0, abs=1e-4) and field.std() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(field, axis=2)).max() < 0.6


def test_a_warp_keeps_labels_on_their_tissue() -> None:
    scene = painted_scene()
    turned = warped(np.random.default_rng(3), scene)
    assert set(np.unique(turned.labels)) == {0, 1, 2} and set(np.unique(turned.organs)) == {0, 5}
    assert not (turned.labels == scene.labels).all()
    inner = ndimage.binary_erosion(turned.parenchyma, iterations=2)
    assert turned.hu[inner].mean() == pytest.approx(KIDNEY_HU, abs=5)


def test_mirroring_exchanges_the_sides() -> None:
    scene = painted_scene()
    mirrored = scene.mirrored()
    assert (mirrored.labels[:, :, ::-1] == Label.KIDNEY_LEFT).sum() == (scene.labels == Label.KIDNEY_RIGHT).sum()
    assert np.argwhere(mirrored.labels == Label.KIDNEY_RIGHT)[:, 2].mean() < SHAPE[2] / 2
    assert (mirrored.mirrored().labels == scene.labels).all()


def test_resampled_labels_keep_the_outline_at_a_seam_and_end_at_the_scan() -> None:
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[3:9, 3:9, 3:6], labels[3:9, 3:9, 6:9] = 1, 4
    coarse = resample_labels(labels, Box.whole(labels.shape), (4, 4, 4))
    assert (coarse[1:3, 1:3, 1:3] > 0).all() and {1, 4} == set(np.unique(coarse)) - {0}
    wide = resample_labels(np.ones((6, 6, 6), np.uint8), Box((-6, 0, 0), (6, 6, 6)), (12, 6, 6))
    assert not wide[:6].any() and wide[6:].all()


def test_surroundings_leave_the_patient_alone() -> None:
    scene = padded(painted_scene(), (0, 10, 30), (0, 30, 30))
    rng = np.random.default_rng(0)
    outside = np.ones(scene.shape, bool)
    outside[:, 10:-30, 30:-30] = False
    for change in (with_arms, with_table):
        changed = change(rng, scene)
        assert (changed.hu[~outside] == scene.hu[~outside]).all() and (changed.hu[outside] > -300).any()
        assert (changed.labels == scene.labels).all()


def test_a_thorax_goes_on_top_with_lungs_and_no_kidney() -> None:
    scene = painted_scene()
    taller = with_thorax(np.random.default_rng(0), scene, 150)
    assert taller.shape[0] > scene.shape[0] and (taller.labels[: SHAPE[0]] == scene.labels).all()
    above = taller.hu[SHAPE[0] + 8 :]
    assert (above < -600).any() and not taller.labels[SHAPE[0] :].any()


@pytest.mark.parametrize("stage", ["locate", "delineate", "characterise"])
def test_samples_have_the_form_the_networks_take_and_repeat_from_their_seed(stage: Stage) -> None:
    scene = painted_scene()
    first, second = ([*STAGES[stage](np.random.default_rng(11), scene, None)] for _ in range(2))
    assert first and len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert (one.image == other.image).all() and (one.label == other.label).all()
        assert one.image.shape == one.label.shape and np.isfinite(one.image).all()
        assert one.label.dtype == np.uint8 and one.label.any()
        if stage == "delineate":
            assert one.image.shape == (128, 128, 128) and np.isin(one.label, KIDNEY_LABELS).any()
        if stage == "characterise":
            assert one.image.shape == (64, 64, 64) and one.mass_class is not None
            assert set(np.unique(one.label)) == {0, int(one.mass_class.label)}
            middle = one.label[24:40, 24:40, 24:40]
            assert middle.any(), "the mass lies in the middle of its cube"
