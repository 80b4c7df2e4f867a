"""Annotations of a parameter: what values it takes, and how its widget steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Validator(ABC):
    """Refuses a value by raising, usually ValueError."""

    @abstractmethod
    def validate(self, value: Any) -> None: ...


class NotNone(Validator):
    """Refuses None."""

    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


@dataclass
class IsInstance(Validator):
    """Takes one type (or None)."""

    classtype: Any

    def validate(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type {self.classtype}, got {value!r}")


@dataclass
class WithinRange(Validator):
    """Takes ``minimum`` to ``maximum``, both included."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    """Takes ``minimum`` and more."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    """Takes ``maximum`` and less."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    """Takes one of a list; a combo box bound to the parameter is filled with it."""

    choices: Sequence[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value!r}, must be one of {list(self.choices)}")


@dataclass
class Exclude(Validator):
    """Takes anything but these."""

    excludedValues: Sequence[Any]

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"Value must not be one of {list(self.excludedValues)}, is {value!r}")


@dataclass
class Default:
    """The default, where it is not given by ``=``."""

    value: Any


@dataclass
class Decimals:
    """Digits a spin box shows."""

    value: int


@dataclass
class SingleStep:
    """One step of a spin box or slider."""

    value: float
