"""How a list goes on: what a request may say of its page, and where the next page is. Pure.

Totals are trusted only as far as the pages bear them out: legacy systems give wrong ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.declaration import Paging
from adapters.mapping.functions import Reader
from adapters.mapping.scope import Scope

__all__ = ["PageRules", "Position", "next_link", "page_roots", "short_pages"]

Position = int | str | None
"""Page number or offset, cursor, link or last record; None is the start, and as an answer the end."""

_USUAL_LIMITS = frozenset({5, 10, 15, 20, 25, 30, 40, 50, 100, 200, 500})
"""A page of so many records, though more were asked for, may be the system's own limit and not the end of the list."""

_PARAMETER = r";\s*([^\s=;,\"]+)\s*(?:=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;,\"]*))?\s*"
_LINK_PARAMETER = re.compile(_PARAMETER)
_LINK = re.compile(rf"<([^<>]*)>\s*((?:{_PARAMETER})*)")


class PageRules:
    """Paging of one connector, its expressions compiled."""

    def __init__(
        self, paging: Paging, *, total: Reader | None, next_: Reader | None, more: Reader | None
    ) -> None:
        self.paging, self.total, self.next, self.more = paging, total, next_, more

    def next_position(
        self, tree: Any, scope: Scope, page: Mapping[str, Any], nodes: Sequence[Any], total: int | None
    ) -> Position:
        """Raises ValueProblem for a reply that is not as declared."""
        style = self.paging.style
        if style == "none" or (self.more is not None and not self.more(tree, scope)):
            return None
        if style in ("cursor", "link"):
            return _token(self.next(tree, scope) if self.next else None)
        if not nodes:
            return None
        count = len(nodes)
        if style == "pull":
            if self.more is None and count < self.paging.size:
                return None
            token = _token(self.next(nodes[-1], scope) if self.next else None)
            return token
        if style == "offset":
            reached = int(page["offset"]) + count
            position = reached
        else:
            reached = (int(page["number"]) - self.paging.first) * self.paging.size + count
            position = int(page["number"]) + 1
        if total is not None:
            # past the total: one of the two is wrong, so only an empty page is the end
            return position if reached != total else None
        full = count >= self.paging.size or count in _USUAL_LIMITS
        return position if self.more is not None or full else None


def short_pages(paging: Paging, page: Mapping[str, Any], count: int, total: int | None) -> str | None:
    """What to say where a system gives fewer records a page than were asked for, though there are more: the pages
    after it then do not begin where they are taken to."""
    if paging.style != "page" or total is None or count == 0 or count >= paging.size:
        return None
    reached = (int(page["number"]) - paging.first) * paging.size + count
    return (
        f"pages hold {count} records, not {paging.size}: set paging.size to that" if reached < total else None
    )


def page_roots(paging: Paging, position: Position) -> dict[str, Any]:
    """`$page` of a request."""
    page: dict[str, Any] = {"size": paging.size, "number": paging.first, "offset": 0}
    match paging.style:
        case "page":
            page["number"] = position if isinstance(position, int) else paging.first
        case "offset":
            page["offset"] = position if isinstance(position, int) else 0
        case "cursor" | "pull":
            page["cursor"] = position
        case "link":
            page["link"] = position
    page["row"] = page["offset"] + 1
    page["endRow"] = page["offset"] + paging.size
    return page


def next_link(header: str) -> str | None:
    """Target of `rel="next"` in a Link header (RFC 8288)."""
    for link in _LINK.finditer(header):
        for name, value in _LINK_PARAMETER.findall(link[2]):
            if name.lower() == "rel" and "next" in value.strip('"').lower().split():
                return link[1]
    return None


def _token(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
