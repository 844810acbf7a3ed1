"""Which headers a subgraph is sent of a client's request: an allow-list, renamed and completed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.remote.declaration import HeaderRules, PropagatedHeader
from adapters.wire.model import HeaderPairs

__all__ = ["ALWAYS_OURS", "Propagation", "compile_propagation"]

ALWAYS_OURS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("expect", "host", "http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te"),
        *("traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent"),
    }
)
"""Headers of the call itself: the gateway sets them, no rule may."""


@dataclass(frozen=True, slots=True)
class Propagation:
    """rules: (name at the client in lower case, name at the subgraph, default)."""

    rules: tuple[tuple[str, str, str | None], ...]

    def headers(self, client: Mapping[str, str]) -> HeaderPairs:
        """The pairs to send for a request with these headers; `client` finds names without regard to case, or
        has them in lower case."""
        if not self.rules:
            return ()
        pairs = ((sent, client.get(name, default)) for name, sent, default in self.rules)
        return tuple((sent, value) for sent, value in pairs if value is not None)


def compile_propagation(rules: HeaderRules) -> Propagation:
    """The rules of one declaration, in its order."""
    compiled = []
    for rule in rules.propagate:
        one = PropagatedHeader(name=rule) if isinstance(rule, str) else rule
        compiled.append((one.name.lower(), one.send_as or one.name, one.default))
    return Propagation(tuple(compiled))
