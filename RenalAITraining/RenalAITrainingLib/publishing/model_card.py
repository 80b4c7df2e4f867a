"""The model card of a bundle made of trained networks: what its networks are and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TABLES = (
    "composition", "overlap", "published", "detection", "by_size", "false_masses", "classes", "calibration_by_class",
)  # fmt: skip
_LISTINGS = ("scans", "cases")
"""Tables with a row for every case, which do not go into a card."""


def model_card(texts: Mapping[str, Any], networks: Mapping[str, Sequence[str]], evaluation: Any | None) -> str:
    """The Markdown of ``docs/README.md``.

    Args:
        texts: name, title, license, demonstration, training_domain, intended_use, citation.
        networks: recipes by stage.
        evaluation: the content of an ``evaluation.json``; None where these networks were not measured.
    """
    lines = [f"# {texts['name']} {texts['version']}: {texts['title']}", ""]
    if texts["demonstration"]:
        lines += ["**Demonstration weights: research only, not for diagnosis.**", ""]
    lines += ["## Intended use", str(texts["intended_use"]), "", "## What it was trained on"]
    lines += [str(texts["training_domain"]), "", "## Networks"]
    lines += [f"- {stage}: {', '.join(recipes)}" for stage, recipes in networks.items()]
    lines += ["", "## What was measured"]
    lines += _measured(evaluation) if evaluation else ["Nothing: no evaluation was made of these networks."]
    lines += ["", "## Limits", "Scans unlike those above were not tried. Every finding needs a radiologist's eye."]
    lines += ["", "## Licence and source", f"{texts['license']}. {texts['citation']}"]
    return "\n".join(lines) + "\n"


def _measured(evaluation: Mapping[str, Any]) -> list[str]:
    part = evaluation["split"] or "all cases"
    lines = [f"On {evaluation['dataset']}, {part}, by RenalAI {evaluation['renalai']}; in brackets 95 % intervals."]
    lines += [f"- {note}" for note in evaluation["notes"]]
    if "systems" in evaluation:
        tables, keys = evaluation["systems"][0]["tables"], list(_TABLES)
    else:  # of boxes or votes: few tables
        tables = evaluation["tables"]
        keys = [key for key in tables if key not in _LISTINGS]
    for key in keys:
        if key in tables and tables[key]["rows"]:
            lines += ["", f"### {tables[key]['title']}", *_rows(tables[key]["rows"])]
    return lines


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(_cell(row[name]) for name in columns) + " |" for row in rows]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        if value["value"] is None:
            return "-"
        between = "" if value["low"] is None else f" [{value['low']:.3g}, {value['high']:.3g}]"
        return f"{value['value']:.3g}{between}"
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
