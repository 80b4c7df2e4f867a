"""``dataset.json``: one file that MONAI's Decathlon datalists and nnU-Net v2 both read.

MONAI (`monai.data.load_decathlon_datalist`) takes ``training``, ``validation`` and ``test``: lists of image and label.
nnU-Net v2 takes ``channel_names``, ``labels``, ``numTraining``, ``file_ending`` and, in place of the folders imagesTr
and labelsTr, ``dataset``: files by case. Its folds go into ``splits_final.json`` of the preprocessed folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from RenalAILib.labels import Label

from .case import Case

_TEST = "test"


def datalist(name: str, description: str, cases: tuple[Case, ...], split: Mapping[str, tuple[str, ...]]) -> str:
    """The text of ``dataset.json``. Cases in no part, and folds, count as training; those without a CT are left out."""
    with_image = [case for case in cases if case.has_image]
    part_of = {case: part for part, members in split.items() for case in members}
    parts: dict[str, list[dict[str, str]]] = {"training": [], "validation": [], _TEST: []}
    for case in with_image:
        part = part_of.get(case.name, "training")
        parts[part if part in parts else "training"].append({"image": case.image_path, "label": case.label_path()})
    not_test = [case for case in with_image if part_of.get(case.name) != _TEST]
    content = {
        "name": name,
        "description": description,
        "licence": ", ".join(sorted({case.facts.licence for case in cases})),
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "channel_names": {"0": "CT"},
        "labels": {label.name.lower(): int(label) for label in Label},
        "file_ending": ".nii.gz",
        "numTraining": len(not_test),
        "numTest": len(parts[_TEST]),
        "dataset": {case.name: {"images": [case.image_path], "label": case.label_path()} for case in not_test},
        **parts,
    }
    return json.dumps(content, indent=1) + "\n"


def nnunet_splits(cases: tuple[Case, ...], split: Mapping[str, tuple[str, ...]]) -> str:
    """The text of ``splits_final.json``: one entry for training and validation, or one for each fold."""
    usable = {case.name for case in cases if case.has_image}
    pool = [name for part, members in split.items() if part != _TEST for name in members if name in usable]
    held_out = [members for part, members in split.items() if part not in ("training", _TEST)]
    entries = []
    for members in held_out:
        inside = set(members)
        entries.append(
            {"train": [name for name in pool if name not in inside], "val": [n for n in pool if n in inside]}
        )
    return json.dumps(entries, indent=1) + "\n"
