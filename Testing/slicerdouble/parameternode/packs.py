"""``parameterPack``: several parameters under one name, kept in the node as ``name.member``."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from .parameters import _ABSENT, Parameter


def isParameterPack(kind: Any) -> bool:
    return bool(getattr(kind, "_is_parameter_pack", False))


def members_of(cls: type) -> dict[str, Any]:
    """The parameters (and packs) a class declares, in order."""
    found: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        found[name] = hint if isParameterPack(hint) else Parameter(name, hint, vars(cls).get(name, _ABSENT))
    return found


def parameterPack(cls: Any = None) -> Any:
    """Class decorator. Values are given by position or by name; a bound pack writes through to its parameter node."""
    return _process if cls is None else _process(cls)


def _process(cls: type) -> type:
    members = members_of(cls)
    defaults = {name: vars(cls).get(name) for name, member in members.items() if isParameterPack(member)}
    made: Any = cls

    def initialise(self: Any, *values: Any, **named: Any) -> None:
        object.__setattr__(self, "_changed", None)
        given = {**dict(zip(members, values, strict=False)), **named}
        if len(values) > len(members) or set(given) - set(members):
            raise TypeError(f"{cls.__name__} has the members {list(members)}")
        object.__setattr__(self, "_values", {})
        for name, member in members.items():
            if isParameterPack(member):
                self._values[name] = given.get(name) or defaults[name] or member()
            else:
                value = given.get(name, member.default)
                member.validate(value)
                self._values[name] = value

    def set_member(self: Any, name: str, value: Any) -> None:
        if isinstance(members[name], Parameter):
            members[name].validate(value)
        self._values[name] = value
        if self._changed is not None:
            self._changed(name, value)

    made.__init__ = initialise
    for name in members:
        read, write = (lambda self, n=name: self._values[n]), (lambda self, v, n=name: set_member(self, n, v))
        setattr(made, name, property(read, write))
    made.allParameters = members
    made._is_parameter_pack = True
    made.getValue = lambda self, name: _walk(self, name)
    made.setValue = _set_value
    made.dataType = staticmethod(lambda name: data_type(members, name))
    made.__eq__ = lambda self, other: type(self) is type(other) and self._values == other._values
    made.__hash__ = None
    return cls


def _walk(pack: Any, name: str) -> Any:
    head, _, tail = name.partition(".")
    value = getattr(pack, head)
    return _walk(value, tail) if tail else value


def _set_value(pack: Any, name: str, value: Any) -> None:
    *heads, last = name.split(".")
    for head in heads:
        pack = getattr(pack, head)
    setattr(pack, last, value)


def data_type(members: dict[str, Any], name: str) -> Any:
    """The hint of a possibly dotted name. Raises ValueError where there is none."""
    head, _, tail = name.partition(".")
    if head not in members:
        raise ValueError(f"Cannot find a param with the given name: {head}; found {list(members)}")
    member = members[head]
    if tail:
        return data_type(member.allParameters, tail)
    return member if isParameterPack(member) else member.hint


def bound(kind: Any, read: Callable[[str, Parameter], Any], write: Callable[[str, Any], None], prefix: str) -> Any:
    """A pack read member by member from a node, whose changes go back there."""
    pack = kind()
    for name, member in kind.allParameters.items():
        key = f"{prefix}.{name}"
        pack._values[name] = bound(member, read, write, key) if isParameterPack(member) else read(key, member)
    object.__setattr__(pack, "_changed", lambda name, value: write(f"{prefix}.{name}", value))
    return pack
