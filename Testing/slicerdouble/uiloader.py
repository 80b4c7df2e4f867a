"""Loading ``.ui`` files with the stand-ins for CTK and qMRML widgets."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

_STAND_INS: dict[str, type[QtWidgets.QWidget]] = {}


def register(*classes: type[QtWidgets.QWidget]) -> None:
    """Let ``.ui`` files name these classes."""
    _STAND_INS.update({cls.__name__: cls for cls in classes})


class UiLoader(QtUiTools.QUiLoader):
    """``QUiLoader`` that knows the registered widgets, and fails for one it does not know instead of leaving a hole."""

    def createWidget(self, className: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> Any:
        if className in _STAND_INS:
            widget: Any = _STAND_INS[className](parent)
            widget.objectName = name
            return widget
        if className.startswith(("qMRML", "qSlicer", "ctk")):
            raise RuntimeError(f"the Slicer double has no {className} yet: add it to its widgets")
        return super().createWidget(className, parent, name)

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> Any:  # type: ignore[override]
        """The top widget of an open file.

        Connections that carry MRML pointers (``mrmlSceneChanged``) are made here: Qt's loader cannot see them in a
        widget written in Python.
        """
        form = ElementTree.fromstring(bytes(device.readAll().data()))
        connections = form.find("connections")
        carried = [] if connections is None else [c for c in connections if "vtk" in c.findtext("signal", "")]
        for connection in carried:
            assert connections is not None
            connections.remove(connection)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(form, encoding="utf-8", xml_declaration=True))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        root: Any = super().load(buffer, parent)
        for connection in carried:
            sender, receiver = (_named(root, connection.findtext(end, "")) for end in ("sender", "receiver"))
            slot = connection.findtext("slot", "").split("(")[0]
            sender.connect(connection.findtext("signal", ""), getattr(receiver, slot))
        return root


def _named(root: Any, name: str) -> Any:
    """The widget of that name. Raises ValueError where a connection names one that is not there."""
    found = root if root.objectName == name else root.findChild(QtCore.QObject, name)
    if found is None:
        raise ValueError(f"the form connects {name}, which it does not hold")
    return found
