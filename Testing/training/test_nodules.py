"""Importers of lung nodules: LUNA16's table and scans, LIDC's contours, and the samples made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.errors import InputError
from RenalAILib.reading import read_volume
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.command import DatasetCommand
from RenalAITrainingLib.lesion_boxes import from_facts
from RenalAITrainingLib.nodules import lidc, luna16
from RenalAITrainingLib.samples import SampleStore

DATA = Path(__file__).resolve().parents[3] / "shared/data"
SERIES = "1.3.6.1.4.1.14519.5.2.1.6279.6001.105756658031515062000744821260"


def run(*words: str) -> int:
    import argparse

    command = DatasetCommand()
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(words)))


@pytest.fixture
def luna(tmp_path: Path) -> Path:
    """Two scans as LUNA16 has them, the first with a ball of 30 mm and one of 12 mm."""
    folder = tmp_path / "luna"
    (folder / "subset0").mkdir(parents=True)
    spacing, origin = (1.0, 1.0, 2.5), (-60.0, -50.0, -300.0)
    x, y, z = np.meshgrid(*(o + s * np.arange(n) for o, s, n in zip(origin, spacing, (120, 110, 40), strict=True)))
    voxels = np.full((40, 110, 120), -800.0)
    for centre, diameter in (((20.0, 10.0, -255.0), 30.0), ((-30.0, -20.0, -230.0), 12.0)):
        ball = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= (diameter / 2) ** 2
        voxels[ball.transpose(2, 0, 1)] = 40.0
    voxels[:, :15], voxels[:, 95:] = 40.0, 40.0  # the wall of the chest: without soft tissue it is no CT
    voxels += np.random.default_rng(0).normal(0, 5, voxels.shape)
    for name in (SERIES, SERIES + "1"):
        image = sitk.GetImageFromArray(voxels.astype(np.int16))
        image.SetSpacing(spacing)
        image.SetOrigin(origin)
        sitk.WriteImage(image, str(folder / f"subset0/{name}.mhd"))
    (folder / "annotations.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
        f"{SERIES},20.0,10.0,-255.0,30.0\n"
        f"{SERIES},-30.0,-20.0,-230.0,12.0\n",
        encoding="utf-8",
    )
    return folder


def test_luna_spheres_become_boxes_about_what_is_there(luna: Path) -> None:
    spheres = luna16.read_annotations(luna / "annotations.csv")[SERIES]
    assert spheres[0] == luna16.Sphere((-20.0, -10.0, -255.0), 30.0)
    scan = luna16.read_scan(luna / f"subset0/{SERIES}.mhd", spheres)
    assert scan.centres == {1: 18, 2: 28}
    for k, boxes in scan.boxes.items():
        for box in boxes:
            bright = scan.view.voxels[k] > -400
            top, left, bottom, right = (round(edge) for edge in box.rect)
            inside = np.zeros_like(bright)
            inside[top:bottom, left:right] = True
            other = [one for one in boxes if one is not box]
            assert (bright & inside).sum() > 0.6 * inside.sum()
            if not other:
                assert not (bright & ~inside)[max(top - 3, 0) : bottom + 3].any(axis=0)[: max(left - 2, 0)].any()
    assert len([1 for boxes in scan.boxes.values() for box in boxes if box.lesion == 1]) >= 11


def test_luna_gives_three_centre_slices_with_neighbours_and_goes_on(luna: Path, tmp_path: Path) -> None:
    words = ("nodules", str(luna), "-o", str(tmp_path / "samples"), "--empty", "2", "--validation", "0.5")
    assert run(*words) == 0
    store = SampleStore(tmp_path / "samples")
    with_nodules = [sample for sample in store if from_facts(sample.record.extra)]
    assert len(with_nodules) == 6
    assert len(store) == 6 + 2 + 2  # the second scan has none in the table
    assert sorted({sample.record.extra["k"] for sample in with_nodules}) == [17, 18, 19, 27, 28, 29]
    for sample in with_nodules:
        assert sample.image.shape == (3, 430, 418)
        for box in from_facts(sample.record.extra):
            top, left, bottom, right = (round(edge) for edge in box.rect)
            middle = sample.image[:, (top + bottom) // 2, (left + right) // 2]
            assert (middle > -200).all()  # the neighbours show it too
            assert box.label == "nodule"
    assert all(SERIES not in str(record) for record in store.records)
    assert run(*words) == 0
    assert len(SampleStore(tmp_path / "samples")) == len(store)


@settings(max_examples=25)
@given(
    st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.floats(-30, 30)),
    st.floats(3, 30),
    st.sampled_from([1, -1]),
)
def test_a_sphere_is_boxed_on_any_grid(centre: tuple[float, float, float], diameter: float, flip: int) -> None:
    affine = np.diag([-1.5, -0.75 * flip, 2.0 * flip, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array([60, 120, 50]) - 1) / 2)
    from RenalAILib.orientation import canonical

    view = canonical(Volume(np.zeros((50, 120, 60), np.int16), affine))
    scan = luna16.boxed(view, [luna16.Sphere(centre, diameter)])
    k, j, i = np.indices(view.shape).reshape(3, -1)
    ras = view.ras(np.stack([k, j, i], axis=1))
    inside = (np.linalg.norm(ras - centre, axis=1) < diameter / 2 - 1e-6).reshape(view.shape)
    for depth, boxes in scan.boxes.items():
        (box,) = boxes
        top, left, bottom, right = box.rect
        rows, columns = np.nonzero(inside[depth])
        if len(rows):
            assert top <= rows.min() + 0.5 and bottom >= rows.max() + 0.5
            assert left <= columns.min() + 0.5 and right >= columns.max() + 0.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "needs the columns"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\nx,1,2,north,4\n", "line 2"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\nx,1,2,3,-4\n", "no possible nodule"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "annotations.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        luna16.read_annotations(tmp_path / "annotations.csv")


def contour(reader: int, row: int, column: int, half: int, z: float) -> str:
    points = [(row - half, column), (row, column + half), (row + half, column), (row, column - half)]
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for y, x in points)
    return (
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>1.{reader}</imageSOP_UID>"
        f"<inclusion>TRUE</inclusion>{edges}</roi>"
    )


def message(*sessions: str) -> str:
    inner = "".join(f"<readingSession>{text}</readingSession>" for text in sessions)
    return f'<?xml version="1.0"?><LidcReadMessage xmlns="http://www.nih.gov">{inner}</LidcReadMessage>'


def nodule(reader: int, row: int, column: int, half: int) -> str:
    rois = "".join(contour(reader, row, column, half, z) for z in (-10.0, -7.5))
    return f"<unblindedReadNodule><noduleID>n{reader}</noduleID>{rois}</unblindedReadNodule>"


def test_readings_of_one_nodule_are_joined_and_lonely_ones_left_out(tmp_path: Path) -> None:
    lonely = nodule(2, 80, 90, 5)
    path = tmp_path / "readers.xml"
    path.write_text(
        message(nodule(0, 30, 40, 6), nodule(1, 31, 41, 8), nodule(2, 29, 40, 7) + lonely), encoding="utf-8"
    )
    readings = lidc.read_readings(path)
    assert len(readings) == 4
    assert readings[0].rects[0] == (-10.0, (25.0, 35.0, 36.0, 46.0))  # the contour lies outside the nodule
    (group,) = lidc.agreed(readings, 3)
    assert {reading.reader for reading in group} == {0, 1, 2}
    affine = np.diag([-1.0, -1.0, 2.5, 1.0])
    affine[2, 3] = -20.0
    scan = lidc.boxed(Volume(np.zeros((10, 120, 120), np.int16), affine, "ct"), [group])
    assert sorted(scan.boxes) == [4, 5]
    assert scan.boxes[4][0].rect == pytest.approx(np.mean([r.rects[0][1] for r in group], axis=0))
    with pytest.raises(InputError, match="does not reach"):
        lidc.boxed(Volume(np.zeros((3, 120, 120), np.int16), affine, "ct"), [group])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no xml", "is not XML"),
        ("<LidcReadMessage/>", "no reading sessions"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><LidcReadMessage/>', "declares entities"),
        (message("<unblindedReadNodule><roi></roi></unblindedReadNodule>"), "cannot be read"),
    ],
)
def test_files_that_are_not_lidc_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "bad.xml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        lidc.read_readings(tmp_path / "bad.xml")


def test_the_real_nodule_lies_where_its_four_readers_drew_it(tmp_path: Path) -> None:
    xml, ct = DATA / "lidc/lidc_idri_0001_annotations.xml", DATA / "ct/lidc0001/ct.nii.gz"
    if not xml.is_file() or not ct.is_file():
        pytest.skip(f"{DATA} with LIDC-IDRI-0001 is not here")
    readings = lidc.read_readings(xml)
    (group,) = lidc.agreed(readings, 4)
    volume = read_volume(ct)
    scan = lidc.boxed(volume, [group])
    (centre,) = scan.centres.values()
    (box,) = scan.boxes[centre]
    top, left, bottom, right = (round(edge) for edge in box.rect)
    inside = scan.view.voxels[centre, top:bottom, left:right]
    around = scan.view.voxels[centre, top - 12 : bottom + 12, left - 12 : right + 12]
    assert 20 < (bottom - top) * 0.703 < 45
    assert np.median(inside) > -100  # soft tissue in the box, lung beside it
    assert (around < -600).mean() > 0.15
    assert run("nodules", str(xml), "--ct", str(ct), "-o", str(tmp_path / "samples")) == 0
    store = SampleStore(tmp_path / "samples")
    assert sum(bool(from_facts(sample.record.extra)) for sample in store) == 3
