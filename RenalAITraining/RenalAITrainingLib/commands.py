"""The commands ``renalai train`` and ``renalai publish``."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from RenalAILib.errors import InputError

if TYPE_CHECKING:
    from .plans.bundle_plan import LoadedPlan
    from .stages import Stage
    from .training.options import Options


class Train:
    """``renalai train RECIPE --samples DIR -o OUT``, or a whole bundle: ``renalai train --all [PLAN] -o OUT``.

    ``renalai train --compare RECIPE RECIPE --samples DIR -o OUT`` trains several on the same samples.
    """

    help = "train a network by a recipe on cached samples, or with --all everything that a bundle needs"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's words."""
        parser.add_argument("recipe", nargs="?", help="a shipped recipe's name, or a .yaml file")
        parser.add_argument("--samples", type=Path, help="folder of cached samples")
        parser.add_argument(
            "--phase", help="train on samples of this contrast phase alone, for a bundle that fuses several phases"
        )
        parser.add_argument("-o", "--output", type=Path, help="folder of this run")
        parser.add_argument(
            "--all",
            nargs="?",
            const="zhao2023-demo",
            metavar="PLAN",
            dest="plan",
            help="samples, networks and bundle by a shipped plan's name or a .yaml file (default: the plan of the"
            " shipped bundle); the same words again go on where they were stopped",
        )
        parser.add_argument(
            "--compare",
            nargs="+",
            metavar="RECIPE",
            help="two or more recipes of one stage, trained on the same --samples and set side by side; with --minutes"
            " each as long; the same words again go on where they were stopped",
        )
        parser.add_argument(
            "--data", type=Path, help="with --all: folder with ct/ and kits23_masks/ to synthesise from"
        )
        parser.add_argument(
            "--dataset",
            type=Path,
            help="with --all: a dataset with a split to cut samples from, or a folder of KiTS, nnU-Net, Decathlon or"
            " TotalSegmentator cases, which is imported into OUT and split",
        )
        parser.add_argument(
            "--folds",
            type=int,
            metavar="K",
            help="with --all: cross-validate by patient: K bundles, each tested on patients that it never saw, and one"
            " evaluation over all",
        )
        parser.add_argument("--cost", action="store_true", help="with --all: only estimate what the plan will need")
        parser.add_argument(
            "--scale",
            type=float,
            metavar="S",
            help="with --all: a trial with this share (0 to 1) of the plan's synthesised samples and training steps",
        )
        parser.add_argument("--minutes", type=float, help="train so long, in place of the recipe's length")
        parser.add_argument(
            "--seed",
            type=int,
            default=0,
            help="of weights, order and augmentation; with --all it is added to each network's own",
        )
        parser.add_argument("--threads", type=int, help="CPU threads of torch")
        parser.add_argument("--workers", type=int, default=0, help="threads that prepare batches ahead (for a GPU)")
        parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
        parser.add_argument("--bfloat16", action="store_true", help="for a processor with AVX-512 BF16 or AMX: 1.5x")
        parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in OUTPUT")
        parser.add_argument("--start-from", type=Path, help="weights to begin with: best.pt, .onnx, bundle")

    def run(self, args: argparse.Namespace) -> int:
        """Train; 0 when the run came to its end. Raises InputError."""
        from .recipes import recipe
        from .samples import SampleStore
        from .training.trainer import Trainer

        if args.phase is not None and (args.compare is not None or args.plan is not None):
            raise InputError("--phase goes with one recipe; recipes compared, and plans, name theirs in data.phase")
        if args.cost:
            return _cost(args)
        if args.output is None:
            raise InputError("name the folder of the run with -o")
        if args.compare is not None:
            return _compare(args)
        if args.folds is not None and args.plan is None:
            raise InputError("--folds cross-validates a whole plan: name it with --all")
        if args.scale is not None and args.plan is None:
            raise InputError("--scale shortens a whole plan: name it with --all")
        if args.plan is None and (args.recipe is None or args.samples is None):
            raise InputError("name a recipe and its --samples, or train a whole bundle with --all")
        if args.plan is not None and args.recipe is not None:
            raise InputError(f"--all {args.plan} trains by a plan, {args.recipe} is a recipe: give one of them")
        if args.plan is not None:
            return _train_all(args, _options(args))
        chosen = recipe.load(args.recipe)
        if args.phase is not None:
            chosen = replace(chosen, data=replace(chosen.data, phase=args.phase))
        trainer = Trainer(chosen, SampleStore(args.samples), args.output, _options(args), report=_say)
        try:
            result = trainer.run()
        except KeyboardInterrupt:
            print(f"stopped at step {trainer.step}; the same words with --resume go on from the last checkpoint")
            return 1
        print(
            f"{result.steps} steps, ended by {result.reason}; best score {result.best_score:.4f} at step"
            f" {result.best_step}: {trainer.best}"
        )
        return 0


def _options(args: argparse.Namespace) -> Options:
    from .training.options import Options

    return Options(
        seed=args.seed,
        minutes=args.minutes,
        threads=args.threads,
        device=args.device,
        resume=args.resume,
        start_from=args.start_from,
        workers=args.workers,
        bfloat16=args.bfloat16,
    )


def _compare(args: argparse.Namespace) -> int:
    from RenalAILib.commands.console import console

    from .recipe_comparison import FILES, compare_recipes

    if args.plan is not None or args.recipe is not None:
        raise InputError("--compare names all its recipes itself: leave out --all, and any recipe before it")
    if args.samples is None:
        raise InputError("--compare needs the samples that all recipes train on: name their folder with --samples")
    if args.start_from is not None or args.resume:
        raise InputError("with --compare every recipe begins with fresh weights, and it resumes by itself")
    try:
        table = compare_recipes(args.compare, args.samples, args.output, _options(args), _say)
    except KeyboardInterrupt:
        print("stopped; the same words go on where they were")
        return 1
    table.show(console())
    for note in table.notes:
        print(note)
    print(f"the table is in {args.output / FILES[0]}")
    return 0


def _train_all(args: argparse.Namespace, options: Options) -> int:
    from .plans.making_bundle import Sources, make_bundle

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("--all is one process's work; start torchrun for one network at a time, with a recipe")
    if args.minutes is not None or args.start_from is not None or args.resume:
        raise InputError("with --all, minutes and starting weights stand in the plan, and it resumes by itself")
    loaded = _plan(args)
    if args.folds is not None:
        return _cross_validate(args, loaded, options)
    try:
        bundle = make_bundle(loaded, Sources(args.data, args.dataset), args.output, options, _say)
    except KeyboardInterrupt:
        print("stopped; the same words go on where they were")
        return 1
    print(f"the bundle is in {bundle}; renalai bundle import {bundle} brings it into RenalAI")
    return 0


def _plan(args: argparse.Namespace) -> LoadedPlan:
    from .plans import bundle_plan
    from .plans.plan_scale import scaled

    loaded = bundle_plan.load(args.plan)
    return loaded if args.scale is None else scaled(loaded, args.scale)


def _cross_validate(args: argparse.Namespace, loaded: LoadedPlan, options: Options) -> int:
    from RenalAILib.commands.console import console

    from .plans.cross_validation import cross_validate
    from .plans.making_bundle import Sources

    try:
        tables = cross_validate(loaded, Sources(args.data, args.dataset), args.output, args.folds, options, _say)
    except KeyboardInterrupt:
        print("stopped; the same words go on where they were")
        return 1
    for table in tables:
        if table.key in ("overlap", "published", "by_size", "false_masses", "classes") and table.rows:
            table.show(console())
    print(f"Report: {args.output / 'evaluation' / 'evaluation.html'}")
    return 0


def _cost(args: argparse.Namespace) -> int:
    from RenalAILib.commands.console import console

    from .training_cost import cost_table

    if args.plan is None:
        raise InputError("--cost estimates a whole plan: name it with --all")
    loaded = _plan(args)
    names = [network.name for network in loaded.plan.networks]
    table = cost_table(zip(names, loaded.recipes, strict=True))
    table.show(console())
    for note in table.notes:
        print(note)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


_OF_A_CASCADE: tuple[Stage, ...] = ("locate", "delineate", "characterise")


class Publish:
    """``renalai publish DESCRIPTION --locate ... -o OUT``."""

    help = "make a bundle of trained networks"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's words."""
        parser.add_argument("description", type=Path, help="a .yaml file: name, version, licence, training domain, ...")
        parser.add_argument("--networks", type=Path, nargs="+", default=[], help="best.pt of each; its stage is in it")
        parser.add_argument(
            "--locate", type=Path, nargs="+", default=[], help="of a cascade: best.pt of each kidney network"
        )
        parser.add_argument("--delineate", type=Path, nargs="+", default=[], help="best.pt of each mass network")
        parser.add_argument("--characterise", type=Path, nargs="+", default=[], help="best.pt of each classifier")
        parser.add_argument("--samples", type=Path, nargs="+", required=True, help="folders of cached samples")
        parser.add_argument("--card", type=Path, required=True, help="the model card, Markdown")
        parser.add_argument("--license-file", type=Path, required=True, help="the licence text of the weights")
        parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the bundle")

    def run(self, args: argparse.Namespace) -> int:
        """Publish; 0 when the bundle is there. Raises InputError."""
        from .publishing.bundle_description import load_description
        from .publishing.publish import Papers, by_stage, publish
        from .samples import SampleStore

        checkpoints = by_stage(args.networks)
        checkpoints |= {stage: vars(args)[stage] for stage in _OF_A_CASCADE if vars(args)[stage]}
        parities = publish(
            load_description(args.description),
            checkpoints,
            [SampleStore(folder) for folder in args.samples],
            Papers(_text(args.card), _text(args.license_file)),
            args.output,
        )
        for file, parity in parities.items():
            print(f"{file}: same decision on {100 * parity.agreement:.3f} % of {parity.inputs} inputs")
        print(f"the bundle is in {args.output}")
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error})") from error


train = Train()
publish = Publish()
COMMANDS: dict[str, Train | Publish] = {"train": train, "publish": publish}


def main(words: list[str] | None = None) -> int:
    """Run one command without the launcher, with its exit codes: 2 and one sentence on bad input."""
    parser = argparse.ArgumentParser(prog="python -m RenalAITrainingLib.commands")
    choices = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(choices.add_parser(name, help=command.help))
    args = parser.parse_args(words)
    try:
        return COMMANDS[args.command].run(args)
    except InputError as error:
        print(f"renalai {args.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
