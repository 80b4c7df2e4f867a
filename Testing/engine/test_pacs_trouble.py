"""A PACS that fails at any moment, and a process that dies there: nothing is sent twice, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pydicom
import pytest
from scanfiles import small_ct, write_series
from toybundle import toy_bundle

from RenalAILib.batch.manifest import Manifest
from RenalAILib.batch.running import MOST_TROUBLES, Plan, run_batch
from RenalAILib.batch.sources import Found
from RenalAILib.batch.supply import SupplyError
from RenalAILib.errors import InputError
from RenalAILib.pacs.address import DimseAddress, WebAddress, parse_address
from RenalAILib.pacs.archive import PacsError, Query, SeriesEntry, StudyEntry
from RenalAILib.pacs.credentials import check_private, credentials
from RenalAILib.pacs.exchange import send_files
from RenalAILib.pacs.retrying import Patience
from RenalAILib.pacs.studies import PacsStudies, watch
from RenalAILib.study.task import StudyRecord, StudyTask


class Dies(BaseException):
    """The process, at this moment."""


class Memory:
    """An archive in memory. ``trouble`` is called before and after each of its works, and may raise."""

    def __init__(self, files: Sequence[Path], studies: Sequence[str] = ("1.2",)) -> None:
        self.studies, self.files = list(studies), list(files)
        self.stored: Counter[str] = Counter()
        self.trouble: Callable[[str], object] = lambda moment: None
        self.fetched: list[str] = []

    def find(self, query: Query) -> list[StudyEntry]:
        self.trouble("find")
        return [StudyEntry(study, "20260102", "Abdomen", "0", "") for study in self.studies]

    def series(self, study_uid: str) -> list[SeriesEntry]:
        self.trouble(f"series {study_uid}")
        return [SeriesEntry("1.9", "CT", "portal", len(self.files)), SeriesEntry("1.8", "SR", "dose", 1)]

    def fetch(self, study_uid: str, series_uid: str, folder: Path) -> int:
        for path in self.files:
            self.trouble(f"fetch {study_uid}")
            (folder / path.name).write_bytes(path.read_bytes())
        self.fetched.append(study_uid)
        return len(self.files)

    def present(self, study_uid: str, series_uid: str, instance_uids: Collection[str]) -> set[str]:
        self.trouble("present")
        return {uid for uid in instance_uids if self.stored[uid]}

    def store(self, files: Sequence[Path]) -> None:
        self.trouble("before storing")
        for path in files:
            self.stored[str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)] += 1
        self.trouble("after storing")


class Writes:
    """An engine that writes two objects, always the same for a study."""

    def __init__(self, objects: Sequence[Path]) -> None:
        self._objects = objects

    def run(self, tasks: Iterable[StudyTask], begun: Callable[[str], None]) -> Iterator[StudyRecord]:
        for task in tasks:
            begun(task.name)
            assert len(list(Path(task.source, "1.9").iterdir())) >= 3  # whole or not at all
            folder = Path(task.output) / "results" / task.name
            folder.mkdir(parents=True, exist_ok=True)
            for number, path in enumerate(self._objects):
                data = pydicom.dcmread(path)
                data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{task.name}.7.{number}"
                data.save_as(folder / path.name)
            (folder / "findings.json").write_text("{}", encoding="utf-8")
            yield StudyRecord(task.name, "", "k", f"results/{task.name}")


class Site:
    """A PACS with a study of 8 slices, and the engine beside it."""

    def __init__(self, folder: Path) -> None:
        self.memory = Memory(write_series(folder / "pacs", small_ct()))
        self._objects = write_series(folder / "objects", small_ct()[:2], number=2)

    def studies(self, output: Path, attempts: int = 1, *, send: bool = True) -> PacsStudies:
        return PacsStudies(self.memory, Patience(attempts, sleep=lambda seconds: None), output, send=send)

    def batch(self, studies: PacsStudies, found: Sequence[Found], output: Path) -> list[StudyRecord]:
        """The studies that ended in this run."""
        ended: list[StudyRecord] = []
        plan = Plan(found, output, toy_bundle(), dicom=True, supply=studies)
        run_batch(plan, Writes(self._objects), lambda pace, record: ended.append(record) if record else None)
        return ended

    def once(self, output: Path, attempts: int = 1, *, send: bool = True) -> list[StudyRecord]:
        studies = self.studies(output, attempts, send=send)
        return self.batch(studies, studies.find(Query()), output)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def memory(site: Site) -> Memory:
    return site.memory


def _down(moment: str) -> None:
    raise PacsError("down", passing=True)


@pytest.mark.parametrize("kind", [Dies, lambda: PacsError("down", passing=True)])
def test_trouble_at_every_moment(site: Site, memory: Memory, tmp_path: Path, kind: object) -> None:
    """For each call of the archive in turn: it goes wrong there once, and the next start finishes the work."""
    assert callable(kind)
    moments = _moments(site, tmp_path / "whole")
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
        with pytest.raises((Dies, SupplyError)):
            site.once(output)
        memory.trouble = lambda moment: None
        site.once(output)
        assert sorted(memory.stored.values()) == [1, 1], number
        assert site.once(output) == []
        assert not (output / "fetched" / "1.2").exists()


def _moments(site: Site, output: Path) -> int:
    count = [0]

    def trouble(moment: str) -> None:
        count[0] += 1

    site.memory.trouble = trouble
    (ended,) = site.once(output)
    assert (ended.sent, ended.there, ended.reason) == (2, 0, None)
    return count[0]


def test_an_unsteady_pacs_is_asked_again(site: Site, memory: Memory, tmp_path: Path) -> None:
    """Every third call fails, also after storing: patience gets through, and each object is there once."""
    count = [0]

    def trouble(moment: str) -> None:
        count[0] += 1
        if count[0] % 3 == 0 and not moment.startswith("fetch"):
            raise PacsError("busy", passing=True)

    memory.trouble = trouble
    (ended,) = site.once(tmp_path / "out", attempts=6)
    assert ended.done and set(memory.stored.values()) == {1}


def test_one_study_that_cannot_be_had_stops_no_other(site: Site, memory: Memory, tmp_path: Path) -> None:
    """One is refused and so has failed; one times out and is left open; the others are done, and not done again."""
    memory.studies = ["1.1", "1.2", "1.3", "1.4"]
    wrong = {"fetch 1.2": PacsError("forbidden", passing=False), "fetch 1.3": PacsError("too slow", passing=True)}

    def trouble(moment: str) -> None:
        if moment in wrong:
            raise wrong[moment]

    memory.trouble = trouble
    with pytest.raises(SupplyError, match="too slow; 1 study is left for another start"):
        site.once(tmp_path / "out")
    assert memory.fetched == ["1.1", "1.4"] and len(memory.stored) == 4
    del wrong["fetch 1.3"]
    (ended,) = site.once(tmp_path / "out")
    assert (ended.name, ended.sent) == ("1.3", 2) and set(memory.stored.values()) == {1}
    with Manifest(tmp_path / "out" / "manifest-0-of-1.jsonl", {}) as manifest:
        assert {name: record.reason for name, record in manifest.records.items() if not record.done} == {
            "1.2": "forbidden"
        }
        assert not +manifest.starts


def test_a_pacs_that_is_down_ends_the_batch_at_once(site: Site, memory: Memory, tmp_path: Path) -> None:
    memory.studies = [f"1.{n}" for n in range(1, 50)]
    asked: list[str] = []

    def trouble(moment: str) -> None:
        asked.append(moment)
        if moment.startswith("fetch"):
            raise PacsError("down", passing=True)

    memory.trouble = trouble
    with pytest.raises(SupplyError, match="down"):
        site.once(tmp_path / "out")
    assert sum(moment.startswith("fetch") for moment in asked) == MOST_TROUBLES


def test_what_was_not_sent_at_first_is_sent_later(site: Site, memory: Memory, tmp_path: Path) -> None:
    (ended,) = site.once(tmp_path / "out", send=False)
    assert ended.done and not memory.stored and site.once(tmp_path / "out", send=False) == []
    (ended,) = site.once(tmp_path / "out")
    assert ended.sent == 2 and site.once(tmp_path / "out") == []
    memory.files = memory.files[:-1]  # the study is another one now
    assert [record.name for record in site.once(tmp_path / "out")] == ["1.2"]


def test_a_uid_that_is_a_path_is_refused(site: Site, memory: Memory, tmp_path: Path) -> None:
    memory.studies = ["../../elsewhere"]
    with pytest.raises(PacsError, match="for a UID"):
        site.once(tmp_path / "out")
    assert not list(tmp_path.rglob("elsewhere"))


def test_what_the_pacs_took_and_does_not_have_is_told(memory: Memory, tmp_path: Path) -> None:
    files = write_series(tmp_path / "send", small_ct()[:2])
    memory.present = lambda *_: set()  # type: ignore[method-assign]
    with pytest.raises(PacsError, match="took 2 objects and does not have them"):
        send_files(memory, files, Patience(1))
    (tmp_path / "no.dcm").write_bytes(b"no")
    with pytest.raises(InputError, match=r"no\.dcm is no DICOM object"):
        send_files(memory, [tmp_path / "no.dcm"], Patience(1))


def test_watch_waits_until_a_study_stops_growing(site: Site, memory: Memory, tmp_path: Path) -> None:
    files, memory.files = memory.files, memory.files[:3]
    told: list[str] = []
    ended: list[StudyRecord] = []
    looks = [0]

    def wait() -> bool:
        looks[0] += 1
        memory.files = files[: min(8, 3 + 2 * looks[0])]
        memory.trouble = _down if looks[0] == 4 else lambda moment: None
        return looks[0] < 12

    studies = site.studies(tmp_path / "out")

    def begin(ready: Sequence[Found]) -> None:
        ended.extend(site.batch(studies, ready, tmp_path / "out"))

    watch(studies, Query(), begin, told.append, wait)
    assert told == ["down; the next look will try again"]
    assert [record.sent for record in ended] == [2]
    assert memory.fetched == ["1.2"] and set(memory.stored.values()) == {1}
    looks[0] = 8
    watch(site.studies(tmp_path / "out"), Query(), begin, told.append, wait)  # a later start
    assert len(ended) == 1 and memory.fetched == ["1.2"]


def test_one_process_an_output(site: Site, memory: Memory, tmp_path: Path) -> None:
    seen: list[bool] = []

    def trouble(moment: str) -> None:
        if moment == "before storing":
            with pytest.raises(InputError, match="another process works there"):
                site.once(tmp_path / "out")
            seen.append(True)

    memory.trouble = trouble
    site.once(tmp_path / "out")
    assert seen


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
