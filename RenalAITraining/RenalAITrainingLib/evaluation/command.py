"""The command ``renalai evaluate``."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from RenalAILib.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from RenalAILib.bundles.bundle import Bundle
    from RenalAILib.steps import Report

    from .pairs import Selection
    from .running import Run
    from .systems import System

_PRINTED = (
    "comparison", "at_a_glance", "composition", "overlap", "published", "detection", "by_size", "false_masses",
    "confusion", "classes", "roc", "calibration_by_class",
)  # fmt: skip


class Evaluate:
    """``renalai evaluate DATASET_OR_FOLDER -o OUT``."""

    help = "measure a bundle on labelled CTs: the tables and figures of a paper, as a page, CSV and PNG"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's words."""
        parser.add_argument(
            "source",
            metavar="DATASET_OR_FOLDER",
            nargs="?",
            help="a dataset; a folder of folders with ct.nii.gz and labels.nii.gz; or a .csv with the columns ct,"
            " labels and, if known, patient, set, case",
        )
        parser.add_argument("--bundle", metavar="B", help="name or folder of the bundle (default: the one shipped)")
        parser.add_argument("--against", metavar="B2", help="a second bundle, compared with the first case by case")
        parser.add_argument(
            "--fold",
            nargs=2,
            action="append",
            metavar=("B", "CASES"),
            help="in place of DATASET_OR_FOLDER: this bundle on these cases; said once for each bundle of a"
            " cross-validation, whose results make one report",
        )
        parser.add_argument("--split", metavar="PART", help="only this part of the dataset's split, such as test")
        parser.add_argument(
            "--results",
            metavar="FOLDER",
            help="measure results that are there, FOLDER/CASE/labels.nii.gz; runs nothing",
        )
        parser.add_argument("--against-results", metavar="FOLDER", help="the same for the second system")
        parser.add_argument(
            "--slices",
            metavar="FOLDER",
            help="also draw each slice of prediction and truth as a PNG, FOLDER/1/CASE/prediction and .../truth, with"
            " the agreement of nested regions; 2 is the second system",
        )
        parser.add_argument(
            "--with-sinus",
            action="store_true",
            help="fill the renal sinus in the references first: RenalAI's own networks count it as kidney, masks of"
            " KiTS, BTCV and TotalSegmentator leave it out",
        )
        parser.add_argument("--fast", action="store_true", help="one network in place of an ensemble")
        parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the networks run")
        parser.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for the report")

    def run(self, arguments: argparse.Namespace) -> int:
        """Evaluate; 0 when the report is there. Raises InputError."""
        from RenalAILib.commands.console import console, progress
        from RenalAILib.writing.whole import check_replaceable

        from .report_folder import FILES, write_report

        output = Path(arguments.output).expanduser()
        _check_words(arguments)
        alone = _without_segments(arguments)
        if alone:
            return _evaluate_alone(arguments, alone, output)
        check_replaceable(output, FILES)
        kept = output.resolve().with_name(output.resolve().name + ".unfinished")
        with progress("Evaluating") as report:
            runs, selection = (_folds if arguments.fold else _side_by_side)(arguments, kept, report)
        tables = write_report(selection, arguments.split, runs, output)
        shutil.rmtree(kept, ignore_errors=True)  # its content is in the report now
        for table in tables:
            if table.key in _PRINTED and table.rows:
                table.show(console())
        for run in runs:
            for failure in run.failures:
                console().print(f"Not evaluated by {run.system}: {failure.case}. {failure.reason}")
        for note in selection.notes:
            console().print(f"Note: {note}")
        console().print(f"\nReport: {output / 'evaluation.html'}")
        return 0


def _check_words(arguments: argparse.Namespace) -> None:
    """Raises InputError unless there is a source, or folds and nothing that speaks of one source or system."""
    if not arguments.fold:
        if arguments.source is None:
            raise InputError("name what to measure on: a dataset, a folder of cases or a .csv; or use --fold")
        return
    others = {"DATASET_OR_FOLDER": arguments.source, "--bundle": arguments.bundle, "--against": arguments.against,
              "--results": arguments.results, "--against-results": arguments.against_results}  # fmt: skip
    given = next((word for word, value in others.items() if value is not None), None)
    if given:
        raise InputError(f"--fold names bundles and cases: leave out {given}")
    if len(arguments.fold) < 2:
        raise InputError("say --fold BUNDLE CASES for each bundle, twice or more; for one, --bundle is enough")


def _side_by_side(arguments: argparse.Namespace, kept: Path, report: Report) -> tuple[list[Run], Selection]:
    """One or two systems on the same cases."""
    from .pairs import select
    from .running import CaseStore, run_cases
    from .slice_pictures import SlicePictures

    systems = _systems(arguments)
    selection = select(Path(arguments.source), arguments.split)
    if arguments.with_sinus:
        selection = selection.with_sinus()
    runs = []
    drawn = Path(arguments.slices).expanduser() if arguments.slices else None
    for number, system in enumerate(systems):

        def told(stage: str, fraction: float, message: str, done: int = number) -> None:
            report(stage, (done + fraction) / len(systems), message)

        pictures = None if drawn is None else SlicePictures(drawn / str(number + 1))
        runs.append(run_cases(selection.pairs, system, CaseStore(kept / str(number + 1), pictures), told))
    return runs, selection


def _folds(arguments: argparse.Namespace, kept: Path, report: Report) -> tuple[list[Run], Selection]:
    """Several bundles, each on its own cases, as one."""
    from .folds import Fold, run_folds, selected
    from .slice_pictures import SlicePictures

    sources = [Path(cases) for _, cases in arguments.fold]
    selections = selected(sources, arguments.split, arguments.with_sinus)
    systems = [_bundle(name, arguments, Path(cases)) for name, cases in arguments.fold]
    pictures = SlicePictures(Path(arguments.slices).expanduser() / "1") if arguments.slices else None
    folds = [Fold(system, selection) for system, selection in zip(systems, selections, strict=True)]
    run, selection = run_folds(folds, kept, report, pictures)
    return [run], selection


def _without_segments(arguments: argparse.Namespace) -> list[Bundle]:
    """The bundles, where what they give is boxes or votes and has tables of its own; none for all others."""
    from RenalAILib.bundles.store import load_bundle

    from .without_segments import GIVES, check_comparable

    if arguments.results or arguments.bundle is None:
        return []
    bundle = load_bundle(arguments.bundle)
    if bundle.pipeline not in GIVES:
        return []
    if arguments.against is None and arguments.against_results is None:
        return [bundle]
    other = load_bundle(arguments.against) if arguments.against else None
    check_comparable(bundle, other)
    return [bundle] if other is None else [bundle, other]


def _evaluate_alone(arguments: argparse.Namespace, bundles: Sequence[Bundle], output: Path) -> int:
    from RenalAILib.commands.console import console, progress

    from .request import Request
    from .without_segments import evaluate_without_segments

    with progress("Evaluating") as report:
        request = Request(Path(arguments.source), arguments.split, output, arguments.device, arguments.fast)
        tables = evaluate_without_segments(request, bundles, report)
    for table in tables:
        table.show(console())
    console().print(f"\nReport: {output / 'evaluation.html'}")
    return 0


def _systems(arguments: argparse.Namespace) -> list[System]:
    """One or two of what is to be measured."""
    from .systems import ResultsSystem

    if arguments.results and arguments.bundle:
        raise InputError("give --bundle or --results, not both; a second system goes to --against")
    if arguments.against and arguments.against_results:
        raise InputError("give --against or --against-results, not both")
    source = Path(arguments.source)
    systems: list[System] = [
        ResultsSystem(Path(arguments.results)) if arguments.results else _bundle(arguments.bundle, arguments, source)
    ]
    if arguments.against_results:
        systems.append(ResultsSystem(Path(arguments.against_results)))
    elif arguments.against:
        systems.append(_bundle(arguments.against, arguments, source))
    return systems


def _bundle(name: str | None, arguments: argparse.Namespace, source: Path) -> System:
    from RenalAILib.bundles.store import load_bundle

    from .pairs import dataset_of
    from .systems import BundleSystem

    dataset = dataset_of(source)
    return BundleSystem(load_bundle(name), device=arguments.device, fast=arguments.fast, dataset=dataset)


evaluate = Evaluate()
