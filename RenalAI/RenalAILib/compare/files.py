"""Compare files: two label maps on disk, and the agreement beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..reading import read_labels
from .agreement import Agreement, compare_labels, write_agreement
from .schemes import Scheme, in_our_labels

_LABELS = "labels.nii.gz"


def compare_files(
    prediction: str | Path, reference: str | Path, output: str | Path, *, scheme: Scheme = Scheme.RENALAI
) -> tuple[Agreement, Path]:
    """Compare two label files and write ``agreement.json`` into ``output``, whole or not at all.

    Args:
        prediction: a label map, or the folder that `segment` wrote.
        reference: the manual one, or a folder likewise.
        output: a folder, made if absent.
        scheme: what the values of the reference mean.

    Returns:
        the agreement, and where it was written.

    Raises:
        InputError: a file that is no label map, values of another scheme, or nothing to write to.
    """
    found = read_labels(_label_map(Path(prediction)))
    true, notes = in_our_labels(read_labels(_label_map(Path(reference))), scheme)
    agreement = compare_labels(found, true)
    agreement = replace(agreement, notes=(*notes, *agreement.notes))
    return agreement, write_agreement(agreement, Path(output))


def _label_map(path: Path) -> Path:
    """The label map in a result's folder, where a folder is given."""
    return path / _LABELS if (path / _LABELS).is_file() else path
