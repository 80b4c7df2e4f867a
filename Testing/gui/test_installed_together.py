"""Both modules as Slicer installs them: one folder with what the build lists name, and no checkout around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_cmake_lists import MODULES, ROOT, listed

from shippedbundles import PRESENT

SCRIPT = """
import importlib, pkgutil, sys
from pathlib import Path
import slicerdouble
folder = Path(sys.argv[1])
double = slicerdouble.install()
for name in ("RenalAI", "RenalAITraining"):
    widget = double.openModule(name, folder)
    double.enter(widget)
    assert Path(sys.modules[name].__file__).parent == folder
    assert Path(widget.resourcePath(f"Icons/{name}.png")).is_file()
    widget.cleanup()
import RenalAILib, RenalAIScene, RenalAITrainingLib
assert {Path(p.__file__).parents[1] for p in (RenalAILib, RenalAIScene, RenalAITrainingLib)} == {folder}
bundle = RenalAILib.load_bundle()
from RenalAILib.bundles.store import DEFAULT_BUNDLE, find_bundles
shipped = sys.argv[2].split()
assert bundle.folder == folder / "Resources" / "Bundles" / DEFAULT_BUNDLE
assert {name: path.parents[2] for name, path in find_bundles().items()} == dict.fromkeys(shipped, folder)
for module in pkgutil.walk_packages(RenalAILib.__path__, "RenalAILib."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.recipes import recipe
recipes = recipe.shipped()
assert [recipe.load(name).name for name in recipes] == recipes and recipes
assert all(bundle_plan.load(name) for name in bundle_plan.shipped())
print(len(recipes), "recipes")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What ``slicerMacroBuildScriptedModule`` and the install rule of the bundles make of the two lists."""
    target = tmp_path / "lib" / "Slicer-5.13" / "qt-scripted-modules"
    for module in MODULES:
        for name in listed(module, "MODULE_PYTHON_SCRIPTS") + listed(module, "MODULE_PYTHON_RESOURCES"):
            place = target / name
            assert not place.exists(), f"{name} is installed twice"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / module / name, place)
    text = (ROOT / "RenalAI" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "install(DIRECTORY ${RenalAI_BUNDLES_DIR}" in text
    shutil.copytree(ROOT / "Resources" / "Bundles", target / "Resources" / "Bundles")
    return target


def test_the_installed_folder_is_complete(folder: Path, tmp_path: Path) -> None:
    home = {"RENALAI_HOME": str(tmp_path / "home"), "RENALAI_BUNDLES": "", "QT_QPA_PLATFORM": "offscreen"}
    path = os.pathsep.join([str(folder), str(ROOT / "Testing")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), " ".join(PRESENT)],
        cwd=tmp_path,
        env={**os.environ, **home, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "recipes" in done.stdout
