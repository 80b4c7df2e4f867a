"""Where bundles are kept: finding them by name, bringing them in, handing them on. Nothing here uses a network."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from ..errors import InputError
from .bundle import CHECKSUMS, METADATA, Bundle, is_inside, read_bundle

SHIPPED = ("zhao2023-demo", "zhao2023-demo-fast")
"""The bundles that come with RenalAI: the accurate one, taken where none is named, and the fast one."""
DEFAULT_BUNDLE = SHIPPED[0]
MAXIMUM_BYTES = 4 * 1024**3
MAXIMUM_FILES = 1000


def user_folder() -> Path:
    """Where RenalAI keeps what the user gives it: ``RENALAI_HOME``, else the platform's place for application data."""
    home = os.environ.get("RENALAI_HOME")
    if home:
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "RenalAI"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "RenalAI"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "RenalAI"


def user_bundles() -> Path:
    """Where imported bundles lie."""
    return user_folder() / "Bundles"


def bundle_places() -> tuple[Path, ...]:
    """Folders searched for bundles, first wins: ``RENALAI_BUNDLES``, the user's, what was shipped."""
    package = Path(__file__).resolve().parents[1]  # RenalAILib
    given = [Path(place) for place in os.environ.get("RENALAI_BUNDLES", "").split(os.pathsep) if place]
    shipped = [
        package / "Resources" / "Bundles",  # a wheel
        package.parent / "Resources" / "Bundles",  # the extension as installed in Slicer
        package.parents[1] / "Resources" / "Bundles",  # the source tree
    ]
    return (*given, user_bundles(), *shipped)


def find_bundles() -> dict[str, Path]:
    """Folders of all bundles by folder name, in the order of :func:`bundle_places`. They are not verified yet.

    A place may be a bundle itself or hold several.
    """
    found: dict[str, Path] = {}
    for place in bundle_places():
        children = [place] if (place / METADATA).is_file() else sorted(place.iterdir()) if place.is_dir() else []
        for folder in children:
            # Hidden names are bundles that an import is still verifying.
            if not folder.name.startswith(".") and (folder / METADATA).is_file():
                found.setdefault(folder.name, folder)
    return found


def bundle_folder(path_or_name: str | Path | None = None) -> Path:
    """The folder of a bundle, by itself or by name, not verified; without an argument that of the default one.

    Raises:
        InputError: there is none by that name, or there is no default one.
    """
    if path_or_name is not None and Path(path_or_name).is_dir():
        return Path(path_or_name).resolve()
    found = find_bundles()
    names = ", ".join(found) or "none"
    if path_or_name is None:
        name = DEFAULT_BUNDLE if DEFAULT_BUNDLE in found or len(found) != 1 else next(iter(found))
        if name not in found:
            raise InputError(f"there is no default bundle; name one (found: {names}) or import one")
        return found[name]
    if str(path_or_name) not in found:
        raise InputError(f"there is no bundle {path_or_name}; found: {names}")
    return found[str(path_or_name)]


def load_bundle(path_or_name: str | Path | None = None) -> Bundle:
    """A bundle by folder or by name, every file verified; without an argument the default one.

    Example:
        >>> load_bundle("zhao2023-demo").pipeline
        'cascade'

    Raises:
        InputError: there is none by that name, or it does not verify (see :func:`.bundle.read_bundle`).
    """
    return read_bundle(bundle_folder(path_or_name))


def import_bundle(source: str | Path, into: Path | None = None, *, replace: bool = False) -> Bundle:
    """Copy a bundle from a folder or zip file to ``into`` (the user's bundles), verified before it appears there.

    Args:
        source: a bundle's folder, or a zip file of one (with or without one enclosing folder).
        into: the folder that will hold a folder of the bundle's name.
        replace: whether a different bundle of that name may be replaced.

    Raises:
        InputError: the source is no bundle, does not verify, is unsafe, or would replace another one.
    """
    source, into = Path(source), into or user_bundles()
    if not source.exists():
        raise InputError(f"{source} does not exist")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=into) as scratch:
        copy = Path(scratch) / source.stem
        if source.is_dir():
            given = read_bundle(source)  # before the copy: refuses links and foreign files, however large
            for relative, path in _whole(given):
                (copy / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy / relative)
        else:
            _unzip(source, copy)
            copy = _enclosed(copy)
        bundle = read_bundle(copy)
        target = into / bundle.name
        if target.exists():
            if _same(target, bundle):
                return read_bundle(target)
            if not replace:
                raise InputError(f"there is another bundle {bundle.name} in {into}; remove it or allow replacing it")
            target.rename(Path(scratch) / "replaced")
        copy.rename(target)
    return read_bundle(target)


def export_bundle(bundle: Bundle, zip_path: str | Path) -> Path:
    """Write the whole ``bundle`` as a zip file with one folder of its name, beside ``zip_path`` and then renamed."""
    zip_path = Path(zip_path)
    if not zip_path.parent.is_dir():
        raise InputError(f"{zip_path} cannot be written: there is no folder {zip_path.parent}")
    bundle = read_bundle(bundle.folder)
    part = zip_path.with_name(f".{zip_path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for relative, path in _whole(bundle):
                archive.write(path, f"{bundle.name}/{relative}")
        part.replace(zip_path)
    finally:
        part.unlink(missing_ok=True)
    return zip_path


def _whole(bundle: Bundle) -> list[tuple[str, Path]]:
    """Every file of a bundle, those that lie in a bundle beside it too, by its path inside."""
    return sorted({CHECKSUMS: bundle.folder / CHECKSUMS, **bundle.files}.items())


def _same(target: Path, bundle: Bundle) -> bool:
    try:
        return read_bundle(target).sha256 == bundle.sha256
    except InputError:
        return False


def _enclosed(folder: Path) -> Path:
    """The one folder inside ``folder`` where a zip file has such, else ``folder``."""
    children = list(folder.iterdir())
    return children[0] if len(children) == 1 and children[0].is_dir() else folder


def _unzip(source: Path, target: Path) -> None:
    """Unpack with every entry checked: a plain relative path, a file or folder, and no more bytes than it declares."""
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError) as problem:
        raise InputError(f"{source.name} is neither a bundle's folder nor a zip file of one") from problem
    with archive:
        entries = archive.infolist()
        if len(entries) > MAXIMUM_FILES:
            raise InputError(f"{source.name} holds {len(entries)} files; a bundle has at most {MAXIMUM_FILES}")
        if sum(entry.file_size for entry in entries) > MAXIMUM_BYTES:
            raise InputError(f"{source.name} unpacks to more than {MAXIMUM_BYTES // 1024**3} GiB and is refused")
        for entry in entries:
            if not is_inside(entry.filename.rstrip("/")):
                raise InputError(f"{source.name} holds the path {entry.filename!r}, which lies outside a bundle")
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{source.name} holds a link or device, {entry.filename}; these are refused")
        target.mkdir()
        try:
            for entry in entries:
                # zipfile itself stops at the declared size and checks the CRC.
                archive.extract(entry, target)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as problem:
            raise InputError(f"{source.name} cannot be unpacked: {problem}") from problem
