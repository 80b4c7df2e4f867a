"""A job's answer, as JSON in its output folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ANSWER = "answer.json"


def write_answer(output: Path, answer: dict[str, Any]) -> None:
    """Leave ``answer`` (plain types) for whoever started the job."""
    (output / ANSWER).write_text(json.dumps(answer), encoding="utf-8")


def read_answer(output: Path) -> dict[str, Any]:
    """The inverse."""
    answer: dict[str, Any] = json.loads((output / ANSWER).read_text(encoding="utf-8"))
    return answer
