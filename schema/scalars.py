"""The custom scalars of the schema: text with a rule. Values travel as JSON strings and stay strings inside.

`SCALARS` holds the rules as plain functions, for code that reads arguments without Strawberry; `SCALAR_MAP`
gives the same rules to Strawberry. Output is passed through: what a legacy system holds is shown, not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, NewType

import strawberry
from graphql import GraphQLScalarType, GraphQLSchema, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from schema.errors import IdentifierError, ScalarError
from schema.identifiers import check_uscc

__all__ = [
    "CHINA_STANDARD_TIME",
    "JSON",
    "SCALARS",
    "SCALAR_MAP",
    "Date",
    "DateTime",
    "RegionCode",
    "ScalarRule",
    "Uscc",
    "check_scalars",
    "parse_date",
    "parse_datetime",
    "parse_region_code",
    "parse_uscc",
]

CHINA_STANDARD_TIME = timezone(timedelta(hours=8))
"""+08:00 all year since 1991; taken where a time gives no offset."""

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
RegionCode = NewType("RegionCode", str)
Uscc = NewType("Uscc", str)
JSON = NewType("JSON", object)

_REGION_CODE = re.compile(r"[0-9A-Z][0-9A-Z-]{1,31}")


@dataclass(frozen=True, slots=True)
class ScalarRule:
    """`parse` returns the normal form of an input value or raises ScalarError."""

    name: str
    description: str
    parse: Callable[[object], Any]


def _text(scalar: str, value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise ScalarError(scalar, value, expected)
    return value.strip()


def parse_date(value: object) -> Date:
    """`2017-11-20`. Raises ScalarError for anything else, a date that does not exist included."""
    expected = "a date as YYYY-MM-DD"
    text = _text("Date", value, expected)
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        raise ScalarError("Date", value, expected) from None
    if parsed.isoformat() != text:  # fromisoformat also reads 20171120 and 2017-W47-1
        raise ScalarError("Date", value, expected)
    return Date(text)


def parse_datetime(value: object) -> DateTime:
    """ISO 8601; without an offset it is read as +08:00. Returns it with seconds and offset."""
    expected = "a time as YYYY-MM-DDThh:mm:ss+08:00"
    text = _text("DateTime", value, expected)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ScalarError("DateTime", value, expected) from None
    if "T" not in text.upper() and " " not in text:
        raise ScalarError("DateTime", value, expected)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=CHINA_STANDARD_TIME)
    return DateTime(parsed.isoformat())


def parse_region_code(value: object) -> RegionCode:
    """A code of GB/T 2260 (`500107`) or one of the registry's own (`CQ-LJXQ`, `500229S01V01`)."""
    expected = "a region code such as 500107 or CQ-LJXQ"
    text = _text("RegionCode", value, expected).upper()
    if not _REGION_CODE.fullmatch(text):
        raise ScalarError("RegionCode", value, expected)
    return RegionCode(text)


def parse_uscc(value: object) -> Uscc:
    """A unified social credit code with a right check character, in capitals."""
    text = _text("Uscc", value, "a unified social credit code of 18 characters")
    try:
        return Uscc(check_uscc(text))
    except IdentifierError as error:
        raise ScalarError("Uscc", value, f"a unified social credit code ({error})") from None


def _parse_json(value: object) -> JSON:
    return JSON(value)


SCALARS: Mapping[str, ScalarRule] = {
    rule.name: rule
    for rule in (
        ScalarRule("Date", "Calendar date as YYYY-MM-DD 日期.", parse_date),
        ScalarRule(
            "DateTime", "Moment in ISO 8601 with offset; +08:00 where none is given 时间.", parse_datetime
        ),
        ScalarRule(
            "RegionCode",
            "Administrative division code, GB/T 2260 or the registry's own 区划代码.",
            parse_region_code,
        ),
        ScalarRule("Uscc", "Unified social credit code, GB 32100 统一社会信用代码.", parse_uscc),
        ScalarRule("JSON", "Any JSON value 任意JSON.", _parse_json),
    )
}


def _definition(name: str) -> ScalarDefinition:
    rule = SCALARS[name]

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        return rule.parse(value_from_ast_untyped(node, variables))

    return strawberry.scalar(
        name=name,
        description=rule.description,
        parse_value=rule.parse,
        parse_literal=parse_literal,
    )


SCALAR_MAP: Mapping[object, ScalarDefinition] = {
    Date: _definition("Date"),
    DateTime: _definition("DateTime"),
    RegionCode: _definition("RegionCode"),
    Uscc: _definition("Uscc"),
    JSON: _definition("JSON"),
}
"""For `StrawberryConfig(scalar_map=...)`."""


def check_scalars(schema: GraphQLSchema) -> None:
    """Gives a schema that was built from SDL the rules of our scalars, so that a bad value is refused before anything
    is asked. Values stay the text that was sent."""
    for name, rule in SCALARS.items():
        scalar = schema.type_map.get(name)
        if isinstance(scalar, GraphQLScalarType):
            scalar.coerce_input_value = _checking(rule)


def _checking(rule: ScalarRule) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        rule.parse(value)
        return value

    return parse
