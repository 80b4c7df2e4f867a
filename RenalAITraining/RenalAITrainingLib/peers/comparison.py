"""Comparison: every way answers the same question in this process, one after the other, several times."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from RenalAILib.bench import peak_mb
from RenalAILib.bundles.bundle import Bundle
from RenalAILib.compare.dice import dice
from RenalAILib.engines.threads import available_cores
from RenalAILib.errors import InputError
from RenalAILib.orientation import canonical
from RenalAILib.timing import Stopwatch
from RenalAILib.volume import Volume

from .monai_window import MonaiWindow
from .ours import Ours
from .question import PATCH, Labels, Question, Setup, Way

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("wall min s", "wall median s", "CPU min s", "CPU median s", "CPU of RenalAI", "memory MB", "Dice", "truth")


@dataclass(frozen=True)
class Row:
    """One way: seconds over the measured runs, peak memory above what was held before, agreement with RenalAI's labels.

    Attributes:
        times: CPU seconds (median) as a multiple of RenalAI's.
        extra_mb: None where it cannot be measured.
        dice: of the labels with RenalAI's; None where neither found a kidney.
        truth: of the labels with the truth; None where it is not known.
    """

    name: str
    wall_min_s: float
    wall_median_s: float
    cpu_min_s: float
    cpu_median_s: float
    times: float
    extra_mb: float | None
    dice: float | None
    truth: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """As :data:`HEADINGS` has them."""
        memory = "-" if self.extra_mb is None else f"{self.extra_mb:.0f}"
        seconds = (self.wall_min_s, self.wall_median_s, self.cpu_min_s, self.cpu_median_s)
        return (
            *(f"{value:.2f}" for value in seconds),
            f"{self.times:.1f} x",
            memory,
            *("-" if value is None else f"{value:.4f}" for value in (self.dice, self.truth)),
        )


def ways(question: Question) -> list[Way]:
    """RenalAI first, then each peer in every setup.

    Raises:
        InputError: nnU-Net is not installed.
    """
    try:
        from .nnunet import NnUNet

        peers: list[Way] = [NnUNet(question, setup) for setup in Setup]
    except ModuleNotFoundError as missing:
        package = str(missing.name).partition(".")[0]
        raise InputError(
            f"the package {package} is not installed; ./run bench --peers installs nnU-Net and what it needs"
        ) from missing
    return [Ours(question), *peers, *(MonaiWindow(question, setup) for setup in Setup)]


def compare(
    found: Sequence[Way],
    runs: int,
    progress: Callable[[str, int], None] | None = None,
    truth: Labels | None = None,
) -> list[Row]:
    """Let each way answer once to warm up and ``runs`` times to be measured.

    Args:
        found: the first is what the others are compared with.
        progress: called with a way's name and the number of its runs done.
        truth: other than 0 where there is kidney, where that is known.
    """
    torch.set_num_threads(available_cores())
    rows: list[Row] = []
    for way in found:
        labels = way.answer()
        if not rows:
            reference, least = labels, None
        before = peak_mb(reset=True)
        watches = []
        for n in range(runs):
            watch = Stopwatch()
            with watch("answer"):
                way.answer()
            watches.append(watch)
            if progress is not None:
                progress(way.name, n + 1)
        after = peak_mb(reset=False)
        wall = [watch.wall_s["answer"] for watch in watches]
        cpu = [watch.cpu_s["answer"] for watch in watches]
        median = statistics.median(cpu)
        least = least or median
        extra = None if before is None or after is None else max(after - before, 0.0)
        agreement = dice(labels > 0, reference > 0)
        right = None if truth is None else dice(labels > 0, truth > 0)
        seconds = (min(wall), statistics.median(wall), min(cpu), median, median / least)
        rows.append(Row(way.name, *seconds, extra, agreement, right))
    return rows


def terminal_table(rows: Sequence[Row], title: str) -> Table:
    """The rows for a terminal."""
    from rich.table import Table

    result = Table("way", title=title)
    for heading in HEADINGS:
        result.add_column(heading, justify="right")
    for row in rows:
        result.add_row(row.name, *row.cells)
    return result


def write_markdown(rows: Sequence[Row], title: str, command: str, path: Path) -> None:
    """The rows as a page for the docs, with the command that made them."""
    lines = [
        "# The same network on the same CT, three front ends",
        "",
        f"{title}. Made by `{command}`; `RenalAITrainingLib/peers/` says how each way is set up.",
        "",
        "CPU seconds are the column to trust on a shared machine. *Dice* is the agreement of the kidney label with",
        "RenalAI's, *truth* that with the phantom's truth.",
        "",
        "- *default* is the peer as it comes, *tuned* its cheapest settings; both show the network windows of",
        f"  {' x '.join(map(str, PATCH))} and join them.",
        "- *one window* shows it the whole scan at once, as RenalAI does; the peer brings the scan to 3 mm its own",
        "  way, without averaging what lies between.",
        "- *one window, same image* shows it the very image that RenalAI shows it: the like-for-like row. What is left",
        "  is the peer's way back to the CT's grid.",
        "",
        "| way | " + " | ".join(HEADINGS) + " |",
        "|---" * (len(HEADINGS) + 1) + "|",
        *(f"| {row.name} | " + " | ".join(row.cells) + " |" for row in rows),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Peers:
    """What ``renalai bench --peers`` runs."""

    def run(
        self,
        volume: Volume,
        bundle: Bundle,
        runs: int,
        output: Path | None,
        progress: Callable[[str, int], None],
        truth: Labels | None = None,
    ) -> Table:
        """Compare, and write the page to ``output`` where one is named. Raises InputError.

        Args:
            truth: on the volume's grid, other than 0 where there is kidney; None where it is not known.
        """
        question = Question.of(canonical(volume), bundle)
        seen = None if truth is None else canonical(Volume(truth, volume.ijk_to_ras)).voxels
        rows = compare(ways(question), runs, progress, seen)
        shape = " x ".join(str(size) for size in reversed(volume.shape))
        title = (
            f"Kidney network of {bundle.name} {bundle.version}, {shape} voxels, {available_cores()} CPU threads, "
            f"{runs} {'run' if runs == 1 else 'runs'} after a first one"
        )
        if output is not None:
            write_markdown(rows, title, f"./run bench --peers --runs {runs}", output)
        return terminal_table(rows, title)


peers = Peers()
