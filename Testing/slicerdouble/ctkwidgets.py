"""Stand-ins for the CTK widgets that the modules use, with CTK's property and signal names."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from . import uiloader


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A header with an arrow over contents that fold away."""

    STANDS_FOR_CPP = True
    HEADER = 24
    contentsCollapsed = QtCore.Signal(bool)
    clicked = QtCore.Signal(bool)

    def __init__(self, text: str | QtWidgets.QWidget | None = None, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(text if isinstance(text, QtWidgets.QWidget) else parent)
        self._text = text if isinstance(text, str) else ""
        self._collapsed = False
        self._shown_before: dict[QtWidgets.QWidget, bool] = {}
        super().setContentsMargins(0, self.HEADER, 0, 0)

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def setCollapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        for child in self._contents():
            if collapsed:
                self._shown_before[child] = not child.isHidden()
                child.hide()
            else:
                child.setVisible(self._shown_before.pop(child, True))
        self.setMaximumHeight(self.HEADER if collapsed else 16777215)
        self.updateGeometry()
        self.update()
        self.contentsCollapsed.emit(collapsed)

    def _contents(self) -> list[Any]:
        return [child for child in self.children() if isinstance(child, QtWidgets.QWidget)]

    def _get_text(self) -> str:
        return self._text

    def setText(self, text: str) -> None:
        self._text = text
        self.update()

    def click(self) -> None:
        self.setCollapsed(not self._collapsed)
        self.clicked.emit(not self._collapsed)

    collapsed = QtCore.Property(bool, _get_collapsed, setCollapsed)
    checked = QtCore.Property(bool, lambda self: not self._collapsed, lambda self, on: self.setCollapsed(not on))
    text = QtCore.Property(str, _get_text, setText)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        if self._collapsed and event.added() and isinstance(event.child(), QtWidgets.QWidget):
            event.child().hide()
        super().childEvent(event)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.position().y() <= self.HEADER:
            self.click()

    def minimumSizeHint(self) -> QtCore.QSize:
        inner = QtCore.QSize(0, 0) if self._collapsed or not self.layout() else self.layout().minimumSize()
        return QtCore.QSize(max(inner.width(), 80), inner.height() + self.HEADER)  # the layout counts its own margins

    def sizeHint(self) -> QtCore.QSize:
        if self._collapsed or not self.layout():
            return self.minimumSizeHint()
        return self.layout().sizeHint() + QtCore.QSize(0, self.HEADER)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        header = QtCore.QRect(0, 0, self.width, self.HEADER - 4)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = header
        self.style().drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, 5, 10, 10)
        pointing = QtWidgets.QStyle.PrimitiveElement
        which = pointing.PE_IndicatorArrowRight if self._collapsed else pointing.PE_IndicatorArrowDown
        self.style().drawPrimitive(which, arrow, painter, self)
        painter.drawText(header.adjusted(24, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._text)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with its spin box; floats."""

    STANDS_FOR_CPP = True
    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    STEPS = 1000

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider: Any = QtWidgets.QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, self.STEPS)
        self._box: Any = QtWidgets.QDoubleSpinBox()
        self._box.setRange(0, 99)
        row.addWidget(self._slider, 1)
        row.addWidget(self._box)
        self._slider.valueChanged.connect(self._from_slider)
        self._box.valueChanged.connect(self._from_box)

    def _from_slider(self, step: int) -> None:
        if self._slider.hasFocus() or self._slider.isSliderDown():
            self._box.setValue(self.minimum + (self.maximum - self.minimum) * step / self.STEPS)

    def _from_box(self, value: float) -> None:
        self._place_slider()
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _place_slider(self) -> None:
        extent = self.maximum - self.minimum
        with QtCore.QSignalBlocker(self._slider):
            self._slider.setValue(round((self.value - self.minimum) / extent * self.STEPS) if extent > 0 else 0)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setMinimum(self, value: float) -> None:
        self._box.setMinimum(value)
        self._place_slider()

    def setMaximum(self, value: float) -> None:
        self._box.setMaximum(value)
        self._place_slider()

    def setRange(self, low: float, high: float) -> None:
        self._box.setRange(low, high)
        self._place_slider()

    value = QtCore.Property(float, lambda self: self._box.value, setValue)
    minimum = QtCore.Property(float, lambda self: self._box.minimum, setMinimum)
    maximum = QtCore.Property(float, lambda self: self._box.maximum, setMaximum)
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep, lambda self, v: self._box.setSingleStep(v))
    pageStep = QtCore.Property(float, lambda self: self._box.singleStep * 10, lambda self, v: None)
    decimals = QtCore.Property(int, lambda self: self._box.decimals, lambda self, v: self._box.setDecimals(v))
    suffix = QtCore.Property(str, lambda self: self._box.suffix, lambda self, v: self._box.setSuffix(v))
    prefix = QtCore.Property(str, lambda self: self._box.prefix, lambda self, v: self._box.setPrefix(v))


class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path with a browse button."""

    STANDS_FOR_CPP = True
    currentPathChanged = QtCore.Signal(str)
    Files, Dirs, Drives, Hidden, Readable, Writable = 0x2, 0x1, 0x4, 0x100, 0x10, 0x20

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._line: Any = QtWidgets.QLineEdit()
        self._browse: Any = QtWidgets.QToolButton()
        self._browse.setText("…")
        row.addWidget(self._line, 1)
        row.addWidget(self._browse)
        self._filters, self._name_filters, self._setting = 0, [], ""
        self._line.textChanged.connect(self.currentPathChanged)

    def setCurrentPath(self, path: str) -> None:
        self._line.setText(path)

    def addCurrentPathToHistory(self) -> None:
        """CTK keeps a history in the settings; a test has none."""

    currentPath = QtCore.Property(str, lambda self: self._line.text, setCurrentPath)
    filters = QtCore.Property(int, lambda self: self._filters, lambda self, v: setattr(self, "_filters", v))
    nameFilters = QtCore.Property(
        list, lambda self: self._name_filters, lambda self, v: setattr(self, "_name_filters", list(v))
    )
    settingKey = QtCore.Property(str, lambda self: self._setting, lambda self, v: setattr(self, "_setting", v))


class ctkDirectoryButton(QtWidgets.QPushButton):
    """A button that shows the directory it chooses."""

    STANDS_FOR_CPP = True
    directoryChanged = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._directory = ""

    def setDirectory(self, path: str) -> None:
        if path != self._directory:
            self._directory = path
            self.setText(path)
            self.directoryChanged.emit(path)

    directory = QtCore.Property(str, lambda self: self._directory, setDirectory)


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for no choice."""

    STANDS_FOR_CPP = True

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)

    defaultText = QtCore.Property(
        str, lambda self: self.placeholderText, lambda self, text: self.setPlaceholderText(text)
    )


class ctkCheckBox(QtWidgets.QCheckBox):
    """As QCheckBox, for what the modules use of it."""

    STANDS_FOR_CPP = True


class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that holds a colour."""

    STANDS_FOR_CPP = True
    colorChanged = QtCore.Signal(QtGui.QColor)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QtGui.QColor("black")

    def setColor(self, color: QtGui.QColor) -> None:
        if color != self._color:
            self._color = color
            self.colorChanged.emit(color)

    color = QtCore.Property(QtGui.QColor, lambda self: self._color, setColor)


WIDGETS = (
    ctkCollapsibleButton, ctkSliderWidget, ctkPathLineEdit, ctkDirectoryButton, ctkComboBox, ctkCheckBox,
    ctkColorPickerButton,
)  # fmt: skip


def build() -> ModuleType:
    """The module ``ctk``, to be put in ``sys.modules``."""
    module = ModuleType("ctk", __doc__)
    for cls in WIDGETS:
        setattr(module, cls.__name__, cls)
    uiloader.register(*WIDGETS)
    return module
