"""What an HTTP answer that opens no stream means."""

from __future__ import annotations

from adapters.reply import RawReply
from adapters.traffic.errors import SourceError, SourceRefused, SourceUnavailable

__all__ = ["StreamNotOpened", "refusal"]


class StreamNotOpened(Exception):
    """The subgraph answered, but not with a stream. reply: what it said; error: what that is to the client."""

    def __init__(self, reply: RawReply, error: SourceError) -> None:
        super().__init__(str(error))
        self.reply, self.error = reply, error


def refusal(system: str, reply: RawReply) -> StreamNotOpened:
    status = reply.status
    error: SourceError
    if status in (408, 425, 429) or status >= 500:
        error = SourceUnavailable(system, f"The subgraph gives no stream now (HTTP status {status}).")
    elif status in (401, 403):
        error = SourceRefused(
            system, f"The subgraph refused the gateway's credentials (HTTP status {status})."
        )
    elif 300 <= status < 400:
        error = SourceRefused(
            system,
            f"The subgraph redirects (HTTP status {status}); set `subscriptions.url` to where it really is.",
        )
    else:
        error = SourceRefused(
            system,
            f"The subgraph opened no stream (HTTP status {status}); see `subscriptions.protocol` of its file.",
        )
    return StreamNotOpened(reply, error)
