"""House rules that no tool checks by itself: names, places, weight."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "RenalAI" / "RenalAILib"
MODULES = (ROOT / "RenalAI", ROOT / "RenalAITraining")
TEXT = {".py", ".toml", ".md", ".yaml", ".yml", ".json", ".txt", ".sh", ".bat", ".cmake", ".html", ".css", ".ui", ""}
HEAVY = {
    "torch",
    "monai",
    "onnxruntime",
    "openvino",
    "SimpleITK",
    "pydicom",
    "highdicom",
    "rich",
    "scipy",
    "matplotlib",
}
FORBIDDEN = HEAVY - {"scipy", "matplotlib"} | {"slicer", "qt", "ctk", "vtk", "RenalAITrainingLib", "RenalAIScene"}


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_both_modules_fit_into_one_folder() -> None:
    """Slicer installs all scripted modules of all extensions into one folder; the last file of a name wins."""
    shared = {"__init__.py", "CMakeLists.txt"}
    names = [
        path.relative_to(module).as_posix().lower()
        for module in MODULES
        for path in module.rglob("*")
        if path.is_file() and path.name not in shared and "__pycache__" not in path.parts
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_top_level_names_are_our_own() -> None:
    """A folder called Resources or Testing would be shared with every other extension."""
    for module in MODULES:
        for path in module.iterdir():
            if path.name not in {"CMakeLists.txt", "__pycache__", "Resources"} and not path.name.startswith("."):
                assert path.name.startswith("RenalAI"), path


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports test files of different folders by their bare names."""
    names = Counter(path.name for path in sources(ROOT / "Testing") if path.name not in {"__init__.py", "conftest.py"})
    tests = {name: count for name, count in names.items() if name.startswith("test_")}
    assert [name for name, count in tests.items() if count > 1] == []


def test_no_path_of_one_machine() -> None:
    places = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|[A-Z]:\\Users\\")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix in TEXT and path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if places.search(line)
    ]
    assert found == []


def test_nothing_large_is_tracked() -> None:
    """The Extensions Index takes repositories up to 100 MB."""
    sizes = {path: path.stat().st_size for path in tracked()}
    assert sum(sizes.values()) < 100e6
    assert [path for path, size in sizes.items() if size > 40e6] == []


def test_files_stay_readable() -> None:
    paths = sources(*MODULES, ROOT / "Testing")
    longest = {path.name: len(path.read_text("utf-8").splitlines()) for path in paths}
    assert {name: lines for name, lines in longest.items() if lines > 400} == {}


@pytest.mark.parametrize("path", sources(ENGINE), ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_engine_imports_nothing_heavy_at_file_scope(path: Path) -> None:
    assert _file_scope_imports(path) & FORBIDDEN == set()


IN_SLICER = [
    path for module in MODULES for path in sources(module) if not path.relative_to(module).parts[0].endswith("Lib")
]


@pytest.mark.parametrize("path", IN_SLICER, ids=lambda path: path.name)
def test_modules_import_nothing_heavy_at_file_scope(path: Path) -> None:
    """Slicer imports every module when it starts; packages may not even be installed yet."""
    assert _file_scope_imports(path) & HEAVY == set()


def _file_scope_imports(path: Path) -> set[str]:
    """First names of what a file imports outside functions and outside ``if TYPE_CHECKING``."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def test_import_costs_little(measured: Callable[[str, float, str, float], None]) -> None:
    """CPU time of the command's own modules; Python's start is not counted."""
    code = (
        "import sys, time; begin = time.process_time(); import RenalAILib.cli; spent = time.process_time() - begin;"
        "print(spent)"
    )
    env = {"PYTHONPATH": str(MODULES[0]), "PATH": ""}
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=env).stdout)
        for _ in range(3)
    ]
    measured("import RenalAILib.cli, CPU", 1000 * min(seconds), "ms", 200)


def _modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{MODULES[0]}:{MODULES[1]}", "PATH": ""},
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "module", ["RenalAILib", "RenalAILib.cli", "RenalAILib.reading", "RenalAILib.pipelines.running"]
)
def test_importing_the_engine_is_light(module: str) -> None:
    assert _modules_after(f"import {module}") & (HEAVY | {"vtk", "slicer"}) == set()


def test_help_needs_no_packages() -> None:
    loaded = _modules_after("from RenalAILib.cli import main; assert main(['segment', '--help']) == 0")
    assert loaded & (HEAVY | {"numpy"}) == set()


def test_inference_requirements_hold_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in project["dependencies"]}
    assert {"numpy", "simpleitk", "onnxruntime"} <= names
    assert names & {"torch", "torchvision", "monai", "onnx", "tensorflow", "onnxruntime-gpu"} == set()


def test_inference_runs_without_training_packages() -> None:
    """Segmenting never reaches for torch, monai or scipy, even where they are installed."""
    blocked = "sys.modules.update(dict.fromkeys(['torch', 'monai', 'scipy', 'yaml', 'onnx', 'matplotlib']))"
    code = "import RenalAILib.pipelines.running, RenalAILib.report, RenalAILib.reading, RenalAILib.worker"
    assert "torch" not in _modules_after(code)
    subprocess.run(
        [sys.executable, "-c", f"import sys; {blocked}; {code}"],
        check=True,
        env={"PYTHONPATH": str(MODULES[0]), "PATH": ""},
        cwd=ROOT,
    )


def test_layers_hold() -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("method", ["read_text", "write_text"])
def test_text_files_name_their_encoding(method: str) -> None:
    """The default is that of the machine: ASCII on a bare server, cp1252 on Windows."""
    nameless = []
    for path in (path for path in tracked() if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
                given = len(node.args) + len(node.keywords)
                if given < (1 if method == "read_text" else 2):
                    nameless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert nameless == []


def test_what_other_programs_print_is_read_as_utf8() -> None:
    """`text=True` alone reads it in the machine's encoding: one emoji of torchrun ends an ASCII machine's test."""
    nameless = []
    for path in (path for path in tracked() if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {word.arg for word in node.keywords}
                if named & {"text", "universal_newlines"} and named & {"capture_output", "stdout", "stderr", "input"}:
                    nameless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert nameless == []
