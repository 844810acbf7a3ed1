"""What a protocol does for a connector: build a request from a scope, read a reply into a tree. The seam between
`source.py` and the protocol folders; no I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from adapters.mapping.scope import Scope
from adapters.mapping.tree import Wanted
from adapters.reply import RawReply
from adapters.wire.model import WireRequest

__all__ = ["FAULT_NAMES", "Call", "Exchange", "Read"]

FAULT_NAMES = frozenset({"code", "subcode", "subcodes", "message", "language", "actor", "detail"})
"""What follows `$fault.` in an expression."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reply as a tree. `fault`: {code, message, ...} of a SOAP fault or of GraphQL errors, else None.
    `link`: {next} of a Link header. `soap_header`: tree of what stands in a SOAP envelope's header."""

    tree: Any
    fault: dict[str, Any] | None = None
    link: dict[str, Any] | None = None
    soap_header: dict[str, Any] | None = None


class Call(Protocol):
    """One operation of one connector, compiled. Raises ValueProblem for arguments that it does not take."""

    def request(self, scope: Scope) -> WireRequest: ...


class Exchange(Protocol):
    """Reads replies of one protocol. Raises SourceBadData for what is not of the protocol."""

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read: ...
