"""Tickets at run time: what is taken from the first reply, and those that were not ready when time ran out, so that the
next call for the same goes on with them and does not set the system to work anew."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.codecs.decoder import Decoders, compile_decoders
from adapters.declaration import Connector
from adapters.exchange import Call, Read
from adapters.mapping.compiler import compile_condition, compile_expression
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext, Reader
from adapters.mapping.scope import Scope
from adapters.reply import RawReply
from adapters.ticket_model import Ticket

__all__ = ["CompiledTicket", "HeldTickets", "compile_ticket", "poll_connector"]

_MOST_HELD: Final = 1000


@dataclass(frozen=True, slots=True)
class CompiledTicket:
    """call: the poll. take: name -> what reads it from the first reply; decoders: what is inside that reply."""

    call: Call
    take: Mapping[str, Reader]
    pending: Reader
    every_s: float
    life_s: float
    decoders: Decoders

    def taken(self, read: Read) -> dict[str, Any]:
        """Raises ValueProblem where the reply lacks a part of the ticket."""
        scope = Scope({"reply": read.tree, "link": read.link})
        found = {name: reader(read.tree, scope) for name, reader in self.take.items()}
        missing = sorted(name for name, value in found.items() if value in (None, ""))
        if missing:
            raise ValueProblem(f"the reply gives no ticket ({', '.join(missing)} missing)")
        return found

    def is_pending(self, read: Read, reply: RawReply) -> bool:
        """Raises ValueProblem."""
        if read.fault is not None:
            return False
        return bool(self.pending(read.tree, Scope({"reply": read.tree, "status": reply.status})))


@dataclass(slots=True)
class HeldTickets:
    """Unfinished tickets of one system by the key of what was asked. One event loop; the oldest go first."""

    _held: OrderedDict[str, tuple[float, dict[str, Any]]] = field(default_factory=OrderedDict, repr=False)

    def get(self, key: str | None) -> dict[str, Any] | None:
        until, ticket = self._held.get(key or "", (0.0, None))
        return ticket if until > asyncio.get_running_loop().time() else None

    def keep(self, key: str | None, ticket: dict[str, Any], life_s: float) -> None:
        """key None: of a call that must not be taken for another, whose ticket is not held."""
        if key is None:
            return
        self._held[key] = (asyncio.get_running_loop().time() + life_s, ticket)
        while len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)

    def drop(self, key: str | None) -> None:
        self._held.pop(key or "", None)


def poll_connector(connector: Connector, ticket: Ticket) -> Connector:
    """The poll as a connector of its own, for what reads requests of connectors."""
    poll = ticket.poll
    request = {name: getattr(poll, name) for name in type(poll).model_fields}
    return connector.model_copy(update={**request, "ticket": None, "document": None})


def compile_ticket(ticket: Ticket, call: Call, context: CompileContext) -> CompiledTicket:
    """Raises ExpressionError."""
    return CompiledTicket(
        call,
        {name: compile_expression(text, context) for name, text in ticket.take.items()},
        compile_condition(ticket.pending, context),
        ticket.every_ms / 1000,
        ticket.life_s,
        compile_decoders(ticket.decode, context),
    )
