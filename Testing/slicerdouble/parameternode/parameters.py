"""One parameter: its type, its default, and its text in a parameter node."""

from __future__ import annotations

import copy
import enum
import json
import pathlib
import types
import typing
from typing import Any

import vtk

from .validators import Default, NotNone, Validator

_SIMPLE = {int: int, float: (int, float), str: str, bool: bool}
_ABSENT = object()


class Parameter:
    """What ``name: Annotated[type, validators...] = default`` says, and how it is kept in a node.

    A type without a rule is refused when the class is made, as Slicer does.
    """

    def __init__(self, name: str, hint: Any, default: Any = _ABSENT) -> None:
        self.name = name
        self.type, notes = split(hint)
        self.hint = hint
        self.validators = [
            note() if isinstance(note, type) else note
            for note in notes
            if isinstance(note, Validator) or (isinstance(note, type) and issubclass(note, Validator))
        ]
        _check(self.type)
        noted = next((note.value for note in notes if isinstance(note, Default)), _ABSENT)
        self._default = default if default is not _ABSENT else noted if noted is not _ABSENT else zero(self.type)

    @property
    def default(self) -> Any:
        return copy.deepcopy(self._default) if not is_node(self.type) else self._default

    def validate(self, value: Any) -> None:
        """Raises TypeError or ValueError for a value this parameter does not take."""
        if not is_node(self.type) and not _accepts(self.type, value):
            raise (ValueError if value is None else TypeError)(f"{self.name} is {self.type}, got {value!r}")
        if is_node(self.type) and value is not None and not isinstance(value, node_classes(self.type)):
            raise TypeError(f"{self.name} takes {self.type}, got {type(value).__name__}")
        for validator in self.validators:
            if value is not None or isinstance(validator, NotNone):
                validator.validate(value)

    def is_in(self, node: Any, key: str) -> bool:
        if is_node(self.type):
            return node.GetNodeReferenceID(key) is not None
        return key in node.GetParameterNames()

    def write(self, node: Any, key: str, value: Any) -> None:
        self.validate(value)
        if is_node(self.type):
            node.SetNodeReferenceID(key, None if value is None else value.GetID())
        else:
            node.SetParameter(key, encode(self.type, value))

    def read(self, node: Any, key: str) -> Any:
        if is_node(self.type):
            return node.GetNodeReference(key)
        return decode(self.type, node.GetParameter(key)) if self.is_in(node, key) else self.default


def split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """``Annotated[T, a, b]`` to ``(T, (a, b))``."""
    if typing.get_origin(hint) is typing.Annotated:
        kind, *notes = typing.get_args(hint)
        return kind, tuple(notes)
    return hint, ()


def is_node(kind: Any) -> bool:
    """Whether a type is an MRML node class, or a union of such (None allowed in it)."""
    return bool(node_classes(kind))


def node_classes(kind: Any) -> tuple[type, ...]:
    members = [m for m in typing.get_args(kind) if m is not type(None)] if _is_union(kind) else [kind]
    nodes = tuple(m for m in members if isinstance(m, type) and issubclass(m, vtk.vtkObject))
    return nodes if len(nodes) == len(members) else ()


def zero(kind: Any) -> Any:
    """The default of a type that is given none."""
    if is_node(kind) or _is_union(kind):
        return None
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if typing.get_origin(kind) is tuple:
        return tuple(zero(split(member)[0]) for member in typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, pathlib.PurePath):
        return kind()
    return (typing.get_origin(kind) or kind)()


def encode(kind: Any, value: Any) -> str:
    """Text of a value; a str is its own text."""
    plain = _plain(kind, value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def decode(kind: Any, text: str) -> Any:
    """The inverse of :func:`encode`."""
    if kind is str:
        return text
    is_text = isinstance(kind, type) and issubclass(kind, (enum.Enum, pathlib.PurePath))
    return _typed(kind, text if is_text else json.loads(text))


def _plain(kind: Any, value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, pathlib.PurePath):
        return str(value)
    origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
    if _is_union(kind):
        for index, member in enumerate(arguments):
            if _accepts(member, value):
                return {"member": index, "value": _plain(member, value)}
    if origin is list:
        return [_plain(arguments[0] if arguments else Any, item) for item in value]
    if origin is tuple:
        return [_plain(member, item) for member, item in zip(arguments, value, strict=True)]
    if origin is dict:
        return [[_plain(arguments[0], key), _plain(arguments[1], item)] for key, item in value.items()]
    return value


def _typed(kind: Any, plain: Any) -> Any:
    origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
    if _is_union(kind):
        return _typed(arguments[plain["member"]], plain["value"])
    if origin is list:
        return [_typed(arguments[0] if arguments else Any, item) for item in plain]
    if origin is tuple:
        return tuple(_typed(member, item) for member, item in zip(arguments, plain, strict=True))
    if origin is dict:
        return {_typed(arguments[0], key): _typed(arguments[1], item) for key, item in plain}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind[plain]
    if isinstance(kind, type) and issubclass(kind, pathlib.PurePath):
        return kind(plain)
    return float(plain) if kind is float else plain


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _accepts(kind: Any, value: Any) -> bool:
    if kind is Any:
        return True
    if kind is type(None):
        return value is None
    if _is_union(kind):
        return any(_accepts(member, value) for member in typing.get_args(kind))
    if kind in _SIMPLE:
        return isinstance(value, _SIMPLE[kind]) and not (kind is not bool and isinstance(value, bool))  # type: ignore[arg-type]
    return isinstance(value, typing.get_origin(kind) or kind)


def _check(kind: Any) -> None:
    """Raises TypeError for a type that has no form in a parameter node."""
    if is_node(kind) or kind in _SIMPLE or kind in (type(None), Any):
        return
    if isinstance(kind, type) and issubclass(kind, (enum.Enum, pathlib.PurePath)):
        return
    if _is_union(kind) or typing.get_origin(kind) in (list, tuple, dict):
        for member in typing.get_args(kind):
            _check(split(member)[0])
        return
    raise TypeError(f"a parameter node cannot keep {kind!r}")
