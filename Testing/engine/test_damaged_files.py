"""Fuzzing: files of our formats, damaged at random, are read or refused in a sentence; nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scanfiles import small_ct, write_metaimage, write_nifti, write_nrrd
from toybundle import make_bundle

from RenalAILib.bundles.bundle import METADATA, read_bundle, write_checksums
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings
from RenalAILib.reading import read_ct
from RenalAILib.worker.job import read_job

many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One to four wounds: bytes overwritten, cut out, repeated, or the end lost."""
    wounds = draw(st.lists(st.tuples(st.sampled_from("owcrt"), st.floats(0, 1), st.binary(min_size=1, max_size=6)),
                           min_size=1, max_size=4))  # fmt: skip

    def apply(content: bytes) -> bytes:
        for kind, where, new in wounds:
            at = int(where * max(len(content) - 1, 0))
            if kind == "w":  # headers are small; most of a file is voxels, where damage is only noise
                at = int(where * min(len(content) - 1, 360))
            if kind in "ow":
                content = content[:at] + new + content[at + len(new) :]
            elif kind == "c":
                content = content[:at] + content[at + len(new) :]
            elif kind == "r":
                content = content[:at] + new + content[at:]
            else:
                content = content[:at]
        return content

    return apply


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**9) | st.floats(allow_nan=True) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def changed(data: Any, path: tuple[float, ...], value: Any) -> Any:
    """``data`` with another value at one place, which fractions of each level's length choose."""
    if not path or not isinstance(data, (dict, list)) or not data:
        return value
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    key = keys[int(path[0] * (len(keys) - 1))]
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[key] = changed(data[key], path[1:], value)
    return copy


@contextmanager
def refused_or_read(kind: type[Exception], naming: str = "") -> Iterator[None]:
    """Lets a refusal pass that is one sentence with ``naming`` in it, and no other exception."""
    try:
        yield
    except kind as problem:
        sentence = str(problem)
    else:
        return
    assert sentence and naming in sentence and "\n" not in sentence


paths = st.lists(st.floats(0, 1), min_size=1, max_size=4).map(tuple)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    voxels = small_ct()
    write_nifti(folder / "scan.nii", voxels)
    write_nifti(folder / "scan.nii.gz", voxels)
    write_nrrd(folder / "scan.nrrd", voxels)
    write_metaimage(folder / "scan.mha", voxels)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha"])
@many
@given(damage=damages())
def test_a_damaged_scan(name: str, scans: dict[str, bytes], tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(damage(scans[name]))
    with refused_or_read(InputError, name):
        volume = read_ct(path).volume
        assert volume.voxels.ndim == 3 and np.isfinite(volume.voxels).all()
        assert np.isfinite(volume.ijk_to_ras).all()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "toy").folder


@many
@given(path=paths, value=json_values)
def test_changed_metadata_of_a_bundle(bundle: Path, path: tuple[float, ...], value: Any) -> None:
    """The checksums fit, as they do in a bundle made by a stranger."""
    whole = (bundle / METADATA).read_bytes()
    try:
        (bundle / METADATA).write_text(json.dumps(changed(json.loads(whole), path, value)), encoding="utf-8")
        write_checksums(bundle)
        with refused_or_read(InputError, "toy"):
            read_bundle(bundle)
    finally:
        (bundle / METADATA).write_bytes(whole)
        write_checksums(bundle)


@many
@given(damage=damages())
def test_damaged_checksums_of_a_bundle(bundle: Path, damage: Callable[[bytes], bytes]) -> None:
    whole = (bundle / "SHA256SUMS").read_bytes()
    damaged = damage(whole)
    try:
        (bundle / "SHA256SUMS").write_bytes(damaged)
        with refused_or_read(InputError, "toy"):
            read_bundle(bundle)
            assert damaged.split() == whole.split()
    finally:
        (bundle / "SHA256SUMS").write_bytes(whole)


FINDINGS = {
    "schema": "renalai.findings/1",
    "bundle": {"name": "toy", "version": "1", "sha256": "0" * 64, "demonstration": True},
    "volume": {"shape": [1, 2, 3], "spacing_mm": [1.0, 1.0, 1.0], "ijk_to_ras": np.eye(4).tolist()},
    "kidneys": [{"segment_id": "kidney_right", "side": "right", "volume_ml": 1.0, "mean_hu": 100.0}],
    "masses": [
        {
            "segment_id": "mass_right_1",
            "side": "right",
            "class": "aml",
            "probabilities": {"aml": 1.0, "cystic": 0.0, "solid": 0.0},
            "volume_ml": 1.0,
            "diameter_mm": {"average": 12.0, "axial_max": 12.0},
            "centroid_ras": [0.0, 0.0, 0.0],
            "mean_hu": -50.0,
            "evidence": {
                "sd_hu": 1.0,
                "fat_fraction": 1.0,
                "fluid_fraction": 0.0,
                "enhancement_hu": None,
                "suggests": "aml",
                "agrees": True,
                "text": "fat",
            },
            "small": False,
        }
    ],
    "warnings": ["one"],
    "timings_s": {"total": 1.0},
}


def test_whole_findings_are_read() -> None:
    assert Findings.from_json(FINDINGS).to_json() == FINDINGS


@many
@given(path=paths, value=json_values)
def test_changed_findings(path: tuple[float, ...], value: Any) -> None:
    with refused_or_read(ValueError):
        Findings.from_json(changed(FINDINGS, path, value))


@many
@given(content=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_job_file_of_anything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "job.json").write_bytes(content)
    with pytest.raises(InputError, match="job"):
        read_job(tmp_path / "job.json")
