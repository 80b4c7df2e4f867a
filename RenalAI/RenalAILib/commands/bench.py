"""bench: what a segmentation costs on this computer."""

from __future__ import annotations

import argparse

from .console import console, progress
from .segment import add_device, add_weights


class Bench:
    """``renalai bench``."""

    help = "measure time and memory of every stage on this computer"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("input", metavar="INPUT", nargs="?", help="a CT (default: a phantom of 512 x 512 x 300)")
        add_weights(parser)
        add_device(parser)
        parser.add_argument("--engine", choices=("onnxruntime", "openvino", "torch"), help="default: the fastest here")
        parser.add_argument("--runs", type=int, default=5, help="measured runs after a first one (default: 5)")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..bench import bench, bench_volume, table
        from ..bundle_store import load_bundle
        from ..reading import read_volume

        bundle = load_bundle(arguments.bundle)
        volume = read_volume(arguments.input) if arguments.input else bench_volume()
        runs = max(arguments.runs, 1)
        with progress("Measuring") as report:
            report("warm", 0.0, "First run, not measured")
            measured = bench(
                bundle,
                volume,
                device=arguments.device,
                engine=arguments.engine,
                fast=arguments.fast,
                runs=runs,
                progress=lambda done: report("run", done / runs, f"Run {done} of {runs}"),
            )
        console().print(table(measured))
        return 0


command = Bench()
