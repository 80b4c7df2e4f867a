"""Volumes and outcomes as files that another process maps into memory without reading or unpacking them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..boxes import Box
from ..findings import Findings, Outcome, Saliency
from ..radiologist.readings import Reading
from ..volume import Volume


def write_volume(volume: Volume, folder: Path, name: str) -> dict[str, Any]:
    """Writes ``name.npy`` (uncompressed, C order ``[k, j, i]``) and returns its entry for the job file."""
    np.save(folder / f"{name}.npy", volume.voxels)
    return {"file": f"{name}.npy", "ijk_to_ras": volume.ijk_to_ras.tolist(), "name": volume.name}


def read_volume(entry: Mapping[str, Any], folder: Path) -> Volume:
    """The inverse: voxels stay on disk and are mapped read-only."""
    voxels = np.load(folder / entry["file"], mmap_mode="r", allow_pickle=False)
    return Volume(voxels, np.array(entry["ijk_to_ras"]), entry["name"])


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Writes ``findings.json``, ``labels.npy``, ``instances.npy`` and ``saliency.npz``; the CT itself is left out."""
    np.save(folder / "labels.npy", outcome.labels)
    np.save(folder / "instances.npy", outcome.instances)
    maps: dict[str, np.ndarray] = {}
    for segment_id, saliency in outcome.saliency.items():
        maps[f"{segment_id}.values"] = saliency.values
        maps[f"{segment_id}.box"] = np.array([saliency.box.start, saliency.box.stop])
    np.savez(folder / "saliency.npz", **maps)  # type: ignore[arg-type]  # numpy's stub takes the names for options
    text = json.dumps(outcome.findings.to_json(), indent=1)
    (folder / "findings.json").write_text(text, encoding="utf-8")


def read_outcome(volume: Volume, folder: Path) -> Outcome:
    """The inverse, read into memory: the folder can go as soon as this returns (Windows keeps mapped files)."""
    findings = Findings.from_json(json.loads((folder / "findings.json").read_text(encoding="utf-8")))
    with np.load(folder / "saliency.npz", allow_pickle=False) as maps:
        saliency = {name.removesuffix(".box"): _saliency(maps, name) for name in maps.files if name.endswith(".box")}
    return Outcome(
        volume,
        findings,
        np.load(folder / "labels.npy", allow_pickle=False),
        np.load(folder / "instances.npy", allow_pickle=False),
        saliency,
    )


def write_reported(outcome: Outcome, readings: Sequence[Reading], folder: Path) -> dict[str, Any]:
    """Writes an outcome with its CT and what the radiologist said, and returns the entries for the job file."""
    write_outcome(outcome, folder)
    volume = write_volume(outcome.volume, folder, "volume")
    return {"volume": volume, "readings": [reading.to_json() for reading in readings]}


def read_reported(fields: Mapping[str, Any], folder: Path) -> tuple[Outcome, tuple[Reading, ...]]:
    """The inverse."""
    outcome = read_outcome(read_volume(fields["volume"], folder), folder)
    return outcome, tuple(Reading.from_json(entry) for entry in fields["readings"])


def _saliency(maps: Mapping[str, np.ndarray], name: str) -> Saliency:
    start, stop = maps[name].tolist()
    return Saliency(Box(tuple(start), tuple(stop)), maps[f"{name.removesuffix('.box')}.values"])
