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
# The metadata of Slicer's SlicerExtensionDescriptionSpec.cmake (2026-08), and what UseSlicer.cmake.in reads besides.
KNOWN = {
    "BUILD_SUBDIRECTORY", "CATEGORY", "CONTRIBUTORS", "DEPENDS", "DESCRIPTION", "DICOM_SUPPORT_RULE", "ENABLED",
    "HOMEPAGE", "ICONURL", "KEYWORDS", "RECOMMENDS", "SCREENSHOTURLS", "STATUS", "TIER", "LICENSE_FILE", "README_FILE",
}  # fmt: skip


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


def test_cmake_sets_what_slicer_reads() -> None:
    """Lists are separated by spaces there: a semicolon would make several arguments of one value."""
    variables = cmake()
    assert variables.keys() - {"project"} <= KNOWN
    assert not any(";" in variables[name] for name in ("KEYWORDS", "RECOMMENDS", "DEPENDS", "SCREENSHOTURLS"))
    for name in ("LICENSE_FILE", "README_FILE"):
        assert (ROOT / variables[name].removeprefix("${CMAKE_CURRENT_SOURCE_DIR}/")).is_file()
    page = (ROOT / "Resources" / "Docs" / "extensions-index.md").read_text(encoding="utf-8")
    assert all(f"`EXTENSION_{name}`" in page for name in KNOWN), "each is set, or the page says why not"


def git(*words: str, give: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """What it answers in this checkout."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, input=give)


@pytest.mark.parametrize("name", ["ICONURL", "SCREENSHOTURLS"])
def test_pictures_of_the_catalog_are_in_the_repository(name: str, entry: dict) -> None:
    """Raw addresses of PNG files on the branch that the entry names."""
    raw = entry["scm_url"].replace("github.com", "raw.githubusercontent.com") + f"/{entry['scm_revision']}/"
    for address in cmake()[name].split():
        assert address.startswith(raw)
        picture = ROOT / address.removeprefix(raw)
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_checkout_is_small_and_licensed() -> None:
    """The index counts the clone with its history, packed, as it comes."""
    listed = git("ls-files", "-z")
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    names = listed.stdout.decode("utf-8", errors="replace").split("\0")
    sizes = [path.stat().st_size for name in names if name and (path := ROOT / name).is_file()]
    objects = git("rev-list", "--objects", "HEAD").stdout
    packed = git("pack-objects", "--stdout", "-q", "--no-reuse-delta", give=objects)  # however they lie here
    assert sum(sizes) + len(packed.stdout) < MOST_BYTES
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
