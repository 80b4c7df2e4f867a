"""Pictures of a CT in Slicer's views, for the documentation: the result, outlines, agreement, Grad-CAM.

    python Testing/scene/make_pictures.py CT.nii.gz LABELS.nii.gz OUT_FOLDER
    python Testing/scene/make_pictures.py --phantom OUT_FOLDER

The shipped bundle segments the CT; the labels are the manual segmentation it is compared with. The second makes the
pictures of the documentation, from the phantom of the demonstration: no patient is in them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "RenalAI"), str(Path(__file__).resolve().parent)]

import slicerdouble  # noqa: E402


def read(ct_path: Path, labels_path: Path) -> tuple[Any, Any]:
    """A CT and its labels from files."""
    from RenalAILib.reading import read_labels, read_volume

    return read_volume(ct_path), read_labels(labels_path).voxels.astype("uint8")


def phantom() -> tuple[Any, Any]:
    """The demonstration's abdomen; the same at every call."""
    from RenalAILib.demo import SHAPE, SPACING_MM
    from RenalAILib.phantom import make_phantom

    made = make_phantom(1, shape=SHAPE, spacing_mm=SPACING_MM)
    return made.volume, made.labels


def main(source: Callable[[], tuple[Any, Any]], folder: Path, size: int) -> None:
    slicerdouble.install()
    import slicer
    from fourup import FourUp, write_png
    from handmade import manual_copy, outcome_from_labels

    from RenalAILib.bundles.store import load_bundle
    from RenalAILib.pipelines.running import segment
    from RenalAIScene import overlays, results, volumes

    volume, labels = source()
    outcome = segment(volume, load_bundle(), device="cpu")
    if not outcome.findings.masses:
        sys.exit(f"{volume.name}: no mass was found, and the pictures are of one")
    ct = volumes.add_volume(volume, "CT")
    ct.GetDisplayNode().SetAutoWindowLevel(False)
    ct.GetDisplayNode().SetWindowLevel(400, 60)
    segmentation, _table = results.add_result(outcome, ct)
    manual = manual_copy(outcome_from_labels(volume, labels), ct, shift=0)
    mass = max(outcome.findings.masses, key=lambda mass: mass.volume_ml)
    segmentation.CreateClosedSurfaceRepresentation()
    manual.CreateClosedSurfaceRepresentation()
    manual.GetDisplayNode().SetVisibility(False)
    folder.mkdir(parents=True, exist_ok=True)
    four = FourUp(size)
    four.look_at(ct, mass.centroid_ras)
    write_png(four.picture(), folder / "result.png")
    results.go_to(segmentation, mass.segment_id)
    four.look_at(ct, mass.centroid_ras, field_mm=160)
    write_png(four.picture(), folder / "mass.png")
    results.show_saliency(segmentation, mass.segment_id, 0.6, 0.3)
    write_png(four.picture(), folder / "gradcam.png")
    results.hide_saliency()
    four.look_at(ct, mass.centroid_ras)
    for style in (overlays.Style.OUTLINES, overlays.Style.AGREEMENT):
        results.show(style, segmentation, manual, 0.5)
        fill = segmentation.GetNodeReference(overlays.AGREEMENT)
        if fill is not None:
            fill.CreateClosedSurfaceRepresentation()
        write_png(four.picture(), folder / f"{style.value}.png")
    slicer.mrmlScene.Clear(0)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--phantom":
        main(phantom, Path(sys.argv[2]), size=320)
    elif len(sys.argv) == 4:
        main(lambda: read(Path(sys.argv[1]), Path(sys.argv[2])), Path(sys.argv[3]), size=480)
    else:
        sys.exit(__doc__)
