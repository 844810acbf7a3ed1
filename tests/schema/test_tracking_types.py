"""The types of deadlines and warnings: whole, described in both languages, and fit for the values behind them."""

from __future__ import annotations

import strawberry
from graphql import parse, print_schema
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig

from schema.scalars import SCALAR_MAP
from schema.types import tracking
from schema.types.tracked import CaseWarning
from schema.types.tracking import ClockStop, Deadline, Extension, TrackedState


@strawberry.type
class Query:
    deadlines: list[Deadline]
    stops: list[ClockStop]
    extensions: list[Extension]
    warnings: list[CaseWarning]
    tracked: TrackedState


NAMES = {*tracking.__all__, "Warning"}


def sdl() -> str:
    schema = Schema(query=Query, config=StrawberryConfig(scalar_map=dict(SCALAR_MAP)))
    return print_schema(schema._schema)


def test_they_make_a_schema_with_every_type() -> None:
    names = {node.name.value for node in parse(sdl()).definitions if hasattr(node, "name") and node.name}
    assert names >= NAMES
    assert {"DeadlineKind", "ClockState", "WarningLevel", "WarningState", "WarningSubject"} <= names


def test_everything_is_described_with_its_chinese_term() -> None:
    bare = []
    for node in parse(sdl()).definitions:
        name = node.name.value  # type: ignore[union-attr]
        if name not in NAMES:
            continue
        for one in (node, *node.fields):  # type: ignore[union-attr]
            text = one.description.value if one.description else ""
            if not any("\u4e00" <= sign <= "\u9fff" for sign in text):
                bare.append(f"{name}.{one.name.value}")
    assert bare == []
