"""series: what ``segment STUDY --series list`` shows of a folder, a zip file or a DICOMDIR."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console, progress

if TYPE_CHECKING:
    from ..contrast_phases import PhaseGuess
    from ..reading.dicom_series import ChosenSeries, Series

_LEGEND = (
    "* is segmented: no projection, at least 10 slices, axial, nephrographic before another contrast phase before the "
    "rest, soft kernel, longest, thinnest. + is measured with --phases."
)
_BY_HEADERS = "* and + follow from the headers alone; --series NUMBER takes another one."


def show_series(source: Path, arguments: argparse.Namespace) -> int:
    """Prints a table for each study: what there is, in which phase by what, and what would be taken."""
    from ..reading import list_series, opened
    from ..reading.dicom_series import choose_series

    if not source.exists():
        raise InputError(f"{source} does not exist")
    with opened(source) as folder:
        if not folder.is_dir():
            raise InputError(f"{source} is not a folder; --series list needs a folder of DICOM files, or a zip of them")
        found = list_series(folder)
        if not found:
            raise InputError(f"{source} holds no DICOM images")
        ct = any(series.modality == "CT" for series in found)
        chosen = choose_series(folder, None) if ct else None
        seen = _seen(folder, found, arguments) if arguments.images else {}
    for study in sorted({series.study_uid for series in found}):
        _show_study(study, [series for series in found if series.study_uid == study], chosen, seen)
    if chosen is not None:
        console().print(_LEGEND)
        if seen:
            console().print(_BY_HEADERS)
    return 0


def _seen(folder: Path, found: Sequence[Series], arguments: argparse.Namespace) -> dict[str, PhaseGuess]:
    from ..bundles.store import load_bundle
    from ..phases.seen import phases_seen

    with progress("Looking at the series") as report:
        return phases_seen(
            folder,
            found,
            load_bundle(arguments.bundle),
            arguments.device,
            lambda fraction, sentence: report("read", fraction, sentence),
        )


def _show_study(uid: str, found: Sequence[Series], chosen: ChosenSeries | None, seen: Mapping[str, PhaseGuess]) -> None:
    from rich.table import Table

    table = Table(title=f"Study {found[0].study} {uid}".replace("  ", " "), title_justify="left")
    for heading in ("", "number", "description", "modality", "slices", "plane", "step mm"):
        table.add_column(heading)
    table.add_column("phase", min_width=24 if seen else None)
    table.add_column("UID", overflow="fold")
    others = () if chosen is None else chosen.other_phases
    for series in found:
        mark = ""
        if chosen is not None and series.uid == chosen.series.uid:
            mark = "*"
        elif series.uid in {other.uid for other in others}:
            mark = "+"
        table.add_row(
            mark,
            "" if series.number is None else str(series.number),
            series.description,
            series.modality,
            str(series.slices),
            series.orientation,
            f"{series.spacing_mm[0]:.2f}",
            phase_cell(series.phase, seen.get(series.uid)),
            series.uid,
        )
    console().print(table)


def phase_cell(told: PhaseGuess, seen: PhaseGuess | None) -> str:
    """The phase and by what it is known: the headers, and the image where it was looked at."""
    from ..contrast_phases import ContrastPhase, decided
    from ..reading import described, phase_name

    if seen is None:
        return described(told)
    lines = [phase_name(decided(told, seen))]
    for name, guess in (("headers", told), ("image", seen)):
        known = guess.phase is not ContrastPhase.UNKNOWN
        lines.append(f"{name}: {phase_name(guess.phase)}, {guess.why}" if known else f"{name}: {guess.why}")
    return "\n".join(lines)
