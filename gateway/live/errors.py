"""What ends a stream of events, or refuses it.

    LiveError
    ├── CursorRefused     CURSOR_INVALID      it was not handed out by this trail
    ├── StreamTooSlow     STREAM_TOO_SLOW     the client took too little; it goes on from the last cursor
    ├── LiveUnavailable   LIVE_UNAVAILABLE    the ledger cannot be read now
    └── FeedRefused       CASE_NOT_FOUND, FORBIDDEN, NOT_FOUND

`extensions` is what a GraphQL error carries.
"""

from __future__ import annotations

__all__ = ["CursorRefused", "FeedRefused", "LiveError", "LiveUnavailable", "StreamTooSlow"]


class LiveError(Exception):
    """Base of the above. resume: the cursor to go on from, where there is one."""

    code = "LIVE_ERROR"

    def __init__(self, message: str, resume: str | None = None) -> None:
        super().__init__(message)
        self.resume = resume

    @property
    def extensions(self) -> dict[str, object]:
        found: dict[str, object] = {"code": self.code}
        return found | {"resumeAfter": self.resume} if self.resume is not None else found


class CursorRefused(LiveError):
    """A cursor that this trail did not hand out, or that is of a trail which was rolled back since."""

    code = "CURSOR_INVALID"


class StreamTooSlow(LiveError):
    """The client took so little that more events wait than are kept for it."""

    code = "STREAM_TOO_SLOW"


class LiveUnavailable(LiveError):
    """The ledger cannot be read now."""

    code = "LIVE_UNAVAILABLE"


class FeedRefused(LiveError):
    """What was asked for is not there, or not for this caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # one class for the refusals that reads have too
