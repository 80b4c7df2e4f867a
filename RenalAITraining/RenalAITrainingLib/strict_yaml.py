"""YAML files of others: read as plain values, and built into typed dataclasses that refuse what does not fit."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from RenalAILib.errors import InputError

T = TypeVar("T")
_MOST_VALUES = 5_000_000  # a dataset of 100,000 cases has 2 million


def read_yaml(text: str, where: str) -> Any:
    """The plain values of a YAML text: no objects, and no more values than a file could hold that is written out.

    A few lines whose aliases repeat each other stand for billions of values ("billion laughs"): small as they are
    read, but whoever walks or prints them never ends.

    Args:
        text: YAML.
        where: the file, for messages.

    Raises:
        InputError: it is not YAML, nested too deeply, refers to itself or stands for too many values.

    Example:
        >>> read_yaml("a: [1, 2]", "a.yaml")
        {'a': [1, 2]}
    """
    try:
        content = yaml.safe_load(text)
        count = _values(content, {})
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        raise InputError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InputError(f"{where} is not YAML that can be read: it is nested too deeply") from error
    if count > _MOST_VALUES:
        raise InputError(f"{where} stands for more than {_MOST_VALUES:,} values; it was made to fill the memory")
    return content


def _values(content: Any, counted: dict[int, int]) -> int:
    """How many values there are with every alias written out. Raises RecursionError where one contains itself."""
    if not isinstance(content, (dict, list)):
        return 1
    if id(content) not in counted:
        parts = content.values() if isinstance(content, dict) else content
        counted[id(content)] = 1 + sum(_values(part, counted) for part in parts)
    return counted[id(content)]


def build(kind: type[T], content: Any, where: str) -> T:
    """An instance of the dataclass ``kind`` from a mapping, nested dataclasses included.

    Args:
        kind: its annotations may use bool, int, float, str, dict, tuples, Literal, ``X | None`` and dataclasses.
        content: as ``yaml.safe_load`` returns it.
        where: the file, for the message; keys are appended as ``file: data.window``.

    Raises:
        InputError: one sentence with the place, what is wrong and what is known.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Window:
        ...     width: float
        >>> build(Window, {"width": 300}, "a.yaml").width
        300.0
    """
    if not isinstance(content, dict):
        raise InputError(f"{where} must be a mapping of {', '.join(f.name for f in fields(kind))}")  # type: ignore[arg-type]
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    unknown = [str(key) for key in content if key not in known]
    if unknown:
        raise InputError(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(known)}")
    missing = [
        name
        for name, f in known.items()
        if name not in content and f.default is MISSING and f.default_factory is MISSING
    ]
    if missing:
        raise InputError(f"{where} lacks the key {missing[0]!r}")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, _at(where, name)) for name, value in content.items()}
    try:
        return kind(**values)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if ": " in where else f"{where}: {name}"


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        (inner,) = (option for option in options if option is not type(None))
        return _value(inner, value, where)
    if origin is Literal:
        if value not in options:
            raise InputError(f"{where} must be one of {', '.join(map(str, options))}, got {value!r}")
        return value
    if origin is tuple:
        count = None if options[-1] is Ellipsis else len(options)
        if not isinstance(value, (list, tuple)) or (count is not None and len(value) != count):
            raise InputError(f"{where} must be a list of {count or 'any number of'} values, got {value!r}")
        return tuple(_value(options[0], item, where) for item in value)
    if is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]
    plain = origin or hint
    if plain is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, plain) or (plain is not bool and isinstance(value, bool)):
        hint_text = "; YAML needs a point before the e, as in 1.0e-4" if plain is float and "e" in str(value) else ""
        raise InputError(f"{where} must be of type {plain.__name__}, got {value!r}{hint_text}")
    return value
