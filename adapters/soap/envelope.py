"""Envelopes written by filling in a text that was written once by the WSDL's types.

Walking the types takes some hundred microseconds for every request; the requests of one connector differ in a few
leaves. So for each shape of arguments the envelope is written once with marks for the leaves, and if every mark
comes back once and untouched, later requests are that text with escaped values in the places of the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape  # nosec B406: it writes text and reads none

__all__ = ["EnvelopeTexts"]

Shape = tuple[tuple[tuple[str, ...], type], ...]
Pieces = tuple[tuple[str, int], ...]
"""(text, number of the leaf that follows it) in the envelope's order; -1 ends it."""
MOST_SHAPES = 64
_FIRST_MARK = 735_000_001


@dataclass(slots=True)
class EnvelopeTexts:
    """Texts of one operation. write: arguments -> envelope; raises for arguments that the WSDL refuses."""

    write: Callable[[dict[str, Any]], bytes]
    _pieces: dict[Shape, Pieces | None] = field(default_factory=dict)

    def fill(self, arguments: dict[str, Any]) -> bytes:
        leaves = list(_leaves(arguments, ()))
        if any(type(value) not in (str, int) for _, value in leaves):
            return self.write(arguments)  # lists, nulls, bytes, booleans: their forms are the types
        shape = tuple((place, type(value)) for place, value in leaves)
        if shape not in self._pieces:
            if len(self._pieces) >= MOST_SHAPES:
                self._pieces.clear()
            self._pieces[shape] = self._cut(arguments, shape)
        pieces = self._pieces[shape]
        if pieces is None:
            return self.write(arguments)
        return "".join(text if at < 0 else text + _written(leaves[at][1]) for text, at in pieces).encode()

    def _cut(self, arguments: dict[str, Any], shape: Shape) -> Pieces | None:
        """The text around the leaves; None where more is done to one of them than to write it down."""
        marks = [_mark(number, kind) for number, (_, kind) in enumerate(shape)]
        try:
            text = self.write(_marked(arguments, iter(marks))).decode()
        except ValueError:
            return None  # a mark is no value of the type: each value has to be looked at
        places = [f">{mark}<" for mark in marks]
        if any(text.count(place) != 1 for place in places):
            return None
        pieces, end = [], 0
        for number in sorted(range(len(places)), key=lambda one: text.index(places[one])):
            at = text.index(places[number]) + 1
            pieces.append((text[end:at], number))
            end = at + len(places[number]) - 2
        return (*pieces, (text[end:], -1))


def _mark(number: int, kind: type) -> str | int:
    """A value that shows what is done to it: with small letters for text, as some types are written in capitals."""
    return f"q{_FIRST_MARK + number}z" if kind is str else _FIRST_MARK + number


def _leaves(tree: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*place, name))
        else:
            yield (*place, name), value


def _marked(tree: Mapping[str, Any], marks: Iterator[str | int]) -> dict[str, Any]:
    return {
        name: _marked(value, marks) if isinstance(value, Mapping) else next(marks)
        for name, value in tree.items()
    }


def _written(value: str | int) -> str:
    """Raises ValueError for characters that XML 1.0 cannot hold, as lxml does."""
    if type(value) is not str:
        return str(value)
    if not value.isprintable() and any(
        (one < " " and one not in "\t\n\r") or one in "\ufffe\uffff" for one in value
    ):
        raise ValueError("a character that XML does not allow")
    return escape(value, {"\r": "&#13;"})
