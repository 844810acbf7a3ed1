"""Steps for records in text: fields between separators (commas, pipes, tabs), and fields of fixed width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters.codecs.errors import CodecError, CodecInput, CodecTooLarge, CodecValue
from adapters.codecs.step import MAX_BYTES, Context, as_text, kind_of

__all__ = ["Column", "FixedWidth", "Records"]

MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of fields to a list of {name: text}, or to one such object where `single`.

    names: of the fields, empty to take them from the first row. row: what ends a row; a line feed also takes CR LF.
    quote: sign around fields that hold separators, doubled inside them. escape: sign before a sign that is meant
    as it is. ragged: what to do with a row of another length; `pad` gives missing fields as empty text and drops
    surplus empty ones. skip, skip_last: rows around the records that are none, told by what ends a row alone.
    """

    names: tuple[str, ...] = ()
    header: bool = False
    separator: str = ","
    row: str = "\n"
    quote: str | None = None
    escape: str | None = None
    single: bool = False
    trim: bool = False
    ragged: Literal["refuse", "pad"] = "refuse"
    max_bytes: int = MAX_BYTES
    skip: int = 0
    skip_last: int = 0

    def decode(self, value: Any, context: Context) -> Any:
        text = as_text(value, "records")
        context.budget.spend("records", len(text), self.max_bytes)
        rows = self._rows(self._between(text) if self.skip or self.skip_last else text)
        names = self.names
        if self.header:
            first = next(rows, None)
            names = names or tuple(first or ())
        out: list[dict[str, str]] = []
        for number, row in enumerate(rows, 1):
            if number > MAX_ROWS:
                raise CodecTooLarge("records", f"expected at most {MAX_ROWS} rows")
            out.append(dict(zip(names, self._fitted(row, number, len(names)), strict=True)))
        return _one(out, "records") if self.single else out

    def _between(self, text: str) -> str:
        """Without the rows around the records; empty rows at the end count for nothing."""
        start, end = 0, len(text)
        while text.endswith(("\r", "\n", self.row), start, end):
            end -= len(self.row) if text.endswith(self.row, start, end) else 1
        for _ in range(self.skip_last):
            end = max(text.rfind(self.row, 0, end), 0)
        for _ in range(self.skip):
            found = text.find(self.row, start, end)
            start = found + len(self.row) if found >= 0 else end
        return text[start : end + len(self.row)] if end > start else ""  # the last row keeps its end

    def _fitted(self, row: list[str], number: int, length: int) -> list[str]:
        if self.trim:
            row = [field.strip() for field in row]
        if len(row) == length:
            return row
        if self.ragged == "pad" and not any(row[length:]):
            return (row + [""] * (length - len(row)))[:length]
        raise CodecInput("records", f"expected {length} fields, row {number} has {len(row)}")

    def _rows(self, text: str) -> Iterator[list[str]]:
        """Rows with something in them."""
        if self.quote is None and self.escape is None:
            for line in text.split(self.row):
                kept = line.removesuffix("\r") if self.row == "\n" else line
                if kept:
                    yield kept.split(self.separator)
            return
        yield from _Reader(self, text).rows()

    def encode(self, value: Any, context: Context) -> str:
        del context
        rows = list(_objects(value, "records"))
        names = self.names or tuple(rows[0] if rows else ())
        lines = [self._line(names)] if self.header else []
        lines += [self._line(_fields(row, names, "records")) for row in rows]
        return self.row.join(lines)

    def _line(self, fields: Iterable[str]) -> str:
        written = [self._written(field) for field in fields]
        if written == [""]:
            if self.quote is None:
                raise CodecValue(
                    "records", "expected something in a row's only field: empty rows are not read"
                )
            return self.quote * 2
        return self.separator.join(written)

    def _written(self, field: str) -> str:
        marks = [mark for mark in (self.quote, self.escape) if mark]
        ends = ("\r", "\n") if self.row == "\n" else (self.row,)
        unsafe = any(mark in field for mark in (self.separator, *ends, *marks))
        # what ends in the start of a longer separator would run into it
        unsafe = unsafe or any(
            field.endswith(mark[:size]) for mark in (self.separator, self.row) for size in range(1, len(mark))
        )
        if not unsafe:
            return field
        if self.escape is not None:
            signs = set("".join((self.separator, *ends, *marks)))
            return "".join(self.escape + sign if sign in signs else sign for sign in field)
        if self.quote is not None:
            return self.quote + field.replace(self.quote, self.quote * 2) + self.quote
        raise CodecValue("records", "expected a value without separators; declare `quote` or `escape`")


class _Reader:
    """One pass over text with quotes or escapes; every sign is looked at once."""

    def __init__(self, rules: Records, text: str) -> None:
        self.rules, self.text, self.at = rules, text, 0
        self.ends = [("separator", rules.separator), ("row", rules.row)]
        if rules.row == "\n":
            self.ends.append(("row", "\r\n"))
        starts = [mark[0] for _, mark in self.ends] + [mark for mark in (rules.quote, rules.escape) if mark]
        self.plain = re.compile("[^" + "".join(map(re.escape, starts)) + "]+")

    def rows(self) -> Iterator[list[str]]:
        while self.at < len(self.text):
            row, quoted = self._row()
            if quoted or row != [""]:
                yield row

    def _row(self) -> tuple[list[str], bool]:
        row: list[str] = []
        quoted = False
        while True:
            field, was_quoted, end = self._field()
            row.append(field)
            quoted = quoted or was_quoted
            if end != "separator":
                return row, quoted

    def _field(self) -> tuple[str, bool, str]:
        """The field, whether it was quoted, and what ended it: separator, row or end."""
        rules, text = self.rules, self.text
        parts: list[str] = []
        quoted = False
        if rules.quote is not None and text.startswith(rules.quote, self.at):
            quoted = True
            parts.append(self._quoted(rules.quote))
        while self.at < len(text):
            for name, mark in self.ends:
                if text.startswith(mark, self.at):
                    self.at += len(mark)
                    return "".join(parts), quoted, name
            if quoted:
                raise CodecInput("records", "expected a separator after a closing quote")
            parts.append(self._signs())
        return "".join(parts), quoted, "end"

    def _signs(self) -> str:
        """An escaped sign, or plain ones up to the next that may mean something."""
        escape = self.rules.escape
        if escape is not None and self.text.startswith(escape, self.at):
            if self.at + 1 >= len(self.text):
                raise CodecInput("records", "expected a sign after the last escape sign")
            self.at += 2
            return self.text[self.at - 1]
        found = self.plain.match(self.text, self.at)
        start, self.at = self.at, found.end() if found else self.at + 1
        return self.text[start : self.at]

    def _quoted(self, quote: str) -> str:
        parts: list[str] = []
        while True:
            start = self.at + 1
            end = self.text.find(quote, start)
            if end < 0:
                raise CodecInput("records", "expected a closing quote")
            parts.append(self.text[start:end])
            self.at = end + 1
            if not self.text.startswith(quote, self.at):
                return quote.join(parts)


@dataclass(frozen=True, slots=True)
class Column:
    """width: in the step's unit, None for the rest of the row. align: where the value stands; the other side is filled with `pad`."""

    name: str
    width: int | None
    align: Literal["left", "right"] = "left"
    pad: str = " "


@dataclass(frozen=True, slots=True)
class FixedWidth:
    """Rows of fields of fixed width. codec: the bytes in which widths are counted, None counts characters.

    row: what ends a row, None where rows follow each other without a sign. short: rows may lack trailing blanks.
    """

    columns: tuple[Column, ...]
    codec: str | None = None
    row: str | None = "\n"
    single: bool = False
    short: bool = False
    max_bytes: int = MAX_BYTES

    @property
    def width(self) -> int:
        """Of a row; without a rest, which may be of any."""
        return sum(column.width or 0 for column in self.columns)

    @property
    def has_rest(self) -> bool:
        return self.columns[-1].width is None

    def decode(self, value: Any, context: Context) -> Any:
        text = as_text(value, "fixedWidth")
        context.budget.spend("fixedWidth", len(text), self.max_bytes)
        out: list[dict[str, str]] = []
        for number, row in enumerate(self._rows(text), 1):
            if number > MAX_ROWS:
                raise CodecTooLarge("fixedWidth", f"expected at most {MAX_ROWS} rows")
            out.append(self._record(row, number))
        return _one(out, "fixedWidth") if self.single else out

    def _rows(self, text: str) -> Iterator[str | bytes]:
        if self.row is None:
            units = self._units(text, CodecInput)
            if self.has_rest:
                yield units
                return
            yield from (units[at : at + self.width] for at in range(0, len(units), self.width))
            return
        for line in text.split(self.row):
            kept = line.removesuffix("\r") if self.row == "\n" else line
            if kept:
                yield self._units(kept, CodecInput)

    def _record(self, row: str | bytes, number: int) -> dict[str, str]:
        missing = self.width - len(row)
        if (missing < 0 and not self.has_rest) or (missing > 0 and not self.short):
            unit, least = "bytes" if self.codec else "characters", "at least " if self.has_rest else ""
            raise CodecInput(
                "fixedWidth", f"expected {least}{self.width} {unit}, row {number} has {len(row)}"
            )
        out: dict[str, str] = {}
        at = 0
        for column in self.columns:
            end = len(row) if column.width is None else at + column.width
            text = self._text(row[at:end], column, number)
            if column.width is None:  # whatever it is: nothing was filled up
                out[column.name] = text
                break
            out[column.name] = text.rstrip(column.pad) if column.align == "left" else text.lstrip(column.pad)
            at = end
        return out

    def _text(self, units: str | bytes, column: Column, number: int) -> str:
        if isinstance(units, str):
            return units
        try:
            return units.decode(self.codec or "utf-8")
        except UnicodeDecodeError:
            raise CodecInput(
                "fixedWidth",
                f"row {number}: {column.name} begins or ends inside a character; check the widths",
            ) from None

    def _units(self, text: str, error: type[CodecError]) -> str | bytes:
        if self.codec is None:
            return text
        try:
            return text.encode(self.codec)
        except UnicodeEncodeError:
            raise error("fixedWidth", f"expected characters that {self.codec} has") from None

    def encode(self, value: Any, context: Context) -> str:
        del context
        names = tuple(column.name for column in self.columns)
        rows = [self._line(_fields(row, names, "fixedWidth")) for row in _objects(value, "fixedWidth")]
        return (self.row or "").join(rows)

    def _line(self, fields: list[str]) -> str:
        out: list[str] = []
        for column, field in zip(self.columns, fields, strict=True):
            units = len(self._units(field, CodecValue))
            fill = (column.width or units) - units
            if fill < 0:
                raise CodecValue("fixedWidth", f"{column.name} is longer than its {column.width} places")
            if self.row is not None and (self.row in field or (self.row == "\n" and "\r" in field)):
                raise CodecValue("fixedWidth", f"{column.name} holds what ends a row")
            padding = column.pad * fill
            out.append(field + padding if column.align == "left" else padding + field)
        return "".join(out)


def _one(rows: list[dict[str, str]], step: str) -> dict[str, str]:
    if len(rows) != 1:
        raise CodecInput(step, f"expected one row, found {len(rows)}")
    return rows[0]


def _objects(value: Any, step: str) -> Iterator[Mapping[str, Any]]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(one, Mapping):
            raise CodecValue(step, f"expected objects, found {kind_of(one)}")
        yield one


def _fields(row: Mapping[str, Any], names: tuple[str, ...], step: str) -> list[str]:
    unknown = [name for name in row if name not in names]
    if unknown:
        raise CodecValue(step, f"expected only the fields {', '.join(names)}; found {unknown[0]!r}")
    return [
        as_text(one, step, error=CodecValue) if (one := row.get(name)) is not None else "" for name in names
    ]
