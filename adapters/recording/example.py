"""A reply made up from a declaration: its map read backwards, so that the gateway reads valid canonical records from it. Pure.

Codes come from the declaration's own tables, dates are written in its own patterns, what was asked for comes back. Only
paths and the functions directly behind them are read backwards; where an expression is more than that, its first path
gets a value of the field's kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.declaration import Connector, Declaration
from adapters.mapping.dates import NETWORK_OFFSET, date_writer
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.expression import Binary, Call, Expression, Literal, Path, parse, paths_of
from adapters.validate_connectors import context_of, map_of
from schema.canonical import RECORDS, VERBS, Field, Record
from schema.identifiers import resident_check_character

__all__ = ["Asked", "example_number", "example_tree"]

FIRST = datetime(2018, 1, 2, 9, 30, tzinfo=NETWORK_OFFSET)
_CITIZEN = "50010319900101001" + resident_check_character("50010319900101001")
_TEXTS = {
    "title": "示例办件",
    "itemCode": "500101001000",
    "regionCode": "500103",
    "name": "示例某某",
    "mobile": "13800000000",
    "legalRepresentative": "示例某",
    "actor": "示例某",
    "step": "受理",
    "opinion": "示例意见",
    "documentNo": "示例〔2018〕1号",
    "localCode": "ITEM-1",
}
_LATER = ("appliedAt", "receivedAt", "acceptedAt", "stateSince", "decidedAt", "closedAt", "promisedAt")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request said, as far as it could be told: a number, an applicant's number."""

    number: str | None = None
    applicant: str | None = None
    count: int = 2


@dataclass(slots=True)
class _Making:
    declaration: Declaration
    connector: Connector
    record: Record
    asked: Asked
    place: int = 0
    tree: Any = field(default_factory=dict)


def example_tree(declaration: Declaration, verb: str, asked: Asked) -> Any:
    """The tree that the protocol's reader would have made of a reply: dicts, lists, text."""
    connector = declaration.connectors.declared()[verb]
    making = _Making(declaration, connector, VERBS[verb], asked)
    count = 1 if verb == "case" else asked.count
    base = _first_path(connector.records)
    records = []
    for place in range(count):
        making.place = place
        node: dict[str, Any] = {}
        _fill(node, map_of(declaration, verb), VERBS[verb], making)
        records.append(node)
    making.tree = {}
    if base is None:
        making.tree = records[0] if records else {}
    elif not base.steps:
        making.tree = records
    else:
        _put(making.tree, base.steps, records if verb != "case" else records[0])
    _succeed(making, count)
    return making.tree


def example_number(declaration: Declaration, place: int = 0) -> str:
    """One that the system's own pattern of numbers fits, where the pattern is plain."""
    case = declaration.connectors.case
    pattern = case.numbers if case is not None else None
    made = _of_pattern(pattern, place) if pattern else None
    return made if made is not None else f"{declaration.system.code}-{place + 1:06d}"


def _fill(node: dict[str, Any], map_: Mapping[str, Any], record: Record, making: _Making) -> None:
    for one in record.fields:
        value = map_.get(one.name)
        kind, _, target = one.type.partition(":")
        if value is None:
            continue
        if kind == "record" and isinstance(value, Mapping):
            _fill(node, value, RECORDS[target], making)
        elif kind == "list" and isinstance(value, Mapping):
            each = _first_path(str(value.get("each", ".")))
            item: dict[str, Any] = {}
            _fill(item, {name: v for name, v in value.items() if name != "each"}, RECORDS[target], making)
            if each is not None and each.steps:
                _put(node, each.steps, [item])
        elif isinstance(value, Mapping):
            for name, text in value.items():
                _set(node, text, Field(name, "str", ""), making)
        elif isinstance(value, str):
            _set(node, value, one, making)


def _set(node: dict[str, Any], text: str, one: Field, making: _Making) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    path = next((found for found in paths_of(expression) if not found.root), None)
    if path is not None and path.steps:
        _put(node, path.steps, _raw(expression, one, making))


def _raw(expression: Expression, one: Field, making: _Making) -> Any:
    """The raw value that the functions behind a path make the canonical one of."""
    value = _canonical(one, making)
    for call in _calls(expression):
        arguments = [item.value for item in call.arguments if isinstance(item, Literal)]
        match call.name:
            case "table" if arguments:
                table = making.declaration.tables.get(str(arguments[0]), {})
                codes = [raw for raw, name in table.items() if name != "UNKNOWN"] or ["1"]
                fitting = [raw for raw in codes if table[raw] == value] if value else []
                return (fitting or codes)[0 if fitting else making.place % len(codes)]
            case "date":
                return _date(str(arguments[0]) if arguments else "iso", value, making)
            case "epoch_ms" | "epoch_s":
                per_second = 1000 if call.name == "epoch_ms" else 1
                return int(datetime.fromisoformat(str(value)).timestamp()) * per_second
            case "bool":
                return str(arguments[0]) if arguments else "true"
            case "int" | "decimal":
                return value if isinstance(value, int | float) else 5
            case "join" | "split":
                return str(value)
    return value


def _calls(expression: Expression) -> list[Call]:
    """Functions from the value outwards; of `a ?? b` those of a."""
    found: list[Call] = []
    while True:
        if isinstance(expression, Call):
            found.append(expression)
            expression = expression.value
        elif isinstance(expression, Binary) and expression.operator == "??":
            expression = expression.left
        else:
            return found[::-1]


def _canonical(one: Field, making: _Making) -> Any:
    kind, _, target = one.type.partition(":")
    match one.name:
        case "localNo":
            return making.asked.number or example_number(making.declaration, making.place)
        case "idNumber":
            return making.asked.applicant or _CITIZEN
        case "kind" if target == "ApplicantKind":
            is_company = making.asked.applicant and not making.asked.applicant[:17].isdigit()
            return "LEGAL" if is_company else "NATURAL"
        case "idType":
            is_company = making.asked.applicant and not making.asked.applicant[:17].isdigit()
            return "USCC" if is_company else "RESIDENT_ID"
        case "departmentCode":
            return making.declaration.system.owner
        case "id":
            return f"{making.place + 1}"
    if kind in ("datetime", "date"):
        hours = _LATER.index(one.name) if one.name in _LATER else 0
        moment = FIRST - timedelta(days=making.place) + timedelta(hours=hours)
        return moment.isoformat(timespec="seconds") if kind == "datetime" else f"{moment:%Y-%m-%d}"
    if kind == "int":
        return 5
    if kind == "bool":
        return True
    return None if kind == "enum" else _TEXTS.get(one.name, "示例")


def _date(pattern: str, value: Any, making: _Making) -> str:
    offset = context_of(making.declaration).offset
    try:
        return date_writer(pattern, offset)(str(value))
    except (ExpressionError, ValueProblem):
        return str(value)


def _succeed(making: _Making, count: int) -> None:
    """No failure rule holds, and the list ends here."""
    failure, paging = making.connector.failure, making.connector.paging
    for text in (failure.when, failure.not_found, failure.unavailable):
        for part in _conjuncts(text):
            is_sign = (
                isinstance(part, Binary) and isinstance(part.left, Path) and isinstance(part.right, Literal)
            )
            if is_sign and part.operator == "!=" and part.left.root in ("", "reply"):
                _put(making.tree, part.left.steps, part.right.value)
    total = _first_path(paging.total)
    if total is not None and total.steps and isinstance(making.tree, dict):
        _put(making.tree, total.steps, count)


def _conjuncts(text: str | None) -> list[Any]:
    try:
        todo: list[Any] = [parse(text)] if text else []
    except ExpressionError:
        return []
    found = []
    while todo:
        one = todo.pop()
        if isinstance(one, Binary) and one.operator in ("and", "or"):
            todo += [one.left, one.right]
        else:
            found.append(one)
    return found


def _first_path(text: str | None) -> Path | None:
    try:
        paths = paths_of(parse(text)) if text else []
    except ExpressionError:
        return None
    return next((path for path in paths if path.root in ("", "reply")), None)


def _put(tree: Any, steps: tuple[str | int, ...], value: Any) -> None:
    """Sets a value; what stands on the way stays. A position makes a list of one."""
    names = [step for step in steps if isinstance(step, str)]
    for index, step in enumerate(names[:-1]):
        below = tree.setdefault(step, {}) if isinstance(tree, dict) else None
        if isinstance(below, list):
            for one in below:
                _put(one, tuple(names[index + 1 :]), value)
            return
        if not isinstance(below, dict):
            return
        tree = below
    if names and isinstance(tree, dict) and names[-1] not in tree:
        tree[names[-1]] = value


def _of_pattern(pattern: str, place: int) -> str | None:
    """A text for patterns of literals, digits and letters with counts."""
    made, number = "", f"{place + 1}"
    for found in re.finditer(
        r"(\\d|\[0-9\]|\[A-Z\]|\[a-z\]|\\w)(?:\{(\d+)(?:,\d*)?\}|\+)?|\\(.)|([^\\()\[\]{}+*?|])", pattern
    ):
        kind, count, escaped, plain = found.groups()
        if kind is None:
            made += escaped or plain
        else:
            sign = "A" if kind == "[A-Z]" else "a" if kind == "[a-z]" else "0"
            made += (
                number.rjust(int(count or 1), "0")[-int(count or 1) :]
                if sign == "0"
                else sign * int(count or 1)
            )
    try:
        return made if re.fullmatch(pattern, made) else None
    except re.error:
        return None
