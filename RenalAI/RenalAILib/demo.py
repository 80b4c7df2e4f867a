"""The demonstration: a phantom abdomen is made, segmented as any CT would be, and compared with its truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .bundles.store import load_bundle
from .compare import Agreement, DomainOutcome, compare_labels, write_agreement
from .findings import Outcome
from .phantom import Phantom, make_phantom
from .report import OWNED
from .report.nifti import nifti_ct, nifti_labels
from .study.segmenting import segment_study
from .writing.whole import check_replaceable, replaced_file

if TYPE_CHECKING:
    from rich.console import Console

SHAPE = (100, 320, 384)
SPACING_MM = (2.5, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demonstration made.

    Attributes:
        phantom: the scan and its truth.
        outcome: what was found in it.
        agreement: the comparison.
        paths: of ``ct.nii.gz``, ``truth.nii.gz``, ``agreement.json`` and the result's files, by name.
        seconds: in all.
    """

    phantom: Phantom
    outcome: Outcome
    agreement: Agreement
    paths: dict[str, Path]
    seconds: float


def demonstrate(
    folder: Path,
    seed: int,
    *,
    device: str = "auto",
    bundle: str | None = None,
    report: Callable[[str, float, str], None],
) -> DemoResult:
    """Make the phantom of ``seed`` in ``folder``, segment its file into ``folder/result`` and compare.

    Seeds below 1,000,000 never train a network.

    Raises:
        InputError: the folder cannot be written, or there is no bundle.
    """
    begin = time.perf_counter()
    weights = load_bundle(bundle)  # refused, if at all, before the phantom is made
    check_replaceable(folder / "result", OWNED)
    report("phantom", 0.0, f"Making the phantom of seed {seed}")
    phantom = make_phantom(seed, shape=SHAPE, spacing_mm=SPACING_MM)
    truth = phantom.volume.with_voxels(phantom.labels)
    paths = {"ct.nii.gz": folder / "ct.nii.gz", "truth.nii.gz": folder / "truth.nii.gz"}
    with replaced_file(paths["ct.nii.gz"]) as beside:
        beside.write_bytes(nifti_ct(phantom.volume, f"RenalAI phantom {seed}"))
    with replaced_file(paths["truth.nii.gz"]) as beside:
        beside.write_bytes(nifti_labels(truth, f"truth of RenalAI phantom {seed}"))
    outcome, files = segment_study(
        paths["ct.nii.gz"], folder / "result", bundle=str(weights.folder), device=device, report=report
    )
    agreement = compare_labels(outcome.volume.with_voxels(outcome.labels), truth)
    paths |= files | {"agreement.json": write_agreement(agreement, folder)}
    return DemoResult(phantom, outcome, agreement, paths, time.perf_counter() - begin)


def show_demo(result: DemoResult, console: Console) -> None:
    """Print kidneys and masses, found against true."""
    from rich.table import Table

    table = Table(title=f"Phantom (made, so that the truth is known), {result.outcome.findings.bundle.name}")
    table.add_column("structure")
    for heading in ("true ml", "found ml", "Dice"):
        table.add_column(heading, justify="right")
    for row in result.agreement.structures:
        if row.structure in ("kidney", "kidney_and_mass"):
            name = f"{row.side.value} {row.structure.replace('_', ' ')}"
            table.add_row(name, f"{row.reference_ml:.1f}", f"{row.volume_ml:.1f}", f"{row.dice or 0:.3f}")
    console.print(table)
    table = Table(title="Masses")
    for heading in ("side", "true class", "found as"):
        table.add_column(heading)
    table.add_column("diameter mm", justify="right")
    table.add_column("overlap", justify="right")
    table.add_column("verdict")
    for domain in result.agreement.detection.domains:
        true = domain.true_class.value if domain.true_class else "-"
        found = domain.predicted_class.value if domain.predicted_class else "-"
        verdict = {
            DomainOutcome.TRUE_POSITIVE: "right" if true == found else "found, other class",
            DomainOutcome.FALSE_POSITIVE: "false",
            DomainOutcome.FALSE_NEGATIVE: "missed",
        }[domain.outcome]
        overlap = f"{domain.iou:.2f}" if domain.iou else "-"
        table.add_row(domain.side.value, true, found, f"{domain.diameter_mm:.0f}", overlap, verdict)
    console.print(table)
    for warning in result.outcome.findings.warnings:
        console.print(f"Warning: {warning}")
    console.print(
        "Numbers on a phantom prove that the program works, not how well it reads patients: see the model card."
    )
