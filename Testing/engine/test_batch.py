"""Batches: what is found, what is left out the second time, and the page about the cohort."""

from __future__ import annotations

import csv
import io
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from batchfolder import Pretended, write_cts
from pydicom.dataset import Dataset
from scanfiles import small_ct, write_series
from toybundle import toy_bundle

from RenalAILib.batch.cohort import cohort_of, csv_text, rows
from RenalAILib.batch.cohort_page import write_cohort
from RenalAILib.batch.manifest import Manifest, read_events, read_records
from RenalAILib.batch.running import MOST_STARTS, Plan, run_batch
from RenalAILib.batch.sources import Found, find_studies, part
from RenalAILib.errors import InputError
from RenalAILib.study.content import digest, stamp
from RenalAILib.study.doing import do_study
from RenalAILib.study.task import StudyRecord, StudyTask, Weights


def _quiet(*_: object) -> None:
    pass


def _files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def _of_study(uid: str) -> Callable[[int, Dataset], None]:
    return lambda _, data: setattr(data, "StudyInstanceUID", uid)


def _plan(folder: Path, output: Path, **options: object) -> Plan:
    return Plan(find_studies(folder), output, toy_bundle(), **options)  # type: ignore[arg-type]


def test_a_folder_is_searched(tmp_path: Path) -> None:
    folder = _files(tmp_path, "b.nii.gz", "a/imaging.nii.gz", "a/segmentation.nii.gz", ".hidden.nii", "notes.txt")
    _files(tmp_path / "old", "findings.json", "labels.nii.gz", "ct.nii.gz")
    assert [study.name for study in find_studies(folder)] == ["a-imaging", "b"]
    assert [study.name for study in find_studies(folder, "*/seg*.nii.gz")] == ["a-segmentation"]
    with pytest.raises(InputError, match=r"holds no CT that matches \*.mha"):
        find_studies(folder, "*.mha")


def test_names_that_would_collide_are_told_apart(tmp_path: Path) -> None:
    names = [study.name for study in find_studies(_files(tmp_path, "a-x.nii", "a/x.nii.gz", "A-X.nrrd"))]
    assert len({name.lower() for name in names}) == 3
    assert names == [study.name for study in find_studies(tmp_path)]


def test_dicom_folders_of_one_study_are_one(tmp_path: Path) -> None:
    write_series(tmp_path / "p1" / "portal", small_ct(), change=_of_study("1.2.3"))
    write_series(tmp_path / "p1" / "plain", small_ct(), change=_of_study("1.2.3"))
    write_series(tmp_path / "p2", small_ct(), change=_of_study("1.2.4"))
    assert [study.name for study in find_studies(tmp_path)] == ["p1", "p2"]
    write_series(tmp_path / "p1" / "z", small_ct(), change=_of_study("1.2.4"))  # each by itself now
    assert [study.name for study in find_studies(tmp_path)] == ["p1-plain", "p1-portal", "p1-z", "p2"]


def test_a_csv_says_what_to_do(tmp_path: Path) -> None:
    _files(tmp_path, "x.nii", "y.nii")
    table = tmp_path / "list.csv"
    table.write_text("ct,study,second_phase\nx.nii,first,y.nii\ny.nii,,\n", encoding="utf-8")
    assert find_studies(table) == [
        Found("first", (tmp_path / "x.nii").resolve(), None, (tmp_path / "y.nii").resolve()),
        Found("y", (tmp_path / "y.nii").resolve()),
    ]
    table.write_text("path\nx.nii\n", encoding="utf-8")
    with pytest.raises(InputError, match="needs the column ct"):
        find_studies(table)


def test_parts_share_the_studies_whatever_comes_later() -> None:
    studies = [Found(f"s{n}", Path()) for n in range(200)]
    parts = [part(studies, n, 7) for n in range(7)]
    assert sorted(study.name for found in parts for study in found) == sorted(study.name for study in studies)
    assert min(map(len, parts)) > 10
    more = [*studies, Found("new", Path())]
    assert [study for study in part(more, 3, 7) if study.name != "new"] == parts[3]


def test_content_is_told_by_bytes_and_not_by_place(tmp_path: Path) -> None:
    one, other = _files(tmp_path / "1", "a.dcm", "b.dcm"), tmp_path / "2"
    other.mkdir()
    for path in one.iterdir():
        (other / f"renamed-{path.name}").write_bytes(path.read_bytes())
    assert digest(one, None) == digest(other, None) and stamp(one) != stamp(other)
    (other / "c.dcm").write_bytes(b"more")
    assert digest(one, None) != digest(other, None)
    with pytest.raises(InputError, match="does not exist"):
        digest(tmp_path / "3")


def test_only_what_changed_is_done_again(tmp_path: Path) -> None:
    folder, output = _files(tmp_path / "in", "a.nii", "b.nii", "c.nii"), tmp_path / "out"
    first = Pretended(fails=["b"])
    run_batch(_plan(folder, output), first, _quiet)
    assert first.asked == ["a", "b", "c"]
    again = Pretended()
    run_batch(_plan(folder, output), again, _quiet)
    assert again.asked == []  # the failed one neither: nothing about it changed
    run_batch(_plan(folder, output, retry=True), again, _quiet)
    assert again.asked == ["b"]
    (folder / "c.nii").write_bytes(b"another CT")
    _files(folder, "d.nii")
    changed = Pretended()
    run_batch(_plan(folder, output), changed, _quiet)
    assert changed.asked == ["c", "d"]
    other_options = Pretended()
    records = run_batch(_plan(folder, output, fast=True), other_options, _quiet)
    assert other_options.asked == ["a", "b", "c", "d"] and all(record.done for record in records)


def test_a_result_that_was_removed_is_made_again(tmp_path: Path) -> None:
    folder, output = _files(tmp_path / "in", "a.nii"), tmp_path / "out"
    (record,) = run_batch(_plan(folder, output), Pretended(), _quiet)
    (output / (record.folder or "") / "findings.json").unlink()
    again = Pretended()
    run_batch(_plan(folder, output), again, _quiet)
    assert again.asked == ["a"]


def test_a_torn_last_line_is_forgotten_and_a_damaged_middle_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest-0-of-1.jsonl"
    with Manifest(path, {}) as manifest:
        manifest.begun("a")
        manifest.ended(StudyRecord("a", "w", reason="bad"))
    whole = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(whole + whole[-60:-cut] if cut < 30 else whole[:-cut])
        with Manifest(path, {}) as manifest:
            manifest.begun("b")
        assert [event["study"] for event in read_events(path) if event["event"] == "begun"] == ["a", "b"]
    path.write_bytes(whole.replace(b'"begun"', b'"beg', 1))
    with pytest.raises(InputError, match="damaged in line 2"):
        Manifest(path, {})


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        Manifest(tmp_path / "m.jsonl", {}),
        pytest.raises(InputError, match="another process works there"),
        Manifest(tmp_path / "m.jsonl", {}),
    ):
        pass


def test_a_study_that_always_takes_the_batch_along_is_given_up(tmp_path: Path) -> None:
    folder, output = _files(tmp_path / "in", "a.nii", "b.nii"), tmp_path / "out"
    plan = _plan(folder, output)

    class Dies(Exception):
        pass

    class Deadly(Pretended):
        def run(self, tasks, begun):  # type: ignore[no-untyped-def]
            for task in tasks:
                begun(task.name)
                if task.name == "a":
                    raise Dies
                yield from super().run([task], _quiet)

    for _ in range(MOST_STARTS):
        with pytest.raises(Dies):
            run_batch(plan, Deadly(), _quiet)
    first, second = run_batch(plan, Deadly(), _quiet)
    assert "begun 5 times" in (first.reason or "") and second.done


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    _files(tmp_path / "in", "a.nii")
    with pytest.raises(InputError, match="holds files but no batch"):
        run_batch(_plan(tmp_path / "in", _files(tmp_path / "out", "thesis.txt")), Pretended(), _quiet)
    with pytest.raises(InputError, match="--part-id counts from 0 to 2, got 3"):
        _plan(tmp_path / "in", tmp_path / "o", number=3, parts=3)


def test_a_result_whose_record_was_lost_is_not_made_again(tmp_path: Path) -> None:
    """Killed between the renaming of the result and the line in the manifest."""
    (name,) = write_cts(tmp_path, 1)
    bundle = toy_bundle()
    weights = Weights(str(bundle.folder), bundle.sha256, device="cpu")
    task = StudyTask(name, str(tmp_path / f"{name}.nii.gz"), str(tmp_path / "out"), weights)
    first = do_study(task, _quiet)
    assert first.done and not first.reused and first.measured["masses"] is not None
    assert {"digest", "read", "locate", "delineate", "write"} <= set(first.timings_s)
    again = do_study(task, _quiet)
    assert again.reused and (again.key, again.folder, again.wish) == (first.key, first.folder, first.wish)
    os.utime(task.source)  # touched, not changed: a new stamp, the old content
    touched = do_study(task, _quiet)
    assert touched.reused and touched.wish != first.wish
    changed = StudyTask(**{**task.__dict__, "weights": Weights(str(bundle.folder), "0" * 64)})
    assert "SHA-256 differs" in (do_study(changed, _quiet).reason or "")


def test_faults_of_the_program_end_the_study_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from RenalAILib.study import doing

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(doing, "segment_study", broken)
    (name,) = write_cts(tmp_path, 1)
    bundle = toy_bundle()
    weights = Weights(str(bundle.folder), bundle.sha256)
    task = StudyTask(name, str(tmp_path / f"{name}.nii.gz"), str(tmp_path / "out"), weights)
    record = do_study(task, _quiet)
    assert record.fault and "ZeroDivisionError" in (record.reason or "")
    assert "a fault" in task.log.read_text(encoding="utf-8")


def _cohort(output: Path) -> None:
    with Manifest(output / "manifest-0-of-2.jsonl", {}) as manifest:
        for n in range(20):
            usual = {"kidney_right_ml": 150.0 + n % 5, "kidney_left_ml": 155.0 + n % 4, "masses": n % 3, "warnings": 0}
            if n == 7:
                usual["kidney_right_ml"] = 20.0
            if n == 9:
                usual["kidney_left_ml"] = None
            name = f"s{n:02d}"
            key = "k3" if n == 4 else f"k{n}"
            manifest.ended(StudyRecord(name, "w", key, f"results/{name}", seconds=1.0 + n % 2, measured=usual))
    with Manifest(output / "manifest-1-of-2.jsonl", {}) as manifest:
        manifest.ended(StudyRecord("bad", "w", reason="=bad.nii <is> empty"))


def test_the_cohort_begins_with_the_failed_and_the_strangest(tmp_path: Path) -> None:
    _cohort(tmp_path)
    found = rows(cohort_of(tmp_path))
    assert [row.record.name for row in found][:3] == ["bad", "s07", "s09"]
    assert found[1].why == "right kidney, ml: 20 (median 152)" and found[2].why == "no left kidney, ml"
    assert [row.same_as for row in found if row.same_as] == ["s03"]
    table = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert table[0]["state"] == "failed" and table[0]["reason"].startswith("'=")
    assert table[1]["kidney_right_ml"] == "20.0" and table[2]["kidney_left_ml"] == ""


def test_the_page_is_whole_and_escapes_what_files_are_called(tmp_path: Path) -> None:
    _cohort(tmp_path)
    page, _ = write_cohort(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "=bad.nii &lt;is&gt; empty" in text and "results/s07/report.html" in text
    for svg in text.split("<svg")[1:]:
        ET.fromstring("<svg" + svg.partition("</svg>")[0] + "</svg>")
    assert text.count("<svg") >= 4 and "http" not in text.replace("http-equiv", "")
    with pytest.raises(InputError, match="holds no batch"):
        write_cohort(tmp_path / "nothing")


def test_records_are_read_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with Manifest(path, {}) as manifest:
        manifest.ended(StudyRecord("a", "w", reason="no"))
        with path.open("ab") as file:
            file.write(b'{"event": "end')
        assert set(read_records(path)) == {"a"}
