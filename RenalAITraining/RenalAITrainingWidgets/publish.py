"""Tab Publish: the trained networks become a model with a name, which RenalAI offers at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from RenalAILib.bundles.store import find_bundles, user_bundles
from RenalAITrainingLib.jobs.publishing_networks import BundleTexts, PublishJob
from RenalAIWidgets.texts import show_plain, show_problem

from .evaluate import evaluation_of_candidate
from .glance import glance
from .jobbar import JobBar
from .networks import Chosen, chosen_networks, citations, in_words, missing_networks, weights
from .parameters import ModelKind
from .protocols import Training
from .showing import link, offer, show_rich

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
VERSION = re.compile(r"\d+(\.\d+){0,3}")


class PublishTab:
    """Says which networks, what is missing, and where the model is then.

    Args:
        ui: the widgets.
        jobs: does the work.
        trainings: those that are there, the newest first.
    """

    def __init__(self, ui: Any, jobs: JobBar, trainings: Callable[[], Sequence[Training]]) -> None:
        self._ui = ui
        self._jobs = jobs
        self._trainings = trainings
        self._parameters: Any = None
        ui.publishButton.connect("clicked()", self.onPublish)
        show_plain(ui.publishedLine, "")

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node and after every job; None when there is none."""
        self._parameters = parameters
        if parameters is None:
            return
        chosen = chosen_networks(self._trainings(), parameters.modelKind)
        self._ui.finderEdit.enabled = parameters.modelKind is ModelKind.SLICE_VOTE
        problem = self.problem(chosen)
        show_plain(self._ui.publishedNetworksLine, in_words(chosen))
        offer(
            self._ui.publishButton, self._jobs.busy or problem, _("Export, compare with torch, verify, and offer it.")
        )
        if problem is not None:
            show_problem(self._ui.publishLine, problem, severe=False)
            return
        evaluation = evaluation_of_candidate(parameters)
        newest = max(path.stat().st_mtime for paths in weights(chosen).values() for path in paths)
        if evaluation is None:
            words = _("Ready, but not evaluated: the model card will say that nothing was measured (tab Evaluate).")
        elif evaluation.stat().st_mtime < newest:
            words = _("Ready, but trained since the evaluation, which the card leaves out. Evaluate again.")
        else:
            show_plain(self._ui.publishLine, _("Ready. The model card tells what was measured."))
            return
        show_problem(self._ui.publishLine, words, severe=False)

    def problem(self, chosen: Chosen) -> str | None:
        """What is missing before the model can be published."""
        parameters = self._parameters
        missing = missing_networks(chosen, parameters.modelKind, parameters.finder)
        if missing is not None:
            return missing
        if not NAME.fullmatch(parameters.modelName):
            return _("The name may hold letters, digits, dots, - and _.")
        if not VERSION.fullmatch(parameters.modelVersion):
            return _("The version must be numbers with dots, such as 1.0.0.")
        if parameters.modelName in find_bundles():
            text = _("There is a model {name} already; choose another name.")
            return text.format(name=parameters.modelName)
        if not (parameters.modelTitle.strip() and parameters.modelLicence.strip()):
            return _("Say what the model is called, and under which licence it may be used.")
        return None

    def onPublish(self) -> None:
        parameters = self._parameters
        chosen = chosen_networks(self._trainings(), parameters.modelKind)
        evaluation = evaluation_of_candidate(parameters)
        newest = max(path.stat().st_mtime for paths in weights(chosen).values() for path in paths)
        if evaluation is not None and evaluation.stat().st_mtime < newest:
            evaluation = None
        job = PublishJob(
            self._texts(parameters, chosen),
            weights(chosen),
            Path(parameters.trainingFolder) / "samples",
            user_bundles(),
            evaluation,
            pipeline=parameters.modelKind.value,
            finder=parameters.finder,
        )
        self._jobs.run(_("Publishing"), lambda: job, self._on_published, self._ui.publishedLine)

    def _on_published(self, answer: dict[str, Any]) -> None:
        text = _("{name} {version} is there: choose it in RenalAI under Model. {folder}")
        folder = link(self._ui.publishedLine, Path(answer["folder"]), _("Open its folder"))
        show_rich(self._ui.publishedLine, text.format(name=answer["name"], version=answer["version"], folder=folder))

    @staticmethod
    def _texts(parameters: Any, chosen: Chosen) -> BundleTexts:
        seen = glance(Path(parameters.datasetFolder))
        counted = _("{cases} CTs of {patients} patients with {masses} masses.").format(
            cases=len(seen.cases), patients=seen.patients, masses=seen.masses
        )
        domain = " ".join(filter(None, (parameters.trainingDomain.strip(), counted)))
        return BundleTexts(
            parameters.modelName,
            parameters.modelVersion,
            parameters.modelTitle.strip(),
            parameters.modelLicence.strip(),
            domain,
            "research only, not for diagnosis",
            citations(chosen),
            parameters.demonstration,
        )
