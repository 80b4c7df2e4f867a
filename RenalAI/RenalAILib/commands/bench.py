"""bench: what a segmentation costs on this computer."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console, progress
from .segment import add_device, add_weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..bundles.bundle import Bundle
    from ..volume import Volume


class Bench:
    """``renalai bench``."""

    help = "measure time and memory of every stage on this computer"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("input", metavar="INPUT", nargs="?", help="a CT (default: a phantom of 512 x 512 x 300)")
        add_weights(parser)
        add_device(parser)
        parser.add_argument("--engine", choices=("onnxruntime", "openvino", "torch"), help="default: the fastest here")
        parser.add_argument("--runs", type=int, default=5, help="measured runs after a first one (default: 5)")

        parser.add_argument(
            "--peers", action="store_true", help="the kidney network through nnU-Net's and MONAI's inference instead"
        )
        parser.add_argument("--page", metavar="FILE", help="with --peers: also write the table as Markdown")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..bench import bench, bench_truth, bench_volume, table
        from ..bundles.store import load_bundle
        from ..reading import read_volume

        bundle = load_bundle(arguments.bundle)
        volume = read_volume(arguments.input) if arguments.input else bench_volume()
        runs = max(arguments.runs, 1)
        if arguments.peers:
            page = Path(arguments.page) if arguments.page else None
            return _with_peers(volume, bundle, runs, page, None if arguments.input else bench_truth())
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


def _with_peers(
    volume: Volume, bundle: Bundle, runs: int, page: Path | None, truth: npt.NDArray[np.uint8] | None
) -> int:
    """Hands over to the training library, which has torch, MONAI and nnU-Net."""
    found = {entry.name: entry for entry in entry_points(group="renalai.bench")}
    if "peers" not in found:
        raise InputError(
            "the training library is not installed, and peers are compared by it: pip install renalai[train]"
        )
    with progress("Measuring") as report:
        shown = (
            found["peers"]
            .load()
            .run(
                volume,
                bundle,
                runs,
                page,
                lambda name, done: report("run", done / runs, f"{name}: run {done} of {runs}"),
                truth,
            )
        )
    console().print(shown)
    return 0


command = Bench()
