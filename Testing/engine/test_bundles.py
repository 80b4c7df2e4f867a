"""Bundles: what is verified, what is refused by name, how they come in and go out."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toybundle import toy_bundle

from RenalAILib.bundles.bundle import CHECKSUMS, METADATA, read_bundle, write_checksums
from RenalAILib.bundles.store import DEFAULT_BUNDLE, SHIPPED, export_bundle, find_bundles, import_bundle, load_bundle
from RenalAILib.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the toy bundle that a test may spoil."""
    return Path(shutil.copytree(toy_bundle().folder, tmp_path / "toy"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder, and no other places."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RENALAI_BUNDLES", raising=False)
    return tmp_path / "home"


def edit(folder: Path, change: Callable[[dict], None]) -> None:
    """Change the metadata, with checksums that fit again."""
    path = folder / METADATA
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    write_checksums(folder)


def refuse_link(folder: Path) -> None:
    try:
        (folder / "models" / "link.onnx").symlink_to(folder / "models" / "locate.onnx")
    except OSError:
        pytest.skip("this system lets only administrators make links")


SPOILED = {
    "missing file": (lambda f: (f / "models/locate.onnx").unlink(), "lacks the file models/locate.onnx"),
    "changed file": (lambda f: (f / "models/locate.onnx").write_bytes(b"x"), "changed file, models/locate.onnx"),
    "one changed bit": (
        lambda f: (f / "LICENSE").write_bytes(bytes([(f / "LICENSE").read_bytes()[0] ^ 1])),
        "changed file, LICENSE",
    ),
    "unlisted file": (lambda f: (f / "models/extra.onnx").write_bytes(b"x"), "does not list: models/extra.onnx"),
    "no checksums": (lambda f: (f / CHECKSUMS).unlink(), f"has no {CHECKSUMS}"),
    "garbled checksums": (lambda f: (f / CHECKSUMS).write_text("hello\n", encoding="utf-8"), "bad line in SHA256SUMS"),
    "binary checksums": (lambda f: (f / CHECKSUMS).write_bytes(b"\xff\xfe\x00"), "not text"),
    "path outside": (
        lambda f: (f / CHECKSUMS).write_text(
            (f / CHECKSUMS).read_text(encoding="utf-8") + "0" * 64 + "  ../../etc/passwd\n", encoding="utf-8"
        ),
        "outside its folder",
    ),
    "absolute path": (
        lambda f: (f / CHECKSUMS).write_text(
            (f / CHECKSUMS).read_text(encoding="utf-8") + "0" * 64 + "  /etc/passwd\n", encoding="utf-8"
        ),
        "outside its folder",
    ),
    "link": (refuse_link, "links are refused"),
    "no licence": (lambda f: ((f / "LICENSE").unlink(), write_checksums(f)), "has no LICENSE"),
    "no model card": (lambda f: ((f / "docs/README.md").unlink(), write_checksums(f)), "has no docs/README.md"),
    "not JSON": (lambda f: ((f / METADATA).write_text("{", encoding="utf-8"), write_checksums(f)), "not JSON"),
    "a JSON list": (
        lambda f: ((f / METADATA).write_text("[]", encoding="utf-8"), write_checksums(f)),
        "must be a JSON object",
    ),
}

EDITS = {
    "another schema": (lambda d: d.update(schema="renalai.bundle/9"), "renalai.bundle/9"),
    "another pipeline": (lambda d: d.update(pipeline="oracle"), "needs the pipeline 'oracle'"),
    "no version": (lambda d: d.pop("version"), "lacks version"),
    "empty licence": (lambda d: d.update(license=" "), "license must be a text"),
    "bad name": (lambda d: d.update(name="../toy"), "the name '../toy'"),
    "flag as text": (lambda d: d.update(demonstration="yes"), "demonstration must be true or false"),
    "unknown field": (lambda d: d.update(speed=9), "unknown field, speed"),
    "no stage": (lambda d: d["stages"].pop("delineate"), "lacks delineate"),
    "unknown stage": (lambda d: d["stages"].update(guess={}), "unknown field, guess"),
    "no models": (lambda d: d["stages"]["locate"].update(models=[]), "models must be a list of texts"),
    "model elsewhere": (
        lambda d: d["stages"]["locate"].update(models=["../locate.onnx"]),
        "names the file ../locate.onnx, which it does not hold",
    ),
    "negative spacing": (lambda d: d["stages"]["locate"].update(spacing_mm=-3), "above 0.3 up to 20, got -3"),
    "spacing not finite": (lambda d: d["stages"]["locate"].update(spacing_mm=float("nan")), "spacing_mm must be"),
    "spacing as flag": (lambda d: d["stages"]["locate"].update(spacing_mm=True), "got True"),
    "two edges": (lambda d: d["stages"]["delineate"].update(shape=[64, 64]), "three whole numbers"),
    "huge shape": (lambda d: d["stages"]["delineate"].update(shape=[64, 64, 99999]), "three whole numbers"),
    "channels swapped": (lambda d: d["stages"]["characterise"].update(channels=["mask", "image"]), "channels must be"),
    "a model without head": (
        lambda d: d["stages"]["characterise"].update(models=["models/characterise.onnx"] * 2),
        "characterise heads: there must be one for each of models",
    ),
    "class missing": (lambda d: d["stages"]["characterise"].update(classes=["aml", "solid"]), "some order of aml"),
    "no window": (lambda d: d["stages"]["locate"].update(window=30), "window must be a JSON object"),
}


def test_reads_metadata_as_types(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert (bundle.name, bundle.pipeline, bundle.stages.delineate.shape) == ("toy", "cascade", (64, 64, 64))
    assert bundle.stages.characterise.window.width_hu == 300
    assert set(bundle.stages.files) <= set(bundle.checksums)
    assert bundle.identity.sha256 == toy_bundle().sha256
    assert bundle.model_card.startswith("# Toy networks")


def test_one_head_by_its_old_name(folder: Path) -> None:
    """Bundles published while a cascade had one classifier at most."""

    def older(data: dict) -> None:
        stage = data["stages"]["characterise"]
        stage["head"] = stage.pop("heads")[0]

    edit(folder, older)
    assert read_bundle(folder).stages == toy_bundle().stages


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled_bundle_is_refused_by_name(case: str, folder: Path) -> None:
    spoil, words = SPOILED[case]
    spoil(folder)
    with pytest.raises(InputError) as refusal:
        read_bundle(folder)
    assert words in str(refusal.value) and "toy" in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("case", EDITS)
def test_invalid_metadata_are_refused_by_name(case: str, folder: Path) -> None:
    change, words = EDITS[case]
    edit(folder, change)
    with pytest.raises(InputError) as refusal:
        read_bundle(folder)
    assert words in str(refusal.value) and "bundle toy" in str(refusal.value) and "\n" not in str(refusal.value)


def test_places_and_names(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "toy" not in find_bundles()
    with pytest.raises(InputError, match="there is no bundle toy"):
        load_bundle("toy")
    imported = import_bundle(folder)
    assert imported.folder == home / "Bundles" / "toy" and load_bundle("toy").folder == imported.folder
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere / "second")
    monkeypatch.setenv("RENALAI_BUNDLES", os.pathsep.join([str(elsewhere), str(folder)]))
    found = find_bundles()
    assert found["second"] == elsewhere / "second" and found["toy"] == folder  # given places come first
    assert load_bundle(folder).folder == folder.resolve()


def test_default_bundle_is_the_shipped_one_or_the_only_one(folder: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("RenalAILib.bundles.store.bundle_places", lambda: (home / "Bundles",))
        with pytest.raises(InputError, match="no default bundle"):
            load_bundle()
        import_bundle(folder)
        assert load_bundle().name == "toy"
        edit(folder, lambda data: data.update(name="other"))
        import_bundle(folder)
        with pytest.raises(InputError, match="found: other, toy"):
            load_bundle()
        edit(folder, lambda data: data.update(name=DEFAULT_BUNDLE))
        import_bundle(folder)
        assert load_bundle().name == DEFAULT_BUNDLE


def test_of_two_shipped_the_accurate_one_is_the_default(folder: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("RenalAILib.bundles.store.bundle_places", lambda: (home / "Bundles",))
        for name in reversed(SHIPPED):
            edit(folder, lambda data, name=name: data.update(name=name))
            import_bundle(folder)
        assert tuple(find_bundles()) == SHIPPED and load_bundle().name == DEFAULT_BUNDLE == SHIPPED[0]


def test_export_and_import_give_the_same_bundle(folder: Path, home: Path, tmp_path: Path) -> None:
    path = export_bundle(read_bundle(folder), tmp_path / "toy.zip")
    assert import_bundle(path).sha256 == toy_bundle().sha256
    assert sorted(item.name for item in (home / "Bundles").iterdir()) == ["toy"]
    assert [item.name for item in tmp_path.glob(".*")] == []


def test_import_replaces_another_bundle_only_when_allowed(folder: Path, home: Path) -> None:
    first = import_bundle(folder)
    assert import_bundle(folder).sha256 == first.sha256  # the same once more is no conflict
    edit(folder, lambda data: data.update(version="0.0.2"))
    with pytest.raises(InputError, match="another bundle toy"):
        import_bundle(folder)
    assert load_bundle("toy").version == "0.0.1"
    assert import_bundle(folder, replace=True).version == "0.0.2"
    assert sorted(item.name for item in (home / "Bundles").iterdir()) == ["toy"]


@pytest.fixture
def thin(folder: Path, tmp_path: Path) -> Path:
    """A bundle whose kidney network lies only in the one beside it, under another name."""
    neighbour = Path(shutil.copytree(folder, tmp_path / "neighbour"))
    edit(neighbour, lambda data: data["stages"]["locate"].update(models=["models/first.onnx"]))
    (neighbour / "models/locate.onnx").rename(neighbour / "models/first.onnx")
    write_checksums(neighbour)
    (folder / "models/locate.onnx").unlink()
    return folder


def test_a_network_is_taken_from_the_bundle_beside_it(thin: Path) -> None:
    bundle = read_bundle(thin)
    assert bundle.files["models/locate.onnx"] == thin.parent / "neighbour/models/first.onnx"
    assert bundle.files["LICENSE"] == thin / "LICENSE"
    assert bundle.sha256 == toy_bundle().sha256, "the same bundle, wherever its files lie"


def test_a_bundle_that_shares_is_whole_where_it_goes(thin: Path, home: Path, tmp_path: Path) -> None:
    zipped = export_bundle(read_bundle(thin), tmp_path / "toy.zip")
    for source in (thin, zipped):
        imported = import_bundle(source)
        assert imported.sha256 == toy_bundle().sha256
        assert all(path.is_relative_to(home) for path in imported.files.values())
        shutil.rmtree(imported.folder)


def test_what_a_neighbour_may_give(thin: Path) -> None:
    """Networks alone, with the right content; a neighbour that is broken or unreadable gives none."""
    shutil.copytree(thin, thin.parent / "a broken one")
    (thin.parent / "a broken one" / CHECKSUMS).write_bytes(b"\xff")
    read_bundle(thin)
    model = thin.parent / "neighbour/models/first.onnx"
    model.write_bytes(b"x")
    with pytest.raises(InputError, match=r"the bundle neighbour has a changed file, models/locate\.onnx"):
        read_bundle(thin)
    model.unlink()
    with pytest.raises(InputError, match=r"toy lacks the file models/locate\.onnx, and no bundle beside it holds it"):
        read_bundle(thin)


def test_a_licence_is_never_anothers(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "neighbour")
    (folder / "LICENSE").unlink()
    with pytest.raises(InputError, match="lacks the file LICENSE"):
        read_bundle(folder)


def zipped(tmp_path: Path, entries: dict[str, bytes], mode: int = 0) -> Path:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize("name", ["../evil.onnx", "/etc/evil", "C:/evil", "toy/../../evil", "toy\\..\\evil", "a//b"])
def test_zip_paths_outside_are_refused(name: str, home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="outside a bundle"):
        import_bundle(zipped(tmp_path, {name: b"x"}))
    assert not list((home / "Bundles").iterdir()) and not (tmp_path / "evil.onnx").exists()


def test_zip_links_and_bombs_are_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="link or device"):
        import_bundle(zipped(tmp_path, {"toy/link": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777))
    monkeypatch.setattr("RenalAILib.bundles.store.MAXIMUM_BYTES", 1 << 20)
    with pytest.raises(InputError, match="unpacks to more"):
        import_bundle(zipped(tmp_path, {"toy/zeros": bytes(2 << 20)}))
    monkeypatch.setattr("RenalAILib.bundles.store.MAXIMUM_FILES", 3)
    with pytest.raises(InputError, match="holds 4 files"):
        import_bundle(zipped(tmp_path, {f"toy/{n}": b"" for n in range(4)}))
    assert not list((home / "Bundles").iterdir())


def test_zip_that_lies_about_its_size_is_refused(home: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path, {"toy/zeros": bytes(1 << 20)})
    content = path.read_bytes()
    truth, lie = (1 << 20).to_bytes(4, "little"), (16).to_bytes(4, "little")
    assert content.count(truth) == 2  # local header and central directory
    path.write_bytes(content.replace(truth, lie))
    with pytest.raises(InputError, match="cannot be unpacked"):
        import_bundle(path)
    assert not list((home / "Bundles").iterdir())


def test_sources_that_are_no_bundle_are_refused(folder: Path, home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        import_bundle(tmp_path / "nothing")
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    with pytest.raises(InputError, match="neither a bundle's folder nor a zip"):
        import_bundle(tmp_path / "text.zip")
    whole = export_bundle(read_bundle(folder), tmp_path / "toy.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.zip"):
        import_bundle(tmp_path / "half.zip")
    (folder / "LICENSE").write_text("changed", encoding="utf-8")
    with pytest.raises(InputError, match="changed file"):
        import_bundle(folder)
    with pytest.raises(InputError, match="changed file"):
        export_bundle(replace(toy_bundle(), folder=folder), tmp_path / "out.zip")
    assert not list((home / "Bundles").iterdir()) and not (tmp_path / "out.zip").exists()
