"""The DeepHealth Dataset Format (DDF): a YAML file that names a dataset's images, labels, features and split.

Source: "DeepHealth Toolkit Dataset Format", wiki of deephealthproject/ecvl, and what ECVL 1.0's parser accepts: an
image is a path or a mapping with ``location`` (a path or several), ``label`` (a class by name or index, several of
them, or the path of a mask) and ``values`` (one per feature, as a list with nulls or as a mapping); ``split`` maps any
names to lists of image indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from RenalAILib.errors import InputError

from ..strict_yaml import read_yaml

_KEYS = ("name", "description", "classes", "features", "images", "split")

_UNICODE_BREAKS = frozenset("\x85\u2028\u2029")


@dataclass(frozen=True)
class DdfImage:
    """One image.

    Attributes:
        locations: its file, or the files it is stacked of, relative to the YAML file.
        label: the path of a mask or one class name (str), one class index (int), several of these, or None.
        values: text for each feature, None where there is none; empty where the file gives none at all.
    """

    locations: tuple[str, ...]
    label: str | int | tuple[str | int, ...] | None = None
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Ddf:
    """One file's content. ``split`` holds indices into ``images``.

    Example:
        >>> small = Ddf("kidneys", images=(DdfImage(("a.nii.gz",), "a_mask.nii.gz"),), split={"training": (0,)})
        >>> parse(render(small), "dataset.yaml") == small
        True
    """

    name: str = ""
    description: str = ""
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    images: tuple[DdfImage, ...] = ()
    split: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def render(ddf: Ddf) -> str:
    """The YAML text."""
    content: dict[str, Any] = {"name": ddf.name, "description": ddf.description}
    if ddf.classes:
        content["classes"] = list(ddf.classes)
    if ddf.features:
        content["features"] = list(ddf.features)
    content["images"] = [_plain(image, ddf.features) for image in ddf.images]
    if ddf.split:
        content["split"] = {name: list(indices) for name, indices in ddf.split.items()}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=160, default_flow_style=None)
    if _UNICODE_BREAKS.isdisjoint(text):
        return text
    # PyYAML writes these as they are and reads them back as spaces; escaped they survive.
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=False, width=160, default_flow_style=None)


def parse(text: str, where: str) -> Ddf:
    """The inverse of `render`, for any DDF file.

    Args:
        text: YAML.
        where: the file, for messages.

    Raises:
        InputError: it is not a DDF file; one sentence with the place.
    """
    content = read_yaml(text, where)
    if not isinstance(content, dict) or "images" not in content:
        raise InputError(f"{where} is no dataset in the DeepHealth format: it has no list of images")
    unknown = [str(key) for key in content if key not in _KEYS]
    if unknown:
        raise InputError(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    features = _words(content.get("features"), f"{where}: features")
    listed = content["images"] or []
    if not isinstance(listed, list):
        raise InputError(f"{where}: images must be a list")
    images = tuple(_image(item, features, f"{where}: image {number}") for number, item in enumerate(listed))
    return Ddf(
        str(content.get("name") or ""),
        str(content.get("description") or ""),
        _words(content.get("classes"), f"{where}: classes"),
        features,
        images,
        _split(content.get("split"), len(images), where),
    )


def _plain(image: DdfImage, features: tuple[str, ...]) -> dict[str, Any]:
    one = len(image.locations) == 1
    item: dict[str, Any] = {"location": image.locations[0] if one else list(image.locations)}
    if image.label is not None:
        item["label"] = list(image.label) if isinstance(image.label, tuple) else image.label
    if image.values and len(image.values) == len(set(features)) == len(features):
        item["values"] = {name: value for name, value in zip(features, image.values, strict=True) if value is not None}
    elif image.values:
        item["values"] = list(image.values)
    return item


def _image(item: Any, features: tuple[str, ...], where: str) -> DdfImage:
    if not isinstance(item, dict):
        return DdfImage(_locations(item, where))
    label = item.get("label")
    if isinstance(label, list):
        label = tuple(_label(part, where) for part in label)
    elif label is not None:
        label = _label(label, where)
    return DdfImage(_locations(item.get("location"), where), label, _values(item.get("values"), features, where))


def _locations(item: Any, where: str) -> tuple[str, ...]:
    listed = item if isinstance(item, list) else [item]
    if not listed or not all(isinstance(part, str) and part for part in listed):
        raise InputError(f"{where} has no location")
    return tuple(listed)


def _label(item: Any, where: str) -> str | int:
    if isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool)):
        return item
    raise InputError(f"{where} has the label {item!r}, which is no class and no path")


def _values(item: Any, features: tuple[str, ...], where: str) -> tuple[str | None, ...]:
    if item is None:
        return ()
    if isinstance(item, dict):
        unknown = [str(key) for key in item if key not in features]
        if unknown:
            raise InputError(f"{where} has a value for {unknown[0]!r}, which is none of the features")
        item = [item.get(name) for name in features]
    if not isinstance(item, list) or len(item) > len(features):
        raise InputError(f"{where} must have a list of at most {len(features)} values, one for each feature")
    return tuple(None if value is None else str(value) for value in item)


def _words(item: Any, where: str) -> tuple[str, ...]:
    if item is None:
        return ()
    if not isinstance(item, list) or any(isinstance(word, (list, dict)) for word in item):
        raise InputError(f"{where} must be a list of names")
    return tuple(str(word) for word in item)


def _split(item: Any, count: int, where: str) -> dict[str, tuple[int, ...]]:
    if item is None:
        return {}
    if not isinstance(item, dict):
        raise InputError(f"{where}: split must map names to lists of image indices")
    parts = {}
    for name, indices in item.items():
        numbers = indices or []
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n < count for n in numbers):
            raise InputError(f"{where}: the split {name!s} must be a list of image indices from 0 to {count - 1}")
        parts[str(name)] = tuple(numbers)
    return parts
