"""A folder of DICOM files, de-identified into another: patient by patient, checked once more before it is written."""

from __future__ import annotations

import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...pseudonyms import Pseudonyms
from ...reading.dicom_archive import opened
from ...reading.dicom_header import is_dicom
from ...writing.whole import replaced_folder
from ..segment_description import coded_dataset
from .audit import Audit, PatientAudit
from .cleaning import Cleaning
from .pixels import clear_unused, warnings_about, why_left_out
from .profile import Dates, Options, profile
from .terms import Terms, identifying_values

AUDIT_FILE = "deidentification.json"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_METHOD = "RenalAI: PS3.15 basic profile, see method codes"
_DICOMDIR = "1.2.840.10008.1.3.10"
_DAMAGED = "damaged, it cannot be read"

Report = Callable[[str, float, str], None]


def deidentify(
    source: Path, output: Path, *, options: Options | None = None, pseudonyms: Pseudonyms | None = None, report: Report
) -> Audit:
    """De-identifies every image and structured report in ``source`` into ``output``, whole or not at all.

    A patient is called the same every time by the same user (:class:`RenalAILib.pseudonyms.Pseudonyms`), and UIDs are
    replaced alike wherever they stand, so files of one study fit together also when they come in two runs. Files lie as
    ``PATIENT/STUDY/SERIES/FILE.dcm``, all pseudonyms; ``deidentification.json`` tells what was done.

    Args:
        source: a folder, searched to the bottom, a zip file, or one file. Never changed.
        output: an absent or empty folder outside ``source``.
        options: of the profile.
        pseudonyms: those of the user where not given; their secret may not lie in ``output``.
        report: called with (stage, fraction, message); messages name nobody.

    Raises:
        InputError: there is no DICOM, the output is not empty or lies in the source, or a package is missing.
    """
    options = options or Options()
    profile()
    source, output = source.expanduser().resolve(), output.expanduser().resolve()
    if not source.exists():
        raise InputError(f"{source} does not exist")
    if source.is_file() and zipfile.is_zipfile(source):
        with opened(source) as place:
            return deidentify(place, output, options=options, pseudonyms=pseudonyms, report=report)
    if output.is_relative_to(source) or source.is_relative_to(output):
        raise InputError(f"{output} and {source} may not lie in each other: originals and copies would mix")
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"{output} is not empty; give a new folder")
    names = pseudonyms or Pseudonyms.of_user(output)
    audit = Audit(options)
    with _quiet():
        patients = _patients(source, audit, report)
        if not patients:
            raise InputError(f"{source.name} holds no DICOM file that can be read")
        with replaced_folder(output, owned=()) as new:
            for number, (identity, files) in enumerate(patients.items()):
                report("deidentify", number / len(patients), f"Patient {number + 1} of {len(patients)}")
                _Patient(names, identity, options, audit).write(files, new)
            (new / AUDIT_FILE).write_text(audit.to_json(), encoding="utf-8")
    return audit


@contextmanager
def _quiet() -> Iterator[None]:
    """pydicom quotes values that break a rule: names belong into no log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _patients(source: Path, audit: Audit, report: Report) -> dict[str, list[Path]]:
    """Files by the identity of the patient they are of."""
    import pydicom

    report("look", 0.0, "Looking who is who")
    found: dict[str, list[Path]] = {}
    for path in [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file()):
        if not is_dicom(path):
            audit.left_out["no DICOM"] += 1
            continue
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            if header.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
                audit.left_out["a DICOMDIR: its names are in it, and the files lie elsewhere now"] += 1
                continue
            found.setdefault(_identity(header), []).append(path)
        except Exception:  # pydicom meets damaged files with exceptions of many kinds
            audit.left_out[_DAMAGED] += 1
    return found


def _identity(header: Any) -> str:
    """The patient's ID; without one, name and birth date; without them each study is a patient of its own."""
    number = str(header.get("PatientID") or "").strip()
    if number:
        return number
    name = f"{header.get('PatientName') or ''} {header.get('PatientBirthDate') or ''}".strip()
    return name or str(header.get("StudyInstanceUID", ""))


class _Patient:
    """The files of one patient."""

    def __init__(self, names: Pseudonyms, identity: str, options: Options, audit: Audit) -> None:
        self._names, self._identity, self._options, self._audit = names, identity, options, audit
        self._terms = Terms(())

    def write(self, files: Sequence[Path], folder: Path) -> None:
        """Cleans and writes them, and adds to the audit."""
        begin = time.perf_counter()
        self._terms = Terms([self._identity, *self._values(files)])
        cleaning = Cleaning(self._names, self._identity, self._options, self._terms, self._audit.done)
        studies, written = set(), 0
        for path in files:
            try:
                told = self._write_one(path, folder, cleaning)
            except OSError:
                raise
            except Exception:  # as above
                self._audit.left_out[_DAMAGED] += 1
                continue
            if told is not None:
                studies.add(told)
                written += 1
        seconds = round(time.perf_counter() - begin, 2)
        self._audit.patients.append(
            PatientAudit(self._names.patient(self._identity), len(studies), written, len(files) - written, seconds)
        )

    def _values(self, files: Sequence[Path]) -> set[str]:
        import pydicom

        return {value for path in files for value in identifying_values(pydicom.dcmread(path, stop_before_pixels=True))}

    def _write_one(self, path: Path, folder: Path, cleaning: Cleaning) -> str | None:
        """The study's new name; None where the file is left out."""
        import pydicom

        dataset = pydicom.dcmread(path)
        reason = why_left_out(dataset) or self._name_in_pixels(dataset)
        if reason is not None:
            self._audit.left_out[reason] += 1
            return None
        self._audit.warnings.update(warnings_about(dataset))
        if clear_unused(dataset):
            self._audit.warnings["bits or bytes beside the pixels were cleared"] += 1
        study, series, instance = (
            self._names.file(str(dataset.get(keyword, "")))
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        )
        cleaning.clean(dataset)
        self._mark(dataset)
        pixels = {keyword: dataset[keyword] for keyword in _PIXELS if keyword in dataset}
        for keyword in pixels:
            del dataset[keyword]
        if self._someone_left(_as_file(dataset)):
            self._audit.left_out["a name or number was still found in the cleaned file"] += 1
            return None
        for element in pixels.values():
            dataset.add(element)
        target = folder / self._names.patient(self._identity) / study / series / f"{instance}.dcm"
        if target.exists():
            self._audit.left_out["an instance that is there already"] += 1
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_as_file(dataset))
        return study

    def _name_in_pixels(self, dataset: Any) -> str | None:
        """Compressed streams have comments of their own, which nobody but the decoder reads."""
        data = dataset.get("PixelData")
        if data and dataset.file_meta.TransferSyntaxUID.is_compressed and self._terms.long_in_bytes(data):
            return "a name stands in a comment of the compressed pixels"
        return None

    def _someone_left(self, header: bytes) -> bool:
        import pydicom

        if self._terms.found_in_bytes(header):
            return True
        again = pydicom.dcmread(BytesIO(header))  # texts of other character sets
        return any(
            self._terms.found_in(str(element.value))
            for element in again.iterall()
            if element.VR not in ("SQ", "OB", "OW", "OF", "OD")
        )

    def _mark(self, dataset: Any) -> None:
        """That and how it was de-identified (PS3.15 E.1.1), and a file header without traces (PS3.10 7.1)."""
        from pydicom.dataset import FileMetaDataset

        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = _METHOD
        dataset.DeidentificationMethodCodeSequence = [coded_dataset(code) for code in self._options.codes]
        shifted = self._options.dates is Dates.SHIFT
        dataset.LongitudinalTemporalInformationModified = "MODIFIED" if shifted else "REMOVED"
        syntax = dataset.file_meta.TransferSyntaxUID
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.preamble = b"\0" * 128


def _as_file(dataset: Any) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
