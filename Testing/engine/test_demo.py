"""The demonstration with each shipped bundle: the bars of a newcomer's first command."""

from __future__ import annotations

import json

import pytest

from RenalAILib import cli
from RenalAILib.compare import DomainOutcome
from RenalAILib.demo import demonstrate
from shippedbundles import FOLDER, PRESENT


@pytest.fixture(scope="module", params=PRESENT)
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("demo")
    return demonstrate(folder, 4, bundle=str(FOLDER / request.param), report=lambda *_: None)


def test_the_bar_of_the_demonstration(result) -> None:
    dice = {row.side: row.dice for row in result.agreement.structures if row.structure == "kidney_and_mass"}
    domains = result.agreement.detection.domains
    assert min(dice.values()) >= 0.95
    assert [domain.outcome for domain in domains] == [DomainOutcome.TRUE_POSITIVE] * 4
    assert all(domain.true_class is domain.predicted_class for domain in domains)


def test_everything_is_written(result) -> None:
    assert all(path.stat().st_size > 0 for path in result.paths.values())
    assert json.loads(result.paths["agreement.json"].read_text(encoding="utf-8"))["schema"] == "renalai.agreement/1"


def test_a_folder_that_is_a_file_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    assert cli.main(["demo", "-o", str(tmp_path / "taken")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
