"""Cursors of merged lists: where each system's list goes on, sealed so that only our own are accepted. Pure.

A cursor belongs to the question it was given for: the same cursor with other arguments is refused. It holds
positions and case numbers, no personal data of its own (a system's own next-link is kept as the system gave it).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Any

import orjson

__all__ = ["CursorError", "Last", "ListCursor", "Mark", "fingerprint"]

MAC_BYTES = 12
MAX_CURSOR_CHARS = 512 * 1024
MAX_PLAIN_BYTES = 4 * 1024 * 1024


class CursorError(Exception):
    """The cursor is not one that this list gave out."""

    code = "CURSOR_INVALID"


@dataclass(frozen=True, slots=True)
class Last:
    """The last record delivered of a system: its moment, and the numbers of all delivered of that same moment. Many
    systems keep days only, or times cut to seconds, and order the records of one moment as they like."""

    moment: str
    numbers: frozenset[str] = frozenset()

    def before(self, moment: str, number: str) -> bool:
        """Whether a record comes after this in the list, newest first."""
        return moment < self.moment or (moment == self.moment and number not in self.numbers)

    def then(self, moment: str, number: str) -> Last:
        return Last(moment, (self.numbers if moment == self.moment else frozenset()) | {number})


@dataclass(frozen=True, slots=True)
class Mark:
    """position: page to ask for next; last: what was delivered of it; skip: records of it delivered, in lists that
    are not merged."""

    position: int | str | None = None
    last: Last | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class ListCursor:
    """marks: by system; done: systems whose lists are at their end. Others start from the beginning."""

    marks: Mapping[str, Mark] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    def encode(self, question: str, secret: bytes) -> str:
        """question: `fingerprint` of the arguments."""
        marks = {
            system: [mark.position, mark.skip, *_written(mark.last)] for system, mark in self.marks.items()
        }
        plain = orjson.dumps({"q": question, "m": marks, "d": sorted(self.done)}, option=orjson.OPT_SORT_KEYS)
        packed = zlib.compress(plain, 6)
        return base64.urlsafe_b64encode(_mac(secret, packed) + packed).decode("ascii").rstrip("=")

    @classmethod
    def decode(cls, text: str, question: str, secret: bytes) -> ListCursor:
        """Raises CursorError."""
        if len(text) > MAX_CURSOR_CHARS:
            raise CursorError("The cursor is too long to be one of this list.")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise CursorError("The cursor is not one of this list; start again without `after`.") from None
        mac, packed = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(secret, packed)):
            raise CursorError("The cursor is not one of this list; start again without `after`.")
        plain: dict[str, Any] = orjson.loads(zlib.decompressobj().decompress(packed, MAX_PLAIN_BYTES))
        if plain["q"] != question:
            raise CursorError("The cursor belongs to other arguments; repeat those it was given for.")
        marks = {
            system: Mark(position, Last(last[0], frozenset(last[1:])) if last else None, skip)
            for system, (position, skip, *last) in plain["m"].items()
        }
        return cls(marks, frozenset(plain["d"]))


def fingerprint(arguments: Mapping[str, Any], secret: bytes) -> str:
    """Short keyed digest of a list's arguments, without its page size and cursor."""
    asked = orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS, default=str)
    return blake2b(asked, digest_size=9, key=secret[:64], person=b"quanyu.cursor").hexdigest()


def _written(last: Last | None) -> list[str]:
    return [last.moment, *sorted(last.numbers)] if last is not None else []


def _mac(secret: bytes, packed: bytes) -> bytes:
    return hmac.new(secret, b"quanyu cursor v1" + packed, sha256).digest()[:MAC_BYTES]
