"""demo: a phantom abdomen, segmented and compared with its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from .console import console, progress
from .segment import add_device


class Demo:
    """``renalai demo``."""

    help = "make a phantom abdomen CT, segment it and compare with the truth"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-o", "--output", metavar="OUT", default="renalai-demo", help="default: renalai-demo")
        parser.add_argument("--seed", type=int, default=4, help="another number makes another patient (default: 4)")
        parser.add_argument("--bundle", metavar="B", help="name or folder of the bundle (default: zhao2023-demo)")
        add_device(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        from ..demo import demonstrate, show_demo
        from ..errors import InputError

        if arguments.seed < 0:
            raise InputError(f"--seed must be 0 or more, got {arguments.seed}")
        with progress("Demonstration") as report:
            result = demonstrate(
                Path(arguments.output), arguments.seed, device=arguments.device, bundle=arguments.bundle, report=report
            )
        out = console()
        show_demo(result, out)
        out.print(f"\nReport: {result.paths['report.html']}  ({result.seconds:.1f} s in all)")
        return 0


command = Demo()
