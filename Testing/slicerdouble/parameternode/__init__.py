"""``slicer.parameterNodeWrapper``: typed parameters in a scripted module node, bound to widgets by name.

Stored as Slicer stores them: text parameters and node references, an Enum by its name, so that a scene survives a
reload and a renamed Enum member breaks old scenes here as it does there.
"""

from .connectors import GuiConnector, createGuiConnector, parameterNodeGuiConnector
from .packs import isParameterPack, parameterPack
from .validators import (
    Choice,
    Decimals,
    Default,
    Exclude,
    IsInstance,
    Maximum,
    Minimum,
    NotNone,
    SingleStep,
    Validator,
    WithinRange,
)
from .wrapper import SlicerParameterNamePropertyName, isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice", "Decimals", "Default", "Exclude", "GuiConnector", "IsInstance", "Maximum", "Minimum", "NotNone",
    "SingleStep", "SlicerParameterNamePropertyName", "Validator", "WithinRange", "createGuiConnector",
    "isParameterNodeWrapper", "isParameterPack", "parameterNodeGuiConnector", "parameterNodeWrapper", "parameterPack",
]  # fmt: skip
