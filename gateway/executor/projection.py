"""Merged data -> the answer in the client's order and names, with nulls where the specification puts them.

Compiled from the API schema and the client's operation; what runs per request is a tree of closures without awaits.
Null bubbling: https://spec.graphql.org/October2021/#sec-Handling-Field-Errors. Data that was never fetched is null;
it is an error of its own only where no other error speaks of that place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    is_abstract_type,
)

from gateway.executor.errors import ClientError, Path, answer_error, covers
from gateway.executor.split_deferred import split_deferred
from gateway.executor.written_projection import Odd, WrittenProjection
from gateway.planner.deferrals import Deferral
from gateway.planner.selections import Field, Selection, collect

__all__ = [
    "FirstPart",
    "LaterPlace",
    "Projection",
    "ProjectionRun",
    "compile_first_part",
    "compile_projection",
]

WRITE_AFTER = 2
"""Runs of an operation after which its projection is written as source: most texts come once."""
_MANY = 20
"""Answers that the source could not do, of more than half of all, after which it is left alone."""


@dataclass(slots=True)
class ProjectionRun:
    """One projection: the client's variables and all errors, those of the fetches first.

    later: objects of the answer that have more to come, in its order.
    """

    variables: Mapping[str, Any]
    errors: list[ClientError] = field(default_factory=list)
    later: list[LaterPlace] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LaterPlace:
    """An object at which a deferred fragment stands."""

    deferral: Deferral
    path: Path
    complete: Callable[[ProjectionRun], dict[str, Any] | None]
    """The fragment's part; None where null bubbled up to it."""


class _Bubbled:
    """In place of a value: a non-null below was null, so the next nullable above becomes null."""


_BUBBLED: Any = _Bubbled()
_Complete = Callable[[Any, ProjectionRun, Any], Any]
"""(value, run, way). A way is (way above, step): cheap to grow, read only for errors. The root's is None."""
_Conditions = tuple[tuple[tuple[str, bool], ...], ...]
"""Sets of (variable, wanted value): all of one set must hold. Empty: always."""
_Leaf = tuple[frozenset[type], _Complete]
"""(types of JSON values that are right as they are, completer of others)."""
_Entry = tuple[str, "_Complete | None", "_Leaf | None", bool, "str | None", "_Conditions", str]
"""(response, completer, or leaf, non-null leaf, constant type name, conditions, coordinate)."""
_JSON_TYPES: Mapping[str, frozenset[type]] = {
    "Boolean": frozenset({bool}),
    "Float": frozenset({float, int}),
    "ID": frozenset({str}),
    "Int": frozenset({int}),
    "String": frozenset({str}),
}

Projection = Callable[[dict[str, Any], Mapping[str, Any], list[ClientError]], "dict[str, Any] | None"]
"""(merged data, variables, errors so far; new ones are appended) -> data of the answer."""

FirstPart = Callable[[dict[str, Any], ProjectionRun], "dict[str, Any] | None"]


def compile_first_part(
    schema: GraphQLSchema,
    root: GraphQLObjectType,
    selections: Sequence[Selection],
    deferred: Collection[Deferral],
) -> FirstPart:
    """The projection of what is not deferred, which tells where the deferred fragments stand."""
    complete = _Compiler(schema, frozenset(deferred)).object(root, selections)

    def project(data: dict[str, Any], run: ProjectionRun) -> dict[str, Any] | None:
        answer = complete(data, run, None)
        return None if answer is _BUBBLED else answer

    return project


def compile_projection(
    schema: GraphQLSchema,
    root: GraphQLObjectType,
    selections: Sequence[Selection],
    shared: Collection[tuple[str, ...]] = (),
    *,
    write_after: int | None = None,
) -> Projection:
    """The projection of one operation. Root fields `__schema` and `__type` are taken as they are in the data.

    shared: paths at which one object may stand at several places. write_after: runs before it is written as source, WRITE_AFTER if
    not given.
    """
    complete = _Compiler(schema).object(root, selections)
    runs = odd = 0
    written: WrittenProjection | None = None

    def project(
        data: dict[str, Any], variables: Mapping[str, Any], errors: list[ClientError]
    ) -> dict[str, Any] | None:
        nonlocal runs, odd, written
        runs += 1
        if written is None and runs > (WRITE_AFTER if write_after is None else write_after):
            written = WrittenProjection(schema, root, selections, shared)
        if written is not None and (odd < _MANY or odd * 2 < runs):
            try:
                return written.project(data, variables)
            except Odd:
                odd += 1
        answer = complete(data, ProjectionRun(variables, errors), None)
        return None if answer is _BUBBLED else answer

    return project


class _Compiler:
    def __init__(self, schema: GraphQLSchema, deferred: frozenset[Deferral] = frozenset()) -> None:
        self.schema = schema
        self.deferred = deferred
        self.supertypes: dict[str, set[str]] = {}
        for name, item in schema.type_map.items():
            if is_abstract_type(item):
                for possible in schema.get_possible_types(item):
                    self.supertypes.setdefault(possible.name, {possible.name}).add(name)

    def object(self, type_: GraphQLObjectType, selections: Sequence[Selection]) -> _Complete:
        known = self.supertypes.get(type_.name, {type_.name})
        now, later = split_deferred(selections, known.__contains__, self.deferred)
        fields, _ = collect(now, known.__contains__)
        entries = [self._entry(type_, item) for item in fields]
        complete = _object(type_.name, entries)
        parts = [
            _Later(item.deferral, item.conditions, self.object(type_, item.selections)) for item in later
        ]
        return _with_later(complete, parts) if parts else complete

    def _entry(self, type_: GraphQLObjectType | GraphQLInterfaceType, item: Field) -> _Entry:
        conditions = tuple(tuple(sorted(found)) for found in item.occurrences() if found)
        if item.name == "__typename":
            return item.response, None, None, False, type_.name, conditions, ""
        if item.name in ("__schema", "__type"):
            return item.response, None, None, False, None, conditions, ""
        coordinate = f"{type_.name}.{item.name}"
        output = type_.fields[item.name].type
        bare = output.of_type if isinstance(output, GraphQLNonNull) else output
        if not isinstance(bare, GraphQLList | GraphQLEnumType) and not item.children:
            return (
                item.response,
                None,
                _leaf(bare, coordinate),
                bare is not output,
                None,
                conditions,
                coordinate,
            )
        complete = self._output(output, item.children, coordinate)
        return item.response, complete, None, False, None, conditions, coordinate

    def _output(self, type_: GraphQLOutputType, children: Sequence[Selection], coordinate: str) -> _Complete:
        if isinstance(type_, GraphQLNonNull):
            return _non_null(self._value(type_.of_type, children, coordinate), coordinate)
        return _nullable(self._value(type_, children, coordinate))

    def _value(self, type_: GraphQLOutputType, children: Sequence[Selection], coordinate: str) -> _Complete:
        """A completer of values that are not null."""
        if isinstance(type_, GraphQLList):
            return _list(self._output(type_.of_type, children, coordinate), coordinate)
        if isinstance(type_, GraphQLEnumType):
            return _enum(frozenset(type_.values), coordinate)
        if isinstance(type_, GraphQLObjectType):
            return self.object(type_, children)
        if is_abstract_type(type_):
            return self._abstract(type_, children, coordinate)
        return _scalar(type_, coordinate)

    def _abstract(
        self, type_: GraphQLAbstractType, children: Sequence[Selection], coordinate: str
    ) -> _Complete:
        """Object types are compiled when first met: an interface may have many."""
        possible = {item.name: item for item in self.schema.get_possible_types(type_)}
        compiled: dict[str, _Complete] = {}
        without_type = self._without_type(type_, children)

        def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
            name = value.get("__typename") if type(value) is dict else None
            found = compiled.get(name) if name is not None else None
            if found is None:
                if name in possible:
                    found = compiled[name] = self.object(possible[name], children)
                elif name is None or name == type_.name:
                    found = without_type
                else:
                    message = (
                        f"{coordinate} returned the type {name}, which is no {type_.name} of this schema."
                    )
                    return _invalid(message, run, way)
            return found(value, run, way)

        return complete

    def _without_type(self, type_: GraphQLAbstractType, children: Sequence[Selection]) -> _Complete:
        """For objects whose real type no fetch told, as is right where only an interface object's fields are asked."""
        now, later = split_deferred(children, {type_.name}.__contains__, self.deferred)
        fields, fragments = collect(now, {type_.name}.__contains__)
        if (
            fragments
            or not isinstance(type_, GraphQLInterfaceType)
            or any(f.name == "__typename" for f in fields)
        ):
            return _untyped(type_.name)
        complete = _object(type_.name, [self._entry(type_, item) for item in fields])
        parts = [
            _Later(item.deferral, item.conditions, self._without_type(type_, item.selections))
            for item in later
        ]
        return _with_later(complete, parts) if parts else complete


def _object(type_name: str, entries: Sequence[_Entry]) -> _Complete:
    """The loop that runs for every object of every answer."""

    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if type(value) is not dict:
            return _invalid(f"{type_name} was expected to be an object.", run, way)
        answer: dict[str, Any] = {}
        get = value.get
        for response, inner, leaf, required, constant, conditions, coordinate in entries:
            if conditions and not _holds(conditions, run.variables):
                continue
            if inner is not None:
                found = inner(get(response), run, (way, response))
                if found is _BUBBLED:
                    return _BUBBLED
                answer[response] = found
            elif constant is not None:
                answer[response] = constant
            else:
                found = get(response)
                if found is None:
                    if required:
                        return _violated(coordinate, run, (way, response))
                elif leaf is not None and type(found) not in leaf[0]:
                    found = leaf[1](found, run, (way, response))
                    if found is None and required:
                        return _BUBBLED
                answer[response] = found
        return answer

    return complete


@dataclass(frozen=True, slots=True)
class _Later:
    """conditions: sets of which one must hold; empty: always."""

    deferral: Deferral
    conditions: _Conditions
    complete: _Complete


def _with_later(complete: _Complete, parts: Sequence[_Later]) -> _Complete:
    """Notes what is to come at each object that is there."""

    def run_both(value: Any, run: ProjectionRun, way: Any) -> Any:
        answer = complete(value, run, way)
        if type(answer) is dict:
            for part in parts:
                if not part.conditions or _holds(part.conditions, run.variables):
                    run.later.append(_later_place(part, value, way))
        return answer

    return run_both


def _later_place(part: _Later, value: dict[str, Any], way: Any) -> LaterPlace:
    """value: merged data of the object, which goes on growing until the part is completed."""

    def complete(run: ProjectionRun) -> dict[str, Any] | None:
        found = part.complete(value, run, way)
        return found if type(found) is dict else None

    return LaterPlace(part.deferral, _path(way), complete)


def _holds(conditions: _Conditions, variables: Mapping[str, Any]) -> bool:
    return any(all(variables[name] is wanted for name, wanted in found) for found in conditions)


def _nullable(inner: _Complete) -> _Complete:
    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if value is None:
            return None
        found = inner(value, run, way)
        return None if found is _BUBBLED else found

    return complete


def _non_null(inner: _Complete, coordinate: str) -> _Complete:
    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if value is None:
            return _violated(coordinate, run, way)
        found = inner(value, run, way)
        return _BUBBLED if found is None else found

    return complete


def _list(inner: _Complete, coordinate: str) -> _Complete:
    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if type(value) is not list:
            return _invalid(f"{coordinate} was expected to be a list.", run, way)
        answer = []
        for index, item in enumerate(value):
            found = inner(item, run, (way, index))
            if found is _BUBBLED:
                return _BUBBLED
            answer.append(found)
        return answer

    return complete


def _enum(values: frozenset[str], coordinate: str) -> _Complete:
    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if type(value) is str and value in values:
            return value
        return _invalid(f"{coordinate} returned a value that its enum does not have.", run, way)

    return complete


def _leaf(type_: GraphQLOutputType, coordinate: str) -> _Leaf | None:
    """None where every JSON value is right: custom scalars."""
    types = _JSON_TYPES.get(type_.name) if isinstance(type_, GraphQLScalarType) else None
    return (types, _scalar(type_, coordinate)) if types else None


def _scalar(type_: GraphQLOutputType, coordinate: str) -> _Complete:
    """A value as the built-in scalar has it: 5 as an ID is "5". Custom scalars stay as they are."""
    if not isinstance(type_, GraphQLScalarType) or type_.name not in _JSON_TYPES:
        return lambda value, _run, _way: value
    types, coerce, name = _JSON_TYPES[type_.name], type_.serialize, type_.name

    def complete(value: Any, run: ProjectionRun, way: Any) -> Any:
        if type(value) in types:
            return value
        try:
            return coerce(value)
        except GraphQLError:
            return _invalid(f"{coordinate} returned a value that is no {name}.", run, way)

    return complete


def _invalid(message: str, run: ProjectionRun, way: Any) -> None:
    """Null with an error: the value is wrong, not missing."""
    run.errors.append(answer_error(message, _path(way), "INVALID_SUBGRAPH_ANSWER"))


def _untyped(type_name: str) -> _Complete:
    """Null; an error of its own only if no failed fetch explains it."""

    def complete(_value: Any, run: ProjectionRun, way: Any) -> Any:
        path = _path(way)
        if not covers(run.errors, path):
            message = f"No subgraph told the type of this {type_name}."
            run.errors.append(answer_error(message, path, "INVALID_SUBGRAPH_ANSWER"))

    return complete


def _violated(coordinate: str, run: ProjectionRun, way: Any) -> Any:
    path = _path(way)
    if not covers(run.errors, path):
        message = f"Cannot return null for non-nullable field {coordinate}."
        run.errors.append(answer_error(message, path, "NULL_FOR_NON_NULL"))
    return _BUBBLED


def _path(way: Any) -> Path:
    steps: list[str | int] = []
    while way is not None:
        way, step = way
        steps.append(step)
    return tuple(reversed(steps))
