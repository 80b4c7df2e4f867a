"""A PACS that fails at any moment, and a process that dies there: nothing is sent twice, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import pydicom
import pytest
from scanfiles import small_ct, write_series
from toybundle import toy_bundle

from RenalAILib.errors import InputError
from RenalAILib.pacs import rounds
from RenalAILib.pacs.address import DimseAddress, WebAddress, parse_address
from RenalAILib.pacs.archive import PacsError, Query, SeriesEntry, StudyEntry
from RenalAILib.pacs.credentials import check_private, credentials
from RenalAILib.pacs.exchange import send_files
from RenalAILib.pacs.retrying import Patience
from RenalAILib.studytask.task import StudyRecord, StudyTask
from RenalAILib.worker.client import Worker


class Dies(BaseException):
    """The process, at this moment."""


class Memory:
    """An archive in memory. ``trouble`` is called before and after each of its works, and may raise."""

    def __init__(self, study: str, files: Sequence[Path]) -> None:
        self.study, self.files = study, list(files)
        self.stored: Counter[str] = Counter()
        self.trouble = lambda moment: None
        self.fetched = 0

    def find(self, query: Query) -> list[StudyEntry]:
        self.trouble("find")
        return [StudyEntry(self.study, "20260102", "Abdomen", "0", "")]

    def series(self, study_uid: str) -> list[SeriesEntry]:
        self.trouble("series")
        return [SeriesEntry("1.9", "CT", "portal", len(self.files)), SeriesEntry("1.8", "SR", "dose", 1)]

    def fetch(self, study_uid: str, series_uid: str, folder: Path) -> int:
        for path in self.files:
            self.trouble("fetch")
            (folder / path.name).write_bytes(path.read_bytes())
        self.fetched += 1
        return len(self.files)

    def present(self, study_uid: str, series_uid: str, instance_uids: Collection[str]) -> set[str]:
        self.trouble("present")
        return {uid for uid in instance_uids if self.stored[uid]}

    def store(self, files: Sequence[Path]) -> None:
        self.trouble("before storing")
        for path in files:
            self.stored[str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)] += 1
        self.trouble("after storing")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An archive with a study of 8 slices; the engine writes two objects that are always the same."""
    slices = write_series(tmp_path / "pacs", small_ct())
    objects = write_series(tmp_path / "objects", small_ct()[:2], number=2)

    def done(worker: Worker, task: StudyTask) -> StudyRecord:
        assert len(list(Path(task.source, "1.9").iterdir())) == 8  # whole or not at all
        folder = Path(task.output) / "results" / "r"
        folder.mkdir(parents=True, exist_ok=True)
        for path in objects:
            (folder / path.name).write_bytes(path.read_bytes())
        return StudyRecord(task.name, "w", "k", "results/r")

    monkeypatch.setattr(rounds, "do_in", done)
    return Memory("1.2", slices)


def _once(memory: Memory, output: Path, attempts: int) -> list[rounds.Ended]:
    patience = Patience(attempts, sleep=lambda seconds: None)
    with rounds.opened(memory, rounds.Round(output, toy_bundle()), patience) as desk:
        return rounds.segment_studies(desk, memory, Query(), patience, lambda ended: None)


@pytest.mark.parametrize("kind", [Dies, lambda: PacsError("down", passing=True)])
def test_trouble_at_every_moment(memory: Memory, tmp_path: Path, kind: object) -> None:
    """For each call of the archive in turn: it goes wrong there once, and the next start finishes the work."""
    assert callable(kind)
    moments = _moments(memory, tmp_path / "whole")
    assert moments > 15
    for number in range(moments):
        memory.stored.clear()
        left = [number]

        def trouble(moment: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise kind()

        memory.trouble = trouble
        output = tmp_path / f"{number}"
        with pytest.raises((Dies, PacsError)):
            _once(memory, output, attempts=1)
        memory.trouble = lambda moment: None
        _once(memory, output, attempts=1)
        assert sorted(memory.stored.values()) == [1, 1], number
        assert _once(memory, output, attempts=1) == []
        assert not (output / "fetched" / "1.2").exists()


def _moments(memory: Memory, output: Path) -> int:
    count = [0]

    def trouble(moment: str) -> None:
        count[0] += 1

    memory.trouble = trouble
    (ended,) = _once(memory, output, attempts=1)
    assert (ended.sent, ended.there, ended.reason) == (2, 0, None)
    return count[0]


def test_an_unsteady_pacs_is_asked_again(memory: Memory, tmp_path: Path) -> None:
    """Every third call fails, also after storing: patience gets through, and each object is there once."""
    count = [0]

    def trouble(moment: str) -> None:
        count[0] += 1
        if count[0] % 3 == 0 and moment != "fetch":
            raise PacsError("busy", passing=True)

    memory.trouble = trouble
    (ended,) = _once(memory, tmp_path / "out", attempts=6)
    assert ended.reason is None and set(memory.stored.values()) == {1}


def test_what_the_pacs_took_and_does_not_have_is_told(memory: Memory, tmp_path: Path) -> None:
    files = write_series(tmp_path / "send", small_ct()[:2])
    memory.present = lambda *_: set()  # type: ignore[method-assign]
    with pytest.raises(PacsError, match="took 2 objects and does not have them"):
        send_files(memory, files, Patience(1))
    (tmp_path / "no.dcm").write_bytes(b"no")
    with pytest.raises(InputError, match=r"no\.dcm is no DICOM object"):
        send_files(memory, [tmp_path / "no.dcm"], Patience(1))


def test_watch_waits_until_a_study_stops_growing(memory: Memory, tmp_path: Path) -> None:
    files, memory.files = memory.files, memory.files[:3]
    told: list[object] = []
    looks = [0]

    def wait() -> bool:
        looks[0] += 1
        memory.files = files[: min(8, 3 + 2 * looks[0])]
        if looks[0] == 4:
            memory.trouble = lambda moment: (_ for _ in ()).throw(PacsError("restarting", passing=True))
        else:
            memory.trouble = lambda moment: None
        return looks[0] < 12

    patience = Patience(1)
    with rounds.opened(memory, rounds.Round(tmp_path / "out", toy_bundle()), patience) as desk:
        rounds.watch(desk, memory, Query(), patience, told.append, wait)
    assert [type(word) for word in told] == [str, rounds.Ended]
    assert memory.fetched == 1 and set(memory.stored.values()) == {1}


def test_one_process_an_output(memory: Memory, tmp_path: Path) -> None:
    what, patience = rounds.Round(tmp_path / "out", toy_bundle()), Patience(1)
    with (
        rounds.opened(memory, what, patience),
        pytest.raises(InputError, match="another process works there"),
        rounds.opened(memory, what, patience),
    ):
        pass


def test_addresses() -> None:
    assert parse_address("https://pacs.example/dicom-web/") == WebAddress("https://pacs.example/dicom-web")
    assert parse_address("dimses://PACS@10.0.0.1:2762") == DimseAddress("PACS", "10.0.0.1", 2762, tls=True)
    for text in ("pacs.example", "ftp://pacs/x", "dimse://PACS@host", "dimse://host:104"):
        with pytest.raises(InputError, match="is no PACS's address"):
            parse_address(text)
    with pytest.raises(InputError, match="holds credentials") as told:
        parse_address("https://me:hunter2@pacs.example/dicom-web")
    assert "hunter2" not in str(told.value)


def test_credentials_stay_out_of_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENALAI_PACS_USER", "me")
    with pytest.raises(InputError, match="belong together"):
        credentials(login=False)
    monkeypatch.setenv("RENALAI_PACS_USER", "me")
    monkeypatch.setenv("RENALAI_PACS_PASSWORD", "hunter2")
    given = credentials(login=False)
    assert given and "hunter2" not in repr(given) and not credentials(login=False)
    with pytest.raises(InputError, match="sent over https only"):
        check_private(WebAddress("http://pacs.example/dicom-web"), given)
    check_private(WebAddress("http://127.0.0.1:8042/dicom-web"), given)
    with pytest.raises(InputError, match="needs a terminal"):
        credentials(login=True)
