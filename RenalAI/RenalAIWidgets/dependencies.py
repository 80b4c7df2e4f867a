"""The engine's packages: installed when they are first needed, after the user was asked, and nothing else with them.

numpy, SimpleITK and torch are never named here: Slicer brings the first two, its PyTorch extension the third.
A folder of wheels for computers without internet: ``RENALAI_WHEELS`` in the environment.
"""

from __future__ import annotations

import os
import shutil
from importlib import invalidate_caches, metadata
from pathlib import Path

import slicer
from slicer.i18n import tr as _

PROCESSOR = "onnxruntime>=1.18"
GRAPHICS_CARD = "onnxruntime-gpu>=1.18"
OTHERS = ("pydicom>=3.0",)
SIZES_MB = {PROCESSOR: 20, GRAPHICS_CARD: 300, OTHERS[0]: 3}


class NotInstalledError(RuntimeError):
    """The user declined, or the installation failed; the text says what to do."""


def missing() -> list[str]:
    """The requirements that are not met, as pip writes them. Looks at installed metadata; imports nothing."""
    wanted = [] if _engine_present() else [GRAPHICS_CARD if nvidia_driver() else PROCESSOR]
    return wanted + [requirement for requirement in OTHERS if not _met(requirement)]


def ensure() -> None:
    """Installs what is missing, after asking once.

    Raises:
        NotInstalledError: the user declined, or pip failed.
    """
    requirements = missing()
    if not requirements:
        return
    refuse_unasked(requirements)
    wheels = os.environ.get("RENALAI_WHEELS", "")
    try:
        if wheels:
            _install_from_folder(requirements, Path(wheels))
        else:
            _install(requirements)
    except NotInstalledError:
        raise
    except Exception as problem:  # pip's and Slicer's own kinds differ between versions
        text = _(
            "The engine could not be installed: {problem}. Without internet, put the wheels of {packages} into a "
            "folder and name it in RENALAI_WHEELS; the documentation has the steps."
        )
        raise NotInstalledError(text.format(problem=problem, packages=", ".join(requirements))) from problem
    invalidate_caches()
    still = missing()
    if still:
        text = _("{packages} could not be installed. Restart Slicer and try again.")
        raise NotInstalledError(text.format(packages=", ".join(still)))


def refuse_unasked(requirements: list[str]) -> None:
    """Without a main window nobody can be asked, and a dialog would wait for ever. Raises NotInstalledError."""
    if slicer.util.mainWindow() is None:
        text = _(
            "RenalAI needs {packages}. Nobody can be asked without a window: install them once in Slicer's window, or "
            "with slicer.util.pip_install('{command}')."
        )
        command = _quoted(requirements)
        raise NotInstalledError(text.format(packages=", ".join(requirements), command=command))


def nvidia_driver() -> bool:
    """Whether an NVIDIA driver is installed; its own program is on the path then."""
    return shutil.which("nvidia-smi") is not None


def _install(requirements: list[str]) -> None:
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer 5.10
        _ask(requirements)
        slicer.util.pip_install(_quoted(requirements))
        return
    try:
        pip_ensure(requirements, requester="RenalAI")
    except RuntimeError as declined:
        raise NotInstalledError(_declined()) from declined


def _install_from_folder(requirements: list[str], folder: Path) -> None:
    if not folder.is_dir():
        raise NotInstalledError(_("RENALAI_WHEELS names {folder}, which is no folder.").format(folder=folder))
    _ask(requirements)
    slicer.util.pip_install(f'--no-index --find-links "{folder.as_posix()}" {_quoted(requirements)}')


def _ask(requirements: list[str]) -> None:
    lines = [f"{requirement}  (~{SIZES_MB[requirement]} MB)" for requirement in requirements]
    text = _("RenalAI needs these Python packages to run its networks:\n\n{packages}\n\nInstall them now?")
    if not slicer.util.confirmOkCancelDisplay(text.format(packages="\n".join(lines)), windowTitle=_("Install engine")):
        raise NotInstalledError(_declined())


def _declined() -> str:
    return _("The engine was not installed, so nothing was segmented. Press Segment again to be asked again.")


def _quoted(requirements: list[str]) -> str:
    return " ".join(f'"{requirement}"' for requirement in requirements)


def _engine_present() -> bool:
    """Either build of onnxruntime serves."""
    return any(_met(requirement) for requirement in (PROCESSOR, GRAPHICS_CARD))


def _met(requirement: str) -> bool:
    name, least = requirement.split(">=")
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return _numbers(installed) >= _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers: enough for a minimum, and deaf to suffixes such as ``1.20.0rc1``."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
