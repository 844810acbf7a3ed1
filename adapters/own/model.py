"""Own types as the mapping sees them: each GraphQL type a record of fields, each answer what it must give. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    parse,
)

from adapters.declaration import Declaration, OwnField
from adapters.mapping.functions import CompileContext
from adapters.own.entities import ENTITIES, SCALARS, derived_names
from adapters.own.sdl import OwnSdl, directive, objects_of, read_sdl
from adapters.validate_connectors import context_of
from schema.canonical import Field, Record

__all__ = ["TYPE_NAME", "VALUE", "Answer", "OwnModel", "is_connection", "read_model"]

TYPE_NAME = "__typename"
VALUE = "value"
"""Name of the one field of the record of a scalar or an enum."""

_LEAVES = {"Int": "int", "Float": "float", "Boolean": "bool", "String": "mask:TEXT", "ID": "str"}
_MACHINERY = frozenset({"_Service", "_Any", "_Entity"})
_PAGED = frozenset({"first", "after"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What one entry of `types.fields` gives.

    name: the field; None where the entity `parent` itself is answered, by its key. record: of one object (of a
    connection its nodes); leaf: it is a single value, under VALUE. many: a list; page: a connection.
    """

    coordinate: str
    parent: str
    name: str | None
    record: Record
    leaf: bool = False
    many: bool = False
    page: bool = False
    required: bool = False
    arguments: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        return not (self.many or self.page)


@dataclass(frozen=True, slots=True)
class OwnModel:
    """keys: entity -> fields of its keys, flat. this: type -> names that `$this` may have under it.

    answers: only those whose field or entity there is.
    """

    sdl: OwnSdl
    records: Mapping[str, Record]
    context: CompileContext
    keys: Mapping[str, frozenset[str]]
    this: Mapping[str, frozenset[str]]
    answers: Mapping[str, Answer]

    @property
    def schema(self) -> GraphQLSchema:
        return self.sdl.schema


def read_model(declaration: Declaration) -> OwnModel:
    """Of a declaration whose `types.sdl` is there (the loader puts the file's text in it). Raises SdlSyntax."""
    types = declaration.types
    assert types is not None  # noqa: S101 - the caller looked
    sdl = read_sdl(types.sdl or "")
    keys = _keys(sdl)
    reader = _Reader(sdl, keys, types.fields)
    records = {
        name: reader.record(one)
        for name, one in sdl.schema.type_map.items()
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        and name not in _MACHINERY
        and not name.startswith("__")
    }
    enums = {
        name: frozenset(one.values)
        for name, one in sdl.schema.type_map.items()
        if isinstance(one, GraphQLEnumType)
    } | {f"{TYPE_NAME} {name}": reader.possible(name) for name in records}
    plain = context_of(declaration)
    context = CompileContext(plain.tables, plain.offset, records, lambda name: enums[name])
    answers = {
        coordinate: answer
        for coordinate in types.fields
        if (answer := reader.answer(coordinate, records)) is not None
    }
    this = {name: reader.this(name, record) for name, record in records.items()}
    return OwnModel(sdl, records, context, keys, this, answers)


def _keys(sdl: OwnSdl) -> dict[str, frozenset[str]]:
    """Names in all resolvable keys of each entity; nested keys count by their first names."""
    found: dict[str, frozenset[str]] = {}
    schema_nodes = [*objects_of(parse(sdl.completed, no_location=True))]
    for node in schema_nodes:
        for applied in node.directives or ():
            if applied.name.value != "key":
                continue
            given = {one.name.value: one.value for one in applied.arguments or ()}
            text = getattr(given.get("fields"), "value", "")
            names = frozenset(_names_of(str(text)))
            found[node.name.value] = found.get(node.name.value, frozenset()) | names
    return found


def _names_of(field_set: str) -> list[str]:
    try:
        root = parse(f"{{ {field_set} }}", no_location=True).definitions[0]
    except GraphQLError:  # the composer tells what is wrong with it
        return []
    selections = root.selection_set.selections  # type: ignore[attr-defined]  # a query
    return [one.name.value for one in selections if isinstance(one, FieldNode)]


class _Reader:
    def __init__(
        self, sdl: OwnSdl, keys: Mapping[str, frozenset[str]], declared: Mapping[str, OwnField]
    ) -> None:
        self.sdl, self.keys, self.declared = sdl, keys, declared
        self.external = {
            (node.name.value, one.name.value)
            for node in objects_of(sdl.document)
            for one in node.fields or ()
            if directive(one, "external") is not None
        }

    def record(self, type_: GraphQLNamedType) -> Record:
        """Fields that maps fill: those that no call of their own answers. Of an interface or union those of every
        possible type, and which type it is."""
        if isinstance(type_, GraphQLObjectType):
            return Record(type_.name, type_.description or type_.name, tuple(self._fields(type_)))
        fields: dict[str, Field] = {
            TYPE_NAME: Field(TYPE_NAME, f"enum:{TYPE_NAME} {type_.name}", "Which type it is.", required=True)
        }
        for name in sorted(self.possible(type_.name)):
            possible = self.sdl.schema.type_map[name]
            assert isinstance(possible, GraphQLObjectType)  # noqa: S101 - what a value can be
            for one in self._fields(possible):
                fields.setdefault(one.name, one)
        return Record(type_.name, type_.description or type_.name, tuple(fields.values()))

    def possible(self, name: str) -> frozenset[str]:
        type_ = self.sdl.schema.type_map[name]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return frozenset(one.name for one in self.sdl.schema.get_possible_types(type_))
        return frozenset({name})

    def _fields(self, type_: GraphQLObjectType) -> list[Field]:
        return [
            Field(
                name,
                self.kind(type_.name, name, one),
                one.description or name,
                required=_is_required(one.type),
            )
            for name, one in type_.fields.items()
            if f"{type_.name}.{name}" not in self.declared
            and (type_.name, name) not in self.external
            and name not in ("_service", "_entities")
        ]

    def kind(self, type_name: str, name: str, field_: GraphQLField) -> str:
        """In the words of `schema.canonical.Field.type`."""
        type_ = _bare(field_.type)
        listed = isinstance(type_, GraphQLList)
        named = get_named_type(type_)
        if isinstance(named, GraphQLScalarType | GraphQLEnumType):
            leaf = self._leaf(type_name, name, named)
            return f"many:{leaf}" if listed else leaf
        return f"{'list' if listed else 'record'}:{named.name}"

    def _leaf(self, type_name: str, name: str, named: GraphQLScalarType | GraphQLEnumType) -> str:
        if isinstance(named, GraphQLEnumType):
            return f"enum:{named.name}"
        personal = self.sdl.personal.get((type_name, name))
        is_key = name in self.keys.get(type_name, ())
        if personal is not None or is_key:
            return f"mask:{personal}" if personal in ("NAME", "ID_NUMBER", "PHONE", "ADDRESS") else "str"
        return _LEAVES.get(named.name) or SCALARS.get(named.name) or "json"

    def answer(self, coordinate: str, records: Mapping[str, Record]) -> Answer | None:
        parent, _, name = coordinate.partition(".")
        type_ = self.sdl.schema.type_map.get(parent)
        if not isinstance(type_, GraphQLObjectType) or parent in _MACHINERY:
            return None
        if not name:
            known = parent in self.keys and parent not in ENTITIES
            return Answer(coordinate, parent, None, records[parent]) if known else None
        field_ = type_.fields.get(name)
        if field_ is None:
            return None
        bare = _bare(field_.type)
        named = get_named_type(bare)
        node = _node_type(named)
        arguments = {
            one: _input_names(argument.type)
            for one, argument in field_.args.items()
            if not (node is not None and one in _PAGED)
        }
        required = isinstance(field_.type, GraphQLNonNull)
        if node is not None and not isinstance(bare, GraphQLList):
            return Answer(
                coordinate,
                parent,
                name,
                records[node.name],
                page=True,
                required=required,
                arguments=arguments,
            )
        many = isinstance(bare, GraphQLList)
        if named.name in records:
            return Answer(
                coordinate,
                parent,
                name,
                records[named.name],
                many=many,
                required=required,
                arguments=arguments,
            )
        assert isinstance(named, GraphQLScalarType | GraphQLEnumType)  # noqa: S101 - the rest of output types
        leaf = Record(coordinate, coordinate, (Field(VALUE, self._leaf(parent, name, named), coordinate),))
        return Answer(
            coordinate, parent, name, leaf, leaf=True, many=many, required=required, arguments=arguments
        )

    def this(self, name: str, record: Record) -> frozenset[str]:
        """What a call for a field of the type may send of the object it stands in: its single values and its key."""
        several = ("record", "list", "mask", "many", "json")
        single = {one.name for one in record.fields if one.type.partition(":")[0] not in several}
        single |= {one.name for one in record.fields if one.type == "mask:TEXT"}
        asked = {field_ for type_, field_ in self.external if type_ == name}
        return frozenset(single | self.keys.get(name, frozenset()) | derived_names(name) | asked)


def _bare(type_: GraphQLOutputType) -> GraphQLOutputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _is_required(type_: GraphQLOutputType) -> bool:
    """A list is never null here: nothing found is an empty list."""
    return isinstance(type_, GraphQLNonNull) and not isinstance(type_.of_type, GraphQLList)


def _node_type(named: GraphQLNamedType) -> GraphQLNamedType | None:
    """Type of a connection's nodes (Relay's cursor connections, with `nodes` beside or instead of `edges`)."""
    if not isinstance(named, GraphQLObjectType) or not named.name.endswith("Connection"):
        return None
    fields = named.fields
    if "pageInfo" not in fields:
        return None
    if "nodes" in fields:
        nodes: GraphQLNamedType = get_named_type(fields["nodes"].type)
        return nodes
    edge = get_named_type(fields["edges"].type) if "edges" in fields else None
    node = edge.fields.get("node") if isinstance(edge, GraphQLObjectType) else None
    named_node: GraphQLNamedType | None = get_named_type(node.type) if node is not None else None
    return named_node


def _input_names(type_: object) -> frozenset[str] | None:
    """Names below an argument that is an input object; None for one that has none."""
    fields = getattr(get_named_type(type_), "fields", None)  # type: ignore[call-overload]  # an input type
    return frozenset(fields) if fields is not None else None


def is_connection(named: GraphQLNamedType) -> bool:
    return _node_type(named) is not None
