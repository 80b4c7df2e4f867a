"""kpi: the key figures of the DeepHealth study from real runs, in one table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .console import console


class KpiCommand:
    """``renalai kpi PATH ...``."""

    help = "key figures (times, quality) of result, batch, training and evaluation folders, beside DeepHealth's"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        told = "result or batch folders, training runs, evaluations; searched for what they hold"
        parser.add_argument("places", metavar="PATH", nargs="+", help=told)
        parser.add_argument("-o", "--output", metavar="FILE", help="also as JSON")

    def run(self, arguments: argparse.Namespace) -> int:
        from rich.table import Table

        from ..kpi import collect, kpi_json, kpis
        from ..writing.whole import write_text

        lines = kpis(collect(Path(place).expanduser() for place in arguments.places))
        table = Table("figure")
        for heading in ("here", "range", "n", "paper"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("from", overflow="fold")
        for line in lines:
            value = "not measured" if line.value is None else f"{line.value:.3g} {line.unit}".strip()
            span = "" if line.low is None or line.high is None else f"{line.low:.3g} to {line.high:.3g}"
            table.add_row(line.name, value, span, str(line.count or ""), line.paper, line.source)
        out = console()
        out.print(table)
        out.print("Range: quartiles of times, 95 % confidence interval of qualities. Paper: J. Imaging 9, 280 (2023).")
        if arguments.output:
            write_text(Path(arguments.output), json.dumps(kpi_json(lines), indent=1, allow_nan=False) + "\n")
        return 0


command = KpiCommand()
