"""Timestamps and nonces as systems want them written. Clock and random bytes come in from outside."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timezone
from typing import Literal

from adapters.codecs.errors import CodecDeclared
from adapters.mapping.dates import date_writer
from adapters.mapping.errors import ExpressionError

__all__ = ["nonce_writer", "stamp_writer"]

_SIGNS = {
    "hex": "0123456789abcdef",
    "digits": "0123456789",
    "alphanumeric": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}


def stamp_writer(form: str, offset: timezone) -> Callable[[float], str]:
    """Unix seconds -> epoch_ms, epoch_s, iso, or a date pattern, in the system's own offset. Raises CodecDeclared."""
    if form in ("epoch_ms", "epoch_s"):
        per_second = 1000 if form == "epoch_ms" else 1
        return lambda now: str(int(now * per_second))
    try:
        write = date_writer(form, offset)
    except ExpressionError as error:
        raise CodecDeclared("timestamp", f"{error.message}; or epoch_ms, epoch_s, iso") from None
    return lambda now: write(datetime.fromtimestamp(now, UTC).isoformat())


def nonce_writer(
    alphabet: Literal["hex", "digits", "alphanumeric", "uuid"], length: int
) -> Callable[[Callable[[int], bytes]], str]:
    """Draws from a source of random bytes; uuid is version 4 (RFC 9562)."""
    if alphabet == "uuid":
        return lambda random: str(uuid.UUID(bytes=random(16), version=4))
    signs = _SIGNS[alphabet]

    def draw(random: Callable[[int], bytes]) -> str:
        # 8 bytes a sign: the remainder's bias is below 2^-58
        raw = random(length * 8)
        numbers = (int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8))
        return "".join(signs[number % len(signs)] for number in numbers)

    return draw
