"""What pyproject.toml cannot say: a wheel carries the shipped bundles inside the package.

A checkout (and an editable install) reads them from ``Resources/Bundles``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithBundles(build_py):
    """Copies ``Resources/Bundles`` into the built package."""

    def run(self) -> None:
        super().run()
        bundles = Path(__file__).resolve().parent / "Resources" / "Bundles"
        if not self.editable_mode and bundles.is_dir():
            inside = Path(self.build_lib) / "RenalAILib" / "Resources" / "Bundles"
            shutil.copytree(bundles, inside, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithBundles})
