"""The extension's build files list what is there, and its two modules do not collide in their one install folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("RenalAI", "RenalAITraining")


def listed(module: str, variable: str) -> list[str]:
    """The entries of one ``set(...)`` of a module's CMakeLists.txt."""
    text = (ROOT / module / "CMakeLists.txt").read_text(encoding="utf-8")
    body = re.search(rf"set\({variable}\n(.*?)\n\s*\)", text, re.DOTALL)
    assert body is not None, f"{module}/CMakeLists.txt has no {variable}"
    return body[1].replace("${MODULE_NAME}", module).split()


def on_disk(module: str) -> set[str]:
    folder = ROOT / module
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_file_is_listed_once_and_every_entry_is_a_file(module):
    scripts, resources = listed(module, "MODULE_PYTHON_SCRIPTS"), listed(module, "MODULE_PYTHON_RESOURCES")
    there = on_disk(module) - {"CMakeLists.txt"}
    assert len(set(scripts + resources)) == len(scripts + resources)
    assert sorted(scripts) == sorted(name for name in there if name.endswith(".py"))
    assert sorted(resources) == sorted(name for name in there if not name.endswith(".py"))


@pytest.mark.parametrize("module", MODULES)
def test_slicer_finds_what_belongs_to_a_module(module):
    """The module's file, form and icon by its name, and its self-test."""
    folder = ROOT / module
    for name in (f"{module}.py", f"Resources/UI/{module}.ui", f"Resources/Icons/{module}.png"):
        assert (folder / name).is_file(), name
    text = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
    for words in (
        f"set(MODULE_NAME {module})",
        "slicerMacroBuildScriptedModule(",
        "WITH_GENERIC_TESTS",
        "slicer_add_python_unittest(SCRIPT ${MODULE_NAME}.py)",
    ):
        assert words in text, words


def test_two_modules_in_one_folder_do_not_overwrite_each_other():
    """Slicer installs the scripted modules of all extensions into one folder."""
    seen: dict[str, str] = {}
    for module in ("RenalAI", "RenalAITraining"):
        for name in on_disk(module) - {"CMakeLists.txt"}:
            assert name not in seen, f"{name} is in {seen[name]} and in {module}"
            seen[name] = module
    folded = [name.lower() for name in seen]
    assert len(set(folded)) == len(folded), "names that differ in case alone collide on Windows and macOS"


def test_the_extension_says_what_the_index_asks_for():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    fields = dict(re.findall(r'^set\(EXTENSION_(\w+) "(.+)"\)', text, re.MULTILINE))
    for name in ("HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert fields.get(name), name
    assert "project(RenalAI)" in text and fields["HOMEPAGE"].endswith("/SlicerRenalAI")
    assert fields["ICONURL"].endswith(".png")
    for module in MODULES:
        assert f"add_subdirectory({module})" in text
