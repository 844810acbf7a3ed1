"""What a step of a chain is, and what all steps share: turning values into text or bytes, counting what they unfold."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.codecs.errors import CodecError, CodecInput, CodecTooLarge
from adapters.mapping.tree import Wanted

__all__ = [
    "MAX_BYTES",
    "MAX_REPLY_BYTES",
    "Budget",
    "Context",
    "Decoding",
    "Encoding",
    "Step",
    "as_bytes",
    "as_text",
    "decode_chain",
    "encode_chain",
    "kind_of",
]

MAX_BYTES = 16 * 1024 * 1024
"""What one step may give unless its `maxBytes` says otherwise."""
MAX_REPLY_BYTES = 64 * 1024 * 1024
"""What all steps of one reply may give together: a list of a thousand small bombs is a bomb."""


class Budget:
    """Bytes that the steps of one reply or request may still give."""

    __slots__ = ("left",)

    def __init__(self, limit: int = MAX_REPLY_BYTES) -> None:
        self.left = limit

    def spend(self, step: str, size: int, max_bytes: int) -> None:
        """Raises CodecTooLarge."""
        if size > max_bytes:
            raise CodecTooLarge(step, f"expected at most {max_bytes} bytes (maxBytes), there are more")
        self.left -= size
        if self.left < 0:
            raise CodecTooLarge(step, "the steps of one reply together give more than is allowed")


@dataclass(frozen=True, slots=True)
class Context:
    """wanted: names that are read of the tree that the step makes, None for all. random: bytes for new IVs."""

    budget: Budget = field(default_factory=Budget)
    wanted: Wanted | None = None
    random: Callable[[int], bytes] = os.urandom


class Decoding(Protocol):
    """A step that reads. Raises CodecInput or CodecTooLarge."""

    def decode(self, value: Any, context: Context) -> Any: ...


class Encoding(Protocol):
    """A step that writes. Raises CodecValue."""

    def encode(self, value: Any, context: Context) -> Any: ...


class Step(Decoding, Encoding, Protocol):
    """A step that goes both ways."""


def decode_chain(steps: tuple[Decoding, ...], value: Any, context: Context) -> Any:
    """The steps in order; only the last one's tree is pruned to what is wanted."""
    whole = Context(context.budget, None, context.random)
    for step in steps[:-1]:
        value = step.decode(value, whole)
    return steps[-1].decode(value, context) if steps else value


def encode_chain(steps: tuple[Encoding, ...], value: Any, context: Context) -> Any:
    """The steps in order: the first one gets what the template filled in."""
    for step in steps:
        value = step.encode(value, context)
    return value


def as_text(value: Any, step: str, *, error: type[CodecError] = CodecInput) -> str:
    """Text as it is, bytes as UTF-8, numbers and booleans as JSON writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise error(step, "expected text in UTF-8; put a `charset` step before it") from None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise error(step, f"expected text or bytes, found {kind_of(value)}")


def as_bytes(value: Any, step: str, *, error: type[CodecError] = CodecInput) -> bytes:
    """Bytes as they are, text as UTF-8."""
    if isinstance(value, bytes):
        return value
    try:
        return as_text(value, step, error=error).encode()
    except UnicodeEncodeError:
        raise error(step, "expected text that UTF-8 can hold") from None


def kind_of(value: Any) -> str:
    """What kind of thing a value is, without saying the value."""
    if value is None:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "text", bytes: "bytes", bool: "a boolean"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "something else")
