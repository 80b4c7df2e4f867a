"""demo: a phantom abdomen, segmented and compared with its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from .segment import add_device


class Demo:
    """``renalai demo``."""

    help = "make a phantom abdomen CT, segment it and compare with the truth"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-o", "--output", metavar="OUT", default="renalai-demo", help="default: renalai-demo")
        parser.add_argument("--seed", type=int, default=1, help="another number makes another patient (default: 1)")
        add_device(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        from ..demo import run_demo

        return run_demo(Path(arguments.output), arguments.seed, arguments.device)


command = Demo()
