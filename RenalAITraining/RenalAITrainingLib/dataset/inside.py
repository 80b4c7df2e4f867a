"""Inside: the files that a dataset names lie in its folder, by name and by links."""

from __future__ import annotations

from pathlib import Path

from RenalAILib.errors import InputError


def inside(folder: Path, named: str) -> Path:
    """The file ``named`` in ``folder``.

    A dataset from elsewhere could name, or link to, any file of this computer, and the scan of another patient would
    become part of it.

    Args:
        folder: of the dataset.
        named: a path relative to it, with slashes.

    Raises:
        InputError: it leads out of the folder.

    Example:
        >>> inside(Path("kidneys"), "../other/scan.nii.gz")
        Traceback (most recent call last):
        ...
        RenalAILib.errors.InputError: kidneys names ../other/scan.nii.gz, which lies outside its folder
    """
    path = folder / named
    try:
        leads_out = not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as problem:  # links in a circle, a NUL
        raise InputError(f"{folder} names {named!r}, which cannot be a file ({problem})") from problem
    if leads_out:
        link = " by a link" if ".." not in Path(named).parts and not Path(named).is_absolute() else ""
        raise InputError(f"{folder} names {named}, which lies outside its folder{link}")
    return path
