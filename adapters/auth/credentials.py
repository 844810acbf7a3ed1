"""Credentials of one source at run time: a grant for each attempt, and whether a reply says that it has ended.

The source asks `grant()`, shows it with its request, and where `ended` holds for the reply, `forget`s it and asks once
more. Fixed credentials never end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.auth.grant import Edit, Grant
from adapters.auth.kept import Held, Kept
from adapters.exchange import Read
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Scope
from adapters.reply import RawReply, looks_like_html
from adapters.traffic.errors import SourceError

__all__ = ["Credentials", "EndedRule"]


@dataclass(frozen=True, slots=True)
class EndedRule:
    """What tells that a token or session is no longer taken."""

    status: frozenset[int] = frozenset({401})
    fault: frozenset[str] = frozenset()
    when: Callable[[Any, Scope], bool] | None = None
    html: bool = False

    def holds(self, reply: RawReply, read: Read | None) -> bool:
        """read: None asks only what the unread reply shows."""
        if reply.status in self.status or (self.html and looks_like_html(reply.body)):
            return True
        if read is None:
            return False
        fault = read.fault or {}
        if self.fault & {fault.get("code"), fault.get("subcode"), *(fault.get("subcodes") or ())}:
            return True
        if self.when is None:
            return False
        try:
            scope = Scope({"reply": read.tree, "status": reply.status, "fault": fault})
            return self.when(read.tree, scope)
        except ValueProblem:  # a reply of another shape does not say so
            return False


@dataclass(slots=True)
class Credentials:
    """edits: in the order in which requests are changed; a signature last. kept: the token or session, if there is one.

    logout: closes the session that a gateway leaves behind; its failures are nobody's.
    """

    edits: tuple[Edit, ...] = field(default=(), repr=False)
    kept: Kept | None = None
    rule: EndedRule = field(default_factory=EndedRule)
    logout: Callable[[Held], Awaitable[None]] | None = field(default=None, repr=False)
    _fixed: Grant | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def renewable(self) -> bool:
        """Whether there is a `$session`, and grants can end."""
        return self.kept is not None

    async def grant(self) -> Grant:
        """Raises SourceRefused if the login is refused, SourceUnavailable or another SourceError if it fails."""
        if self.kept is None:
            if self._fixed is None:
                self._fixed = Grant({}, self.edits)
            return self._fixed
        held = await self.kept.get()
        return Grant({"session": held.values}, self.edits, held)

    def ended(self, reply: RawReply, read: Read | None = None) -> bool:
        return self.kept is not None and self.rule.holds(reply, read)

    def forget(self, grant: Grant) -> bool:
        """The system refused this grant. Whether asking once more with another may help."""
        return self.kept is not None and grant.held is not None and self.kept.drop(grant.held)

    def held_values(self) -> tuple[str, ...]:
        """Of the token or session at hand, for whoever must not show them."""
        held = self.kept.held if self.kept is not None else None
        return tuple(held.values.values()) if held is not None else ()

    def adopt(self, previous: Credentials) -> None:
        """Go on with the session of the same system's unchanged credentials."""
        if self.kept is not None and previous.kept is not None:
            self.kept.adopt(previous.kept)
            previous.logout = None

    async def close(self) -> None:
        """Log out, if the declaration says how."""
        held = self.kept.take_away() if self.kept is not None else None
        if held is None or self.logout is None:
            return
        try:
            await self.logout(held)
        except SourceError:
            return  # the system ends it by itself
