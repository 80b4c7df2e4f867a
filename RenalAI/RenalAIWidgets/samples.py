"""Sample data: one CT made on this machine, one public CT that Slicer's own Sample Data offers."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

CATEGORY = "RenalAI"
PHANTOM = "RenalAIPhantom"
CT_LIVER_SHA256 = "e16eae0ae6fefa858c5c11e58f0f1bb81834d81b7102e021571056324ef6f37e"


def register(thumbnail: str) -> None:
    """Adds the samples to the module Sample Data. Called when Slicer has started; touches no network."""
    from SampleData import SampleDataLogic

    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=PHANTOM,
        uris="renalai:phantom",
        fileNames=PHANTOM,
        nodeNames=PHANTOM,
        customDownloader=make_phantom,
        thumbnailFileName=thumbnail,
    )
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName="CTLiver",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{CT_LIVER_SHA256}",
        fileNames="CTLiver.nrrd",
        nodeNames="CTLiver",
        checksums=f"SHA256:{CT_LIVER_SHA256}",
        thumbnailFileName=thumbnail,
    )


def make_phantom(source: Any = None) -> list[Any]:
    """A CT of a painted abdomen with one AML, two cysts and one solid mass, and the truth as a segmentation.

    Returns:
        The volume node and the segmentation node.
    """
    from RenalAILib.phantom import make_phantom as make
    from RenalAIScene.phantom import show_phantom

    with slicer.util.WaitCursor():
        nodes: list[Any] = show_phantom(make(), _("Phantom"))
    return nodes
