"""Which case files a caller may see at all. The one place that says so for worklists, warnings and tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, false, select

from adapters.fetch import Caller
from gateway.casefile.tables import CARD, CASE_FILE

__all__ = ["Visible", "visible_to"]

_ALL = frozenset({"cases:read", "supervision:read", "audit:read"})


@dataclass(frozen=True, slots=True)
class Visible:
    """everything, or the cases of one subject (None: none)."""

    everything: bool
    subject: str | None = None

    def files(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions on `case_file`."""
        if self.everything:
            return ()
        return (CASE_FILE.c.subject == self.subject,) if self.subject is not None else (false(),)

    def cards(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions on `card`; a card against a system is for those who see everything."""
        return () if self.everything else (_of_file(CARD, self),)


def visible_to(caller: Caller, subject: str | None) -> Visible:
    """subject: the caller's own reference, where they are an applicant."""
    return Visible(bool(_ALL & caller.scopes), subject)


def _of_file(table: Table, visible: Visible) -> ColumnElement[bool]:
    files: Any = select(CASE_FILE.c.case_id).where(*visible.files())
    return table.c.case_id.in_(files)
