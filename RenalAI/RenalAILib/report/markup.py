"""HTML from function calls: everything is escaped unless it was made here."""

from __future__ import annotations

import html
from collections.abc import Iterable

_VOID = frozenset({"br", "hr", "img", "link", "meta"})
_DRAWN = frozenset({"image", "path", "rect", "use"})  # SVG elements without content close themselves


class Markup(str):
    """Text that is HTML already. Only :func:`element` and :func:`joined` make it; plain strings are escaped."""

    __slots__ = ()


Child = str | Markup | None | Iterable["str | Markup | None"]


def element(tag: str, *children: Child, **attributes: str | float | None) -> Markup:
    """One element. A trailing underscore in an attribute's name is dropped, others become hyphens; None leaves it out.

    Example:
        >>> element("p", "a < b", element("br"), class_="lead")
        '<p class="lead">a &lt; b<br></p>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    if tag in _DRAWN and not children:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Markup:
    """Children one after the other: markup as it is, plain text escaped, None left out."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(html.escape(child))
        else:
            parts.append(joined(*child))
    return Markup("".join(parts))
