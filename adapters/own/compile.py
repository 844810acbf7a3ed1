"""Own fields compiled: connectors that read records of a GraphQL type instead of a canonical one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.compiled import CompiledConnector, compile_connector
from adapters.declaration import Declaration, OwnField
from adapters.exchange import Call
from adapters.mapping.compiler import RecordReader, compile_map
from adapters.mapping.functions import CompileContext
from adapters.mapping.tree import Wanted
from adapters.own.model import VALUE, Answer, OwnModel, read_model
from adapters.own.rows import reach_fields
from adapters.own.selected import pruned_map
from adapters.wanted import wanted_names
from schema.canonical import Field, Record

__all__ = ["KEY", "compile_own_fields", "own_map", "own_record"]

KEY = "$"
"""Begins the names under which a record of a batch carries the key that it answers to."""


@dataclass(slots=True)
class _OwnConnector(CompiledConnector):
    record: Record | None = None
    answers_one: bool = False

    @property
    def single(self) -> bool:
        return self.answers_one

    @property
    def record_name(self) -> str:
        assert self.record is not None  # noqa: S101 - given where it is made
        return self.record.name

    @property
    def needed(self) -> tuple[str, ...]:
        return ()  # a null goes up as far as GraphQL says; nothing is left out

    def pruned(self, fields: frozenset[str]) -> tuple[Wanted | None, RecordReader]:
        assert self.record is not None  # noqa: S101
        records = self.context.records
        always = frozenset(one.name for one in self.record.fields if one.name.startswith(KEY))
        cut = pruned_map(self.record_map, self.record, fields | always, records)
        wanted = wanted_names(self.connector, cut, self.record, None, records=records)
        names = frozenset(cut)
        return wanted, compile_map(cut, self.record, self.context, wanted=names)


def own_map(connector: OwnField, answer: Answer) -> dict[str, Any]:
    """What fills a record, with the keys of a batch."""
    map_: dict[str, Any] = {VALUE: connector.value} if answer.leaf else dict(connector.map or {})
    if connector.batch is not None:
        map_ |= {f"{KEY}{name}": text for name, text in connector.batch.key.items()}
    map_ |= reach_fields(connector)
    return map_


def own_record(connector: OwnField, answer: Answer) -> Record:
    """The record of an answer, with the keys of a batch and what its reach is told by."""
    names = [f"{KEY}{name}" for name in connector.batch.key] if connector.batch is not None else []
    names += reach_fields(connector)
    if not names:
        return answer.record
    keys = tuple(Field(name, "str", "Beside the record.") for name in names)
    return Record(answer.record.name, answer.record.doc, (*answer.record.fields, *keys))


def compile_own_fields(
    declaration: Declaration,
    call_of: Callable[[OwnField, CompileContext], Call],
    *,
    ended: str | None = None,
) -> dict[str, CompiledConnector]:
    """By coordinate; empty for a system without types of its own. Raises ExpressionError for what did not pass its
    check."""
    if declaration.types is None:
        return {}
    model: OwnModel = read_model(declaration)
    compiled: dict[str, CompiledConnector] = {}
    for coordinate, answer in model.answers.items():
        connector = declaration.types.fields[coordinate]

        made = compile_connector(
            coordinate,
            connector,
            call_of(connector, model.context),
            model.context,
            own_map(connector, answer),
            ended=ended,
            kind=_OwnConnector,
        )
        assert isinstance(made, _OwnConnector)  # noqa: S101 - of the kind asked for
        made.record = own_record(connector, answer)
        made.answers_one = answer.single and connector.batch is None
        compiled[coordinate] = made
    return compiled
