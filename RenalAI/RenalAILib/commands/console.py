"""Console: progress and tables for a person at a terminal, plain lines for a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

Report = Callable[[str, float, str], None]


def console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal.

    Square brackets stay what they are: a series may be called ``[portal]``.
    """
    from rich.console import Console

    return Console(
        soft_wrap=True, width=None if sys.stdout.isatty() else 120, highlight=False, markup=False, emoji=False
    )


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """What a job calls with (stage, fraction of the whole, message): a bar on a terminal, lines elsewhere.

    The lines go to standard output: on standard error stands nothing but what went wrong.
    """
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda stage, fraction, message: bar.update(task, completed=fraction, description=message or stage)


def _line(stage: str, fraction: float, message: str) -> None:
    print(f"{round(100 * fraction):3d} %  {message or stage}", flush=True)
