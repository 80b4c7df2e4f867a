"""De-identification: no name, number or day that was planted survives, and what makes a study usable does."""

from __future__ import annotations

import json
import sys
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import highdicom
import highdicom.seg
import highdicom.sr
import numpy as np
import pydicom
import pytest
from paintedbody import painted_outcome
from plantednames import BIRTHDAY, NAME, NUMBER, PLANTED, STUDY_DAY, item, plant, planted_folder, save, small_file
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, RLELossless
from scanfiles import AXIAL, small_ct, write_series

from RenalAILib import cli
from RenalAILib.dicom.deidentification import Audit, Dates, Options, deidentify
from RenalAILib.dicom.deidentification.folder import AUDIT_FILE
from RenalAILib.dicom.deidentification.profile import Action, profile
from RenalAILib.dicom.deidentification.terms import Terms
from RenalAILib.dicom.results import write_dicom_results
from RenalAILib.errors import InputError
from RenalAILib.labels import MassClass
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.reading import list_series, read_ct
from RenalAILib.volume import Volume

NAMES = Pseudonyms(b"tests of de-identification")
EVERYTHING = Options(keep_descriptions=True, keep_patient=True)


def run(source: Path, output: Path, options: Options | None = None, names: Pseudonyms = NAMES) -> Audit:
    return deidentify(source, output, options=options, pseudonyms=names, report=lambda *_: None)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_folder(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module", params=["default", "everything kept", "dates removed"])
def clean(request: pytest.FixtureRequest, planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"default": Options(), "everything kept": EVERYTHING, "dates removed": Options(dates=Dates.REMOVE)}
    output = tmp_path_factory.mktemp("clean") / "out"
    run(planted, output, options[request.param])
    return output


def images(folder: Path) -> list[Any]:
    found = [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
    return sorted((data for data in found if data.Modality == "CT"), key=lambda data: int(data.InstanceNumber))


def traces(folder: Path, planted: tuple[str, ...] = PLANTED) -> list[tuple[str, str]]:
    """Where what was planted still stands: in a name of a file or folder, or in any byte of any file."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix().encode("utf-8")
        content = path.read_bytes() if path.is_file() else b""
        for text in planted:
            for coding in ("utf-8", "utf-16-le", "iso2022_jp", "shift_jis"):
                wanted = text.lower().encode(coding, "ignore")
                if wanted and (wanted in name.lower() or wanted in content.lower()):
                    found.append((path.name, text))
    return found


def test_the_plants_are_there_to_be_found(planted: Path) -> None:
    assert {text for _, text in traces(planted)} == set(PLANTED)


def test_none_survives_in_any_byte_or_name(clean: Path) -> None:
    assert len(list(clean.rglob("*.dcm"))) == 9  # eight slices and the report
    assert traces(clean) == []


def test_the_source_is_not_touched(planted: Path, tmp_path: Path) -> None:
    before = {path: zlib.crc32(path.read_bytes()) for path in planted.rglob("*") if path.is_file()}
    run(planted, tmp_path / "out")
    assert {path: zlib.crc32(path.read_bytes()) for path in planted.rglob("*") if path.is_file()} == before


def test_it_is_the_same_ct(clean: Path) -> None:
    (folder,) = {path.parent for path in clean.rglob("*.dcm") if len(list(path.parent.iterdir())) == 8}
    scan = read_ct(folder)
    assert np.array_equal(scan.volume.voxels, small_ct()) and scan.volume.same_grid(Volume(small_ct(), AXIAL))


def test_left_out_and_counted_without_names(planted: Path, tmp_path: Path) -> None:
    run(planted, tmp_path / "out")
    told = json.loads((tmp_path / "out" / AUDIT_FILE).read_text("utf-8"))
    assert told["files_written"] == 9 and sum(told["files_left_out"].values()) == 6
    reasons = " ".join(told["files_left_out"])
    for reason in ("burned into", "screen capture", "neither an image", "no DICOM", "DICOMDIR", "there already"):
        assert reason in reasons
    assert told["look_at"] == {"bits or bytes beside the pixels were cleared": 9}
    assert told["attributes"]["PatientName"] == {"replaced": 10} and "2026c" in told["profile"]
    assert told["attributes"]["private"]["private"] >= 8


def test_names_uids_and_marks(clean: Path) -> None:
    slices = images(clean)
    first = slices[0]
    assert {data.PatientID for data in slices} == {NAMES.patient(NUMBER)} == {str(first.PatientName)}
    assert first.PatientIdentityRemoved == "YES" and "113100" in {
        code.CodeValue for code in first.DeidentificationMethodCodeSequence
    }
    assert first.preamble == bytes(128) and "SourceApplicationEntityTitle" not in first.file_meta
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        (uid,) = {data[keyword].value for data in slices}
        assert uid.startswith("2.25.") and len(uid) <= 64
    assert len({data.SOPInstanceUID for data in slices}) == 8
    assert all(data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID for data in slices)
    assert not [
        element for element in first.iterall() if element.tag.is_private or element.tag.group >> 8 in (0x50, 0x60)
    ]


def test_uids_fit_together_also_in_another_run(planted: Path, clean: Path, tmp_path: Path) -> None:
    """References point to the files that are there: the slice's source images name its neighbours' UIDs alike."""
    run(planted, tmp_path / "again")
    assert {data.SOPInstanceUID for data in images(tmp_path / "again")} == {d.SOPInstanceUID for d in images(clean)}
    (report,) = [d for path in clean.rglob("*.dcm") if (d := pydicom.dcmread(path)).Modality == "SR"]
    assert report.StudyInstanceUID == images(clean)[0].StudyInstanceUID


def test_another_secret_gives_other_names_and_dates(planted: Path, clean: Path, tmp_path: Path) -> None:
    run(planted, tmp_path / "other", names=Pseudonyms(b"another secret of a user"))
    one, other = images(clean)[0], images(tmp_path / "other")[0]
    assert one.PatientID != other.PatientID and one.StudyInstanceUID != other.StudyInstanceUID
    assert one.StudyDate != other.StudyDate


def test_dates_move_together(planted: Path, tmp_path: Path) -> None:
    run(planted, tmp_path / "out")
    data = images(tmp_path / "out")[0]
    days = NAMES.days(NUMBER)
    moved = date.fromisoformat(STUDY_DAY).toordinal() + days
    assert -3650 <= days <= -1 and date.fromisoformat(data.StudyDate).toordinal() == moved
    assert data.SeriesDate == data.StudyDate and data.AcquisitionDateTime == f"{data.StudyDate}101530.5"
    assert data.PatientBirthDate == "" and data.LongitudinalTemporalInformationModified == "MODIFIED"


def test_options_keep_what_they_say(planted: Path, tmp_path: Path) -> None:
    run(planted, tmp_path / "kept", EVERYTHING)
    run(planted, tmp_path / "not")
    kept, bare = images(tmp_path / "kept")[0], images(tmp_path / "not")[0]
    assert (kept.PatientSex, kept.PatientAge, kept.PatientWeight) == ("M", "090Y", 81.5)
    assert bare.PatientSex == "" and "PatientAge" not in bare
    assert "SeriesDescription" not in bare and bare.ImageType == ["ORIGINAL", "PRIMARY", "AXIAL"]
    # Descriptions in which a name stands are given up altogether.
    assert kept.SeriesDescription == "" and kept.StudyDescription == ""


def test_descriptions_without_names_keep_their_known_words(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", small_ct(), AXIAL, number=5, description="Abdomen portal venous 2.0 Miller's special")
    run(tmp_path / "ct", tmp_path / "out", EVERYTHING)
    (series,) = list_series(tmp_path / "out")
    assert series.description == "Abdomen portal venous 2.0" and series.contrast == 2


def test_a_report_keeps_codes_and_numbers(clean: Path) -> None:
    (report,) = [d for path in clean.rglob("*.dcm") if (d := pydicom.dcmread(path)).Modality == "SR"]
    text, own, person, *_, code, mass, number, inner = report.ContentSequence
    assert text.TextValue == "REMOVED" and own.TextValue == "mass_left_1" and person.PersonName == "REMOVED"
    assert code.ConceptCodeSequence[0].CodeMeaning == "REMOVED" == code.ConceptCodeSequence[0].CodeValue
    assert mass.ConceptCodeSequence[0].CodeMeaning == "Mass"
    assert number.MeasuredValueSequence[0].NumericValue == 12.5
    assert inner.ContentSequence[0].TextValue == "REMOVED"


@pytest.mark.parametrize("syntax", [RLELossless, DeflatedExplicitVRLittleEndian])
def test_compressed_files(syntax: str, tmp_path: Path) -> None:
    def pack(k: int, data: pydicom.Dataset) -> None:
        plant(k, data)
        data.PixelData = data.PixelData[: data.Rows * data.Columns * 2]
        if syntax == RLELossless:
            data.compress(RLELossless, generate_instance_uid=False)
        else:
            data.file_meta.TransferSyntaxUID = syntax

    write_series(tmp_path / "ct", small_ct(), AXIAL, change=pack)
    audit = run(tmp_path / "ct", tmp_path / "out")
    assert audit.written == 8
    slices = images(tmp_path / "out")
    assert {data.file_meta.TransferSyntaxUID for data in slices} == {syntax}
    for k, data in enumerate(slices):
        assert NAME not in str(data) and np.array_equal(data.pixel_array - 1024, small_ct()[k])


def test_a_name_in_the_comment_of_compressed_pixels_keeps_the_file_back(tmp_path: Path) -> None:
    def pack(k: int, data: pydicom.Dataset) -> None:
        plant(k, data)
        data.PixelData = data.PixelData[: data.Rows * data.Columns * 2]
        data.compress(RLELossless, generate_instance_uid=False)
        if k == 3:
            data.PixelData = data.PixelData.replace(data.PixelData[-16:-8], NAME.encode()[:8]) + NAME.encode()

    write_series(tmp_path / "ct", small_ct(), AXIAL, change=pack)
    audit = run(tmp_path / "ct", tmp_path / "out")
    assert audit.written == 7 and traces(tmp_path / "out") == []


def test_overlays_in_unused_bits_are_cleared_and_padding_kept(tmp_path: Path) -> None:
    pixels = np.arange(16, dtype=np.uint16).reshape(4, 4)

    def write(signed: int) -> Path:
        data = small_file(CTImageStorage, "CT")
        data.Rows = data.Columns = 4
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, signed
        stored = (pixels | 0x8000) if not signed else np.where(pixels == 3, -2000, -pixels.astype(int)).astype("<i2")
        data.PixelData = np.asarray(stored).astype("<u2").tobytes()
        return save(tmp_path / f"signed{signed}" / "a.dcm", data)

    for signed, expected in ((0, pixels), (1, np.where(pixels == 3, -2000, -pixels.astype(int)))):
        audit = run(write(signed).parent, tmp_path / f"out{signed}")
        (path,) = (tmp_path / f"out{signed}").rglob("*.dcm")
        assert np.array_equal(pydicom.dcmread(path).pixel_array, expected)
        assert sum(audit.warnings.values()) == 1 - signed


def test_patients_without_a_number_and_several_at_once(tmp_path: Path) -> None:
    def patient(name: str, number: str, born: str) -> Any:
        def change(_: int, data: pydicom.Dataset) -> None:
            data.PatientName, data.PatientID, data.PatientBirthDate = name, number, born

        return change

    for n, who in enumerate(
        [("Aronsson^A", "", "19500101"), ("Aronsson^A", "", "19600101"), ("Berg^B", "X-77112", "")]
    ):
        write_series(tmp_path / "in" / str(n), small_ct(), AXIAL, number=n + 1, change=patient(*who))
    audit = run(tmp_path / "in", tmp_path / "out")
    assert len({patient.pseudonym for patient in audit.patients}) == 3 and audit.written == 24
    assert traces(tmp_path / "out", ("Aronsson", "Berg", "X-77112")) == []


def test_damaged_files_are_left_out_and_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "ct", small_ct(), AXIAL)
    paths[0].write_bytes(paths[0].read_bytes()[:200])
    paths[1].write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    audit = run(tmp_path / "ct", tmp_path / "out")
    assert audit.written == 6 and sum(audit.left_out.values()) == 2


def test_what_cannot_be_done_is_refused_and_nothing_written(planted: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    for source, output, message in (
        (tmp_path / "gone", tmp_path / "out", "does not exist"),
        (tmp_path / "empty", tmp_path / "out", "no DICOM file"),
        (planted, planted / "out", "may not lie in each other"),
        (planted, planted.parent, "may not lie in each other"),
        (planted, tmp_path / "full", "is not empty"),
    ):
        with pytest.raises(InputError, match=message):
            run(source, output)
    assert not (tmp_path / "out").exists() and [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_the_table_is_that_of_the_standard() -> None:
    """Of every action one or two attributes, as PS3.15 table E.1-1 (edition 2026c) has them."""
    expected = {
        (0x0010, 0x0010): Action.EMPTY, (0x0008, 0x0050): Action.EMPTY, (0x0008, 0x103E): Action.REMOVE,
        (0x0010, 0x4000): Action.REMOVE, (0x0008, 0x0018): Action.UID, (0x0020, 0x000D): Action.UID,
        (0x0040, 0xA123): Action.DUMMY, (0x0008, 0x0080): Action.DUMMY, (0x0008, 0x1140): Action.REFER,
        (0x0040, 0xA730): Action.DUMMY, (0x0018, 0x1000): Action.DUMMY, (0x0012, 0x0031): Action.EMPTY,
    }  # fmt: skip
    assert {tag: profile()[tag] for tag in expected} == expected and len(profile()) > 620


def test_short_names_do_not_hit_within_words() -> None:
    terms = Terms(["Rome^Al", "Zwiebelbauer", "12345", "A1"])
    assert not terms.found_in("MONOCHROME2") and terms.found_in("for rome, a.") and terms.found_in("xzwiebelbauerx")
    assert not terms.found_in("1234567") and terms.found_in("No12345") and not terms.found_in("A1")


def test_a_real_series(tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom" / "kits_00072_top"
    if not folder.is_dir():
        pytest.skip(f"the real series {folder.name} is not on this computer")
    before = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.iterdir()]
    gone = {str(before[0].PatientID), *(str(d.SOPInstanceUID) for d in before), str(before[0].StudyInstanceUID)}
    audit = run(folder, tmp_path / "out", EVERYTHING)
    assert audit.written == 18 and traces(tmp_path / "out", tuple(gone)) == []
    (series,) = list_series(tmp_path / "out")
    (old,) = list_series(folder)
    assert series.contrast == old.contrast and series.spacing_mm == old.spacing_mm
    assert np.array_equal(read_ct(tmp_path / "out").volume.voxels, read_ct(folder).volume.voxels)


def test_the_command(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    assert cli.main(["deidentify", str(planted), "-o", str(tmp_path / "out"), "--keep-patient"]) == 0
    told = capfd.readouterr()
    assert "9 files of 1 patient" in told.out and "burned into" in told.out
    assert not [text for text in PLANTED if text.lower() in (told.out + told.err).lower().replace(str(tmp_path), "")]
    assert (tmp_path / "home" / "pseudonyms.key").is_file() and traces(tmp_path / "out") == []
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "within" / "home"))
    assert cli.main(["deidentify", str(planted), "-o", str(tmp_path / "within")]) == 2
    assert "may not lie in" in capfd.readouterr().err


def test_birthdays_hidden_in_codes(tmp_path: Path) -> None:
    """Typed by hand into the meaning of a standard code."""
    data = small_file(CTImageStorage, "CT")
    data.Rows = data.Columns = 4
    data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit = 1, 16, 16, 15
    data.PixelRepresentation, data.PixelData, data.PhotometricInterpretation = 0, bytes(32), "MONOCHROME2"
    data.AnatomicRegionSequence = [
        item(CodeValue="64033007", CodingSchemeDesignator="SCT", CodeMeaning=f"Kidney, born {BIRTHDAY}")
    ]
    save(tmp_path / "in" / "a.dcm", data)
    run(tmp_path / "in", tmp_path / "out")
    assert traces(tmp_path / "out") == []


def test_our_own_results_stay_readable_and_fit_the_ct(tmp_path: Path) -> None:
    """Segmentation, report and map of a named patient: another reader finds segments, numbers and source slices."""
    outcome = painted_outcome(
        np.array([[-6.0, 0, 0, 144], [0, -6.0, 0, 102], [0, 0, 10.0, -90], [0, 0, 0, 1]]), (18, 35, 49)
    )

    def named(k: int, data: pydicom.Dataset) -> None:
        data.PatientName, data.PatientID, data.StudyDate = f"{NAME}^Ottokar", NUMBER, STUDY_DAY

    files = write_series(tmp_path / "in", outcome.volume.voxels, outcome.volume.ijk_to_ras, change=named)
    said = [Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.CYSTIC, f"as {NAME}'s sister", "Dr. Roe")]
    write_dicom_results(outcome, files, tmp_path / "in", said)
    audit = run(tmp_path / "in", tmp_path / "out")
    assert audit.written == 21 and traces(tmp_path / "out", (NAME, NUMBER, "Ottokar", "sister")) == []
    by_kind = {data.Modality: data for path in (tmp_path / "out").rglob("*.dcm") if (data := pydicom.dcmread(path))}
    slices = images(tmp_path / "out")
    segmentation = highdicom.seg.Segmentation.from_dataset(by_kind["SEG"])
    uids = [data.SOPInstanceUID for data in slices]
    numbers = segmentation.get_pixels_by_source_instance(uids, combine_segments=True, ignore_spatial_locations=True)
    assert np.array_equal(numbers, outcome.instances)
    assert [entry.TrackingID for entry in by_kind["SEG"].SegmentSequence] == [s.segment_id for s in outcome.segments]
    report = highdicom.sr.Comprehensive3DSR.from_dataset(by_kind["SR"])
    group = report.content.get_volumetric_roi_measurement_groups()[0]
    assert group.tracking_identifier == "kidney_right"
    assert group.referenced_segment.referenced_sop_instance_uid == by_kind["SEG"].SOPInstanceUID
    assert group.get_measurements()[0].value == pytest.approx(outcome.findings.kidneys[0].volume_ml, rel=1e-5)


def test_a_missing_package_is_told(planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile.cache_clear()
    monkeypatch.setitem(sys.modules, "dicomanonymizer.dicomfields_selector", None)
    with pytest.raises(InputError, match=r"dicom-anonymizer .*renalai\[dicom\]"):
        run(planted, tmp_path / "out")
