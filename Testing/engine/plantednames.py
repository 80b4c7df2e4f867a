"""DICOM files with a patient's name, number and birthday in every place that can hold one."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from scanfiles import AXIAL, small_ct, write_series

NAME, NUMBER, DOCTOR, HOSPITAL = "Zwiebelbauer", "90817263", "Quackenbush", "Saint Elsewhere"
IDEOGRAPHIC = "山田"
BIRTHDAY, STUDY_DAY = "19570423", "20210309"
PLANTED = (NAME, "Ottokar", NUMBER, DOCTOR, HOSPITAL, IDEOGRAPHIC, BIRTHDAY, STUDY_DAY, "ACC-4711")


def plant(k: int, data: Dataset) -> None:
    """Into one CT slice."""
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = f"{NAME}^Ottokar={IDEOGRAPHIC}"
    data.PatientID, data.AccessionNumber, data.StudyID = NUMBER, "ACC-4711", "4711"
    data.PatientBirthDate, data.StudyDate, data.SeriesDate = BIRTHDAY, STUDY_DAY, STUDY_DAY
    data.AcquisitionDateTime, data.StudyTime = f"{STUDY_DAY}101530.5", "101530"
    data.PatientAge, data.PatientSex, data.PatientWeight = "095Y", "M", "81.5"
    data.ReferringPhysicianName = data.OperatorsName = data.PerformingPhysicianName = f"{DOCTOR}^Ann"
    data.InstitutionName, data.StationName = HOSPITAL, f"CT-{NAME[:8]}"
    data.StudyDescription = f"CT abdomen {NAME}"
    data.SeriesDescription = f"Portal venous 2.0 for Dr. {DOCTOR} {NUMBER}"
    data.ImageComments = f"{NAME} was here on {STUDY_DAY}"  # LT
    data.AdditionalPatientHistory = f"knows {DOCTOR}"  # LT
    data.AcquisitionProtocolName = NAME  # LO, no tag of the profile by this use
    data.PositionReferenceIndicator = NAME  # LO, kept by the profile
    data.FilterType = NAME  # SH, in the list of safe text
    data.Manufacturer = f"Maker for {HOSPITAL}"
    data.BodyPartExamined = NAME.upper()  # CS
    data.AcquisitionNumber = NUMBER  # IS
    data.ExposureTime = NUMBER
    data.PixelDataProviderURL = f"http://pacs/{NAME}"  # UR
    data.StationAETitle = NAME[:12]  # AE
    data.add_new(0x00189998, "UN", NAME.encode())  # not in the dictionary
    data.add_new(0x00080104, "LO", NAME)  # code meaning outside of a code
    data.add_new(0x0018000F, "UT", f"{NAME} in unlimited text")
    block = data.private_block(0x0029, f"{NAME} 1.0", create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", f"{NAME} {NUMBER}".encode())
    data.RequestAttributesSequence = [item(ScheduledProcedureStepDescription=NAME, RequestedProcedureID=NUMBER)]
    code = item(CodeValue="1", CodingSchemeDesignator="L", CodeMeaning=f"reviewed by {DOCTOR}")
    deep = item(ReferencedSOPInstanceUID=f"1.2.3.{NUMBER}.{k}", PurposeOfReferenceCodeSequence=[code])
    hidden = deep.private_block(0x0031, "HIDDEN", create=True)
    hidden.add_new(0x01, "SH", NAME)
    data.SourceImageSequence = [deep]
    data.StudyInstanceUID = f"1.2.3.{NUMBER}"
    data.SOPInstanceUID = f"1.2.3.{NUMBER}.5.{k}"
    data.OtherPatientIDsSequence = [item(PatientID=NUMBER, IssuerOfPatientID=HOSPITAL)]
    data.add_new(0x60000010, "US", 4)
    data.add_new(0x60000022, "LO", f"overlay of {NAME}")
    data.add_new(0x60003000, "OW", (NAME + " " * (len(NAME) % 2)).encode())
    data.add_new(0x60004000, "LT", NAME)
    data.add_new(0x50002500, "LO", NAME)
    data.PixelData += NAME.encode()  # behind the last pixel
    data.DataSetTrailingPadding = NAME.encode()
    data.file_meta.SourceApplicationEntityTitle = NAME[:12]
    data.file_meta.PrivateInformationCreatorUID = f"1.2.3.{NUMBER}"
    data.file_meta.PrivateInformation = f"{NAME} ".encode()
    data.preamble = f"II*\0{NAME} {NUMBER}".encode().ljust(128, b"\0")


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def planted_folder(folder: Path) -> Path:
    """A study with CT, report, screen captures, a PDF, a DICOMDIR and a text file, under names of the patient."""
    home = folder / f"{NAME}_{NUMBER}" / STUDY_DAY
    slices = write_series(home / f"{NAME} CT", small_ct(), AXIAL, number=3, change=plant)
    write_report(home / f"report of {NAME}.dcm")
    capture(home / "burned.dcm", "YES")
    capture(home / "unknown.dcm", None)
    document(home / "letter.dcm")
    (home / f"{NAME}.txt").write_text(f"{NAME} {NUMBER}", encoding="utf-8")
    files = FileSet()
    files.add(slices[0])
    files.write(folder / f"{NAME} disc")
    return folder


def write_report(path: Path) -> Path:
    """A structured report, verified, with names in text, names, codes and dates."""
    data = small_file("1.2.840.10008.5.1.4.1.1.88.22", "SR")
    data.CompletionFlag, data.VerificationFlag = "COMPLETE", "VERIFIED"
    data.VerifyingObserverSequence = [
        item(VerifyingObserverName=f"{DOCTOR}^Ann", VerifyingOrganization=HOSPITAL, VerificationDateTime=STUDY_DAY)
    ]
    person = item(CodeValue=NUMBER, CodingSchemeDesignator="99STAFF", CodeMeaning=f"{DOCTOR}^Ann")
    data.ReferencedRequestSequence = [item(AccessionNumber="ACC-4711", RequestedProcedureDescription=NAME)]
    finding = item(CodeValue="4147007", CodingSchemeDesignator="SCT", CodeMeaning="Mass")
    data.ValueType, data.ContinuityOfContent, data.ConceptNameCodeSequence = "CONTAINER", "SEPARATE", [finding]
    inner = item(
        RelationshipType="CONTAINS", ValueType="CONTAINER", ContinuityOfContent="SEPARATE",
        ContentSequence=[item(RelationshipType="CONTAINS", ValueType="TEXT", TextValue=f"{NAME} deep inside")],
    )  # fmt: skip
    data.ContentSequence = Sequence(
        [
            item(RelationshipType="CONTAINS", ValueType="TEXT", TextValue=f"{NAME}, born {BIRTHDAY}, fell"),
            item(RelationshipType="CONTAINS", ValueType="TEXT", TextValue="mass_left_1"),
            item(RelationshipType="HAS OBS CONTEXT", ValueType="PNAME", PersonName=f"{DOCTOR}^Ann"),
            item(RelationshipType="CONTAINS", ValueType="DATE", Date=STUDY_DAY),
            item(RelationshipType="CONTAINS", ValueType="DATETIME", DateTime=f"{STUDY_DAY}1015"),
            item(RelationshipType="CONTAINS", ValueType="UIDREF", UID=f"1.2.3.{NUMBER}.9"),
            item(RelationshipType="CONTAINS", ValueType="CODE", ConceptCodeSequence=[person]),
            item(RelationshipType="CONTAINS", ValueType="CODE", ConceptCodeSequence=[finding]),
            item(
                RelationshipType="CONTAINS",
                ValueType="NUM",
                MeasuredValueSequence=[item(NumericValue="12.5")],
            ),
            inner,
        ]
    )
    return save(path, data)


def capture(path: Path, burned_in: str | None) -> Path:
    data = small_file(SecondaryCaptureImageStorage, "OT")
    data.Rows = data.Columns = 4
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = bytes(16)
    if burned_in:
        data.BurnedInAnnotation = burned_in
    return save(path, data)


def document(path: Path) -> Path:
    data = small_file(EncapsulatedPDFStorage, "DOC")
    data.EncapsulatedDocument, data.MIMETypeOfEncapsulatedDocument = f"%PDF {NAME} ".encode(), "application/pdf"
    return save(path, data)


def small_file(sop_class: str, modality: str) -> Dataset:
    data = item(SOPClassUID=sop_class, SOPInstanceUID=generate_uid(), Modality=modality)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName, data.PatientID, data.PatientBirthDate = f"{NAME}^Ottokar", NUMBER, BIRTHDAY
    data.StudyInstanceUID, data.SeriesInstanceUID = f"1.2.3.{NUMBER}", f"1.2.3.{NUMBER}.77"
    data.StudyDate = STUDY_DAY
    return data


def save(path: Path, data: Dataset) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, data, enforce_file_format=True)
    return path
