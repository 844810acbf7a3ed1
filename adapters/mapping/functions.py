"""The closed set of functions of the expression language: each makes a reader of one value, at compile time.

A function gets its literal arguments once and returns `read(value, scope)`; null passes through every function
but `default`. Documented in docs/reference/mapping.md, which a test holds to this table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.mapping import dates
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.patterns import compile_pattern
from adapters.mapping.scope import UNMAPPED, Gap, Scope
from schema.canonical import RECORDS, Record
from schema.identifiers import mask_address, mask_id, mask_in_text, mask_mobile, mask_name
from schema.vocabulary import values

__all__ = ["FUNCTIONS", "CompileContext", "Function", "Reader", "as_text", "plain_codes", "versioned_table"]

Reader = Callable[[Any, Scope], Any]
MAX_MATCHED = 2000
ANY, KEEP, REFUSE = "*", "=", "!"
"""In a code table, `"*"` says what any other code becomes: a value, `=` what it was, `!` an error."""


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


def _versions(name: str, context: CompileContext) -> list[tuple[str, Mapping[str, str]]]:
    """(first day, codes) of each version of a table, newest first; the one without a day is the oldest.

    Raises ExpressionError for a table that there is not, and for a day that is none.
    """
    found: list[tuple[str, Mapping[str, str]]] = []
    for key, codes in context.tables.items():
        table, _, day = key.partition("@")
        if table != name:
            continue
        if day and not _is_day(day):
            raise ExpressionError(f"the version of table {key!r} is no day", 0, "such as status@2018-01-01")
        found.append((day, codes))
    if not found:
        known = ", ".join(sorted({key.partition("@")[0] for key in context.tables})) or "none is declared"
        raise ExpressionError(f"no code table {name!r}", 0, f"tables: {known}")
    return sorted(found, key=lambda one: one[0], reverse=True)


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _missing(name: str, raw: str, policy: str | None, scope: Scope) -> Any:
    """What a code that no table has becomes: the table's `*`, or UNKNOWN, counted and listed."""
    if policy == KEEP:
        return raw
    if policy == REFUSE:
        raise ValueProblem(f"code table {name} does not have this code")
    if policy is not None:
        return policy
    scope.gaps.append(Gap(name, raw))
    return UNMAPPED


def _table(arguments: list[Any], context: CompileContext) -> Reader:
    name = str(arguments[0])
    codes = _merged(name, context)
    policy = codes.pop(ANY, None)

    def read(value: Any, scope: Scope) -> Any:
        raw = (value if type(value) is str else as_text(value)).strip()
        found = codes.get(raw)
        if found is None and raw:
            return _missing(name, raw, policy, scope)
        return found

    return read


def _merged(name: str, context: CompileContext) -> dict[str, str]:
    codes: dict[str, str] = {}
    for _, version in reversed(_versions(name, context)):
        codes |= version  # a code that a later version dropped still stands in old records
    return codes


def plain_codes(name: str, context: CompileContext) -> Mapping[str, str]:
    """Raw code -> meaning, of all versions, without what any other code becomes. Raises ExpressionError."""
    return {raw: meaning for raw, meaning in _merged(name, context).items() if raw != ANY}


def versioned_table(name: str, context: CompileContext) -> Callable[[Any, str | None, Scope], Any]:
    """(raw value, day as YYYY-MM-DD or None for the newest, scope) -> the code's meaning on that day."""
    versions = _versions(name, context)

    def read(value: Any, day: str | None, scope: Scope) -> Any:
        raw = as_text(value).strip()
        codes = next((codes for first, codes in versions if day is None or first <= day), versions[-1][1])
        found = codes.get(raw) if raw != ANY else None
        if found is None and raw:
            return _missing(name, raw, codes.get(ANY), scope)
        return found

    return read


def _untable(arguments: list[Any], context: CompileContext) -> Reader:
    name = str(arguments[0])
    raws: dict[str, list[str]] = {}
    for _, version in _versions(name, context):
        for raw, canonical in version.items():
            if raw != ANY and raw not in raws.get(canonical, ()):
                raws.setdefault(canonical, []).append(raw)

    def read(value: Any, _scope: Scope) -> list[str]:
        wanted = value if isinstance(value, list) else [value]
        return [raw for one in wanted for raw in raws.get(str(one), [])]

    return read


def _date(arguments: list[Any], context: CompileContext) -> Reader:
    pattern, offset, pivot = str(arguments[0]), context.offset, dates.PIVOT
    for argument in arguments[1:]:
        if isinstance(argument, int) and not isinstance(argument, bool):
            if not 0 <= argument <= 100:
                raise ExpressionError("a pivot is a year from 0 to 100", 0, 'such as date("yyMMdd", 50)')
            pivot = argument
        else:
            offset = dates.parse_offset(str(argument))
    if pattern == "iso":
        return _of_text(dates.iso_reader(offset))
    if pattern == "cn":
        return _of_text(dates.chinese_reader(offset))
    return _of_text(dates.date_reader(pattern, offset, pivot=pivot))


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


def _scale(arguments: list[Any], _context: CompileContext) -> Reader:
    try:
        factor = Decimal(str(arguments[0]))
    except InvalidOperation:
        raise ExpressionError("scale takes a number") from None
    read_number = _decimal([], _context)

    def read(value: Any, scope: Scope) -> float:
        # by decimals: 0.1 * 3 is 0.3
        return float(Decimal(str(read_number(value, scope))) * factor)

    return read


_YES = frozenset({"true", "1", "y", "yes", "t", "是", "有"})
_NO = frozenset({"false", "0", "n", "no", "f", "否", "无"})


def _bool(arguments: list[Any], _context: CompileContext) -> Reader:
    if arguments:
        yes = {str(one) for one in arguments}
        return _of_text(lambda text: text.strip() in yes)

    def read(text: str) -> bool:
        word = text.strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        raise ValueProblem("neither yes nor no: name the words that mean yes, bool(...)")

    return _of_text(read)


def _match(arguments: list[Any], _context: CompileContext) -> Reader:
    pattern = compile_pattern(str(arguments[0]))
    group = int(arguments[1]) if len(arguments) > 1 else (1 if pattern.groups else 0)
    if not 0 <= group <= pattern.groups:
        raise ExpressionError(f"the expression has no group {group}")
    find = pattern.find
    return _of_text(lambda text: find(text[:MAX_MATCHED], group))


def _null_if(arguments: list[Any], _context: CompileContext) -> Reader:
    nothing = {as_text(one) for one in arguments}
    return lambda value, _scope: (
        None if not isinstance(value, list | dict) and as_text(value).strip() in nothing else value
    )


def _pluck(arguments: list[Any], _context: CompileContext) -> Reader:
    names = str(arguments[0]).split(".")

    def read(value: Any, _scope: Scope) -> list[Any]:
        found = value if isinstance(value, list) else [value]
        for name in names:
            inner = [one.get(name) for one in found if isinstance(one, Mapping)]
            found = [item for one in inner for item in (one if isinstance(one, list) else [one])]
        return [one for one in found if one is not None]

    return read


def _mask(arguments: list[Any], _context: CompileContext) -> Reader:
    kind = str(arguments[0])
    if kind not in _MASK_KINDS:
        raise ExpressionError(f"no mask {kind!r}", 0, f"masks: {', '.join(_MASK_KINDS)}")
    return _of_text(_MASK_KINDS[kind])


_MASK_KINDS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "id": mask_id,
    "phone": mask_mobile,
    "address": mask_address,
    "text": mask_in_text,
}


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
        _table,
        1,
        2,
        "Looks the value up in a code table; a missing code is UNKNOWN and counted. With a day, in the version of then.",
    ),
    "untable": Function(_untable, 1, 1, "Canonical values -> the system's codes, for requests."),
    "date": Function(
        _date,
        1,
        3,
        'Reads a date: a pattern of yyyy (yy) MM dd HH mm ss SSS, "iso" or "cn"; an offset, a pivot.',
    ),
    "epoch_ms": Function(_epoch(1000), 0, 0, "Reads milliseconds since 1970."),
    "epoch_s": Function(_epoch(1), 0, 0, "Reads seconds since 1970."),
    "format": Function(_format, 1, 1, 'Writes a date in the system\'s form, "iso", "epoch_ms" or "epoch_s".'),
    "int": Function(_int, 0, 0, "Reads a whole number."),
    "decimal": Function(_decimal, 0, 0, "Reads a number, with or without thousands commas."),
    "scale": Function(_scale, 1, 1, "Reads a number and multiplies it: units such as metres of millimetres."),
    "bool": Function(
        _bool, 0, 8, "True for the values named, else false; without any: 是/否, Y/N, 1/0, true/false."
    ),
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
    "null_if": Function(_null_if, 1, 8, "Null for these values: what stands for nothing."),
    "pluck": Function(_pluck, 1, 1, "Of each object of a list what stands at a name or path; a list."),
    "mask": Function(_mask, 1, 1, "Hides personal data: name, id, phone, address or text."),
    "default": Function(_default, 1, 1, "This instead of null or empty."),
    "prefix": Function(_affix(before=True), 1, 1, "With a text before it."),
    "suffix": Function(_affix(before=False), 1, 1, "With a text after it."),
}
