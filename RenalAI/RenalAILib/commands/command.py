"""Command: what a word of ``renalai`` must offer, and how the words are found."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol, cast

from ..errors import InputError

GROUP = "renalai.commands"


class Command(Protocol):
    """One word. Packages add theirs as entry points of the group ``renalai.commands``.

    Attributes:
        help: one line for ``renalai --help``.
    """

    @property
    def help(self) -> str: ...

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does it and returns the exit code. Raises InputError for bad input."""


@dataclass(frozen=True)
class AddedCommand:
    """A word that an installed package adds; loaded only when it is asked for."""

    name: str
    entry: metadata.EntryPoint

    def load(self) -> Command:
        """The command itself.

        Raises:
            InputError: packages it stands on are not installed.
        """
        try:
            return cast(Command, self.entry.load())
        except ModuleNotFoundError as problem:
            raise missing_package(self.name, problem) from problem


def added_commands() -> Iterator[AddedCommand]:
    """The words that installed packages add, by name."""
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        yield AddedCommand(entry.name, entry)


def missing_package(word: str, problem: ModuleNotFoundError) -> InputError:
    """The sentence for a command whose packages are not installed."""
    package = (problem.name or "a package").partition(".")[0]
    return InputError(
        f"{word} needs packages that are not installed ({package} is missing):"
        f" start it as ./run {word}, which installs them, or run: pip install 'renalai[train]'"
    )
