"""The pipeline ``cascade`` (Zhao 2023): locate the kidneys, delineate each, characterise its masses."""

from __future__ import annotations

from ..bundles.stages.cascade import CascadeStages
from ..cascade.characterise import characterise
from ..cascade.delineate import delineate
from ..cascade.locate import locate
from ..saliency import Head
from .outlines import found_in
from .work import Found, Work


def run(work: Work) -> Found:
    """Both kidneys with their masses, each mass with its class and Grad-CAM.

    ``fast`` locates and delineates with the first network of each ensemble. The classifiers, quick ones, all stay: they
    are calibrated together.
    """
    stages, view, networks = work.stages(CascadeStages), work.view, work.networks
    work.steps("locate", 0.0, "Looking for the kidneys")
    with work.stopwatch("locate"):
        location = locate(view, stages.locate, networks, fast=work.fast)
    with work.stopwatch("delineate"):
        outlined, lost = delineate(view, location, stages.delineate, networks, work.steps, fast=work.fast)
    with work.stopwatch("characterise"):
        heads = [Head.load(work.bundle.files[path]) for path in stages.characterise.heads]
        return found_in(
            outlined,
            work,
            lambda region: characterise(work.volume, view, region, stages.characterise, networks, heads),
            (*location.warnings, *lost),
        )
