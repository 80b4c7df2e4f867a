"""Sample data: one CT made on this machine, one public CT that Slicer's own Sample Data offers."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAILib.labels import Label

from .texts import label_in_words

CATEGORY = "RenalAI"
PHANTOM = "RenalAIPhantom"
SEED = 1
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
    from RenalAIScene.labelmaps import new_segmentation
    from RenalAIScene.volumes import add_volume

    with slicer.util.WaitCursor():
        phantom = make(SEED)
        volume = add_volume(phantom.volume, _("RenalAI phantom"))
        labels = [Label(value) for value in range(1, int(phantom.labels.max()) + 1)]
        ids = [label.name.lower() for label in labels]
        truth = new_segmentation(_("RenalAI phantom truth"), phantom.labels, ids, volume)
        for label in labels:
            truth.GetSegmentation().GetSegment(label.name.lower()).SetName(label_in_words(label))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    return [volume, truth]
