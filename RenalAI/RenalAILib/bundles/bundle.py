"""Bundle: a verified folder of networks and the metadata that says how they are run.

The folder's layout and what each network takes and gives are in ``Resources/Docs/bundles.md``. Nothing in a bundle
is executed or unpickled: metadata are JSON, networks ONNX, the classifier's head plain arrays.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..findings import BundleIdentity
from .metadata import Reader
from .stages import KINDS, Stages, read_stages

BUNDLE_SCHEMA = "renalai.bundle/1"
METADATA = "configs/metadata.json"
CHECKSUMS = "SHA256SUMS"
MODELS = "models"

_CHECKSUM_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Bundle:
    """Networks that were verified against their checksums, and what is known about them.

    Attributes:
        folder: where the bundle lies.
        sha256: of ``SHA256SUMS``, and so of every file.
        checksums: SHA-256 by relative path.
        files: where each of these files lies: in :attr:`folder`, or a network in a bundle beside it.

    Example:
        >>> from RenalAILib import load_bundle
        >>> bundle = load_bundle("zhao2023-demo")
        >>> bundle.pipeline, bundle.demonstration, bundle.identity.name
        ('cascade', True, 'zhao2023-demo')
    """

    folder: Path
    name: str
    version: str
    pipeline: str
    title: str
    license: str
    demonstration: bool
    training_domain: str
    intended_use: str
    citation: str
    stages: Stages
    sha256: str
    checksums: dict[str, str]
    files: dict[str, Path]

    @property
    def identity(self) -> BundleIdentity:
        """What the findings say about the weights."""
        return BundleIdentity(self.name, self.version, self.sha256, self.demonstration)

    @property
    def model_card(self) -> str:
        """The Markdown of ``docs/README.md``."""
        return (self.folder / "docs" / "README.md").read_text(encoding="utf-8")


def read_bundle(folder: Path) -> Bundle:
    """The bundle in ``folder``, every file verified.

    Raises:
        InputError: a file is missing, changed, unlisted or a link; or the metadata are not complete and valid.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a bundle: there is no such folder")
    checksums = read_checksums(folder)
    files = verified_files(folder, checksums)
    digest = sha256_of(folder / CHECKSUMS)
    for needed in (METADATA, "docs/README.md", "LICENSE"):
        if needed not in checksums:
            raise InputError(f"the bundle {folder.name} has no {needed}")
    try:
        data = json.loads((folder / METADATA).read_bytes())
    except (ValueError, RecursionError) as problem:
        raise InputError(f"the bundle {folder.name} has a {METADATA} that is not JSON: {problem}") from problem
    reader = Reader(data, f"the bundle {folder.name}", METADATA)
    schema = reader.text("schema")
    if schema != BUNDLE_SCHEMA:
        raise InputError(f"the bundle {folder.name} has schema {schema!r}; this RenalAI reads {BUNDLE_SCHEMA}")
    pipeline = reader.text("pipeline")
    if pipeline not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise InputError(f"the bundle {folder.name} needs the pipeline {pipeline!r}; this RenalAI runs: {known}")
    name = reader.text("name")
    if not _NAME.fullmatch(name):
        raise InputError(f"the bundle {folder.name} has the name {name!r}; letters, digits and . _ - are allowed")
    stages = read_stages(pipeline, reader.section("stages"))
    for path in stages.files:
        if path not in checksums:
            raise InputError(f"the bundle {folder.name} names the file {path}, which it does not hold")
    bundle = Bundle(
        folder=folder,
        name=name,
        version=reader.text("version"),
        pipeline=pipeline,
        title=reader.text("title"),
        license=reader.text("license"),
        demonstration=reader.flag("demonstration"),
        training_domain=reader.text("training_domain"),
        intended_use=reader.text("intended_use"),
        citation=reader.text("citation"),
        stages=stages,
        sha256=digest,
        checksums=checksums,
        files=files,
    )
    reader.nothing_else()
    return bundle


def read_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path, as ``SHA256SUMS`` of ``folder`` lists them.

    Raises:
        InputError: there is no such list, or a line of it is bad or names a file outside the folder.
    """
    sums = folder / CHECKSUMS
    if sums.is_symlink() or not sums.is_file():
        raise InputError(f"the bundle {folder.name} has no {CHECKSUMS}, so its files cannot be verified")
    listed: dict[str, str] = {}
    try:
        lines = sums.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as problem:
        raise InputError(f"the bundle {folder.name} has a {CHECKSUMS} that is not text") from problem
    for line in lines:
        match = _CHECKSUM_LINE.fullmatch(line)
        if match is None or match[2] in listed:
            raise InputError(f"the bundle {folder.name} has a bad line in {CHECKSUMS}: {line[:80]!r}")
        if not is_inside(match[2]):
            raise InputError(f"the bundle {folder.name} lists {match[2]!r}, which lies outside its folder")
        listed[match[2]] = match[1]
    return listed


def verified_files(folder: Path, listed: Mapping[str, str]) -> dict[str, Path]:
    """Where each listed file lies, after its SHA-256 was compared.

    A network that the folder lacks is taken from a bundle beside it that holds the same one: so two bundles that are
    shipped together keep the weights they share once.

    Raises:
        InputError: naming the first file that is missing, changed, unlisted or a link.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise InputError(f"the bundle {folder.name} holds a link, {relative}; links are refused")
        if path.is_file() and relative != CHECKSUMS and relative not in listed:
            raise InputError(f"the bundle {folder.name} holds a file that {CHECKSUMS} does not list: {relative}")
    for relative, expected in listed.items():
        own = folder / relative
        held = own if own.is_file() else _of_a_neighbour(folder, relative, expected)
        if held is None:
            raise InputError(
                f"the bundle {folder.name} lacks the file {relative}, and no bundle beside it holds it;"
                " it may be half copied"
            )
        if sha256_of(held) != expected:
            holder = held.relative_to(folder.parent).parts[0]
            raise InputError(f"the bundle {holder} has a changed file, {relative}: its SHA-256 differs")
        files[relative] = held
    return files


def _of_a_neighbour(folder: Path, relative: str, sha256: str) -> Path | None:
    """The network with that content in a bundle beside ``folder``, by that bundle's own list."""
    if not relative.startswith(f"{MODELS}/"):
        return None
    for sums in sorted(folder.parent.glob(f"*/{CHECKSUMS}")):
        try:
            offered = read_checksums(sums.parent)
        except (InputError, OSError):
            continue  # a broken neighbour is told of where it is itself read
        for name, content in offered.items():
            path = sums.parent / name
            if content == sha256 and path.is_file() and not path.is_symlink():
                return path
    return None


def write_checksums(folder: Path) -> None:
    """(Re)write ``SHA256SUMS`` over every other file of ``folder``, in sha256sum format, sorted by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / CHECKSUMS)
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_inside(relative: str) -> bool:
    """Whether a path with forward slashes is plain and relative: no drive, no root, no ``..``, no backslash.

    Example:
        >>> is_inside("models/locate.onnx"), is_inside("../locate.onnx"), is_inside("C:/locate.onnx")
        (True, False, False)
    """
    parts = relative.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts)
