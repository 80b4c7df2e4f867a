"""Coverage by layer, from the data of the last full run: the engine must reach its bar, the rest is stated.

python -m pytest --cov && python Testing/layercoverage.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[1]
BAR = 90.0
LAYERS = {
    "engine": "RenalAI/RenalAILib",
    "scene": "RenalAI/RenalAIScene",
    "module": "RenalAI/RenalAIWidgets",
    "training": "RenalAITraining/RenalAITrainingLib",
    "training module": "RenalAITraining/RenalAITrainingWidgets",
}
_SHOWN = 8  # files of the engine with the most lines that no test reaches


def main() -> int:
    """Prints the table; 1 where the engine is below its bar."""
    data = coverage.Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    data.load()
    reached = True
    for layer, folder in LAYERS.items():
        files = [counted(data, path) for path in sorted((ROOT / folder).rglob("*.py"))]
        lines, missed = sum(file[1] for file in files), sum(file[2] for file in files)
        percent = 100.0 * (1 - missed / lines)
        print(f"{layer:16}{percent:6.1f} % of {lines} lines" + (f" (bar: {BAR:g} %)" if layer == "engine" else ""))
        if layer == "engine":
            reached = percent >= BAR
            for name, of, without in sorted(files, key=lambda file: -file[2])[:_SHOWN]:
                print(f"    {name}: {without} of {of} lines are not reached")
    return 0 if reached else 1


def counted(data: coverage.Coverage, path: Path) -> tuple[str, int, int]:
    """A file's name, its lines that do something, and those of them that no test reached."""
    _, lines, _, missed, _ = data.analysis2(str(path))
    return path.relative_to(ROOT).as_posix(), len(lines), len(missed)


if __name__ == "__main__":
    sys.exit(main())
