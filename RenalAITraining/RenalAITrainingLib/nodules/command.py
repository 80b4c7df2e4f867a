"""``renalai dataset nodules``: samples of lung nodules from LUNA16 or LIDC-IDRI, for the detector's own experiment."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from RenalAILib.errors import InputError

if TYPE_CHECKING:
    from .boxed_scan import BoxedScan


class Nodules:
    """``renalai dataset nodules SOURCE -o SAMPLES``."""

    help = "training samples of lung nodules for a detector, from LUNA16 or LIDC-IDRI"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, help="folder of LUNA16 (annotations.csv, .mhd) or of LIDC-IDRI (.xml beside DICOM), or"
            " one .xml of LIDC",
        )  # fmt: skip
        parser.add_argument("-o", "--output", type=Path, required=True, help="folder of samples; continued if there")
        parser.add_argument("--annotations", type=Path, help="LUNA16: annotations.csv, if it lies elsewhere")
        parser.add_argument("--ct", type=Path, help="of one .xml: its CT, if it lies elsewhere")
        parser.add_argument("--readers", type=int, default=3, help="LIDC: that must have marked a nodule (default: 3)")
        parser.add_argument("--validation", type=float, default=0.2, help="share of scans to validate on")
        parser.add_argument("--empty", type=int, default=3, help="slices without a nodule from each scan")

    def run(self, args: argparse.Namespace) -> int:
        from ..samples import SampleStore
        from .filling import add_scan, split_of

        if not 0 <= args.validation <= 1:
            raise InputError(f"--validation must be a share from 0 to 1, got {args.validation:g}")
        store, before, refused = SampleStore(args.output), len(SampleStore(args.output)), []
        listed = list(_listed(args))
        for name, load in listed:
            try:
                made = add_scan(store, load(), name, split_of(name, args.validation), empty=args.empty)
            except InputError as problem:
                refused.append(str(problem))
                print(f"{name} is left out: {problem}", flush=True)
                continue
            print(f"{name}: {made} samples", flush=True)
        if len(refused) == len(listed):
            raise InputError(f"no scan of {args.source} could be used, the first because: {refused[0]}")
        print(f"{len(store) - before} samples of {len(listed)} scans written to {args.output}, {len(refused)} left out")
        return 0


def _listed(args: argparse.Namespace) -> Iterator[tuple[str, Callable[[], BoxedScan]]]:
    """Names of scans and what reads each."""
    from RenalAILib.reading import read_ct

    from . import lidc, luna16
    from .filling import case_name

    table = args.annotations or args.source / luna16.TABLE
    if args.source.is_dir() and table.is_file():
        nodules = luna16.read_annotations(table)
        for path in luna16.scans(args.source):
            yield case_name("luna", path.stem), partial(luna16.read_scan, path, nodules.get(path.stem, []))
        return
    files = [args.source] if args.source.is_file() else sorted(args.source.rglob("*.xml"))
    if not files:
        raise InputError(f"{args.source} holds neither {luna16.TABLE} of LUNA16 nor an .xml of LIDC-IDRI")
    for file in files:
        ct = args.ct or file.parent

        def load(file: Path = file, ct: Path = ct) -> BoxedScan:
            nodules = lidc.agreed(lidc.read_readings(file), args.readers)
            return lidc.boxed(read_ct(ct).volume, nodules, file.name)

        yield case_name("lidc", file.stem), load
