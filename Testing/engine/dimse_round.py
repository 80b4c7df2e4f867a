"""Run inside a private network by test_pacs_dimse.py: a study to Orthanc and back over C-STORE, C-FIND and C-GET."""

from __future__ import annotations

import sys
from pathlib import Path

import pydicom
import pytest
from scanfiles import small_ct, write_series
from testpacs import PATIENT_S, Authority, running

from RenalAILib.pacs.address import DimseAddress, Security
from RenalAILib.pacs.archive import PacsError, Query
from RenalAILib.pacs.dimse import DimseArchive
from RenalAILib.pacs.exchange import fetch_study, send_files
from RenalAILib.pacs.retrying import Patience

PORT = 14242


def main(folder: Path) -> None:
    files = write_series(folder / "ct", small_ct(), description="portal")
    study = str(pydicom.dcmread(files[0]).StudyInstanceUID)
    archive = DimseArchive(DimseAddress("ORTHANC", "127.0.0.1", PORT), timeout_s=PATIENT_S)
    once = Patience(1)
    with pytest.raises(PacsError, match="does not answer") as told:
        archive.find(Query())
    assert told.value.passing
    with running(folder / "orthanc", dicom_port=PORT) as pacs:
        assert len(send_files(archive, files, once).sent) == len(files)
        again = send_files(archive, files, once)
        assert (len(again.sent), len(again.there)) == (0, len(files))
        (entry,) = archive.find(Query(study_uid=study))
        assert (entry.uid, entry.patient_id) == (study, "0")
        assert archive.find(Query(patient_id="nobody")) == []
        (series,) = archive.series(study)
        assert (series.modality, series.instances, series.description) == ("CT", len(files), "portal")
        fetch_study(archive, study, folder / "got", once)
        got = sorted((folder / "got" / series.uid).iterdir())
        pixels = [{str(d.SOPInstanceUID): d.PixelData for d in map(pydicom.dcmread, paths)} for paths in (files, got)]
        assert pixels[0] == pixels[1]
        assert pacs.get("statistics")["CountInstances"] == len(files)
    with_certificates(folder, files, study)
    print("the round is closed")


def with_certificates(folder: Path, files: list[Path], study: str) -> None:
    """DICOM over TLS, by Orthanc itself: either side must show a certificate that the other one trusts."""
    address, once = DimseAddress("ORTHANC", "127.0.0.1", PORT + 1, tls=True), Patience(1)
    ours, others = Authority(folder / "ours"), Authority(folder / "others", "others")
    own, strange = Security(ours.pem, *ours.certificate("client")), Security(ours.pem, *others.certificate("client"))
    with running(folder / "secured", dicom_port=PORT + 1, authority=ours) as pacs:
        archive = DimseArchive(address, security=own, timeout_s=PATIENT_S)
        assert len(send_files(archive, files[:2], once).sent) == 2
        (entry,) = archive.find(Query(study_uid=study))
        fetch_study(archive, entry.uid, folder / "got over tls", once)
        assert len(list((folder / "got over tls").rglob("*.dcm"))) == 2
        for security, words in (
            (Security(others.pem), "is not trusted: certificate verify failed"),
            (Security(ours.pem), "wants a client certificate"),
            (strange, "refuses this client's certificate"),
        ):
            with pytest.raises(PacsError, match=words) as told:
                DimseArchive(address, security=security, timeout_s=PATIENT_S).find(Query())
            assert not told.value.passing
        in_the_open = DimseArchive(DimseAddress("ORTHANC", "127.0.0.1", PORT + 1), timeout_s=5)
        with pytest.raises(PacsError):
            in_the_open.find(Query())
        assert pacs.get("statistics")["CountInstances"] == 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
