"""The closed set of functions of the expression language: each makes a reader of one value, at compile time.

A function gets its literal arguments once and returns `read(value, scope)`; null passes through every function
but `default`. Documented in docs/reference/mapping.md, which a test holds to this table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.mapping import dates
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.scope import UNMAPPED, Gap, Scope
from schema.canonical import RECORDS, Record
from schema.vocabulary import values

__all__ = ["FUNCTIONS", "CompileContext", "Function", "Reader", "as_text"]

Reader = Callable[[Any, Scope], Any]
MAX_MATCHED = 2000


@dataclass(frozen=True, slots=True)
class CompileContext:
    """What expressions and maps of one declaration may refer to. `offset`: of times that carry none.

    records, enums: what types of fields name, by default the canonical ones; a system's own types bring theirs.
    """

    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    offset: timezone = timezone(timedelta(hours=8))
    records: Mapping[str, Record] = field(default_factory=lambda: RECORDS)
    enums: Callable[[str], Collection[str]] = values


@dataclass(frozen=True, slots=True)
class Function:
    """`least`/`most`: how many arguments; `doc`: one sentence for people."""

    make: Callable[[list[Any], CompileContext], Reader]
    least: int
    most: int
    doc: str


def as_text(value: Any) -> str:
    """A leaf as text; raises ValueProblem for an object or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueProblem("an object or a list stands where one value was expected")


def _of_text(change: Callable[[str], Any]) -> Reader:
    return lambda value, _scope: change(value if type(value) is str else as_text(value))


def _table(arguments: list[Any], context: CompileContext) -> Reader:
    name = str(arguments[0])
    if name not in context.tables:
        known = ", ".join(sorted(context.tables)) or "none is declared"
        raise ExpressionError(f"no code table {name!r}", 0, f"tables: {known}")
    codes = context.tables[name]

    def read(value: Any, scope: Scope) -> Any:
        raw = (value if type(value) is str else as_text(value)).strip()
        found = codes.get(raw)
        if found is None and raw:
            scope.gaps.append(Gap(name, raw))
            return UNMAPPED
        return found

    return read


def _untable(arguments: list[Any], context: CompileContext) -> Reader:
    name = str(arguments[0])
    if name not in context.tables:
        raise ExpressionError(f"no code table {name!r}", 0, f"tables: {', '.join(sorted(context.tables))}")
    raws: dict[str, list[str]] = {}
    for raw, canonical in context.tables[name].items():
        raws.setdefault(canonical, []).append(raw)

    def read(value: Any, _scope: Scope) -> list[str]:
        wanted = value if isinstance(value, list) else [value]
        return [raw for one in wanted for raw in raws.get(str(one), [])]

    return read


def _date(arguments: list[Any], context: CompileContext) -> Reader:
    pattern = str(arguments[0])
    offset = dates.parse_offset(str(arguments[1])) if len(arguments) > 1 else context.offset
    return _of_text(dates.iso_reader(offset) if pattern == "iso" else dates.date_reader(pattern, offset))


def _epoch(per_second: int) -> Callable[[list[Any], CompileContext], Reader]:
    def make(_arguments: list[Any], _context: CompileContext) -> Reader:
        read = dates.epoch_reader(per_second)
        return lambda value, _scope: read(value)

    return make


def _format(arguments: list[Any], context: CompileContext) -> Reader:
    pattern = str(arguments[0])
    if pattern in ("epoch_ms", "epoch_s"):
        write_epoch = dates.epoch_writer(1000 if pattern == "epoch_ms" else 1)
        return _of_text(write_epoch)
    return _of_text(dates.date_writer(pattern, context.offset))


def _int(_arguments: list[Any], _context: CompileContext) -> Reader:
    def read(text: str) -> int:
        try:
            return int(text.strip())
        except ValueError:
            raise ValueProblem("not a whole number") from None

    return _of_text(read)


def _decimal(_arguments: list[Any], _context: CompileContext) -> Reader:
    def read(text: str) -> float:
        try:
            number = float(Decimal(text.strip().replace(",", "")))
        except (InvalidOperation, ValueError, OverflowError):
            raise ValueProblem("not a number") from None
        if not math.isfinite(number):
            raise ValueProblem("not a number")
        return number

    return _of_text(read)


def _bool(arguments: list[Any], _context: CompileContext) -> Reader:
    yes = {str(one) for one in arguments} or {"true", "1", "Y", "是"}
    return _of_text(lambda text: text.strip() in yes)


def _match(arguments: list[Any], _context: CompileContext) -> Reader:
    try:
        pattern = re.compile(str(arguments[0]))
    except re.error as error:
        raise ExpressionError(f"not a regular expression: {error}") from None
    group = int(arguments[1]) if len(arguments) > 1 else (1 if pattern.groups else 0)
    if not 0 <= group <= pattern.groups:
        raise ExpressionError(f"the expression has no group {group}")

    def read(text: str) -> str | None:
        found = pattern.search(text[:MAX_MATCHED])
        return found.group(group) if found else None

    return _of_text(read)


def _split(arguments: list[Any], _context: CompileContext) -> Reader:
    separator = str(arguments[0])
    if not separator:
        raise ExpressionError("an empty separator splits nothing")
    if len(arguments) == 1:
        return _of_text(lambda text: text.split(separator))
    position = int(arguments[1])

    def read(text: str) -> str | None:
        parts = text.split(separator)
        return parts[position].strip() if -len(parts) <= position < len(parts) else None

    return _of_text(read)


def _default(arguments: list[Any], _context: CompileContext) -> Reader:
    fallback = arguments[0]
    return lambda value, _scope: fallback if value is None or value == "" else value


def _affix(before: bool) -> Callable[[list[Any], CompileContext], Reader]:
    def make(arguments: list[Any], _context: CompileContext) -> Reader:
        affix = str(arguments[0])
        return _of_text(lambda text: affix + text if before else text + affix)

    return make


def _join(arguments: list[Any], _context: CompileContext) -> Reader:
    separator = str(arguments[0]) if arguments else ""

    def read(value: Any, _scope: Scope) -> str:
        parts = value if isinstance(value, list) else [value]
        return separator.join(as_text(one) for one in parts if one is not None and one != "")

    return read


def _replace(arguments: list[Any], _context: CompileContext) -> Reader:
    old, new = str(arguments[0]), str(arguments[1])
    return _of_text(lambda text: text.replace(old, new))


def _pick(position: int) -> Callable[[list[Any], CompileContext], Reader]:
    def make(_arguments: list[Any], _context: CompileContext) -> Reader:
        def read(value: Any, _scope: Scope) -> Any:
            if not isinstance(value, list):
                return value
            return value[position] if value else None

        return read

    return make


def _simple(change: Callable[[str], Any]) -> Callable[[list[Any], CompileContext], Reader]:
    return lambda _arguments, _context: _of_text(change)


FUNCTIONS: dict[str, Function] = {
    "table": Function(
        _table, 1, 1, "Looks the value up in a code table; a missing code is UNKNOWN and counted."
    ),
    "untable": Function(_untable, 1, 1, "Canonical values -> the system's codes, for requests."),
    "date": Function(
        _date, 1, 2, 'Reads a date: a pattern of yyyy MM dd HH mm ss SSS, or "iso"; then an offset.'
    ),
    "epoch_ms": Function(_epoch(1000), 0, 0, "Reads milliseconds since 1970."),
    "epoch_s": Function(_epoch(1), 0, 0, "Reads seconds since 1970."),
    "format": Function(_format, 1, 1, 'Writes a date in the system\'s form, "iso", "epoch_ms" or "epoch_s".'),
    "int": Function(_int, 0, 0, "Reads a whole number."),
    "decimal": Function(_decimal, 0, 0, "Reads a number, with or without thousands commas."),
    "bool": Function(_bool, 0, 8, "True for the values named (by default true, 1, Y, 是), else false."),
    "match": Function(_match, 1, 2, "What a regular expression finds: its first group, or the group named."),
    "split": Function(_split, 1, 2, "Splits at a separator; with a position, that part."),
    "join": Function(
        _join, 0, 1, 'Joins a list, e.g. [a, "-", b] | join, with a separator between; nulls left out.'
    ),
    "replace": Function(_replace, 2, 2, "With one text in place of another, everywhere."),
    "trim": Function(_simple(str.strip), 0, 0, "Without white space around it."),
    "upper": Function(_simple(str.upper), 0, 0, "In capitals."),
    "lower": Function(_simple(str.lower), 0, 0, "In small letters."),
    "first": Function(_pick(0), 0, 0, "The first of a list."),
    "last": Function(_pick(-1), 0, 0, "The last of a list."),
    "default": Function(_default, 1, 1, "This instead of null or empty."),
    "prefix": Function(_affix(before=True), 1, 1, "With a text before it."),
    "suffix": Function(_affix(before=False), 1, 1, "With a text after it."),
}
