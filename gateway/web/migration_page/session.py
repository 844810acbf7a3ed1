"""Who has signed in to the page: a signed cookie that holds a name and an end, never the token.

It is good for one thing, to look at the page. Whoever had the scope `migration` when it was made has it until the end,
half an hour at most: a token that is taken back is gone from the page then.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import orjson

__all__ = ["SESSION_S", "Session", "Sessions"]

SESSION_S = 1800.0
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """until: seconds since 1970."""

    name: str
    until: float


@dataclass(frozen=True, slots=True)
class Sessions:
    """key: shared by all processes of a gateway. secure: the cookie travels by HTTPS only."""

    key: bytes = field(repr=False)
    secure: bool = False
    clock: Callable[[], float] = time.time

    @property
    def cookie(self) -> str:
        """With HTTPS a name that no other host and no plain connection can set (RFC 6265bis section 4.1.3)."""
        return "__Host-quanyu-migration" if self.secure else "quanyu-migration"

    def sign(self, name: str, expires_at: float | None) -> str:
        """expires_at: of the token; the session ends no later."""
        until = self.clock() + SESSION_S
        if expires_at is not None:
            until = min(until, expires_at)
        body = orjson.dumps({"name": name, "until": until})
        return f"{_text(body)}.{_text(self._seal(body))}"

    def read(self, value: str | None) -> Session | None:
        """None for what was not signed here, or has ended."""
        if not value or len(value) > _LONGEST:
            return None
        text, dot, seal = value.partition(".")
        try:
            body = _bytes(text)
            if not dot or not hmac.compare_digest(self._seal(body), _bytes(seal)):
                return None
        except (binascii.Error, ValueError):
            return None
        found = orjson.loads(body)  # signed, so it is what `sign` wrote
        session = Session(found["name"], found["until"])
        return session if session.until > self.clock() else None

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self.key, body, sha256)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
