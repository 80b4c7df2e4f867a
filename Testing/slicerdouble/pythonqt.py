"""PySide6 made to speak PythonQt: properties are attributes, signals connect by signature.

The classes themselves are changed, once per process, because Qt hands out objects that no factory of ours has seen
(``table.horizontalHeader()``, what a ``.ui`` file holds). Signals, slots and virtual methods stay PySide6's.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from types import MethodType, ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

MODULES: tuple[ModuleType, ...] = (QtCore, QtGui, QtWidgets)
_set_attribute = QtCore.QObject.__mro__[1].__setattr__  # Shiboken.Object's: what is left when ours is on every class


class QtProperty:
    """One Qt property as an attribute; on the class it stays the method of the same name (``QTimer.singleShot``)."""

    def __init__(self, cls: type, name: str, writable: bool) -> None:
        capital = name[0].upper() + name[1:]
        self.name = name
        self.method = vars(cls).get(name)
        self.getter = _method(cls, "is" + capital) or _method(cls, name)
        self.setter = _method(cls, "set" + capital)
        self.writable = writable

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self if self.method is None else self.method.__get__(None, owner)
        return instance.property(self.name) if self.getter is None else self.getter.__get__(instance, owner)()

    def __set__(self, instance: Any, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"Property '{self.name}' of type '{type(instance).__name__}' is not writable")
        if self.setter is not None:
            self.setter.__get__(instance, type(instance))(value)
        elif not instance.setProperty(self.name, value):
            raise ValueError(f"Property '{self.name}' of type '{type(instance).__name__}' does not accept {value!r}")


def _method(cls: type, name: str) -> Any:
    """The plain or static method ``name`` of a class as a descriptor, also where a property has taken its place."""
    for base in cls.__mro__:
        found = vars(base).get(name)
        if isinstance(found, QtProperty):
            return found.getter
        if hasattr(found, "__get__") and type(found) is not QtCore.Signal:
            return found
    return None


def speak() -> None:
    """Change PySide6's classes. A second call changes nothing.

    ``isinstance(x, QtCore.Signal)`` is avoided: in PySide6 6.12 it gives back a False it does not own.
    """
    if isinstance(vars(QtCore.QObject).get("objectName"), QtProperty):
        return
    _make_constants_immortal()
    for cls in _classes():
        meta = cls.staticMetaObject
        for index in range(meta.propertyCount()):
            described = meta.property(index)
            name = described.name()
            if index >= meta.propertyOffset() or (name in vars(cls) and type(vars(cls)[name]) is not QtCore.Signal):
                setattr(cls, name, QtProperty(cls, name, described.isWritable()))
    base: Any = QtCore.QObject
    base.name = vars(QtCore.QObject)["objectName"]
    base.className = lambda self: self.metaObject().className()
    base.delete = lambda self: self.deleteLater()
    base.__getattr__ = _dynamic_property
    for cls in _classes():  # PySide6 gives every class its own, so that one on QObject would be ignored
        cls.__setattr__ = _checked_set  # type: ignore[assignment,method-assign]
        if "__getattribute__" in vars(cls):
            cls.__getattribute__ = _with_connect(vars(cls)["__getattribute__"])  # type: ignore[method-assign]
    QtWidgets.QMenu.addAction = _refuse_text(QtWidgets.QMenu.addAction)  # type: ignore[method-assign]
    for cls in (QtWidgets.QDialog, QtWidgets.QMenu, QtWidgets.QApplication, QtCore.QEventLoop):
        if not hasattr(cls, "exec_"):
            cls.exec_ = cls.exec


def _refuse_text(add: Callable[..., Any]) -> Callable[..., Any]:
    """``QMenu.addAction`` of an action only: the form with a text is in different classes of Qt 5 and Qt 6."""

    def add_action(self: Any, action: Any, *more: Any) -> Any:
        if isinstance(action, str):
            raise TypeError("addAction(text) is not in every Slicer; make a QAction and add it")
        return add(self, action, *more)

    return add_action


def _with_connect(original: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Attribute access that finds our ``connect``: PySide6 looks its own up before it looks at the class."""

    def get(self: Any, name: str) -> Any:
        return MethodType(_CONNECTING[name], self) if name in _CONNECTING else original(self, name)

    return get


def _make_constants_immortal() -> None:
    """Before Python 3.12 PySide6 6.12 gives a reference to None, True or False away with many calls, until they die.

    Its wheels are built for interpreters where these are immortal (PEP 683), so this makes the older ones alike.
    """
    if sys.version_info < (3, 12):
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


def connect(sender: Any, *arguments: Any) -> bool:
    """``obj.connect("clicked(bool)", f)``. Raises ValueError for a signal the object does not have.

    PySide6 itself calls the static form ``connect(sender, SIGNAL("timeout()"), f)``, in ``QTimer.singleShot``.
    """
    if len(arguments) == 3 and isinstance(arguments[0], QtCore.QObject):
        sender, signature, slot = arguments[0], str(arguments[1]).removeprefix("2"), arguments[2]
    else:
        signature, slot = arguments
    _signal(sender, signature).connect(slot)
    return True


def disconnect(sender: Any, signature: str, slot: Callable[..., Any] | None = None) -> bool:
    """``obj.disconnect("clicked(bool)", f)``."""
    signal = _signal(sender, signature)
    return bool(signal.disconnect() if slot is None else signal.disconnect(slot))


_CONNECTING: dict[str, Callable[..., Any]] = {"connect": connect, "disconnect": disconnect}


def _signal(sender: Any, signature: str) -> Any:
    """The bound signal of ``sender`` that ``signature`` names, in the overload it names.

    A widget written in Python cannot declare a signal of MRML pointers; it lists those it stands for in
    ``SIGNATURES = {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}``.
    """
    if not isinstance(signature, str):
        raise TypeError(f"connect needs a signal signature such as 'clicked(bool)', got {signature!r}")
    normal = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    for cls in type(sender).__mro__:
        if normal in vars(cls).get("SIGNATURES", {}):
            return getattr(sender, cls.SIGNATURES[normal])
    meta = sender.metaObject()
    if meta.indexOfSignal(normal) < 0:
        raise ValueError(f"{meta.className()} has no signal {signature}")
    name, arguments = normal.rstrip(")").split("(", 1)
    signal = getattr(sender, name)
    if not arguments:
        return signal
    try:
        return signal[arguments]  # an overload, named as C++ names it
    except (KeyError, IndexError, TypeError):
        return signal


def _dynamic_property(self: Any, name: str) -> Any:
    """Dynamic properties are attributes too; anything else is missing, as in Slicer."""
    if not name.startswith("__") and name in (bytes(key).decode() for key in self.dynamicPropertyNames()):
        return self.property(name)
    raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def _checked_set(self: Any, name: str, value: Any) -> None:
    """Refuse a new attribute on a widget of C++, where PythonQt does: a misspelt property must not pass in silence."""
    cls = type(self)
    declared = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    if type(declared) is QtCore.Property:  # one of our own stand-ins
        if declared.fset is None:
            raise AttributeError(f"Property '{name}' of type '{cls.__name__}' is not writable")
        declared.fset(self, value)
        return
    is_cpp = cls.__module__.startswith("PySide6") or vars(cls).get("STANDS_FOR_CPP", False)
    if is_cpp and declared is None and not name.startswith("_"):
        if name in (bytes(key).decode() for key in self.dynamicPropertyNames()):
            self.setProperty(name, value)
            return
        if isinstance(value, QtCore.QObject) and value.objectName == name:
            return  # PySide6's form loader hangs named children on the top widget; PythonQt's does not
        raise AttributeError(
            f"Attribute '{name}' does not exist on '{cls.__name__}' and creation of new attributes on C++ objects "
            "is not allowed"
        )
    _set_attribute(self, name, value)


def _classes() -> Iterator[type[QtCore.QObject]]:
    """Every QObject class of :data:`MODULES`, bases before the classes derived from them."""
    found = {
        value
        for module in MODULES
        for value in (getattr(module, name) for name in dir(module))
        if isinstance(value, type) and issubclass(value, QtCore.QObject)
    }
    yield from sorted(found, key=lambda cls: (len(cls.__mro__), cls.__name__))
