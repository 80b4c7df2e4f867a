"""What holds for the form of either module, asked of its .ui file or of the loaded form."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import qt

CONTROLS = {
    "QToolButton", "QCheckBox", "QComboBox", "QLineEdit", "QSpinBox", "QDoubleSpinBox", "QPushButton", "QTableWidget",
    "ctkSliderWidget", "ctkPathLineEdit", "qMRMLNodeComboBox",
}  # fmt: skip


def widgets_by_parameter(form) -> dict[str, list[str]]:
    """Which widgets carry each parameter."""
    found: dict[str, list[str]] = {}
    for widget in form.findChildren(qt.QWidget):
        for name in (bytes(key.data()).decode() for key in widget.dynamicPropertyNames()):
            if not name.startswith("_"):
                assert name == "SlicerParameterName" and widget.property(name), f"{widget.objectName}: {name}"
                found.setdefault(widget.property(name), []).append(widget.objectName)
    return found


def check_scene_followers(ui: Path) -> None:
    """Every node selector is told of a new scene by the form itself."""
    root = ElementTree.parse(ui).getroot()
    selectors = {w.get("name") for w in root.iter("widget") if w.get("class") == "qMRMLNodeComboBox"}
    connected = {
        c.findtext("receiver")
        for c in root.iter("connection")
        if c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)" and c.findtext("sender") == ui.stem
    }
    assert root.find("widget").get("class") == "qMRMLWidget"
    assert selectors == connected and selectors


def without_tip(ui: Path) -> set[str]:
    """Controls of the form that do not say what they do."""
    return {
        widget.get("name")
        for widget in ElementTree.parse(ui).getroot().iter("widget")
        if widget.get("class") in CONTROLS and "toolTip" not in {p.get("name") for p in widget.findall("property")}
    }


def unfold(form, width: int) -> None:
    """Show the form, every section open, so wide."""
    for button in form.findChildren(qt.QWidget):
        if button.className() == "ctkCollapsibleButton":
            button.collapsed = False
    form.resize(width, form.sizeHint.height())
    form.show()


def cut_texts(form) -> list[str]:
    """Names of visible buttons and labels that are narrower than their text."""
    return [
        w.objectName
        for w in form.findChildren(qt.QWidget)
        if isinstance(w, (qt.QAbstractButton, qt.QLabel))
        and w.visible
        and w.text
        and w.width < w.minimumSizeHint.width()
    ]
