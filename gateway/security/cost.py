"""What an operation may cost, before it runs: @cost and @listSize of the supergraph. Pure.

An object costs 1, a scalar 0, a mutation 10 more; @cost says otherwise for a type, a field (in place of its type) or an
argument. What stands below a list counts once for each entry it may have. Semantics: the GraphQL cost directives
specification by IBM (https://ibm.github.io/graphql-specs/cost-spec.html) as Apollo has them in demand control
(https://specs.apollo.dev/cost/v0.1): an argument that is in the operation counts, its default does not but for its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse_const_value,
    value_from_ast_untyped,
)

from gateway.security.conditions import selecting_variables
from schema.compose.applied import AppliedDirective
from schema.compose.supergraph import ArgumentDefinition, FieldDefinition, Kind, Supergraph, TypeDefinition

__all__ = ["LIST_SIZE", "MUTATION_COST", "CostTable", "OperationCost", "cost_table"]

LIST_SIZE: Final = 10
"""Entries of a list of which nothing is said."""
MUTATION_COST: Final = 10.0
_PAGE_ARGUMENTS: Final = ("first", "last")
_PAGE_FIELDS: Final = ("edges", "nodes")
_ROOTS: Final = {
    OperationType.QUERY: "Query",
    OperationType.MUTATION: "Mutation",
    OperationType.SUBSCRIPTION: "Subscription",
}


@dataclass(frozen=True, slots=True)
class _ListSize:
    assumed: int | None = None
    slicing: tuple[str, ...] = ()
    sized: tuple[str, ...] = ()
    one_slicing: bool = False


@dataclass(frozen=True, slots=True)
class _Argument:
    weight: float | None
    named_type: str
    default: int | None


@dataclass(frozen=True, slots=True)
class _Field:
    base: float
    named_type: str
    is_list: bool
    size: _ListSize | None
    arguments: Mapping[str, _Argument]


@dataclass(frozen=True, slots=True)
class CostTable:
    """Fields by type and name; inputs: fields of input types; objects by interface or union are joined to the dearest."""

    fields: Mapping[str, Mapping[str, _Field]]
    inputs: Mapping[str, Mapping[str, _Argument]]

    def compile(self, document: DocumentNode, operation: OperationDefinitionNode) -> OperationCost:
        """For a valid operation within the limits."""
        fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        defaults = {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in operation.variable_definitions or ()
            if one.default_value is not None
        }
        base = MUTATION_COST if operation.operation is OperationType.MUTATION else 0.0
        root = _ROOTS[operation.operation]
        compiler = _Compiler(self, fragments)
        nodes = tuple(compiler.selections(operation.selection_set, root, (), {}))
        made = OperationCost(base, nodes, self.inputs, defaults, tuple(compiler.unsized))
        if any(node.varies for node in nodes):
            return made
        return replace(made, fixed=made.of({}))


@dataclass(frozen=True, slots=True)
class _Size:
    """Entries of a list: the greatest of `given`; a variable that is no whole number counts as `otherwise`."""

    given: int
    variables: tuple[tuple[str, int], ...] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        size = self.given
        for name, otherwise in self.variables:
            value = variables.get(name, otherwise)
            is_size = isinstance(value, int) and not isinstance(value, bool)
            size = max(size, value if is_size else otherwise)
        return size


@dataclass(frozen=True, slots=True)
class _Node:
    """One selected field. conditions: variables that must have these values for it to be asked."""

    count: _Size
    base: float
    arguments: float
    inputs: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, bool], ...]
    below: tuple[_Node, ...]
    varies: bool

    def of(self, variables: Mapping[str, Any], table: Mapping[str, Mapping[str, _Argument]]) -> float:
        if any(bool(variables.get(name)) is not wanted for name, wanted in self.conditions):
            return 0.0
        each = self.base
        for node in self.below:
            each += node.of(variables, table)
        given = sum(_input_cost(variables.get(name), of_type, table) for name, of_type in self.inputs)
        return max(0.0, self.arguments + given + self.count.of(variables) * each)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """fixed: the cost, where variables make no difference. unsized: fields that must be given a size and are not."""

    base: float
    nodes: tuple[_Node, ...] = field(repr=False)
    inputs: Mapping[str, Mapping[str, _Argument]] = field(repr=False)
    defaults: Mapping[str, Any] = field(repr=False)
    unsized: tuple[str, ...] = ()
    fixed: float | None = None

    def of(self, variables: Mapping[str, Any]) -> float:
        """With the client's variables, which may be of wrong types still: those are refused later. Never negative."""
        if self.fixed is not None:
            return self.fixed
        given = {**self.defaults, **variables}
        return max(0.0, self.base + sum(node.of(given, self.inputs) for node in self.nodes))


class _Compiler:
    def __init__(self, table: CostTable, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.table, self.fragments = table, fragments
        self.unsized: list[str] = []

    def selections(
        self,
        selection_set: SelectionSetNode | None,
        parent: str,
        conditions: tuple[tuple[str, bool], ...],
        sizes: Mapping[str, _Size],
    ) -> Iterable[_Node]:
        """sizes: of the fields below that the parent's @listSize(sizedFields:) names."""
        for node in selection_set.selections if selection_set else ():
            here = selecting_variables(node)
            if here is None:
                continue
            together = (*conditions, *here)
            if isinstance(node, FieldNode):
                found = self.table.fields.get(parent, {}).get(node.name.value)
                if found is not None:  # else __typename, or introspection, which has bounds of its own
                    yield self._field(node, found, together, sizes.get(node.name.value))
                continue
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            on = getattr(inner, "type_condition", None)
            narrowed = on.name.value if on is not None else parent
            yield from self.selections(getattr(inner, "selection_set"), narrowed, together, sizes)  # noqa: B009 - of two node kinds

    def _field(
        self, node: FieldNode, found: _Field, conditions: tuple[tuple[str, bool], ...], given: _Size | None
    ) -> _Node:
        own = self._own_size(node, found)
        count = _Size(1)
        if found.is_list:
            count = given or own or _Size(LIST_SIZE)
        sized = found.size.sized if found.size is not None and own is not None else ()
        sizes = {name: own for name in sized if own is not None}
        arguments, inputs = self._arguments(node.arguments or (), found.arguments)
        below = tuple(self.selections(node.selection_set, found.named_type, (), sizes))
        varies = bool(count.variables or conditions or inputs) or any(one.varies for one in below)
        return _Node(count, found.base, arguments, tuple(inputs), conditions, below, varies)

    def _own_size(self, node: FieldNode, found: _Field) -> _Size | None:
        size = found.size
        if size is None:
            return None
        fixed: list[int] = []
        variables: list[tuple[str, int]] = []
        written = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name in size.slicing:
            value = written.get(name)
            declared = found.arguments[name].default if name in found.arguments else None
            if isinstance(value, IntValueNode):
                fixed.append(int(value.value))
            elif isinstance(value, VariableNode):
                variables.append((value.name.value, LIST_SIZE if declared is None else declared))
            elif value is None and declared is not None:
                fixed.append(declared)
        if size.one_slicing and size.slicing and len(fixed) + len(variables) != 1:
            self.unsized.append(f"{node.name.value} needs one of {', '.join(size.slicing)}")
        if not fixed and not variables:
            return _Size(size.assumed if size.assumed is not None else LIST_SIZE)
        return _Size(max(fixed, default=0), tuple(variables))

    def _arguments(
        self, written: Iterable[ArgumentNode], known: Mapping[str, _Argument]
    ) -> tuple[float, list[tuple[str, str]]]:
        """Of literals; and variables of input types, with the type."""
        cost, inputs = 0.0, list[tuple[str, str]]()
        for argument in written:
            of = known.get(argument.name.value)
            if of is None:
                continue
            if of.weight is not None:
                cost += of.weight
            if isinstance(argument.value, VariableNode):
                if of.named_type in self.table.inputs:
                    inputs.append((argument.value.name.value, of.named_type))
            else:
                cost += _literal_cost(argument.value, of.named_type, self.table.inputs)
        return cost, inputs


def cost_table(supergraph: Supergraph) -> CostTable:
    """From what the subgraphs say. Connections of which they say nothing (fields with `first` or `last` that give
    `nodes` or `edges`) are as large as the page that is asked for."""
    types = supergraph.types
    roots = set(_ROOTS.values())
    fields: dict[str, Mapping[str, _Field]] = {}
    inputs: dict[str, Mapping[str, _Argument]] = {}
    for name, definition in types.items():
        if definition.kind in (Kind.OBJECT, Kind.INTERFACE):
            fields[name] = {
                item.name: _Field(
                    _field_cost(item, definition, types),
                    item.named_type,
                    "[" in item.type,
                    _list_size(item, types),
                    {one.name: _argument(one, types) for one in item.arguments},
                )
                for item in definition.fields.values()
            }
        elif definition.kind is Kind.INPUT and name not in roots:
            inputs[name] = {
                item.name: _Argument(_weight(item.directives), item.named_type, None)
                for item in definition.fields.values()
            }
    return CostTable(fields, inputs)


def _field_cost(item: FieldDefinition, holder: TypeDefinition, types: Mapping[str, TypeDefinition]) -> float:
    """Of an interface's field: the dearest of its implementations, as the directive may not stand on the interface."""
    said = [_weight(item.directives)]
    if holder.kind is Kind.INTERFACE:
        said += [
            _weight(one.fields[item.name].directives)
            for one in types.values()
            if holder.name in one.interfaces and item.name in one.fields
        ]
    weights = [one for one in said if one is not None]
    return max(weights) if weights else _type_cost(item.named_type, types)


def _type_cost(name: str, types: Mapping[str, TypeDefinition]) -> float:
    definition = types.get(name)
    if definition is None:
        return 0.0
    weight = _weight(definition.directives)
    if weight is not None:
        return weight
    if definition.kind in (Kind.SCALAR, Kind.ENUM):
        return 0.0
    members = definition.members or tuple(
        one.name for one in types.values() if definition.kind is Kind.INTERFACE and name in one.interfaces
    )
    weights = [_weight(types[one].directives) for one in members if one in types]
    return max((one for one in weights if one is not None), default=1.0)


def _list_size(item: FieldDefinition, types: Mapping[str, TypeDefinition]) -> _ListSize | None:
    for directive in item.directives:
        if directive.name == "listSize":
            return _ListSize(
                directive.value("assumedSize"),
                tuple(directive.value("slicingArguments") or ()),
                tuple(directive.value("sizedFields") or ()),
                directive.value("requireOneSlicingArgument") is not False,
            )
    target = types.get(item.named_type)
    slicing = tuple(one.name for one in item.arguments if one.name in _PAGE_ARGUMENTS)
    if target is None or not slicing or "[" in item.type:
        return _ListSize(slicing=slicing) if slicing and "[" in item.type else None
    sized = tuple(name for name in _PAGE_FIELDS if name in target.fields and "[" in target.fields[name].type)
    return _ListSize(slicing=slicing, sized=sized) if sized else None


def _argument(item: ArgumentDefinition, types: Mapping[str, TypeDefinition]) -> _Argument:
    named = item.type.strip("[]!")
    default = _whole(parse_const_value(item.default)) if item.default else None
    weight = _weight(item.directives)
    if weight is None and named in types and types[named].kind in (Kind.SCALAR, Kind.ENUM):
        weight = _weight(types[named].directives)
    return _Argument(weight, named, default)


def _weight(directives: Iterable[AppliedDirective]) -> float | None:
    for one in directives:
        if one.name == "cost":
            value = one.value("weight")
            return float(value) if value is not None else None
    return None


def _literal_cost(value: ValueNode, of_type: str, table: Mapping[str, Mapping[str, _Argument]]) -> float:
    if isinstance(value, ListValueNode):
        return sum(_literal_cost(one, of_type, table) for one in value.values)
    if not isinstance(value, ObjectValueNode) or of_type not in table:
        return 0.0
    cost = 1.0
    for given in value.fields:
        of = table[of_type].get(given.name.value)
        if of is not None:
            cost += (of.weight or 0.0) + _literal_cost(given.value, of.named_type, table)
    return cost


def _input_cost(value: Any, of_type: str, table: Mapping[str, Mapping[str, _Argument]]) -> float:
    """An input object costs 1 and what its fields say. Variables are no deeper than their own limit."""
    if isinstance(value, list | tuple):
        return sum(_input_cost(one, of_type, table) for one in value)
    if not isinstance(value, Mapping) or of_type not in table:
        return 0.0
    cost = 1.0
    for name, given in value.items():
        of = table[of_type].get(name)
        if of is not None:
            cost += (of.weight or 0.0) + _input_cost(given, of.named_type, table)
    return cost


def _whole(value: ValueNode | None) -> int | None:
    return int(value.value) if isinstance(value, IntValueNode) else None
