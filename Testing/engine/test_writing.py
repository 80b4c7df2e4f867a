"""Writing: whole or not at all, whatever happens, and never over what is not ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from RenalAILib.errors import InputError
from RenalAILib.writing import whole
from RenalAILib.writing.whole import check_replaceable, replaced_file, replaced_folder, write_text

OWNED = ("findings.json", "a.bin", "b.bin")


def _write(folder: Path, version: str) -> None:
    with replaced_folder(folder, OWNED) as new:
        (new / "findings.json").write_text(
            json.dumps({"schema": "renalai.findings/1", "version": version}), encoding="utf-8"
        )
        (new / "a.bin").write_text(version, encoding="utf-8")
        (new / "b.bin").write_text(version, encoding="utf-8")


def _break_off(folder: Path) -> None:
    with replaced_folder(folder, OWNED) as new:
        (new / "a.bin").write_text("new", encoding="utf-8")
        raise RuntimeError("half-way")


def _break_off_file(path: Path) -> None:
    with replaced_file(path) as new:
        assert new.suffix == path.suffix
        assert new.parent == path.parent
        new.write_text("half", encoding="utf-8")
        raise RuntimeError("half-way")


def _version(folder: Path) -> str:
    versions = {json.loads((folder / "findings.json").read_text(encoding="utf-8"))["version"]}
    versions |= {(folder / name).read_text(encoding="utf-8") for name in ("a.bin", "b.bin")}
    assert len(versions) == 1, f"a mixture of results: {versions}"
    return versions.pop()


@pytest.mark.parametrize("exchange", [True, False])
def test_an_older_result_is_replaced_and_nothing_stays_beside(
    exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange:
        monkeypatch.setattr(whole, "_exchange", lambda one, other: False)
    for version in ("1", "2", "3"):
        _write(tmp_path / "deep" / "result", version)
        assert _version(tmp_path / "deep" / "result") == version
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["result"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the exchange is Linux's")
def test_linux_exchanges_in_one_step(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    (one / "was one").touch()
    assert whole._exchange(one, other)
    assert [path.name for path in other.iterdir()] == ["was one"]
    assert not list(one.iterdir())


def test_a_failure_leaves_the_old_result(tmp_path: Path) -> None:
    _write(tmp_path / "result", "old")
    with pytest.raises(RuntimeError, match="half-way"):
        _break_off(tmp_path / "result")
    assert _version(tmp_path / "result") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="result cannot be written: No space left"),
        replaced_folder(tmp_path / "result", OWNED),
    ):
        raise OSError(28, os.strerror(28))
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_aside_comes_back(tmp_path: Path) -> None:
    """Killed between the two renames of a system without exchange: the result is aside, the new one unfinished."""
    _write(tmp_path / "result", "old")
    (tmp_path / "result").rename(tmp_path / ".result.previous")
    with pytest.raises(RuntimeError, match="half-way"):
        _break_off(tmp_path / "result")
    assert _version(tmp_path / "result") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_what_a_killed_run_forgot_to_remove_goes(tmp_path: Path) -> None:
    """Killed after both renames: the older result is still aside."""
    _write(tmp_path / "older", "older")
    (tmp_path / "older").rename(tmp_path / ".result.previous")
    _write(tmp_path / "result", "old")
    assert _version(tmp_path / "result") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_only_abandoned_unfinished_folders_are_swept(tmp_path: Path) -> None:
    abandoned, busy = tmp_path / ".result.0a.unfinished", tmp_path / ".result.0b.unfinished"
    other = tmp_path / ".results.0c.unfinished"
    long_ago = time.time() - 7200
    for path in (abandoned, busy, other):
        path.mkdir()
    os.utime(abandoned, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    _write(tmp_path / "result", "1")
    assert {path.name for path in tmp_path.iterdir()} == {"result", busy.name, other.name}


def test_a_run_killed_at_any_moment_leaves_old_or_new(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    _write(folder, "0")
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from test_writing import _write\n"
        "print('ready', flush=True)\n"
        "for n in range(10**6): _write(Path(sys.argv[1]), str(n))\n"
    )
    paths = [str(Path(__file__).parent), str(Path(whole.__file__).parents[1])]
    for attempt in range(8):
        child = subprocess.Popen([sys.executable, "-c", code, str(folder), *paths], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(0.02 + 0.0137 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if sys.platform.startswith("linux"):  # elsewhere the next run puts it right
            _version(folder)
        _write(folder, f"after {attempt}")
        assert _version(folder) == f"after {attempt}"


def _a_file(tmp_path: Path) -> Path:
    (tmp_path / "result").write_text("text", encoding="utf-8")
    return tmp_path / "result"


def _foreign(tmp_path: Path) -> Path:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "photo.jpg").touch()
    return tmp_path / "result"


def _another_schema(tmp_path: Path) -> Path:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "findings.json").write_text('{"schema": "somebody.else/1"}', encoding="utf-8")
    return tmp_path / "result"


def _with_a_note(tmp_path: Path) -> Path:
    _write(tmp_path / "result", "1")
    (tmp_path / "result" / "my notes.txt").touch()
    return tmp_path / "result"


def _below_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file" / "result"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_a_file, "is a file; the output must be a folder"),
        (_foreign, "holds files but no RenalAI result"),
        (_another_schema, "holds files but no RenalAI result"),
        (_with_a_note, "holds my notes.txt, which RenalAI did not write"),
        (_below_a_file, "cannot be written"),
    ],
)
def test_what_is_not_ours_is_refused_and_left(make: object, message: str, tmp_path: Path) -> None:
    folder = make(tmp_path)  # type: ignore[operator]
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(InputError, match=message), replaced_folder(folder, OWNED):
        pytest.fail("the block must not run")
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_a_file_put_there_meanwhile_is_not_lost(tmp_path: Path) -> None:
    _write(tmp_path / "result", "old")
    with pytest.raises(InputError, match="late"), replaced_folder(tmp_path / "result", OWNED):
        (tmp_path / "result" / "late.txt").touch()
    assert (tmp_path / "result" / "late.txt").exists()


def test_the_current_folder_is_not_pulled_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "result", "1")
    monkeypatch.chdir(tmp_path / "result")
    with pytest.raises(InputError, match="current folder"):
        check_replaceable(Path(), OWNED)


def test_an_empty_folder_and_a_file_browsers_droppings_may_go(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / ".DS_Store").touch()
    _write(tmp_path / "result", "1")
    assert _version(tmp_path / "result") == "1"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _write(tmp_path / "link", "1")
    assert (tmp_path / "link").is_symlink()
    assert _version(tmp_path / "real") == "1"


def test_a_single_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "agreement.json"
    write_text(path, "é\r\n")
    with pytest.raises(RuntimeError, match="half-way"):
        _break_off_file(path)
    assert path.read_bytes() == "é\r\n".encode()
    assert [entry.name for entry in path.parent.iterdir()] == ["agreement.json"]
    with pytest.raises(InputError, match="is a folder"), replaced_file(tmp_path):
        pytest.fail("the block must not run")
