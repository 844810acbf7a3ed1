"""Signatures of pushed events, as Standard Webhooks has them (standardwebhooks.com, v1): HMAC-SHA256 over
`id.timestamp.content`, base64, in `webhook-signature`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

__all__ = ["SignatureRefused", "check_signature", "sign"]

_MOST = 10
"""Signatures in one header that are looked at."""


class SignatureRefused(Exception):
    """code: PUSH_UNSIGNED, PUSH_TIME or PUSH_SIGNATURE. The message says what to send."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def sign(secret: str, identifier: str, timestamp: int, content: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.digest(_key(secret), f"{identifier}.{timestamp}.".encode() + content, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()


def check_signature(
    secrets: Iterable[str], headers: Mapping[str, str], content: bytes, *, now_s: float, tolerance_s: float
) -> None:
    """headers: by lower-case name. Raises SignatureRefused."""
    identifier, timestamp, given = (
        headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not identifier or not timestamp or not given:
        raise SignatureRefused(
            "PUSH_UNSIGNED",
            "Sign the request: webhook-id, webhook-timestamp and webhook-signature are needed.",
        )
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureRefused("PUSH_TIME", "webhook-timestamp is the time in whole seconds since 1970.")
    if abs(now_s - int(timestamp)) > tolerance_s:
        raise SignatureRefused(
            "PUSH_TIME",
            f"The signature is of another time: it may be {tolerance_s:g} s from now. Sign each attempt anew, and set "
            "the clock.",
        )
    wanted = [sign(secret, identifier, int(timestamp), content).encode() for secret in secrets]
    offered = [one.encode() for one in given.split(" ")[:_MOST]]
    # all of them, each in constant time: how long it takes tells nothing
    fits = [hmac.compare_digest(one, other) for one in wanted for other in offered]
    if not any(fits):
        raise SignatureRefused(
            "PUSH_SIGNATURE", "The signature does not fit this body, these ce- headers, id and time."
        )


def _key(secret: str) -> bytes:
    """`whsec_` begins a key in base64, anything else is taken as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
