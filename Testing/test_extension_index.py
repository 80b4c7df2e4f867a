"""The entry for Slicer's Extensions Index, by the rules its own checks apply (schema 1.0.2 of the catalog entry)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENTRY = ROOT / "Resources" / "ExtensionsIndex" / "RenalAI.json"
REQUIRED = {"$schema", "category", "scm_url"}
TYPES: dict[str, type] = {
    "$schema": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "category": str,
    "dicom_support_rule": str,
    "enabled": bool,
    "scm_revision": str,
    "scm_type": str,
    "scm_url": str,
    "tier": int,
}
MOST_BYTES = 100 * 2**20


def cmake() -> dict[str, str]:
    """The ``EXTENSION_...`` variables of the top ``CMakeLists.txt``, and ``project``."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', text))
    project = re.search(r"project\((\w+)\)", text)
    assert project is not None
    return found | {"project": project[1]}


@pytest.fixture(scope="module")
def entry() -> dict:
    return json.loads(ENTRY.read_text(encoding="utf-8"))


def test_the_schema_allows_it(entry: dict) -> None:
    assert REQUIRED <= entry.keys() <= TYPES.keys()
    assert {key: type(value) for key, value in entry.items()} == {key: TYPES[key] for key in entry}
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert 1 <= entry["tier"] <= 5
    assert all(isinstance(name, str) for name in entry["build_dependencies"])


def test_it_is_written_as_the_index_wants_it(entry: dict) -> None:
    assert ENTRY.read_bytes() == (json.dumps(entry, indent=2, sort_keys=True) + "\n").encode()


def test_it_says_what_cmake_says(entry: dict) -> None:
    variables = cmake()
    assert ENTRY.stem == variables["project"]
    assert not ENTRY.stem.startswith("Slicer")
    assert entry["scm_url"] == variables["HOMEPAGE"]
    assert entry["scm_url"].rsplit("/", 1)[1] == f"Slicer{ENTRY.stem}"
    assert entry["category"] == variables["CATEGORY"]
    assert str(entry["tier"]) == variables["TIER"]
    wanted = [] if variables["DEPENDS"] == "NA" else variables["DEPENDS"].split(";")
    assert entry["build_dependencies"] == wanted


@pytest.mark.parametrize("name", ["ICONURL", "SCREENSHOTURLS"])
def test_pictures_of_the_catalog_are_in_the_repository(name: str, entry: dict) -> None:
    """Raw addresses of PNG files on the branch that the entry names."""
    raw = entry["scm_url"].replace("github.com", "raw.githubusercontent.com") + f"/{entry['scm_revision']}/"
    for address in cmake()[name].split():
        assert address.startswith(raw)
        picture = ROOT / address.removeprefix(raw)
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_checkout_is_small_and_licensed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    sizes = [path.stat().st_size for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    assert sum(sizes) < MOST_BYTES
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
