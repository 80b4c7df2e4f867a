"""Pictures: the right way round, to scale, lines where the masks end, heat where it was computed."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from paintedbody import AXIAL, KIDNEYS, MASSES, SHAPE, painted_outcome

from RenalAILib.findings import Outcome
from RenalAILib.labels import MassClass, Side
from RenalAILib.pictures.figures import Figures, Picture
from RenalAILib.pictures.layers import HEAT_COLORS, heat_layer, outline_layer
from RenalAILib.pictures.png import png
from RenalAILib.pictures.sections import Plane, Section
from RenalAILib.terminology import CLASS_COLORS, KIDNEY_COLOR
from RenalAILib.volume import Volume

KIDNEY = KIDNEY_COLOR


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return painted_outcome()


@pytest.fixture(scope="module")
def figures(outcome: Outcome) -> Figures:
    return Figures(outcome)


def _drawn(picture: Picture, color: tuple[int, int, int]) -> np.ndarray:
    """(y, x) of the pixels with a strong line of ``color``."""
    return np.argwhere((picture.outlines[..., :3] == color).all(-1) & (picture.outlines[..., 3] > 128))


def _pictures(figures: Figures, outcome: Outcome) -> list[Picture]:
    return [*figures.overview(), *(p for mass in outcome.findings.masses for p in figures.of_mass(mass))]


# The patient's axes: (array axis, sign) of each canonical direction in every way a volume can be stored.
STORED = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


@pytest.mark.parametrize(("order", "signs"), STORED[::5])
def test_pictures_do_not_depend_on_how_the_volume_is_stored(
    order: tuple[int, int, int], signs: tuple[int, int, int], outcome: Outcome, figures: Figures
) -> None:
    def stored(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[tuple(slice(None, None, sign) for sign in signs)].transpose(order))

    turn = np.zeros((4, 4))  # stored (i, j, k) -> first (i, j, k)
    turn[3, 3] = 1
    for axis, source in enumerate(order):
        turn[2 - source, 2 - axis] = signs[source]
    turn[:3, 3] = [0 if sign > 0 else n - 1 for sign, n in zip(signs[::-1], SHAPE[::-1], strict=True)]
    saliency = {}
    for name, given_ in outcome.saliency.items():
        full = np.zeros(SHAPE, np.float32)
        full[given_.box.slices] = given_.values
        inside = np.zeros(SHAPE, dtype=bool)
        inside[given_.box.slices] = True
        box = type(given_.box).around(stored(inside))
        assert box is not None
        saliency[name] = replace(given_, box=box, values=stored(full)[box.slices])
    turned = Outcome(
        Volume(stored(outcome.volume.voxels), AXIAL @ turn),
        outcome.findings,
        stored(outcome.labels),
        stored(outcome.instances),
        saliency,
    )
    for one, other in zip(_pictures(figures, outcome), _pictures(Figures(turned), turned), strict=True):
        np.testing.assert_array_equal(one.grey, other.grey)
        np.testing.assert_array_equal(one.outlines, other.outlines)
        assert (one.heat is None) == (other.heat is None)
        if one.heat is not None and other.heat is not None:
            np.testing.assert_array_equal(one.heat, other.heat)
        np.testing.assert_allclose(one.place_ras, other.place_ras, atol=1e-9)
        assert one.marks == other.marks


@pytest.mark.parametrize(
    ("plane", "ras", "half"),
    [
        (Plane.AXIAL, (80, 0, 0), "left"),
        (Plane.AXIAL, (-80, 0, 0), "right"),
        (Plane.AXIAL, (0, 60, 0), "top"),
        (Plane.AXIAL, (0, -60, 0), "bottom"),
        (Plane.CORONAL, (80, 0, 0), "left"),
        (Plane.CORONAL, (-80, 0, 0), "right"),
        (Plane.CORONAL, (0, 0, 60), "top"),
        (Plane.CORONAL, (0, 0, -60), "bottom"),
        (Plane.SAGITTAL, (0, 60, 0), "left"),
        (Plane.SAGITTAL, (0, -60, 0), "right"),
        (Plane.SAGITTAL, (0, 0, 60), "top"),
        (Plane.SAGITTAL, (0, 0, -60), "bottom"),
    ],
)
def test_a_voxel_is_where_a_radiologist_expects_it(plane: Plane, ras: tuple[int, int, int], half: str) -> None:
    volume = Volume(np.zeros(SHAPE, np.float32), AXIAL)  # AXIAL is canonical: head, back, left
    middle = tuple(np.round(volume.kji((0, 0, 0))))
    place = np.round(volume.kji(ras))
    place[plane.axes[0]] = middle[plane.axes[0]]
    volume.voxels[tuple(place.astype(int))] = 1
    section = Section(plane, middle, tuple(volume.spacing_mm), (200, 200), 1.0)
    seen = section.sample(volume.voxels)
    y, x = np.array(np.unravel_index(seen.argmax(), seen.shape)) - 100
    assert {"left": x < -30, "right": x > 30, "top": y < -30, "bottom": y > 30}[half]
    assert max(abs(x), abs(y)) > 3 * min(abs(x), abs(y))
    at = section.pixel((float(place[0]), float(place[1]), float(place[2])))
    weights = seen / seen.sum()
    center = [(weights.sum(axis=axis) * (np.arange(200) + 0.5)).sum() for axis in (0, 1)]
    np.testing.assert_allclose(at, center, atol=0.1)
    letters = dict(zip(("left", "right", "top", "bottom"), plane.letters, strict=True))
    direction = "RLAPHF"[2 * int(np.abs(ras).argmax()) + (max(ras, key=abs) < 0)]
    assert letters[half] == direction


def test_right_is_left_on_the_screen(figures: Figures) -> None:
    coronal, right_axial, _ = figures.overview()
    marks = {mark.segment_id: mark for mark in coronal.marks}
    assert set(marks) == set(MASSES)
    assert marks["mass_right_1"].x < coronal.grey.shape[1] / 2 < marks["mass_left_1"].x
    assert marks["mass_left_1"].y < marks["mass_left_2"].y  # the solid mass lies nearer to the head
    cyst = _drawn(right_axial, CLASS_COLORS[MassClass.CYSTIC])
    assert len(cyst) > 100
    assert cyst[:, 1].max() < right_axial.grey.shape[1] / 2
    assert right_axial.subject == "right kidney"


@pytest.mark.parametrize("segment_id", MASSES)
def test_lines_run_where_the_mass_ends(segment_id: str, outcome: Outcome, figures: Figures) -> None:
    mass = next(mass for mass in outcome.findings.masses if mass.segment_id == segment_id)
    _, mass_class, center, half_axes, _ = MASSES[segment_id]
    for picture, plane in zip(figures.of_mass(mass), Plane, strict=True):
        assert picture.section.plane is plane
        assert picture.grey.shape == picture.outlines.shape[:2] == (480, 480)
        drawn = _drawn(picture, CLASS_COLORS[mass_class])
        assert len(drawn) > 50
        # The ellipse that was painted, in pixels from the middle of the picture.
        down, along = plane.axes[1:]
        edges = np.array(half_axes)[::-1][[down, along]] / picture.section.mm_per_pixel
        at = picture.section.pixel(tuple(Volume(np.zeros(SHAPE), AXIAL).kji(center)))
        radius = np.hypot(*((drawn + 0.5 - at[::-1]) / edges).T)
        voxel = max(picture.section.spacing_mm[axis] for axis in (down, along)) / picture.section.mm_per_pixel
        assert np.abs(radius - 1).max() < 1.3 * voxel / edges.min()
        assert abs(np.median(radius) - 1) < 0.5 * voxel / edges.min()
        inner = ((np.indices((480, 480)).transpose(1, 2, 0) + 0.5 - at[::-1]) / edges) ** 2
        assert not picture.outlines[inner.sum(-1) < 0.4, 3].any(), "the mass itself must stay visible"


def test_kidney_lines_stop_at_masses(outcome: Outcome, figures: Figures) -> None:
    axial = figures.of_mass(outcome.findings.masses[0])[0]
    kidney, cyst = _drawn(axial, KIDNEY), _drawn(axial, CLASS_COLORS[MassClass.CYSTIC])
    assert len(kidney) > 100
    apart = np.sqrt(((kidney[:, None] - cyst[None]) ** 2).sum(-1).min(1))
    assert apart.min() > 1.5


def test_pixels_are_square_on_anisotropic_voxels() -> None:
    ball = np.zeros((30, 60, 120), np.uint8)
    spacing = (4.0, 2.0, 1.0)
    at = (np.indices(ball.shape).transpose(1, 2, 3, 0) - (15, 30, 60)) * spacing
    ball[(at**2).sum(-1) <= 30**2] = 1
    for plane in Plane:
        layer = outline_layer(Section(plane, (15.0, 30.0, 60.0), spacing, (300, 300), 0.3), ball, [KIDNEY], 1)
        height, width = np.ptp(np.argwhere(layer[..., 3] > 128), axis=0) * 0.3
        assert height == pytest.approx(60, abs=4) and width == pytest.approx(60, abs=4)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_smallest_mass_gets_a_line(size: int) -> None:
    mask = np.zeros((5, 40, 40), np.uint8)
    mask[2, 20 : 20 + size, 20 : 20 + size] = 1
    section = Section(Plane.AXIAL, (2.0, 20.0, 20.0), (5.0, 0.8, 0.8), (200, 200), 0.2)
    drawn = np.argwhere(outline_layer(section, mask, [(1, 2, 3)], 0)[..., 3] > 128)
    extent = np.ptp(drawn, axis=0) * 0.2
    assert (extent > 0.6 * size * 0.8).all() and (extent < (size + 1) * 0.8).all()


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_no_voxel_changes_sides_by_smoothing(data: st.DataObject) -> None:
    seed, j_mm = data.draw(st.integers(0, 10_000)), data.draw(st.sampled_from([0.7, 1.0, 3.0]))
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(1, 24, 24))
    for axis in (1, 2):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    mask = np.pad((noise > 0).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))
    # One pixel a voxel, its middle on the voxel's: the pixels inside must be the mask.
    fine = Section(Plane.AXIAL, (0.0, 15.5, 15.5), (5.0, j_mm, 1.0), (round(32 * j_mm / 0.1), 320), 0.1)
    layer = outline_layer(fine, mask, [(9, 9, 9)], 1)
    clear = layer[..., 3] == 0
    for j, i in rng.integers(4, 28, (30, 2)):
        x, y = fine.pixel((0.0, float(j), float(i)))
        x2, _ = fine.pixel((0.0, float(j), float(i + 1)))
        path = clear[int(y), int(x) : int(x2) + 1]
        if mask[0, j, i] != mask[0, j, i + 1]:
            assert not path.all(), "neighbours on both sides of the border need a line between them"


def test_heat_lies_where_it_was_computed(outcome: Outcome) -> None:
    values = np.zeros((4, 5, 6), np.float32)
    values[2, 3, 4] = 1
    section = Section(Plane.CORONAL, (12.0, 23.0, 34.0), (2.0, 1.0, 1.0), (101, 101), 0.5)
    layer = heat_layer(section, values, (10, 20, 30))
    strongest = np.unravel_index(layer[..., 3].argmax(), layer.shape[:2])
    x, y = section.pixel((12.0, 23.0, 34.0))
    assert abs(strongest[0] + 0.5 - y) <= 0.5 and abs(strongest[1] + 0.5 - x) <= 0.5
    assert tuple(layer[strongest][:3]) == pytest.approx(HEAT_COLORS[-1], abs=45)
    assert not layer[:, : int(section.pixel((12.0, 23.0, 29.0))[0])].any()
    beside = heat_layer(replace(section, middle=(12.0, 22.0, 34.0)), values, (10, 20, 30))
    assert not beside.any()


def test_nothing_found_still_shows_the_scan(outcome: Outcome) -> None:
    empty = np.zeros_like(outcome.labels)
    findings = replace(outcome.findings, kidneys=(), masses=())
    pictures = Figures(Outcome(outcome.volume, findings, empty, empty, {})).overview()
    assert [picture.section.plane for picture in pictures] == [Plane.CORONAL, Plane.AXIAL]
    assert all(picture.grey.std() > 20 and not picture.outlines.any() for picture in pictures)


def test_outside_the_scan_is_black(figures: Figures, outcome: Outcome) -> None:
    sagittal = figures.of_mass(outcome.findings.masses[0])[2]
    x, _ = sagittal.section.pixel((SHAPE[0] / 2, -3.0, SHAPE[2] / 2))
    assert x < 0 or (sagittal.grey[:, : int(x)] == 0).all()
    window = Section(Plane.AXIAL, (18.0, 0.0, 0.0), (5.0, 3.0, 3.0), (100, 100), 1.0)
    seen = window.sample(np.full(SHAPE, 7.0, np.float32), outside=-1.0)
    assert (seen[:48, :] == -1).all() and (seen[:, :48] == -1).all() and (seen[52:, 52:] == 7).all()


def test_a_window_is_the_same_pixels() -> None:
    array = np.random.default_rng(0).normal(size=(20, 30, 40)).astype(np.float32)
    for plane in Plane:
        section = Section(plane, (9.3, 14.2, 20.9), (2.0, 1.1, 0.7), (60, 80), 0.31)
        part = section.window(slice(7, 41), slice(11, 60))
        assert part is not None and part.pixels == (34, 49)
        np.testing.assert_allclose(part.sample(array), section.sample(array)[7:41, 11:60], atol=1e-4)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0, 3, 4]), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_png_gives_the_pixels_back(rows: int, columns: int, channels: int, seed: int) -> None:
    shape = (rows, columns, channels) if channels else (rows, columns)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    read = np.round(imread(io.BytesIO(png(pixels)), format="png") * 255).astype(np.uint8)
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("bad", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 2), np.uint8)])
def test_png_refuses_what_it_cannot_hold(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a PNG"):
        png(bad)


# Machado, Oliveira and Fernandes 2009, severity 1: what a colour-blind reader sees, on linear RGB.
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _lab(rgb: tuple[int, int, int], eye: np.ndarray) -> np.ndarray:
    c = np.array(rgb) / 255
    linear = np.clip(eye @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(np.maximum(to_xyz @ linear / (0.9505, 1, 1.089), 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", SEEN)
def test_colors_are_told_apart_by_every_eye(eye: str) -> None:
    colors = [KIDNEY_COLOR, *CLASS_COLORS.values()]
    for one, other in combinations(colors, 2):
        assert np.linalg.norm(_lab(one, SEEN[eye]) - _lab(other, SEEN[eye])) > 25, (one, other)


def test_heat_gets_lighter_with_the_value() -> None:
    lightness = [_lab(color, np.eye(3))[0] for color in HEAT_COLORS]
    assert (np.diff(lightness) > 1).all()
    assert (np.diff(lightness[1:]) > 10).all()


def test_both_sides_are_painted() -> None:
    assert set(KIDNEYS) == set(Side)
