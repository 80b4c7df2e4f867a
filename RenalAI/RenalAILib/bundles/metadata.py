"""Strict reading of a bundle's ``configs/metadata.json``: typed fields, one sentence per refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..boxes import Triple
from ..errors import InputError

_MOST_VOXELS = 512**3  # of one input; a stranger's bundle shall not take all memory


@dataclass(frozen=True)
class Window:
    """The grey-value window of a network's input, HU; ``resampling.window`` takes it to -1 ... 1."""

    width_hu: float
    level_hu: float


class Reader:
    """Takes typed fields out of one JSON object and remembers which were taken.

    Args:
        data: what ``json.loads`` gave.
        owner: how messages name the bundle.
        where: path of the object inside the metadata, for messages.

    Example:
        >>> Reader({"margin_mm": -1}, "the bundle demo", "delineate").number("margin_mm", above=0)
        Traceback (most recent call last):
        ...
        RenalAILib.errors.InputError: the bundle demo: delineate margin_mm must be a number above 0, got -1
    """

    def __init__(self, data: object, owner: str, where: str) -> None:
        self._owner, self._where = owner, where
        if not isinstance(data, Mapping):
            raise InputError(f"{owner}: {where} must be a JSON object, got {type(data).__name__}")
        self._data: Mapping[str, Any] = data
        self._taken: set[str] = set()

    def _take(self, key: str) -> Any:
        if key not in self._data:
            raise InputError(f"{self._owner}: {self._where} lacks {key}")
        self._taken.add(key)
        return self._data[key]

    def _refuse(self, key: str, wanted: str, got: object) -> InputError:
        return InputError(f"{self._owner}: {self._where} {key} must be {wanted}, got {got!r}")

    def has(self, key: str) -> bool:
        """Whether an optional field is there."""
        return key in self._data

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._refuse(key, "a text", value)
        return value

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._refuse(key, "true or false", value)
        return value

    def number(self, key: str, above: float = -math.inf, up_to: float = math.inf) -> float:
        """A finite number in ``(above, up_to]``."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value <= up_to:
            low = f" above {above:g}" if above > -math.inf else ""
            high = f" up to {up_to:g}" if up_to < math.inf else ""
            raise self._refuse(key, f"a number{low}{high}", value)
        if not math.isfinite(value):
            raise self._refuse(key, "a finite number", value)
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of at least one text."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            raise self._refuse(key, "a list of texts", value)
        return tuple(value)

    def numbers(self, key: str, above: float = -math.inf) -> tuple[float, ...]:
        """A list of at least one finite number above ``above``."""
        value = self._take(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(type(n) in (int, float) and above < n < math.inf for n in value)
        ):
            raise self._refuse(key, f"a list of numbers above {above:g}", value)
        return tuple(float(n) for n in value)

    def unfit(self, key: str, why: str) -> InputError:
        """The error of fields that are right one by one and do not fit each other."""
        return InputError(f"{self._owner}: {self._where} {key}: {why}")

    def shape(self, key: str) -> Triple:
        """Three whole numbers from 1 to 1024, in order (k, j, i), of at most `_MOST_VOXELS` in all."""
        value = self._take(key)
        if not isinstance(value, list) or len(value) != 3 or not all(type(n) is int and 1 <= n <= 1024 for n in value):
            raise self._refuse(key, "three whole numbers from 1 to 1024", value)
        if math.prod(value) > _MOST_VOXELS:
            raise self._refuse(key, f"of at most {_MOST_VOXELS:,} voxels", value)
        return value[0], value[1], value[2]

    def pair(self, key: str) -> tuple[int, int]:
        """Two whole numbers from 1 to 4096: rows and columns of a slice."""
        value = self._take(key)
        if not isinstance(value, list) or len(value) != 2 or not all(type(n) is int and 1 <= n <= 4096 for n in value):
            raise self._refuse(key, "two whole numbers from 1 to 4096", value)
        return value[0], value[1]

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``."""
        value = self._take(key)
        if value not in allowed:
            raise self._refuse(key, "one of " + ", ".join(repr(item) for item in allowed), value)
        return str(value)

    def different(self, key: str) -> tuple[str, ...]:
        """A list of two or more texts, no two alike: classes."""
        value = self.texts(key)
        if len(value) < 2 or len(set(value)) != len(value):
            raise self._refuse(key, "two or more different texts", list(value))
        return value

    def section(self, key: str) -> Reader:
        """A nested object."""
        return Reader(self._take(key), self._owner, key)

    def sections(self, key: str) -> list[Reader]:
        """A list of at least one nested object."""
        value = self._take(key)
        if not isinstance(value, list) or not value:
            raise self._refuse(key, "a list of objects", value)
        return [Reader(item, self._owner, f"{key} {number}") for number, item in enumerate(value, 1)]

    def nothing_else(self) -> None:
        """Refuse fields that nobody took: a misspelt one would silently not be obeyed."""
        unknown = sorted(set(self._data) - self._taken)
        if unknown:
            raise InputError(f"{self._owner}: {self._where} has an unknown field, {unknown[0]}")

    def window(self) -> Window:
        """The grey-value window."""
        section = self.section("window")
        window = Window(section.number("width", above=0), section.number("level"))
        section.nothing_else()
        return window

    def one_of(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """A list that holds each of ``allowed`` once, in any order."""
        value = self.texts(key)
        if sorted(value) != sorted(allowed):
            raise self._refuse(key, "some order of " + ", ".join(allowed), list(value))
        return value

    def exactly(self, key: str, expected: tuple[str, ...]) -> None:
        """A list that leaves no choice; it is written down for people and other tools."""
        value = self.texts(key)
        if value != expected:
            raise self._refuse(key, str(list(expected)), list(value))
