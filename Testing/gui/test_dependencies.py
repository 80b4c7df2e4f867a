"""Installing the engine: asked once, never what Slicer brings itself, offline, declined, failing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest

from RenalAIWidgets import dependencies


@pytest.fixture
def nothing_installed(monkeypatch, double):
    """As on a fresh Slicer; what is installed through the double counts as installed afterwards."""

    def version(name):
        if any(name in requirement for _, wanted, _ in double.installations.calls for requirement in wanted):
            return "99.0"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(dependencies, "nvidia_driver", lambda: False)
    monkeypatch.delenv("RENALAI_WHEELS", raising=False)
    return double


def wanted(double):
    return " ".join(requirement for _, requirements, _ in double.installations.calls for requirement in requirements)


def test_nothing_happens_where_all_is_there(double, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "99.0")
    dependencies.ensure()
    assert double.installations.calls == [] and double.dialogs == []


def test_slicer_5_12_and_newer_ask_through_slicer_packaging(nothing_installed):
    dependencies.ensure()
    ((function, requirements, options),) = nothing_installed.installations.calls
    assert function == "pip_ensure" and options["requester"] == "RenalAI"
    assert any(requirement.startswith("onnxruntime>=") for requirement in requirements)


def test_slicer_5_10_asks_itself_and_names_the_packages(nothing_installed):
    nothing_installed.version("5.10")
    dependencies.ensure()
    (question,) = nothing_installed.answers.of("ok-cancel")
    assert "onnxruntime" in question.text and "MB" in question.text
    assert nothing_installed.installations.calls[0][0] == "util.pip_install"


@pytest.mark.parametrize("version", ["5.10", "5.13"])
def test_declined_installs_nothing_and_says_so(nothing_installed, version):
    nothing_installed.version(version)
    nothing_installed.installations.declined = True
    nothing_installed.answers.queue(False)
    with pytest.raises(dependencies.NotInstalledError, match="not installed, so nothing was segmented"):
        dependencies.ensure()
    assert not nothing_installed.installations.present


def test_a_failing_pip_is_told_with_the_way_offline(nothing_installed):
    nothing_installed.version("5.10")
    nothing_installed.installations.failure = "no route to host"
    with pytest.raises(dependencies.NotInstalledError, match=r"no route to host.*RENALAI_WHEELS"):
        dependencies.ensure()


def test_a_wheel_folder_is_used_without_network(nothing_installed, monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_WHEELS", str(tmp_path))
    dependencies.ensure()
    assert f'--no-index --find-links "{tmp_path.as_posix()}"' in wanted(nothing_installed)


def make_wheel(folder, name, version="99.0"):
    """The smallest wheel that pip installs."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{name.replace('-', '_')}/__init__.py": "",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{stem}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files) + f"{stem}.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def test_pip_itself_installs_from_the_wheel_folder(nothing_installed, monkeypatch, tmp_path):
    """What Slicer's pip_install is given, given to pip as Slicer does: split like a command line."""
    wheels, target = tmp_path / "my wheels", tmp_path / "installed"
    wheels.mkdir()
    make_wheel(wheels, "onnxruntime")
    make_wheel(wheels, "pydicom")
    monkeypatch.setenv("RENALAI_WHEELS", str(wheels))
    dependencies.ensure()
    ((_function, (arguments,), _options),) = nothing_installed.installations.calls
    command = [sys.executable, "-m", "pip", "install", "--target", str(target), *shlex.split(arguments)]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_INDEX_URL": "http://localhost:9/none"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert {path.name for path in target.iterdir() if path.is_dir() and "-" not in path.name} >= {
        "onnxruntime",
        "pydicom",
    }


def test_a_wheel_folder_that_is_none_is_named(nothing_installed, monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_WHEELS", str(tmp_path / "gone"))
    with pytest.raises(dependencies.NotInstalledError, match="gone"):
        dependencies.ensure()


@pytest.mark.parametrize(("driver", "package"), [(True, "onnxruntime-gpu>="), (False, "onnxruntime>=")])
def test_the_gpu_package_only_with_a_driver(nothing_installed, monkeypatch, driver, package):
    monkeypatch.setattr(dependencies, "nvidia_driver", lambda: driver)
    assert any(requirement.startswith(package) for requirement in dependencies.missing())


def test_what_slicer_brings_is_never_touched(nothing_installed, monkeypatch):
    for driver in (True, False):
        monkeypatch.setattr(dependencies, "nvidia_driver", lambda driver=driver: driver)
        names = " ".join(dependencies.missing()).lower()
        assert not any(name in names for name in ("numpy", "simpleitk", "torch", "requests", "scipy"))


def test_an_old_version_counts_as_missing(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "1.9.0")
    assert any("onnxruntime" in requirement for requirement in dependencies.missing())
