"""The command ``renalai dataset``: one word for each thing that is done to a dataset."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from RenalAILib.errors import InputError

from ..nodules.command import Nodules
from ..stages import CUT
from .synthesis_command import Synthesise, SynthesiseScans
from .vocabulary import ScanPhase

if TYPE_CHECKING:
    from .importers.structures import Structure

_LAYOUTS = (
    "kits",
    "totalsegmentator",
    "ddf",
    "nnunet",
    "decathlon",
    "brats-flair",
    "brats-t1",
    "brats-t1ce",
    "brats-t2",
)


class Verb(Protocol):
    """One word after ``renalai dataset``."""

    @property
    def help(self) -> str: ...

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


class Create:
    """``renalai dataset create FOLDER``."""

    help = "make an empty dataset"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a new or empty folder")
        parser.add_argument("--name", help="of the dataset; default: the folder's")
        parser.add_argument("--description", default="", help="what is in it; nothing that names a patient")

    def run(self, args: argparse.Namespace) -> int:
        from .folder import Dataset

        dataset = Dataset.create(args.folder, args.name or args.folder.resolve().name, args.description)
        print(f"{dataset.name} is in {args.folder}; renalai dataset import SOURCE -o {args.folder} brings cases in")
        return 0


class Import:
    """``renalai dataset import SOURCE -o FOLDER``."""

    help = "bring in cases of KiTS, nnU-Net, Decathlon, TotalSegmentator or DeepHealth; goes on where it was stopped"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="folder (or datalist) of another dataset; it is only read")
        parser.add_argument("-o", "--output", type=Path, required=True, help="the dataset; made if it is not there")
        parser.add_argument("--format", choices=_LAYOUTS, help="default: told from what lies in the source")
        parser.add_argument(
            "--label", action="append", default=[], metavar="NAME=OURS",
            help="a label is our kidney, kidney_right, kidney_left, aml, cystic, solid, unknown or nothing",
        )  # fmt: skip
        parser.add_argument("--table", type=Path, help="KiTS: table of histology (kits23.json), if it lies elsewhere")
        parser.add_argument("--source-name", help="what the column source shall say")
        parser.add_argument("--licence", help="what the column licence shall say")
        parser.add_argument("--phase", choices=[phase.value for phase in ScanPhase], help="contrast phase of all cases")
        parser.add_argument("--reader", default="reader-1", help="who drew the masks (reader-1); another adds masks")
        parser.add_argument("--limit", type=int, help="only the first so many cases")

    def run(self, args: argparse.Namespace) -> int:
        from RenalAILib.pseudonyms import Pseudonyms

        from .folder import INDEX, Dataset
        from .importers.bringing import bring
        from .importers.incoming import Options
        from .importers.layouts import LAYOUTS, layout_of

        layout = LAYOUTS[args.format] if args.format else layout_of(args.source)
        options = Options(
            dict(_structure(text) for text in args.label),
            args.source_name,
            args.licence,
            ScanPhase(args.phase) if args.phase else None,
            args.table,
        )
        listed = layout.listed(args.source, options)[: args.limit]
        there = (args.output / INDEX).exists()
        dataset = Dataset.open(args.output) if there else Dataset.create(args.output, args.output.resolve().name)
        brought = bring(dataset, listed, Pseudonyms.of_user(args.output), args.reader, _say)
        print(
            f"{len(brought.added)} cases added, {brought.there} were there before, {len(brought.refused)} left out"
            f"{f', {len(brought.second)} read again by {args.reader}' if brought.second else ''};"
            f" {args.output} has {len(dataset)}"
        )
        if brought.refused and not brought.added and not brought.second and not brought.there:
            name, reason = brought.refused[0]
            raise InputError(f"no case of {args.source} could be used, the first ({name}) because: {reason}")
        return 0


class Show:
    """``renalai dataset list FOLDER``."""

    help = "the cases: part, phase, masses, readers"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def run(self, args: argparse.Namespace) -> int:
        from rich.table import Table

        from RenalAILib.commands.console import console

        from .folder import Dataset

        dataset = Dataset.open(args.folder)
        table = Table("number", "case", "part", "phase", "masses (mm)", "histology", "source", "readers")
        for number, case in enumerate(dataset, 1):
            part = dataset.part_of(case) + (f" x{case.repeats}" if case.repeats > 1 else "")
            table.add_row(
                str(number), case.name, part, case.facts.phase.value, ", ".join(map(str, case.masses)),
                case.facts.histology.value, case.facts.source + ("" if case.has_image else ", mask only"),
                " ".join(f"{r}*" if r == case.reference and len(case.readers) > 1 else r for r in case.readers),
            )  # fmt: skip
        console().print(table)
        masses = [mass.mass_class.value for case in dataset for mass in case.masses]
        counts = ", ".join(f"{masses.count(name)} {name}" for name in sorted(set(masses))) or "none"
        patients = len({case.patient for case in dataset})
        print(f"{dataset.name}: {len(dataset)} cases of {patients} patients; masses: {counts}")
        return 0


class Check:
    """``renalai dataset check FOLDER``."""

    help = "look for what would spoil training, and draw contact sheets"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--sheet", type=Path, help="folder for the contact sheets; default: the dataset's")
        parser.add_argument("--no-sheet", action="store_true", help="draw nothing")

    def run(self, args: argparse.Namespace) -> int:
        from RenalAILib.writing.whole import replaced_file

        from .check import Severity, check
        from .contact_sheet import ContactSheets
        from .folder import Dataset

        dataset = Dataset.open(args.folder)
        sheets = ContactSheets()
        findings = check(dataset, None if args.no_sheet else sheets.add)
        for finding in findings:
            print(f"{finding.severity.value}: {finding.text}")
        for number, page in enumerate(sheets.pages(), 1):
            path = (args.sheet or args.folder) / f"contact-sheet-{number}.png"
            with replaced_file(path) as new:
                new.write_bytes(page)
            print(f"pictures: {path}")
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        if errors:
            raise InputError(f"{args.folder} has {errors} errors, told above; training on it would suffer")
        print(f"{len(dataset)} cases checked, no errors, {len(findings)} warnings")
        return 0


class Split:
    """``renalai dataset split FOLDER``."""

    help = "share out the patients: training, validation, test, or folds"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--ratio", default="8:1:1", help="training:validation:test, as 8:1:1 (default), 70:20:10")
        how.add_argument("--folds", type=int, help="so many parts of equal size for cross-validation instead")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--oversample", type=int, default=1, metavar="TIMES", help="draw cases of rare classes up to so many times"
        )

    def run(self, args: argparse.Namespace) -> int:
        from .folder import Dataset
        from .split import parsed_ratio, split_by_ratio, split_in_folds

        dataset = Dataset.open(args.folder)
        if args.folds is not None:
            if args.oversample != 1:
                raise InputError("--oversample goes with --ratio: each fold trains and validates in turn")
            made = split_in_folds(dataset.cases, args.folds, args.seed)
        else:
            made = split_by_ratio(dataset.cases, parsed_ratio(args.ratio), args.seed, args.oversample)
        dataset.set_split(made.parts, made.record, made.repeats)
        for part, content in made.record["parts"].items():
            masses = ", ".join(f"{count} {name}" for name, count in sorted(content["masses"].items())) or "none"
            print(f"{part}: {content['cases']} cases of {content['patients']} patients; masses: {masses}")
        if made.repeats:
            print(f"{len(made.repeats)} training cases are drawn more than once; which, stands in cases.csv")
        return 0


class Fuse:
    """``renalai dataset fuse FOLDER``."""

    help = "make one mask of several readers' masks, which becomes the truth"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--method", choices=("staple", "majority"), default="staple")
        parser.add_argument("--case", nargs="+", metavar="CASE", help="default: all that have two readers or more")

    def run(self, args: argparse.Namespace) -> int:
        from .case import FUSED
        from .folder import Dataset
        from .fusion import fuse_case

        dataset = Dataset.open(args.folder)
        several = [case for case in dataset if len(set(case.readers) - {FUSED}) > 1]
        chosen = [dataset.case(name) for name in args.case] if args.case else several
        if not chosen:
            raise InputError(f"{args.folder} has no case with the masks of two readers")
        for case in chosen:
            fuse_case(dataset, case, args.method)
            print(f"{case.name}: {len(set(case.readers) - {FUSED})} readers fused by {args.method}")
        return 0


class Samples:
    """``renalai dataset samples FOLDER --stage STAGE -o OUT``."""

    help = "cut training samples from the real cases, as the networks see them"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a dataset with a split")
        parser.add_argument("--stage", choices=CUT, required=True, help="the network they are for")
        parser.add_argument("-o", "--output", type=Path, required=True, help="folder of samples; continued if there")
        parser.add_argument("--variants", type=int, default=1, help="samples of each kidney or mass, jittered")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--fold", type=int, help="the fold that validates")
        parser.add_argument(
            "--edge", type=int, default=64, help="voxels along each axis of a mass's patch (64; Zhao 2023: 128)"
        )

    def run(self, args: argparse.Namespace) -> int:
        from .folder import Dataset
        from .real_samples import fill

        written = fill(
            Dataset.open(args.folder), args.stage, args.output,
            seed=args.seed, variants=args.variants, fold=args.fold, edge=args.edge, report=_say,
        )  # fmt: skip
        print(f"{written} samples written to {args.output}")
        return 0


class Slices:
    """``renalai dataset slices FOLDER --recipe RECIPE -o OUT``."""

    help = "cut axial slices with their class, for a classifier of slices"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="a dataset with a split")
        parser.add_argument("--phantoms", type=int, metavar="N", help="of so many simulated patients instead")
        parser.add_argument("--recipe", required=True, help="whose classes the slices get: a name or a .yaml file")
        parser.add_argument("-o", "--output", type=Path, required=True, help="folder of samples; continued if there")
        parser.add_argument("--most", type=int, help="at most so many slices of a patient, evenly spaced")
        parser.add_argument("--fold", type=int, help="the fold that validates")

    def run(self, args: argparse.Namespace) -> int:
        from ..recipes.recipe import load
        from .folder import Dataset
        from .slice_samples import fill_from_phantoms, fill_slices

        if (args.folder is None) == (args.phantoms is None):
            raise InputError("give either the folder of a dataset or --phantoms")
        recipe = load(args.recipe)
        if args.folder is None:
            written = fill_from_phantoms(args.phantoms, recipe, args.output, most=args.most)
        else:
            dataset = Dataset.open(args.folder)
            written = fill_slices(dataset, recipe, args.output, most=args.most, fold=args.fold, report=_say)
        print(f"{written} slices written to {args.output}")
        return 0


class DatasetCommand:
    """``renalai dataset create|import|list|check|split|fuse|samples|slices|nodules|synthesise|synthesise-scans``."""

    help = "make, fill, check and split a dataset; cut samples from it or synthesise them"
    verbs: dict[str, Verb]

    def __init__(self) -> None:
        self.verbs = {
            "create": Create(),
            "import": Import(),
            "list": Show(),
            "check": Check(),
            "split": Split(),
            "fuse": Fuse(),
            "samples": Samples(),
            "slices": Slices(),
            "nodules": Nodules(),
            "synthesise": Synthesise(),
            "synthesise-scans": SynthesiseScans(),
        }

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the words."""
        choices = parser.add_subparsers(dest="verb", required=True, metavar="|".join(self.verbs))
        for word, verb in self.verbs.items():
            verb.add_arguments(choices.add_parser(word, help=verb.help, description=verb.help))

    def run(self, args: argparse.Namespace) -> int:
        """Do one of them. Raises InputError."""
        return self.verbs[args.verb].run(args)


def _structure(text: str) -> tuple[str, Structure]:
    from .importers.structures import Structure

    name, equals, ours = text.rpartition("=")
    if not equals or ours not in {structure.value for structure in Structure}:
        known = ", ".join(structure.value for structure in Structure)
        raise InputError(f"--label {text} must be NAME=OURS with one of {known}")
    return name, Structure(ours)


def _say(line: str) -> None:
    print(line, flush=True)


dataset = DatasetCommand()
