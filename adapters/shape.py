"""Selections compiled to shapers: plain objects to exactly the answer that a fetch selects. Pure but for `Later`.

A shaper is built once per fetch; running it costs a loop over the selected fields and nothing for the others.
Fields that must ask a system are put off (`Later`) and awaited together when the whole answer has its shape.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from adapters.fetch import FetchError, RequestContext
from schema.errors import SchemaError

__all__ = [
    "FieldRule",
    "Later",
    "Rules",
    "Run",
    "Selection",
    "Shaper",
    "Together",
    "compile_shape",
    "fields_below",
    "is_selected",
]

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Run:
    """One run of one fetch. `later`: what still has to be asked when the shape stands."""

    values: VariableValues
    context: RequestContext
    errors: list[FetchError] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    together: dict[int, Together] = field(default_factory=dict)
    """What is put off and asked for many parents at once, by the place in the selection."""

    @property
    def variables(self) -> Mapping[str, Any]:
        return self.values.coerced


@dataclass(frozen=True, slots=True)
class Later:
    """A value to be asked for: `ask` gives the object, `finish` shapes it and puts it in its place."""

    ask: Callable[[], Awaitable[Any]]
    finish: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Together:
    """One selected field under many parents: `ask` takes them all, with the paths of their fields, and gives the
    objects in the same order; each of `finish` shapes one and puts it in its place."""

    ask: Callable[[list[tuple[Any, Path]]], Awaitable[list[Any]]]
    parents: list[tuple[Any, Path]] = field(default_factory=list)
    finish: list[Callable[[Any], None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How a field is had from its parent object.

    read: (parent, run, arguments, selection) -> value; None takes the parent's key of that name.
    needs: canonical fields of the record that it looks at. later: `read` gives a coroutine to be awaited.
    many: instead of `read`: (parents with paths, run, arguments, selection) -> values, awaited once for all parents.
    """

    read: Callable[[Any, Run, dict[str, Any], Selection], Any] | None = None
    needs: tuple[str, ...] = ()
    later: bool = False
    many: Callable[[list[tuple[Any, Path]], Run, dict[str, Any], Selection], Awaitable[list[Any]]] | None = (
        None
    )


Rules = Mapping[tuple[str, str], FieldRule]
Shaper = Callable[[Any, Run, Path], Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected below a field; what a rule may look at to ask for no more than that."""

    nodes: tuple[FieldNode, ...]
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def names(self, *path: str) -> frozenset[str]:
        """Field names selected at a path below, in any type, conditions ignored."""
        sets = [node.selection_set for node in self.nodes if node.selection_set]
        for step in path:
            sets = [
                node.selection_set
                for one in sets
                for node in fields_below(one, self.fragments)
                if node.name.value == step and node.selection_set
            ]
        return frozenset(node.name.value for one in sets for node in fields_below(one, self.fragments))


def fields_below(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """Fields of a selection set, fragments opened, conditions ignored."""
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_below(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            yield from fields_below(fragments[node.name.value].selection_set, fragments)


def is_selected(node: FieldNode, variables: Mapping[str, Any]) -> bool:
    """Whether its own @skip and @include let a field be answered."""
    condition = _condition_of(node)
    return condition is None or condition(variables)


def compile_shape(
    nodes: tuple[FieldNode, ...],
    gql_type: GraphQLOutputType,
    rules: Rules,
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Shaper:
    """Shaper of the value of a field with these nodes (several where a selection repeats it)."""
    return _Compiler(rules, schema, fragments).value(nodes, gql_type)


@dataclass(frozen=True, slots=True)
class _Compiler:
    rules: Rules
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def value(self, nodes: tuple[FieldNode, ...], gql_type: GraphQLOutputType) -> Shaper:
        if isinstance(gql_type, GraphQLNonNull):
            return self.value(nodes, gql_type.of_type)
        if isinstance(gql_type, GraphQLList):
            inner = self.value(nodes, gql_type.of_type)

            def each(value: Any, run: Run, path: Path) -> Any:
                if value is None:
                    return None
                return [inner(one, run, (*path, index)) for index, one in enumerate(value)]

            return each
        named = get_named_type(gql_type)
        if not is_composite_type(named):
            return lambda value, _run, _path: value
        if is_abstract_type(named):
            possible = self.schema.get_possible_types(named)
            by_type = {one.name: self.object(nodes, one) for one in possible}
            return lambda value, run, path: (
                None if value is None else by_type[value["__typename"]](value, run, path)
            )
        assert isinstance(named, GraphQLObjectType)  # noqa: S101 - composite and not abstract
        return self.object(nodes, named)

    def object(self, nodes: tuple[FieldNode, ...], gql_type: GraphQLObjectType) -> Shaper:
        grouped: dict[str, list[tuple[FieldNode, _Condition | None]]] = {}
        for node in nodes:
            if node.selection_set:
                self._collect(node.selection_set, gql_type, None, grouped)
        plan = tuple(self._field(key, group, gql_type) for key, group in grouped.items())

        def shape(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            out: dict[str, Any] = {}
            for key, condition, fill in plan:
                if condition is None or condition(run.variables):
                    fill(out, value, run, path)
                    # a field put off keeps its place in the order
                    out.setdefault(key, None)
            return out

        return shape

    def _field(
        self, key: str, group: list[tuple[FieldNode, _Condition | None]], parent: GraphQLObjectType
    ) -> tuple[str, _Condition | None, Callable[[dict[str, Any], Any, Run, Path], None]]:
        nodes = tuple(node for node, _ in group)
        conditions = [condition for _, condition in group]
        condition = None if None in conditions else _any_of([one for one in conditions if one is not None])
        name = nodes[0].name.value
        if name == "__typename":
            type_name = parent.name
            return key, condition, lambda out, _value, _run, _path: out.__setitem__(key, type_name)
        return key, condition, self._filler(key, name, nodes, parent)

    def _filler(
        self, key: str, name: str, nodes: tuple[FieldNode, ...], parent: GraphQLObjectType
    ) -> Callable[[dict[str, Any], Any, Run, Path], None]:
        definition = parent.fields[name]
        shape = self.value(nodes, definition.type)
        rule = self.rules.get((parent.name, name), FieldRule())
        read = rule.read
        leaf = not is_composite_type(get_named_type(definition.type))
        if rule.many is not None:
            return self._together(key, nodes, definition, rule.many, shape)
        if read is None and leaf:
            return lambda out, value, _run, _path: out.__setitem__(key, value.get(name))
        if read is None:
            return lambda out, value, run, path: out.__setitem__(
                key, shape(value.get(name), run, (*path, key))
            )
        selection = Selection(nodes, self.schema, self.fragments)
        takes = bool(definition.args)

        def fill(out: dict[str, Any], value: Any, run: Run, path: Path) -> None:
            arguments = get_argument_values(definition, nodes[0], run.values) if takes else {}
            inner = (*path, key)
            try:
                got = read(value, run, arguments, selection)
            except SchemaError as error:
                run.errors.append(FetchError(str(error), inner, error.extensions))
                out[key] = None
                return
            if rule.later:
                run.later.append(
                    Later(lambda: got(inner), lambda found: out.__setitem__(key, shape(found, run, inner)))
                )
            else:
                out[key] = got if leaf else shape(got, run, inner)

        return fill

    def _together(
        self,
        key: str,
        nodes: tuple[FieldNode, ...],
        definition: GraphQLField,
        many: Callable[[list[tuple[Any, Path]], Run, dict[str, Any], Selection], Awaitable[list[Any]]],
        shape: Shaper,
    ) -> Callable[[dict[str, Any], Any, Run, Path], None]:
        selection = Selection(nodes, self.schema, self.fragments)

        def fill(out: dict[str, Any], value: Any, run: Run, path: Path) -> None:
            inner = (*path, key)
            group = run.together.get(id(fill))
            if group is None:
                # the same under every parent: arguments come from the operation's text and variables alone
                arguments = get_argument_values(definition, nodes[0], run.values)
                group = Together(lambda parents: many(parents, run, arguments, selection))
                run.together[id(fill)] = group
            group.parents.append((value, inner))
            group.finish.append(lambda found: out.__setitem__(key, shape(found, run, inner)))

        return fill

    def _collect(
        self,
        selection_set: SelectionSetNode,
        gql_type: GraphQLObjectType,
        condition: _Condition | None,
        grouped: dict[str, list[tuple[FieldNode, _Condition | None]]],
    ) -> None:
        for node in selection_set.selections:
            here = _both(condition, _condition_of(node))
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                grouped.setdefault(key, []).append((node, here))
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                on, inner = fragment.type_condition.name.value, fragment.selection_set
            else:
                assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the third kind
                on = node.type_condition.name.value if node.type_condition else gql_type.name
                inner = node.selection_set
            if (
                on == gql_type.name
                or on in {one.name for one in gql_type.interfaces}
                or self._in_union(on, gql_type)
            ):
                self._collect(inner, gql_type, here, grouped)

    def _in_union(self, name: str, gql_type: GraphQLObjectType) -> bool:
        union = self.schema.type_map.get(name)
        return is_abstract_type(union) and self.schema.is_sub_type(union, gql_type)


_Condition = Callable[[Mapping[str, Any]], bool]


def _condition_of(node: Any) -> _Condition | None:
    tests: list[_Condition] = []
    for directive in node.directives or ():
        if directive.name.value not in ("skip", "include"):
            continue
        wanted = directive.name.value == "include"
        argument = directive.arguments[0].value
        if argument.kind == "variable":
            name = argument.name.value
            tests.append(lambda variables, name=name, wanted=wanted: bool(variables.get(name)) == wanted)  # type: ignore[misc]
        else:
            fixed = bool(argument.value) == wanted
            tests.append(lambda _variables, fixed=fixed: fixed)  # type: ignore[misc]
    if not tests:
        return None
    return lambda variables: all(test(variables) for test in tests)


def _both(one: _Condition | None, other: _Condition | None) -> _Condition | None:
    if one is None or other is None:
        return one or other
    return lambda variables: one(variables) and other(variables)


def _any_of(conditions: list[_Condition]) -> _Condition:
    return lambda variables: any(condition(variables) for condition in conditions)
