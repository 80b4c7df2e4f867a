"""bench: how fast this computer is, measured."""

from __future__ import annotations

import argparse

from .segment import add_device


class Bench:
    """``renalai bench``."""

    help = "measure time and memory of every step on this computer"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_device(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        from ..bench import run_bench

        return run_bench(device=arguments.device)


command = Bench()
