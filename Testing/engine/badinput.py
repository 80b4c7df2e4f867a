"""Bad input: how a case is written down, and what the command must do with it: exit 2 and one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scanfiles import AXIAL, write_nifti
from toybundle import toy_bundle

from RenalAILib import cli

Words = list[str]
Make = Callable[[Path], Words]
"""Makes the input in a folder and returns the command's words."""


class Cases(dict[str, tuple[Make, str]]):
    """Cases by name: how the input is made, and what is told (a regular expression)."""

    def bad(self, told: str) -> Callable[[Make], Make]:
        """Registers a case under the name of the function that makes it."""

        def register(make: Make) -> Make:
            self[make.__name__] = (make, told)
            return make

        return register

    def hold(self, case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        """The command refuses the case in one sentence, and writes nothing."""
        monkeypatch.setenv("RENALAI_BUNDLES", str(toy_bundle().folder))
        monkeypatch.setenv("RENALAI_HOME", str(folder / "home"))
        make, told = self[case]
        words = make(folder)
        before = sorted(folder.rglob("*"))
        monkeypatch.chdir(folder)
        capfd.readouterr()
        assert cli.main(words) == 2
        error = capfd.readouterr().err  # of the whole process: C++ libraries print as well
        assert re.fullmatch(r"renalai: [^\n]+\n", error), error
        assert re.search(told, error), error
        written = {path for path in folder.rglob("*") if path not in before and folder / "home" not in path.parents}
        assert written <= {folder / "home"}


def nifti(folder: Path, voxels: np.ndarray, affine: np.ndarray = AXIAL, name: str = "scan.nii.gz") -> Words:
    """A file of these voxels, to be segmented."""
    return ["segment", str(write_nifti(folder / name, voxels, affine))]
