"""One own field asked once, from words of a command line: what is sent, and every field of the reply's records. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_value

from adapters.declaration import Declaration
from adapters.own.compile import own_map, own_record
from adapters.own.entities import derived
from adapters.own.model import Answer, OwnModel, read_model
from adapters.own.requests import needs_of
from schema.canonical import Record
from schema.errors import SchemaError

__all__ = ["NotAsked", "Question", "own_names", "own_question"]


class NotAsked(ValueError):
    """The words do not make a question; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Question:
    """For `Source.ask`."""

    coordinate: str
    args: Mapping[str, Any]
    roots: Mapping[str, Any]
    fields: frozenset[str]


def own_names(declaration: Declaration) -> list[str]:
    """What may be asked for: fields of Query by their name, others as Type.field, entities as Type."""
    fields = declaration.types.fields if declaration.types is not None else {}
    return [one.removeprefix("Query.") for one in fields]


def own_question(
    declaration: Declaration, name: str, key: str | None, arguments: Mapping[str, str]
) -> Question | None:
    """key: of the object that the field stands in; arguments: text, or JSON. None where there is no such field.

    Raises NotAsked.
    """
    if declaration.types is None:
        return None
    model = read_model(declaration)
    answer = model.answers.get(name) or model.answers.get(f"Query.{name}")
    if answer is None:
        return None
    connector = declaration.types.fields[answer.coordinate]
    this = _this(model, answer, key, needs_of(connector))
    batch = connector.batch
    roots: dict[str, Any] = {}
    if batch is not None:
        roots["batch"] = {one: [this[one]] for one in batch.key}
    elif this:
        roots["this"] = this
    record, map_ = own_record(connector, answer), own_map(connector, answer)
    fields = frozenset(_paths(record, map_, model.context.records))
    return Question(answer.coordinate, _arguments(model, answer, arguments), roots, fields)


def _this(model: OwnModel, answer: Answer, key: str | None, needs: frozenset[str]) -> dict[str, Any]:
    if not needs:
        return {}
    keys = sorted(model.keys.get(answer.parent, ()))
    if key is None or not keys:
        named = ", ".join(keys) or "an entity's key"
        raise NotAsked(
            f"{answer.coordinate} stands in a {answer.parent}: give its key ({named}) after the name"
        )
    try:
        known = derived(answer.parent, {keys[0]: key})
    except SchemaError as error:
        raise NotAsked(str(error)) from None
    missing = sorted(needs - known.keys())
    if missing:
        raise NotAsked(
            f"{answer.coordinate} needs {', '.join(missing)} of its {answer.parent}, which is no key"
        )
    return {one: known[one] for one in sorted(needs)}


def _arguments(model: OwnModel, answer: Answer, given: Mapping[str, str]) -> dict[str, Any]:
    holder = model.schema.type_map[answer.parent]
    assert isinstance(holder, GraphQLObjectType)  # noqa: S101 - answers stand in objects
    known = holder.fields[answer.name].args if answer.name is not None else {}
    unknown = [one for one in given if one not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise NotAsked(f"{answer.coordinate} has no argument {unknown[0]!r}; there is {there}")
    values: dict[str, Any] = {}
    for name, text in given.items():
        values[name] = coerce_input_value(_value(text), known[name].type)
        if values[name] is Undefined:
            raise NotAsked(f"argument {name}: {text!r} is no {known[name].type}")
    return {name: values.get(name) for name in sorted(answer.arguments)}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _paths(record: Record, map_: Mapping[str, Any], records: Mapping[str, Record]) -> Iterator[str]:
    for field in record.fields:
        value = map_.get(field.name)
        if value is None:
            continue
        yield field.name
        kind, _, target = field.type.partition(":")
        if kind in ("record", "list") and isinstance(value, Mapping):
            yield from (f"{field.name}.{one}" for one in _paths(records[target], value, records))
