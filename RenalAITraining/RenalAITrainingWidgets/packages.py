"""Packages of the training worker: installed when first needed, after the user was asked.

torch comes from Slicer's PyTorch extension and from nowhere else. What Slicer brings (numpy, SimpleITK, torch once it
is there) is pinned to the version that is installed, so that pip cannot touch it.
"""

from __future__ import annotations

import os
import tempfile
from importlib import invalidate_caches, metadata
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAIWidgets import dependencies, licences
from RenalAIWidgets.dependencies import NotInstalledError

DATASET = ("PyYAML>=6", "scipy>=1.11")
TRAINING = (*DATASET, "monai>=1.4", "onnx>=1.16", "onnxscript>=0.2", "matplotlib>=3.9")
EVALUATION = (*DATASET, "matplotlib>=3.9", "surface-distance>=0.1")
TORCH = "torch>=2.6"
SIZES_MB = {
    "PyYAML>=6": 1, "scipy>=1.11": 35, "monai>=1.4": 2, "onnx>=1.16": 18, "onnxscript>=0.2": 1, "matplotlib>=3.9": 9,
    "surface-distance>=0.1": 1,
}  # fmt: skip
UNTOUCHED = ("numpy", "SimpleITK", "torch", "requests")


def missing(requirements: tuple[str, ...]) -> list[str]:
    """Those that are not met. Looks at installed metadata; imports nothing."""
    return [requirement for requirement in requirements if not _met(requirement)]


def ensure_for(job: Any) -> None:
    """What a job of :mod:`RenalAITrainingLib.jobs` needs. Raises NotInstalledError, NotApprovedError."""
    kind = type(job).__name__
    if kind == "EvaluateJob":
        if not Path(job.bundle).is_dir():  # a folder is what the user trained here
            licences.ensure(job.bundle)
        dependencies.ensure()
        ensure(EVALUATION)
    else:
        ensure(TRAINING if kind in ("PublishJob", "SynthesiseJob") else DATASET)


def ensure(requirements: tuple[str, ...]) -> None:
    """Installs what is missing, after asking once; torch first, where it is needed.

    Raises:
        NotInstalledError: the user declined, an extension is missing, or pip failed.
    """
    if requirements == TRAINING and not _met(TORCH):
        dependencies.refuse_unasked([TORCH, *missing(requirements)])
        _install_torch()
    wanted = missing(requirements)
    if not wanted:
        return
    dependencies.refuse_unasked(wanted)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{line}\n" for line in _pinned()), encoding="utf-8")
        try:
            _install(wanted, constraints)
        except NotInstalledError:
            raise
        except Exception as problem:  # pip's and Slicer's own kinds differ between versions
            text = _("{packages} could not be installed: {problem}")
            raise NotInstalledError(text.format(packages=", ".join(wanted), problem=problem)) from problem
    invalidate_caches()
    still = missing(requirements)
    if still:
        text = _("{packages} could not be installed. Restart Slicer and try again.")
        raise NotInstalledError(text.format(packages=", ".join(still)))


def _install_torch() -> None:
    try:
        import PyTorchUtils
    except ImportError as absent:
        text = _(
            "Training needs PyTorch. Install the extension PyTorch with Slicer's Extensions Manager, restart Slicer, "
            "and start again."
        )
        raise NotInstalledError(text) from absent
    try:
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=">=2.6")
    except Exception as problem:  # its own kinds differ between versions
        raise NotInstalledError(_("PyTorch could not be installed: {problem}").format(problem=problem)) from problem
    if torch is None:
        raise NotInstalledError(_declined())


def _install(requirements: list[str], constraints: Path) -> None:
    wheels = os.environ.get("RENALAI_WHEELS", "")
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer 5.10
        pip_ensure = None
    if pip_ensure is not None and not wheels:
        try:
            pip_ensure(requirements, constraints=str(constraints), requester="RenalAI Training")
        except RuntimeError as declined:
            raise NotInstalledError(_declined()) from declined
        return
    lines = [f"{requirement}  (~{SIZES_MB[requirement]} MB)" for requirement in requirements]
    text = _("RenalAI Training needs these Python packages:\n\n{packages}\n\nInstall them now?")
    if not slicer.util.confirmOkCancelDisplay(
        text.format(packages="\n".join(lines)), windowTitle=_("Install packages")
    ):
        raise NotInstalledError(_declined())
    where = f'--no-index --find-links "{Path(wheels).as_posix()}" ' if wheels else ""
    quoted = " ".join(f'"{requirement}"' for requirement in requirements)
    slicer.util.pip_install(f'{where}--constraint "{constraints.as_posix()}" {quoted}')


def _pinned() -> list[str]:
    found = []
    for name in UNTOUCHED:
        try:
            found.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue  # built into Slicer without metadata: nothing here asks for it
    return found


def _declined() -> str:
    return _("The packages were not installed, so nothing was done. Press the button again to be asked again.")


def _met(requirement: str) -> bool:
    name, least = requirement.split(">=")
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return _numbers(installed) >= _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdigit())
