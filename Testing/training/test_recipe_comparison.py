"""Recipes side by side: the same samples, the same time, one table."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from RenalAILib.errors import InputError
from RenalAITrainingLib import commands
from RenalAITrainingLib.recipe_comparison import compare_recipes, patient_of
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleRecord, SampleStore
from RenalAITrainingLib.training.metrics_log import read_metrics
from RenalAITrainingLib.training.options import Options

MakeRecipe = Callable[..., Recipe]


def _written(recipe: Recipe, name: str, folder: Path) -> str:
    path = folder / f"{name}.yaml"
    content = json.loads(json.dumps(recipe.to_json() | {"name": name}))  # tuples become lists
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_the_better_recipe_wins_and_the_same_words_go_on(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One learns; the other, with a rate of nearly nothing, cannot."""
    good = _written(toy_recipe("delineate", schedule={"steps": 30}), "good", tmp_path)
    still = {"name": "adamw", "learning_rate": 1e-9, "clip": 1.0}
    lame = _written(toy_recipe("delineate", optimiser=still, schedule={"steps": 4}), "lame", tmp_path)
    words = ["train", "--compare", lame, good, "--samples", str(toy_samples.folder), "-o", str(tmp_path / "out")]
    assert commands.main([*words, "--threads", "1", "--device", "cpu"]) == 0
    told = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    rows = {row["measure"]: row for row in told["rows"]}
    assert rows["steps"]["good"] == 30 and rows["steps"]["lame"] == 4
    gain = rows["kidney dice"]["good less lame"]
    assert gain["low"] > 0.2 and gain["count"] == 4
    with (tmp_path / "out" / "comparison.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["measure"]: row for row in csv.DictReader(file)}
    assert float(listed["kidney dice"]["good"]) == pytest.approx(rows["kidney dice"]["good"]["value"], rel=1e-5)

    curve = read_metrics(tmp_path / "out" / "good" / "metrics.jsonl")
    assert commands.main([*words, "--threads", "1", "--device", "cpu"]) == 0
    again = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert again["rows"][1:] == told["rows"][1:]  # the first holds the minutes, of which looking takes some
    assert read_metrics(tmp_path / "out" / "good" / "metrics.jsonl") == curve
    assert "good: toy, going on" in capsys.readouterr().out


def test_classifiers_are_compared_by_what_the_whole_split_says(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path
) -> None:
    names = [
        _written(toy_recipe("characterise", schedule={"steps": steps}), f"steps-{steps}", tmp_path) for steps in (2, 4)
    ]
    table = compare_recipes(names, toy_samples.folder, tmp_path / "out", Options(threads=1), lambda line: None)
    rows = {str(row[0]): row for row in table.rows}
    best = [line for line in read_metrics(tmp_path / "out" / "steps-4" / "metrics.jsonl") if line.get("best")][-1]
    found = rows["balanced accuracy"][2]
    assert not isinstance(found, (str, int, float, type(None))) and found.low is None
    assert found.value == pytest.approx(best["balanced_accuracy"])


def test_what_cannot_be_compared_is_told(toy_samples: SampleStore, tmp_path: Path) -> None:
    for names, told in (
        (["demo-delineate"], "two or more different recipes, got demo-delineate"),
        (["demo-delineate", "demo-delineate"], "two or more different recipes"),
        (["demo-delineate", "demo-locate"], "demo-delineate trains delineate, demo-locate trains locate"),
    ):
        with pytest.raises(InputError, match=told):
            compare_recipes(names, toy_samples.folder, tmp_path / "out", Options(), lambda line: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--compare", "a", "b"], "name their folder with --samples"),
        (["demo-locate", "--compare", "a", "b"], "names all its recipes itself"),
        (["--samples", "s", "--resume", "--compare", "a", "b"], "it resumes by itself"),
    ],
)
def test_words_that_do_not_fit_a_comparison(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["train", *words, "-o", "out"]) == 2
    assert told in capsys.readouterr().err


def test_samples_of_one_scan_are_of_one_patient() -> None:
    scan = SampleRecord(1, "train", "locate", "synthetic", ("btcv_1", "case_2"))
    assert patient_of(scan) == "btcv_1"
    assert patient_of(SampleRecord(7, "train", "locate", "phantom")) == "sample 7"
