"""The commands that make training samples and test scans of real scans and shapes.

``synthesise --data DATA --stage STAGE --count N --seed S -o FOLDER`` and
``synthesise-scans --data DATA --cases CASE ... --held-out-shapes --count N --seed S -o DATASET``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..stages import SYNTHESISED


class Synthesise:
    """``renalai dataset synthesise``: samples from real scans, real shapes and phantoms."""

    help = "make training samples from real scans, real shapes and phantoms"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's words."""
        parser.add_argument("--data", type=Path, required=True, help="folder with ct/ and kits23_masks/")
        parser.add_argument("--stage", choices=SYNTHESISED, required=True, help="the network they are for")
        parser.add_argument("--count", type=int, required=True, help="how many of this seed the store shall hold")
        parser.add_argument("--seed", type=int, default=1, help="what every random part is drawn from")
        parser.add_argument("--phantoms", type=float, default=0.35, help="share made from phantoms (0 to 1)")
        parser.add_argument("-o", "--output", type=Path, required=True, help="folder of samples; continued if there")

    def run(self, args: argparse.Namespace) -> int:
        """Make what is missing; 0 when the store holds them all. Raises InputError."""
        from ..synthesis.filling import synthesise

        written = synthesise(args.data, args.stage, args.count, args.seed, args.output, args.phantoms)
        print(f"{written} samples written to {args.output}")
        return 0


class SynthesiseScans:
    """``renalai dataset synthesise-scans``: whole CTs with masses put into real kidneys, as a dataset."""

    help = "make whole CTs with masses put into real kidneys, for tests: a dataset that check and evaluate take"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's words."""
        parser.add_argument("--data", type=Path, required=True, help="folder with ct/ and kits23_masks/")
        parser.add_argument("--cases", nargs="+", metavar="CASE", required=True, help="of ct/, that trained nothing")
        parser.add_argument(
            "--held-out-shapes",
            action="store_true",
            help="outlines of the KiTS23 patients kept for tests (every fifth)",
        )
        parser.add_argument("--count", type=int, required=True, help="how many scans, shared evenly by the cases")
        parser.add_argument("--seed", type=int, default=1, help="what every random part is drawn from")
        parser.add_argument(
            "--sizes", type=float, nargs=2, default=(5.0, 80.0), metavar=("MM", "MM"),
            help="diameters from and to, spread evenly in the logarithm (5 80)",
        )  # fmt: skip
        parser.add_argument("-o", "--output", type=Path, required=True, help="the dataset; continued if there")

    def run(self, args: argparse.Namespace) -> int:
        """Make what is missing; 0 when the dataset holds them all. Raises InputError."""
        from .synthetic_scans import synthesise_scans

        written = synthesise_scans(
            args.data, args.cases, args.count, args.seed, args.output,
            held_out_shapes=args.held_out_shapes, sizes_mm=(args.sizes[0], args.sizes[1]),
            report=lambda line: print(line, flush=True),
        )  # fmt: skip
        print(f"{written} scans written to {args.output}")
        return 0
