"""Zip files and DICOMDIRs of studies: read like folders; what is made to do harm is refused and leaves nothing."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.fileset import FileSet
from scanfiles import AXIAL, small_ct, write_series
from toybundle import axial, make_bundle, painted

from RenalAILib import cli
from RenalAILib.errors import InputError
from RenalAILib.reading import opened, read_ct


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files in a folder that must be empty at the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield tmp_path
    assert list(place.iterdir()) == [], "files left behind"


def packed(folder: Path, archive: Path, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", kind) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder.parent))
    return archive


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_of_a_study_is_read_like_its_folder(desk: Path, kind: int) -> None:
    write_series(desk / "study" / "deep" / "ct", small_ct(), AXIAL, number=3)
    with opened(packed(desk / "study", desk / "patient 7.zip", kind)) as folder:
        scan = read_ct(folder)
    assert np.array_equal(scan.volume.voxels, small_ct()) and scan.volume.name.startswith("patient 7, series 3")


def test_a_dicomdir_is_the_folder_it_lies_in(tmp_path: Path) -> None:
    def complete(_: int, data: pydicom.Dataset) -> None:
        data.StudyDate, data.StudyTime, data.StudyID = "20260102", "101112", "7"

    files = FileSet()
    for path in write_series(tmp_path / "ct", small_ct(), AXIAL, change=complete):
        files.add(path)
    files.write(tmp_path / "disc")
    with opened(tmp_path / "disc" / "DICOMDIR") as folder:
        assert np.array_equal(read_ct(folder).volume.voxels, small_ct())
    assert np.array_equal(read_ct(tmp_path / "disc").volume.voxels, small_ct())


def test_the_command_takes_a_zip(desk: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.chdir(desk)
    make_bundle(desk / "toy")
    affine, shape = axial((6.0, 4.0, 4.0))
    write_series(desk / "study", painted(affine, shape).voxels, affine)
    packed(desk / "study", desk / "study.zip")
    assert cli.main(["segment", "study.zip", "--bundle", str(desk / "toy"), "--device", "cpu", "--dicom"]) == 0
    assert (desk / "study-renalai" / "measurements.dcm").is_file()
    assert cli.main(["segment", "study.zip", "--series", "list"]) == 0
    assert cli.main(["deidentify", "study.zip", "-o", "clean"]) == 0
    assert f"{shape[0]} files of 1 patient" in capfd.readouterr().out


@pytest.mark.parametrize(
    "name", ["../evil.dcm", "a/../../evil.dcm", "/etc/evil.dcm", "..\\evil.dcm", "C:\\evil.dcm", "C:/evil.dcm"]
)
def test_names_that_lead_out_are_refused(desk: Path, name: str) -> None:
    with zipfile.ZipFile(desk / "evil.zip", "w") as file:
        file.writestr("fine.dcm", b"x")
        file.writestr(name, b"x")
    with pytest.raises(InputError, match="lead out of it"), opened(desk / "evil.zip"):
        pass
    assert not list(desk.rglob("evil.dcm"))


def test_links_are_refused(desk: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(desk / "links.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="holds links"), opened(desk / "links.zip"):
        pass


def test_a_bomb_is_refused_by_what_it_says(desk: Path) -> None:
    with zipfile.ZipFile(desk / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(100 * 2**20))
    with pytest.raises(InputError, match="decompression bomb"), opened(desk / "bomb.zip"):
        pass


def test_a_bomb_that_lies_about_its_size_is_stopped(desk: Path) -> None:
    """The sizes in both headers of the entry say 1,000 bytes; there are 30 MB."""
    archive = desk / "liar.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(30 * 2**20))
    data = archive.read_bytes()
    archive.write_bytes(data.replace((30 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(InputError, match=r"damaged|more than it says"), opened(archive):
        pass


def test_a_damaged_archive_is_told(desk: Path) -> None:
    write_series(desk / "study", small_ct(), AXIAL)
    archive = packed(desk / "study", desk / "cut.zip")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    archive.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"cut\.zip"), opened(archive):
        pass


def test_a_damaged_stream_is_told(desk: Path) -> None:
    """The end of the archive is whole, so it opens; what is packed in it cannot be unpacked."""
    archive = desk / "stream.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("slice", bytes(range(256)) * 400)
    data = bytearray(archive.read_bytes())
    begin = 30 + len("slice")  # behind the entry's header and name
    data[begin : begin + 8] = b"\xff" * 8
    archive.write_bytes(data)
    with pytest.raises(InputError, match="damaged"), opened(archive):
        pass


def test_a_zip_without_dicom_is_told(desk: Path, capfd: Any) -> None:
    with zipfile.ZipFile(desk / "letters.zip", "w") as file:
        file.writestr("letter.txt", "dear")
    assert cli.main(["segment", str(desk / "letters.zip"), "-o", str(desk / "out")]) == 2
    assert "letters holds no DICOM images" in capfd.readouterr().err
