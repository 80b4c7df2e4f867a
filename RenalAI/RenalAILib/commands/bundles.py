"""bundle: the trained weights at hand; checking, importing and exporting them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError
from .console import console


class Bundles:
    """``renalai bundle list|verify|import|export``."""

    help = "list, verify, import or export trained weights (bundles)"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|verify|import|export")
        verbs.add_parser("list", help="the bundles at hand: version, title, licence, training domain")
        verify = verbs.add_parser("verify", help="compare every file with its checksum")
        verify.add_argument("bundle", metavar="NAME_OR_FOLDER", nargs="?", help="default: all that are at hand")
        bring = verbs.add_parser("import", help="take a bundle from a folder or a zip file")
        bring.add_argument("source", metavar="FOLDER_OR_ZIP")
        bring.add_argument("--replace", action="store_true", help="replace another bundle of the same name")
        export = verbs.add_parser("export", help="write a bundle as a zip file")
        export.add_argument("bundle", metavar="NAME_OR_FOLDER")
        export.add_argument("-o", "--output", metavar="ZIP", help="default: NAME-VERSION.zip in the current folder")

    def run(self, arguments: argparse.Namespace) -> int:
        if arguments.verb == "list":
            return _list()
        if arguments.verb == "verify":
            return _verify(arguments.bundle)
        if arguments.verb == "import":
            return _import(arguments.source, arguments.replace)
        return _export(arguments.bundle, arguments.output)


def _list() -> int:
    from rich.table import Table

    from ..bundles.bundle import read_bundle
    from ..bundles.store import DEFAULT_BUNDLE, bundle_places, find_bundles

    table = Table("name", "version", "title", "licence", "training domain", "folder")
    found = find_bundles()
    for name, folder in found.items():
        try:
            bundle = read_bundle(folder)
        except InputError as problem:
            table.add_row(name, "", "", "", f"refused: {problem}", str(folder))
        else:
            named = f"{name} (default)" if name == DEFAULT_BUNDLE else name
            table.add_row(named, bundle.version, bundle.title, bundle.license, bundle.training_domain, str(folder))
    if found:
        console().print(table)
    else:
        places = "\n  ".join(str(place) for place in bundle_places())
        console().print(f"There is no bundle. Looked in:\n  {places}")
    return 0


def _verify(name: str | None) -> int:
    from ..bundles.store import find_bundles, load_bundle

    names = [name] if name is not None else list(find_bundles())
    if not names:
        raise InputError("there is no bundle to verify; import one first")
    for each in names:
        bundle = load_bundle(each)
        files = len(bundle.checksums)
        console().print(f"{bundle.name} {bundle.version}: {files} files as published, SHA-256 {bundle.sha256}")
    return 0


def _import(source: str, replace: bool) -> int:
    from ..bundles.store import import_bundle

    bundle = import_bundle(source, replace=replace)
    console().print(f"Imported {bundle.name} {bundle.version} to {bundle.folder}")
    return 0


def _export(name: str, output: str | None) -> int:
    from ..bundles.store import export_bundle, load_bundle

    bundle = load_bundle(name)
    path = export_bundle(bundle, Path(output or f"{bundle.name}-{bundle.version}.zip"))
    console().print(f"Exported {bundle.name} {bundle.version} to {path}")
    return 0


command = Bundles()
