"""Section Explain: where the network looked, what is measured, and whether the two agree."""

from __future__ import annotations

from typing import Any, Protocol

from slicer.i18n import tr as _

from RenalAILib.findings import Findings, Mass
from RenalAILib.labels import MassClass

from .texts import class_in_words, show_plain, show_problem


class SaliencyScene(Protocol):
    """Grad-CAM maps in the scene (:mod:`RenalAIScene`)."""

    def show_saliency(self, segmentation: Any, segment_id: str, opacity: float, threshold: float) -> bool:
        """Lays the map of one mass over the slices; False where the scene has none for it."""
        ...

    def hide_saliency(self) -> None:
        """Takes the map away."""
        ...


class ExplainSection:
    """Shows the evidence of the chosen mass and its map."""

    def __init__(self, ui: Any, scene: SaliencyScene) -> None:
        self._ui = ui
        self._scene = scene
        self._segmentation: Any = None
        self._mass: Mass | None = None
        self._parameters: Any = None
        self._state: tuple[Any, ...] = ()
        ui.explainButton.connect("contentsCollapsed(bool)", lambda collapsed: self._show_words())
        self.showMass(None, None, None)

    def showMass(self, segmentation: Any, findings: Findings | None, mass: Mass | None) -> None:
        """Another mass was chosen in the table; None for none."""
        self._segmentation, self._mass = segmentation, mass
        self._show_words()
        self._show_map()

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; None when there is none."""
        self._parameters = parameters
        self._show_map()

    def _show_words(self) -> None:
        mass = self._mass
        if mass is None:
            show_plain(self._ui.evidenceLine, _("Choose a mass in the table."))
            show_plain(self._ui.disagreementLine, "")
            return
        show_plain(self._ui.evidenceLine, f"{_network_in_words(mass)} {mass.evidence.text}".strip())
        disagreement = _disagreement_in_words(mass)
        show_problem(self._ui.disagreementLine, disagreement)
        self._ui.disagreementLine.setVisible(disagreement is not None)

    def _show_map(self) -> None:
        """Touches the scene only where something of it changes."""
        parameters, mass = self._parameters, self._mass
        wanted = parameters is not None and parameters.showSaliency and mass is not None
        state: tuple[Any, ...] = (False,)
        if wanted:
            look = (parameters.saliencyOpacity, parameters.saliencyThreshold)
            state = (self._segmentation.GetID(), mass.segment_id, *look)
        if state == self._state:
            return
        had_map, self._state = len(self._state) > 1, state
        if wanted:
            self._scene.show_saliency(self._segmentation, *state[1:])
        elif had_map:
            self._scene.hide_saliency()


def _network_in_words(mass: Mass) -> str:
    if not mass.probabilities:
        return ""  # drawn by hand, or a model that names no classes: the evidence speaks alone
    shares = ", ".join(f"{class_in_words(c)} {100 * p:.0f} %" for c, p in mass.probabilities.items())
    if mass.mass_class is MassClass.UNKNOWN:
        return _("The network is not sure: {shares}.").format(shares=shares)
    return _("The network says {name}: {shares}.").format(name=class_in_words(mass.mass_class), shares=shares)


def _disagreement_in_words(mass: Mass) -> str | None:
    if mass.drawn:
        if mass.evidence.agrees is not False:
            return None
        words = _("The measurements speak for {suggested}, not for the class that you chose.")
        return words.format(suggested=class_in_words(mass.evidence.suggests))
    if mass.small:
        return _("Under 5 mm on average: the class is not reliable.")
    if mass.evidence.agrees is False:
        words = _("Network and evidence disagree: the measurements speak for {suggested}.")
        return words.format(suggested=class_in_words(mass.evidence.suggests))
    return None
