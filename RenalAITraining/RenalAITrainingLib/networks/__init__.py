"""The networks a recipe may name. `build` is the only way they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from RenalAILib.errors import InputError

from .efficientnet_unet import AsymmetricEfficientNetUNet, EfficientNetUNet
from .resnet import ClassifierResNet
from .segnet import NablaNet, SegNet
from .segresnet import segresnet
from .slice_resnet import resnet50v2, resnet101, resnet152
from .slice_unet import SliceUNet
from .ssd import SingleShotDetector
from .unet import kidney_unet

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "unet": kidney_unet,
    "resnet10": ClassifierResNet,
    "segresnet": segresnet,
    "slice_unet": SliceUNet,
    "segnet": SegNet,
    "nablanet": NablaNet,
    "efficientnet_unet": EfficientNetUNet,
    "asymmetric_efficientnet_unet": AsymmetricEfficientNetUNet,
    "resnet50v2": resnet50v2,
    "resnet101": resnet101,
    "resnet152": resnet152,
    "ssd": SingleShotDetector,
}


def build(name: str, **options: Any) -> nn.Module:
    """The network that a recipe names, with fresh weights from torch's current random state.

    Raises:
        InputError: no network of that name, or an option it does not have.

    Example:
        >>> sum(weight.numel() for weight in build("unet", outputs=2, residual_units=0).parameters())
        1980826
    """
    if name not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {', '.join(sorted(NETWORKS))}")
    try:
        return NETWORKS[name](**options)
    except (TypeError, KeyError) as error:
        raise InputError(f"the network {name!r} does not take these options: {error}") from error
