"""Every stage that an engine's job may report to the panel has words there, which can be translated."""

from __future__ import annotations

import ast
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[2] / "RenalAI" / "RenalAILib"
ROOMS = ("pipelines", "cascade", "detector", "worker", "study.py", "phases.py")
CALLS = {"steps", "work.steps", "report", "Progress"}


def reported() -> dict[str, str]:
    """Stages by where they are reported."""
    found = {}
    for room in ROOMS:
        place = ENGINE / room
        for path in [place] if place.is_file() else sorted(place.glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in CALLS:
                    stage = node.args[0]
                    if isinstance(stage, ast.Constant) and isinstance(stage.value, str):
                        found[stage.value] = f"{path.name}:{node.lineno}"
    return found


def test_every_stage_has_words(double):
    from RenalAIWidgets.texts import stage_in_words

    stages = reported()
    assert {"locate", "delineate", "characterise", "vote", "detect", "read", "write"} <= set(stages)
    bare = {stage: place for stage, place in stages.items() if stage_in_words(stage) == stage.capitalize()}
    assert bare == {}
