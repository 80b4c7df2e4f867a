"""The pages: their links and pictures are there, their commands are understood, their Python runs."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from RenalAILib import cli
from RenalAILib.bundles.store import load_bundle
from RenalAILib.errors import InputError
from shippedbundles import FOLDER, PRESENT

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "Resources" / "Docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "Testing" / "engine")]


def links(page: Path) -> list[str]:
    """What a page links to in this repository, with the part behind ``#``."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_found_from_the_first() -> None:
    seen, waiting = set(), [PAGES[0]]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += [target for target in targets if target.suffix == ".md" and target in PAGES and target not in seen]
    assert set(PAGES) == seen


def test_every_picture_is_made_by_the_script_and_shown() -> None:
    from make_all_pictures import NAMES, PICTURES

    shown = {(page.parent / link).resolve().name for page in PAGES for link in links(page) if link.endswith(".png")}
    assert sorted(path.name for path in PICTURES.glob("*.png")) == NAMES == sorted(shown)


@pytest.mark.parametrize("library", ["RenalAI/RenalAILib", "RenalAITraining/RenalAITrainingLib"])
def test_the_architecture_names_every_room(library: str) -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    told = {name.rstrip("/").split("/")[0] for name in re.findall(r"`([\w/]+)`", text)}
    rooms = {
        path.stem
        for path in (ROOT / library).iterdir()
        if not path.name.startswith(("_", ".")) and (path.suffix == ".py" or path.is_dir())
    }
    assert rooms - told == set()


@pytest.mark.parametrize("name", PRESENT)
def test_accuracy_is_that_of_the_shipped_weights(name: str) -> None:
    """New weights need new numbers: the page names the version that was measured."""
    bundle = load_bundle(FOLDER / name)
    page = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert f"{bundle.name} {bundle.version}" in page


def blocks(page: Path, language: str) -> Iterator[str]:
    """The fenced blocks of a page in one language."""
    opened, lines = "", []
    for line in page.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.startswith("```"):
            lines.append(line)
        elif opened:
            if opened == f"```{language}":
                yield "".join(lines)
            opened = ""
        else:
            opened, lines = line.strip(), []


def commands() -> Iterator[tuple[str, list[str]]]:
    """The commands ``./run ...`` of all pages, lines of their own and in the text, without ``./run``."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                if line.startswith("./run "):
                    yield page.name, shlex.split(line, comments=True)[1:]
        for line in re.findall(r"`\./run ([^`]+)`", page.read_text(encoding="utf-8")):
            yield page.name, shlex.split(line)


COMMANDS = list(commands())


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 30
    assert {words[0] for _page, words in COMMANDS} >= {
        "demo",
        "test",
        "segment",
        "train",
        "dataset",
        "evaluate",
        "batch",
    }


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=f"{page}-{' '.join(words)}"[:90]) for page, words in COMMANDS]
)
def test_commands_are_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As far as the words go: nothing is run."""
    if words[0] == "test":
        pytest.skip("the launcher's own word; what follows it is pytest's")
    if len(words) == 1:
        words = [*words, "--help"]  # the text speaks of the command, not of one line
    words = ["3" if word.startswith("$") or word == "N" else word for word in words]  # a variable of a job array
    try:
        cli._parse(words)
    except InputError as problem:
        pytest.fail(str(problem))
    except SystemExit:
        assert words[-1] == "--help"


def test_the_lines_for_python_work_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import SimpleITK as sitk
    import toybundle

    monkeypatch.setenv("RENALAI_BUNDLES", str(toybundle.installed_as_default(tmp_path / "bundles")))
    monkeypatch.chdir(tmp_path)
    scan = toybundle.painted(*toybundle.axial())
    image = sitk.GetImageFromArray(scan.voxels)
    image.SetSpacing([float(mm) for mm in scan.spacing_mm[::-1]])
    sitk.WriteImage(image, "scan.nii.gz")
    (block,) = [block for block in blocks(PAGES[0], "python") if "RenalAILib" in block]
    names: dict[str, object] = {}
    exec(block, names)
    assert len(names["outcome"].findings.masses) == 3  # type: ignore[attr-defined]
    assert (tmp_path / "results" / "report.html").is_file()
