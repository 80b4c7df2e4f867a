"""The command ``renalai``: finds the word's command, runs it, and turns what goes wrong into an exit code.

0 success; 2 bad input or usage, one sentence on standard error; 1 a fault of the program, with the place of its log;
130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, cast

from .commands.command import Command, added_commands, missing_package
from .errors import InputError
from .version import __version__

_OWN = {
    "segment": "segment",
    "compare": "compare",
    "demo": "demo",
    "bundle": "bundles",
    "bench": "bench",
    "batch": "batch",
    "pacs": "pacs",
    "kpi": "kpi",
    "deidentify": "deidentify",
}
_OF_THE_PLACE = {errno.ENOSPC, errno.EROFS, errno.EACCES}  # full, read-only, forbidden


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``renalai`` with ``argv`` (the words after the name) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments, command = _parse(words)
        return command.run(arguments)
    except InputError as problem:
        print(f"renalai: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    except SystemExit as ended:  # argparse, after --help and --version
        return int(ended.code or 0)
    except KeyboardInterrupt:
        print("renalai: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `renalai ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        print("renalai: this computer has not enough memory for this CT; --fast needs less", file=sys.stderr)
        return 1
    except OSError as problem:
        if problem.errno not in _OF_THE_PLACE:
            return _fault(words, problem)
        print(f"renalai: {problem.filename or 'the output'} cannot be written: {problem.strerror}", file=sys.stderr)
        return 2
    except Exception as fault:
        return _fault(words, fault)


def _fault(words: Sequence[str], fault: Exception) -> int:
    print(f"renalai: internal fault, {type(fault).__name__}; please report {_log(words)}", file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    """Usage errors are bad input like any other: one sentence."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


class _Added:
    """A command of another package, whose own imports may be missing even when it runs."""

    def __init__(self, word: str, command: Command) -> None:
        self._word, self._command = word, command
        self.help = command.help

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        self._command.add_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        try:
            return self._command.run(arguments)
        except ModuleNotFoundError as problem:
            if (problem.name or "").startswith("RenalAI"):
                raise
            raise missing_package(self._word, problem) from problem


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, Command]:
    parser = _Parser(
        prog="renalai",
        description="Kidneys and renal masses in contrast CT. Research only, not for diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"renalai {__version__}")
    subparsers = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), "")
    commands: dict[str, Command] = {}
    for word, module in _OWN.items():
        commands[word] = cast(Command, import_module(f".commands.{module}", __package__).command)
    others = [] if asked in _OWN else list(added_commands())
    for added in others:
        if added.name == asked:
            commands[asked] = _Added(asked, added.load())
    for word, command in commands.items():
        command.add_arguments(subparsers.add_parser(word, help=command.help, description=command.help))
    for added in others:
        if added.name != asked:
            subparsers.add_parser(added.name, help=f"see `./run {added.name} --help`, which installs what it needs")
    arguments = parser.parse_args(words)
    return arguments, commands[arguments.word]


def _log(words: Sequence[str]) -> Path:
    """Writes the traceback of the exception at hand to a file and returns its path."""
    from .bundles.store import user_folder

    text = f"renalai {__version__} on Python {sys.version}\n{words}\n\n{traceback.format_exc()}"
    name = time.strftime(f"renalai-%Y%m%d-%H%M%S-{os.getpid()}.log")
    for folder in (user_folder() / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text(text, encoding="utf-8")
            return path
        except OSError:
            continue
    traceback.print_exc()
    return Path("the lines above")


if __name__ == "__main__":
    sys.exit(main())
