"""``parameterNodeWrapper``: a class of annotations turned into a view of a ``vtkMRMLScriptedModuleNode``."""

from __future__ import annotations

from typing import Any

import qt
import slicer
import vtk

from .connectors import GuiConnector, createGuiConnector
from .packs import _set_value, bound, data_type, isParameterPack, members_of
from .parameters import Parameter

SlicerParameterNamePropertyName = "SlicerParameterName"


def isParameterNodeWrapper(kind: Any) -> bool:
    return bool(getattr(kind, "_is_parameter_node_wrapper", False))


def parameterNodeWrapper(cls: Any = None) -> Any:
    """Class decorator, with or without parentheses. Raises ValueError for a member that hides one of the wrapper's."""
    return _process if cls is None else _process(cls)


class _Wrapper:
    """What every wrapped class can do."""

    allParameters: dict[str, Any] = {}
    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._bindings: dict[int, tuple[dict[str, GuiConnector], int]] = {}
        self._next_tag = 0
        self._updating = False
        with slicer.util.NodeModify(parameterNode):
            for key, member in _leaves(self.allParameters):
                if not member.is_in(parameterNode, key):
                    member.write(parameterNode, key, member.default)

    def getValue(self, name: str) -> Any:
        data_type(self.allParameters, name)
        head, _, tail = name.partition(".")
        member = self.allParameters[head]
        if isParameterPack(member):
            pack = bound(member, lambda key, leaf: leaf.read(self.parameterNode, key), self._write_leaf, head)
            return pack.getValue(tail) if tail else pack
        return member.read(self.parameterNode, head)

    def setValue(self, name: str, value: Any) -> None:
        data_type(self.allParameters, name)
        head, _, tail = name.partition(".")
        member = self.allParameters[head]
        if isParameterPack(member) and tail:
            _set_value(self.getValue(head), tail, value)
        else:
            with slicer.util.NodeModify(self.parameterNode):
                self._write_leaf(head, value)

    def _write_leaf(self, key: str, value: Any) -> None:
        """Write a parameter, or a whole pack member by member, under its dotted key."""
        if isParameterPack(type(value)):
            for name in value.allParameters:
                self._write_leaf(f"{key}.{name}", value.getValue(name))
        else:
            dict(_leaves(self.allParameters))[key].write(self.parameterNode, key, value)

    def default(self, name: str) -> Any:
        return self.allParameters[name].default

    @classmethod
    def dataType(cls, name: str) -> Any:
        return data_type(cls.allParameters, name)

    def connectGui(self, gui: Any) -> int:
        """Bind every widget that has the dynamic property ``SlicerParameterName``; the tag is for ``disconnectGui``."""
        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "findChildren") else list(vars(gui).values())
        named = {w.property(SlicerParameterNamePropertyName): w for w in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        connectors = {
            name: w if isinstance(w, GuiConnector) else createGuiConnector(w, self.dataType(name))
            for name, w in mapping.items()
        }
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(lambda n=name, c=connector: self._from_gui(n, c))  # type: ignore[misc]
        tag, self._next_tag = self._next_tag, self._next_tag + 1
        observer = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_gui())
        self._bindings[tag] = (connectors, observer)
        return tag

    def disconnectGui(self, tag: int | None) -> None:
        if tag in self._bindings:
            connectors, observer = self._bindings.pop(tag)
            self.parameterNode.RemoveObserver(observer)
            for connector in connectors.values():
                connector.onChanged(None)

    def _from_gui(self, name: str, connector: GuiConnector) -> None:
        if not self._updating:
            with slicer.util.NodeModify(self.parameterNode):
                self.setValue(name, connector.read())

    def _to_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            for connectors, _observer in list(self._bindings.values()):
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, wasModified: int) -> int:
        return int(self.parameterNode.EndModify(wasModified))

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _process(cls: type) -> type:
    members = members_of(cls)
    for name in members:
        if hasattr(_Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
    body = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__")}
    body |= {name: _property(name) for name in members}
    body["allParameters"] = members
    return type(cls.__name__, (*(base for base in cls.__bases__ if base is not object), _Wrapper), body)


def _property(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


def _leaves(members: dict[str, Any], prefix: str = "") -> list[tuple[str, Parameter]]:
    """Every parameter with its dotted key."""
    found: list[tuple[str, Parameter]] = []
    for name, member in members.items():
        key = prefix + name
        found += _leaves(member.allParameters, key + ".") if isParameterPack(member) else [(key, member)]
    return found
