"""The licence of a model's weights: named in the panel, and approved once where it forbids something.

Slicer's rule for extensions: parts that are not under a permissive licence are used only after the user's explicit
approval. It is asked for before the first run with a model, kept in Slicer's settings by model and version, and asked
again only where the licence of the same version has changed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from .bundles import Described, described

_PERMISSIVE = re.compile(
    r"(apache|mit|isc|zlib|0?bsd|cc0|unlicense|public[- ]domain|pddl|cc[- ]by)([- ]?\d+(\.\d+)*)?([- ]clause)?"
)
_SETTING = "RenalAI/approvedLicences/{name} {version}"

Ask = Callable[[str, str], bool]
"""Asks a question, with a text to look into; whether the user said yes."""


class NotApprovedError(RuntimeError):
    """The user did not approve of the licence; the text says what to do."""


def permissive(licence: str) -> bool:
    """Whether a licence asks for nothing but naming its authors: Apache, MIT, BSD, CC0, CC BY, public domain.

    Example:
        >>> [permissive(name) for name in ("Apache-2.0", "CC-BY-4.0", "BSD-3-Clause", "CC-BY-NC-SA-4.0", "own", "")]
        [True, True, True, False, False, False]
    """
    return _PERMISSIVE.fullmatch(licence.strip().lower()) is not None


def restrictions(licence: str) -> str:
    """What a licence that is not permissive forbids or asks for, in words."""
    parts = set(re.split(r"[- ]+", licence.upper()))
    if "CC" not in parts:
        return _("RenalAI does not know this licence: read it before you use the model.")
    told = []
    if "NC" in parts:
        told.append(_("Commercial use is not allowed."))
    if "ND" in parts:
        told.append(_("Changed versions must not be passed on."))
    if "SA" in parts:
        told.append(_("What is made of the weights may be passed on only under the same licence."))
    if "BY" in parts:
        told.append(_("Who passes them on must name their sources."))
    return " ".join(told)


def in_words(model: Described) -> str:
    """One sentence for the panel."""
    if not model.licence:
        return _("The weights name no licence.")
    return _("Licence of the weights: {licence}.").format(licence=model.licence)


def ensure(bundle: str, ask: Ask | None = None) -> None:
    """Asks for approval of a model's licence where it is needed and was not given yet.

    Without a main window nobody can be asked: the sentence goes to the log, and the run goes on.

    Args:
        bundle: the model's name or folder; empty for the shipped one.
        ask: how to ask; by a dialog of Slicer by default.

    Raises:
        NotApprovedError: the user said no.
    """
    try:
        model = described(bundle)
    except (OSError, ValueError, KeyError):
        return  # the engine says what is wrong with it, in its own words
    if permissive(model.licence) or qt.QSettings().value(_setting(model)) == model.licence:
        return
    if ask is None and slicer.util.mainWindow() is None:
        logging.warning(_notice(model))
        return
    text = _("{notice}\n\nDo you approve of this licence? You are asked once for this model and version.")
    if not (ask or _ask)(text.format(notice=_notice(model)), _text_of(model)):
        words = _(
            "The licence of {title} was not approved, so nothing was done. Choose another model, or start again to be "
            "asked again."
        )
        raise NotApprovedError(words.format(title=model.metadata.get("title", bundle)))
    qt.QSettings().setValue(_setting(model), model.licence)


def _notice(model: Described) -> str:
    text = _(
        "The weights of {title} {version} are under a licence that is not permissive: {licence}.\n\n{restrictions}"
    )
    facts = {"title": "", "version": "", **model.metadata, "licence": model.licence or _("none is named")}
    notice = text.format(**{**facts, "restrictions": restrictions(model.licence)})
    if model.licence_file.is_file():
        notice += "\n" + _("Its text: {file}").format(file=model.licence_file)
    return notice


def _text_of(model: Described) -> str:
    try:
        return model.licence_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _("The model comes without the text of its licence.")


def _setting(model: Described) -> str:
    name, version = (str(model.metadata.get(key, "")).replace("/", "_") for key in ("name", "version"))
    return _SETTING.format(name=name, version=version)


def _ask(text: str, details: str) -> bool:
    return bool(slicer.util.confirmYesNoDisplay(text, windowTitle=_("Licence of the model"), detailedText=details))
