"""The projection of an operation written out as source: one function for each object type with its selections.

It knows the straight cases only: values of the right kind, null where null is allowed. At the first sign of anything
else (a null where the schema says non-null, a value of another type, an object of unknown type) it gives up, and the
closures of `projection.py` do the whole answer, with their errors and bubbling. So there is one meaning, over there.

An object that stands at several places (`gathering`) is projected once for each set of selections.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    is_abstract_type,
)

from gateway.executor.source import Source
from gateway.planner.selections import Conditions, Field, Selection, collect

__all__ = ["Odd", "WrittenProjection"]

LEAF_TYPES: Mapping[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "Float": (float, int),
    "ID": (str,),
    "Int": (int,),
    "String": (str,),
}
_Below = frozenset[tuple[str, ...]]
"""What is left of the paths of shared objects."""


class Odd(Exception):
    """Something that the written code does not know."""


class WrittenProjection:
    """The functions of one operation. `project` raises Odd, and changes nothing of the data."""

    def __init__(
        self,
        schema: GraphQLSchema,
        root: GraphQLObjectType,
        selections: Sequence[Selection],
        shared: Collection[tuple[str, ...]] = (),
    ) -> None:
        self._schema = schema
        self._supertypes: dict[str, set[str]] = {}
        for name, item in schema.type_map.items():
            if is_abstract_type(item):
                for possible in schema.get_possible_types(item):
                    self._supertypes.setdefault(possible.name, {possible.name}).add(name)
        self._made: dict[tuple[str, int, _Below], str] = {}
        self._kept: list[Sequence[Selection]] = []  # so that their ids stay theirs
        self._source = Source("projection")
        self._source.names |= {"Odd": Odd}
        self._functions = self._memos = 0
        self._run = self._compiled(self._object(root, selections, frozenset(shared)))

    @property
    def text(self) -> str:
        return self._source.text

    def project(self, data: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Data of the answer. Raises Odd."""
        answer: dict[str, Any] = self._run(data, variables, defaultdict(dict))
        return answer

    def _compiled(self, name: str) -> Callable[..., Any]:
        return self._source.function(name)

    # Objects

    def _object(self, type_: GraphQLObjectType, selections: Sequence[Selection], below: _Below) -> str:
        """Name of the function."""
        key = (type_.name, id(selections), below)
        name = self._made.get(key)
        if name is None:
            self._kept.append(selections)
            known = self._supertypes.get(type_.name, {type_.name})
            fields, _ = collect(selections, known.__contains__)
            name = self._made[key] = self._function(type_, fields, below)
        return name

    def _function(
        self, type_: GraphQLObjectType | GraphQLInterfaceType, fields: Sequence[Field], below: _Below
    ) -> str:
        self._functions += 1
        name = f"{type_.name}_{self._functions}"
        parts = []
        for number, item in enumerate(fields):
            body = Source("")
            value = self._field(body, type_, item, f"v{number}", _next(below, item.response))
            parts.append((item, body.lines, value, _condition(item)))
        source = self._source  # the functions that this one calls stand in it by now
        source.add(0, f"def {name}(value, variables, memos):")
        source.add(1, "if type(value) is not dict:", "    raise Odd", "get = value.get")
        if not any(condition for *_, condition in parts):
            for _, lines, _, _ in parts:
                source.add(0, *lines)
            source.add(
                1, f"return {{{', '.join(f'{item.response!r}: {value}' for item, _, value, _ in parts)}}}"
            )
            return name
        source.add(1, "answer = {}")
        for item, lines, value, condition in parts:
            if condition:
                source.add(1, f"if {condition}:")
            source.add(1 if condition else 0, *lines)
            source.add(2 if condition else 1, f"answer[{item.response!r}] = {value}")
        source.add(1, "return answer")
        return name

    def _field(
        self,
        body: Source,
        type_: GraphQLObjectType | GraphQLInterfaceType,
        item: Field,
        name: str,
        below: _Below,
    ) -> str:
        """Writes what completes one field; the expression that has its value."""
        if item.name == "__typename":
            return repr(type_.name)
        body.add(1, f"{name} = get({item.response!r})")
        if item.name in ("__schema", "__type"):
            return name
        output = type_.fields[item.name].type
        self._complete(body, 1, output, item.children, name, below, 0)
        return name

    # Values

    def _complete(
        self,
        body: Source,
        depth: int,
        type_: GraphQLOutputType,
        children: Sequence[Selection],
        name: str,
        below: _Below,
        level: int,
    ) -> None:
        """Statements that put the completed value in place of the raw one."""
        required = isinstance(type_, GraphQLNonNull)
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        test = self._leaf_test(bare, name)
        if test == "":
            if required:
                body.add(depth, f"if {name} is None:", "    raise Odd")
            return
        if test is not None:
            body.add(
                depth, f"if {test}:" if required else f"if {name} is not None and {test}:", "    raise Odd"
            )
            return
        if required:
            body.add(depth, f"if {name} is None:", "    raise Odd")
        else:
            body.add(depth, f"if {name} is not None:")
            depth += 1
        if isinstance(bare, GraphQLList):
            self._list(body, depth, bare, children, name, below, level)
        else:
            self._composite(body, depth, bare, children, name, below)

    def _leaf_test(self, type_: GraphQLOutputType, name: str) -> str | None:
        """When a value that is not null is odd; "" for never, None for what is no leaf."""
        if isinstance(type_, GraphQLEnumType):
            values = f"E_{type_.name}"
            self._source.names[values] = frozenset(type_.values)
            return f"(type({name}) is not str or {name} not in {values})"
        if isinstance(type_, GraphQLScalarType):
            types = LEAF_TYPES.get(type_.name)
            if types is None:
                return ""
            if len(types) == 1:
                return f"type({name}) is not {types[0].__name__}"
            return f"type({name}) not in ({', '.join(one.__name__ for one in types)})"
        return None

    def _list(
        self,
        body: Source,
        depth: int,
        type_: GraphQLList[Any],
        children: Sequence[Selection],
        name: str,
        below: _Below,
        level: int,
    ) -> None:
        body.add(depth, f"if type({name}) is not list:", "    raise Odd")
        item, found = f"item{level}", f"found{level}"
        body.add(depth, f"{found} = []", f"for {item} in {name}:")
        self._complete(body, depth + 1, type_.of_type, children, item, _next(below, "@"), level + 1)
        body.add(depth + 1, f"{found}.append({item})")
        body.add(depth, f"{name} = {found}")

    def _composite(
        self,
        body: Source,
        depth: int,
        type_: GraphQLOutputType,
        children: Sequence[Selection],
        name: str,
        below: _Below,
    ) -> None:
        if isinstance(type_, GraphQLObjectType):
            function = self._object(type_, children, below)
        else:
            assert is_abstract_type(type_)  # noqa: S101 - the last kind of output type
            function = f"by_type_{len(self._source.names)}"
            self._source.names[function] = self._by_type(type_, children, below)
        call = f"{function}({name}, variables, memos)"
        if () not in below:
            body.add(depth, f"{name} = {call}")
            return
        self._memos += 1
        body.add(
            depth,
            f"memo = memos[{self._memos}]",
            f"known = memo.get(id({name}))",
            "if known is None:",
            f"    known = memo[id({name})] = {call}",
            f"{name} = known",
        )

    def _by_type(
        self, type_: GraphQLAbstractType, children: Sequence[Selection], below: _Below
    ) -> Callable[..., Any]:
        """Functions of object types are written when first met: an interface may have many."""
        possible = {item.name: item for item in self._schema.get_possible_types(type_)}
        compiled: dict[str | None, Callable[..., Any]] = {}

        def write(name: str | None) -> Callable[..., Any]:
            if name in possible:
                return self._compiled(self._object(possible[name], children, below))
            if (name is None or name == type_.name) and isinstance(type_, GraphQLInterfaceType):
                fields, fragments = collect(children, {type_.name}.__contains__)
                if not fragments and all(one.name != "__typename" for one in fields):
                    return self._compiled(self._function(type_, fields, below))
            raise Odd

        def complete(value: Any, variables: Mapping[str, Any], memos: Any) -> Any:
            if type(value) is not dict:
                raise Odd
            name = value.get("__typename")
            if name is not None and type(name) is not str:
                raise Odd
            found = compiled.get(name)
            if found is None:
                found = compiled[name] = write(name)
            return found(value, variables, memos)

        return complete


def _next(below: _Below, step: str) -> _Below:
    return frozenset(path[1:] for path in below if path and path[0] == step)


def _condition(item: Field) -> str:
    """Python for its @skip and @include; empty where it is always asked."""
    found = [_all(one) for one in item.occurrences() if one]
    return " or ".join(found)


def _all(conditions: Conditions) -> str:
    return " and ".join(f"variables[{name!r}] is {wanted}" for name, wanted in sorted(conditions))
