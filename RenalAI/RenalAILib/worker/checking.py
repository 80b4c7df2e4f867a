"""The check job: what this computer offers the engine, found by using it and not by asking whether it is there."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from ..steps import Report

PACKAGES = ("numpy", "SimpleITK", "onnxruntime", "onnxruntime-gpu", "openvino", "torch", "pydicom", "highdicom")


@dataclass(frozen=True)
class CheckJob:
    """Versions, engines by a small convolution, memory, and the checksums of every bundle."""

    task: ClassVar[str] = "check"

    def write(self, folder: Path) -> dict[str, Any]:
        return {}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> CheckJob:
        return cls()

    def run(self, output: Path, report: Report) -> None:
        report("versions", 0.1, "")
        facts: dict[str, Any] = {
            "system": platform.platform(),
            "python": platform.python_version(),
            "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
            "cores": os.cpu_count(),
            "memory_gb": memory_gb(),
        }
        report("engines", 0.3, "")
        facts["engines"] = _engines()
        report("bundles", 0.7, "")
        facts["bundles"] = _bundles()
        (output / "check.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    def load(self, output: Path) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((output / "check.json").read_text(encoding="utf-8"))
        return facts


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _engines() -> dict[str, str]:
    """By "engine on device": "works", or why not."""
    from ..engines.selection import CANDIDATES, why_not

    pairs = [(name, device) for device, names in CANDIDATES.items() for name in names]
    return {f"{name} on {device}": why_not(name, device) or "works" for name, device in pairs}


def _bundles() -> dict[str, str]:
    """By name: "verified" with the version, or what is wrong with it."""
    from ..bundles.bundle import read_bundle
    from ..bundles.store import find_bundles
    from ..errors import InputError

    states = {}
    for name, folder in find_bundles().items():
        try:
            states[name] = f"version {read_bundle(folder).version}, all files verified"
        except InputError as problem:
            states[name] = str(problem)
    return states


def memory_gb() -> float | None:
    """Memory that is free for programs, GB; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return _installed_memory_gb()
    fields = dict(line.split(":", 1) for line in lines)
    return round(int(fields["MemAvailable"].split()[0]) / 1024**2, 1)


def _installed_memory_gb() -> float | None:
    """Memory in the computer, GB, on systems without /proc that know sysconf (macOS)."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1)
    except (AttributeError, ValueError, OSError):
        return None
