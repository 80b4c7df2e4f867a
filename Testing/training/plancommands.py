"""Whole plans as a user trains them: a shipped one changed and written beside, and the words of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from RenalAITrainingLib.plans import bundle_plan


def shipped_plan(name: str) -> dict[str, Any]:
    """The content of a plan's file."""
    path = Path(bundle_plan.__file__).with_name(f"{name}.yaml")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def written_plan(plan: dict[str, Any], folder: Path) -> Path:
    """``plan.yaml`` in the folder."""
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    return folder / "plan.yaml"


def train_words(plan: str | Path, dataset: Path, out: Path) -> list[str]:
    """``train --all`` on one thread of the CPU."""
    return ["train", "--all", str(plan), "--dataset", str(dataset), "-o", str(out), "--threads", "1", "--device", "cpu"]
