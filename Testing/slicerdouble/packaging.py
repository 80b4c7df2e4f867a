"""``slicer.packaging`` (Slicer 5.12 and newer) and ``slicer.util.pip_install``: recorded, nothing is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass
class Installations:
    """What was asked to be installed, and how that goes.

    Attributes:
        calls: (function, requirements, options) in order.
        present: what ``pip_check`` says.
        declined: the user refuses; ``pip_ensure`` raises RuntimeError.
        failure: text of a failing installation, None where it works.
    """

    calls: list[tuple[str, tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    present: bool = False
    declined: bool = False
    failure: str | None = None

    def clear(self) -> None:
        self.calls.clear()
        self.present, self.declined, self.failure = False, False, None

    def install(self, function: str, requirements: str | Sequence[str], **options: Any) -> None:
        """Raises RuntimeError where declined or failing."""
        wanted = (requirements,) if isinstance(requirements, str) else tuple(str(r) for r in requirements)
        self.calls.append((function, wanted, options))
        if self.declined and function == "pip_ensure":
            raise RuntimeError("User declined package installation")
        if self.failure is not None:
            raise RuntimeError(self.failure)
        self.present = True


def build(installations: Installations) -> ModuleType:
    """The module ``slicer.packaging``."""
    module: Any = ModuleType("slicer.packaging", __doc__)

    def load_requirements(path: str | Path) -> list[str]:
        lines = (line.split("#")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line]

    def pip_check(requirements: Any) -> bool:
        return installations.present

    def pip_ensure(
        requirements: Any,
        constraints: Any = None,
        skip_packages: Any = None,
        prompt_install: bool = True,
        prompt_restart: bool = True,
        requester: str | None = None,
        skip_in_testing: bool = True,
        show_progress: bool = True,
    ) -> None:
        if not installations.present:
            installations.install(
                "pip_ensure",
                requirements,
                requester=requester,
                prompt_install=prompt_install,
                constraints=constraints,
                skip_packages=skip_packages,
            )

    def pip_install(requirements: Any, **options: Any) -> None:
        installations.install("pip_install", requirements, **options)

    module.load_requirements, module.pip_check = load_requirements, pip_check
    module.pip_ensure, module.pip_install = pip_ensure, pip_install
    module.isPipInstallInProgress = lambda: False
    return module
