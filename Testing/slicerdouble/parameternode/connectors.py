"""Which widget shows which type, both ways. As in Slicer the widget's class must be the exact one, not a subclass."""

from __future__ import annotations

import enum
import logging
import pathlib
from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

from .parameters import is_node, node_classes, split
from .validators import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange


class GuiConnector:
    """Between one widget and one parameter. Subclasses name the signal and read and write the widget."""

    SIGNAL: str | None = None

    def __init__(self, widget: Any, datatype: Any) -> None:
        self._widget = widget
        self.kind, self.notes = split(datatype)
        self._callback: Callable[[], None] | None = None

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        raise NotImplementedError

    def widget(self) -> Any:
        return self._widget

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        """Call back when the user changes the widget; None ends it."""
        if self.SIGNAL is None:
            return
        signal = getattr(self._widget, self.SIGNAL)
        if self._callback is not None:
            signal.disconnect(self._changed)
        self._callback = callback
        if callback is not None:
            signal.connect(self._changed)

    def _changed(self, *_arguments: Any) -> None:
        if self._callback is not None:
            self._callback()

    def note(self, kind: type) -> Any:
        return next((note for note in self.notes if isinstance(note, kind)), None)

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError


_connectors: list[type[GuiConnector]] = []


def parameterNodeGuiConnector(cls: Any = None) -> Any:
    """Class decorator: use this connector too."""

    def register(connector: type[GuiConnector]) -> type[GuiConnector]:
        _connectors.append(connector)
        return connector

    return register if cls is None else register(cls)


def createGuiConnector(widget: Any, datatype: Any) -> GuiConnector:
    """Raises RuntimeError for a widget that cannot show the type."""
    for connector in _connectors:
        if connector.canRepresent(widget, datatype):
            return connector(widget, datatype)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{datatype}' to widget type '{type(widget)}'")


def _is_a(kind: Any, base: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


class _PropertyConnector(GuiConnector):
    """A widget whose value is one property."""

    PROPERTY = ""

    def read(self) -> Any:
        return getattr(self._widget, self.PROPERTY)

    def write(self, value: Any) -> None:
        setattr(self._widget, self.PROPERTY, value)


@parameterNodeGuiConnector
class BoolConnector(_PropertyConnector):
    SIGNAL, PROPERTY = "toggled", "checked"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return split(datatype)[0] is bool and type(widget) in (qt.QCheckBox, qt.QPushButton)

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        if not widget.checkable:
            logging.warning(f"Making push button {widget.objectName} checkable for conversion to bool")
            widget.checkable = True


@parameterNodeGuiConnector
class NumberConnector(_PropertyConnector):
    SIGNAL, PROPERTY = "valueChanged", "value"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        kind = split(datatype)[0]
        if kind is int:
            return type(widget) in (qt.QSlider, qt.QSpinBox, qt.QDoubleSpinBox, ctk.ctkSliderWidget)
        return kind is float and type(widget) in (qt.QDoubleSpinBox, ctk.ctkSliderWidget)

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        for note, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            if self.note(note) is not None:
                setattr(widget, name, self.note(note).value)
        within = self.note(WithinRange)
        low = within or self.note(Minimum)
        high = within or self.note(Maximum)
        if (low is None or high is None) and type(widget) in (qt.QSlider, ctk.ctkSliderWidget):
            raise RuntimeError("a slider needs a parameter with a minimum and a maximum")
        widget.minimum = low.minimum if low is not None else -(2**31)
        widget.maximum = high.maximum if high is not None else 2**31 - 1

    def read(self) -> Any:
        return self.kind(super().read())


@parameterNodeGuiConnector
class ChoiceConnector(GuiConnector):
    SIGNAL = "currentIndexChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        kind = split(datatype)[0]
        return type(widget) is qt.QComboBox and (kind in (int, float, str, bool) or _is_a(kind, enum.Enum))

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        choice = self.note(Choice)
        if _is_a(self.kind, enum.Enum):
            label = getattr(self.kind, "label", lambda member: member.name)
            self.choices = [(label(member), member) for member in self.kind]
        elif choice is None:
            raise RuntimeError("a QComboBox needs a parameter with the Choice annotation")
        else:
            self.choices = [(str(value), value) for value in choice.choices]
        widget.clear()
        for text, _value in self.choices:
            widget.addItem(text)

    def read(self) -> Any:
        return self.choices[self._widget.currentIndex][1]

    def write(self, value: Any) -> None:
        values = [choice for _text, choice in self.choices]
        if value not in values:
            raise ValueError(f"Unable to find value {value!r} in choices {values}")
        self._widget.currentIndex = values.index(value)


@parameterNodeGuiConnector
class LineConnector(_PropertyConnector):
    SIGNAL, PROPERTY = "textChanged", "text"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return split(datatype)[0] is str and type(widget) is qt.QLineEdit


@parameterNodeGuiConnector
class TextConnector(_PropertyConnector):
    SIGNAL, PROPERTY = "textChanged", "plainText"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return split(datatype)[0] is str and type(widget) in (qt.QTextEdit, qt.QPlainTextEdit)


@parameterNodeGuiConnector
class LabelConnector(GuiConnector):
    """One way: the label shows, nobody edits it."""

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is qt.QLabel and split(datatype)[0] in (str, int, float)

    def read(self) -> Any:
        return self.kind(self._widget.text)

    def write(self, value: Any) -> None:
        self._widget.text = str(value)


@parameterNodeGuiConnector
class PathConnector(GuiConnector):
    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return _is_a(split(datatype)[0], pathlib.PurePath) and type(widget) in (
            ctk.ctkPathLineEdit,
            ctk.ctkDirectoryButton,
        )

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        self._property = "currentPath" if type(widget) is ctk.ctkPathLineEdit else "directory"
        self.SIGNAL = self._property + "Changed"

    def read(self) -> Any:
        return self.kind(getattr(self._widget, self._property))

    def write(self, value: Any) -> None:
        setattr(self._widget, self._property, str(value))


@parameterNodeGuiConnector
class NodeConnector(GuiConnector):
    SIGNAL = "currentNodeChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is slicer.qMRMLNodeComboBox and is_node(split(datatype)[0])

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        widget.nodeTypes = [kind.__name__ for kind in node_classes(self.kind)]

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)
