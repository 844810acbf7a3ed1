"""Everything that can be wrong with a system's own types, found at once: SDL, answers, requests and maps. Rules only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type

from adapters.declaration import Declaration, OwnField
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Literal, parse
from adapters.own.entities import ENTITIES
from adapters.own.model import TYPE_NAME, Answer, OwnModel, is_connection, read_model
from adapters.own.requests import needs_of, sent_names, sent_paths
from adapters.own.rows import limited_scopes, reach_fields
from adapters.own.sdl import PERSONAL, SdlSyntax, directive, objects_of
from adapters.problems import Problem, one_of
from adapters.validate_connectors import (
    codec_problems,
    protocol_problems,
    reply_problems,
    request_problems,
    secret_names,
    session_names,
)
from adapters.validate_expressions import PAGE_NAMES, map_problems, reader_problems
from schema.canonical import Field, Record
from schema.compose import SubgraphSchema
from schema.compose.subgraph import read_subgraph
from schema.compose.validate import check_subgraph

__all__ = ["FIELDS", "own_problems", "sdl_place"]

Place = tuple[str | int, ...]
FIELDS: Place = ("types", "fields")
_SOUNDS_PERSONAL = re.compile(
    r"(?:^|[a-z_])(?:id|cert|certificate|identity)_?(?:no|number|card|num)$|mobile|phone|tel$|address|"
    r"^(?:owner|driver|applicant|person|contact|handler|holder)_?name$|^(?:driver|contact|handler|legalman)$",
    re.IGNORECASE,
)


def sdl_place(
    document_path: Path, declaration: Declaration, document: Document | None, line: int, column: int = 1
) -> tuple[Path, int, int]:
    """Where a line of the SDL stands: in its own file, or in the declaration below `sdl:`."""
    types = declaration.types
    assert types is not None  # noqa: S101 - the caller looked
    if types.file is not None:
        return document_path.parent / types.file, line, column
    start = document.where(("types", "sdl"))[0] if document is not None else 1
    return document_path, start + line, 1


def own_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    """Of a declaration whose `types.sdl` holds the text."""
    types = declaration.types
    if types is None:
        return
    try:
        model = read_model(declaration)
    except SdlSyntax as error:
        told = list(_composer_problems(document, declaration, error.completed)) if error.completed else []
        yield from told or [
            _at(document, declaration, error.line, error.column, "GRAPHQL_SYNTAX", error.message)
        ]
        return
    found = list(_composer_problems(document, declaration, model.sdl.completed))
    yield from found
    if found:
        return  # the rest would be told of types that are not there
    yield from _type_problems(document, declaration, model)
    for coordinate, connector in types.fields.items():
        answer = model.answers.get(coordinate)
        if answer is None:
            yield _unknown_coordinate(document, model, coordinate)
        else:
            yield from _answer_problems(document, declaration, model, answer, connector)


def _at(
    document: Document,
    declaration: Declaration,
    line: int,
    column: int,
    code: str,
    message: str,
    allowed: str = "",
) -> Problem:
    return Problem(*sdl_place(document.path, declaration, document, line, column), code, message, allowed)


def _composer_problems(document: Document, declaration: Declaration, completed: str) -> Iterator[Problem]:
    """What the composer says of these types alone."""
    subgraph, errors = read_subgraph(SubgraphSchema(declaration.system.code, None, completed))
    errors = [*errors, *(check_subgraph(subgraph) if subgraph is not None else ())]
    for error in dict.fromkeys(errors):
        yield _at(document, declaration, error.line or 1, 1, error.code, error.message)


def _unknown_coordinate(document: Document, model: OwnModel, coordinate: str) -> Problem:
    parent, _, name = coordinate.partition(".")
    type_ = model.schema.type_map.get(parent)
    if not isinstance(type_, GraphQLObjectType):
        known = [one for one, it in model.schema.type_map.items() if isinstance(it, GraphQLObjectType)]
        message = f"the SDL has no type {parent!r}"
        allowed = one_of(parent, [one for one in known if not one.startswith("_")])
    elif name:
        message = f"{parent} has no field {name!r} in the SDL"
        allowed = one_of(name, [one for one in type_.fields if not one.startswith("_")])
    else:
        message = f"{parent} is no entity of this system"
        allowed = "a type with @key that is not the house's, or Type.field"
    return document.problem((*FIELDS, coordinate), "UNKNOWN_FIELD", message, allowed=allowed, key=True)


# --- types ---


def _type_problems(document: Document, declaration: Declaration, model: OwnModel) -> Iterator[Problem]:
    """Fields that nothing answers, and personal ones that are not marked."""
    types = declaration.types
    assert types is not None  # noqa: S101
    union = model.schema.type_map.get("_Entity")
    resolvable = {one.name for one in union.types} if isinstance(union, GraphQLUnionType) else set()
    for node in objects_of(model.sdl.document):
        name = node.name.value
        if name in ("Mutation", "Subscription"):
            yield from _unsupported(document, declaration, node)
            continue
        if name in resolvable - ENTITIES.keys() and name not in types.fields:
            line, column = _where(node)
            message = f"{name} has a key, but nothing says how it is asked for by it"
            allowed = f"add {name!r} to types.fields, or write @key(..., resolvable: false)"
            yield _at(document, declaration, line, column, "UNANSWERED", message, allowed)
        for one in node.fields or ():
            coordinate = f"{name}.{one.name.value}"
            line, column = _where(one)
            is_key = one.name.value in model.keys.get(name, ())
            external = directive(one, "external") is not None
            asked = coordinate in types.fields
            if (name == "Query" or name in ENTITIES) and not (is_key or external or asked):
                message = f"nothing answers {coordinate}"
                allowed = f"add {coordinate!r} to types.fields"
                yield _at(document, declaration, line, column, "UNANSWERED", message, allowed)
            elif one.arguments and not asked:
                message = f"{coordinate} takes arguments, but no call of its own answers it"
                yield _at(document, declaration, line, column, "ARGUMENT_UNUSED", message)
            yield from _personal_problems(document, declaration, model, name, one.name.value, line, column)


_INSTEAD = {
    "Mutation": "to write, declare connectors.submit, supplement, withdraw or appointment: they have a key and go "
    "through the outbox",
    "Subscription": "changes of cases are followed by the house's caseChanged: declare connectors.changes, `harvest` "
    "or `push`",
}


def _unsupported(document: Document, declaration: Declaration, node: Any) -> Iterator[Problem]:
    """Each field by its name and place: a call that writes must not be sent without key and outbox."""
    name = node.name.value
    for one in node.fields or (node,):
        line, column = _where(one)
        message = f"{name}.{one.name.value} cannot be" if one is not node else f"{name} cannot be extended"
        message += ": own types answer queries only"
        yield _at(document, declaration, line, column, "UNSUPPORTED_TYPE", message, _INSTEAD[name])


def _personal_problems(
    document: Document,
    declaration: Declaration,
    model: OwnModel,
    type_: str,
    name: str,
    line: int,
    column: int,
) -> Iterator[Problem]:
    kind = model.sdl.personal.get((type_, name))
    owner = model.schema.type_map.get(type_)
    field = owner.fields.get(name) if isinstance(owner, GraphQLObjectType) else None
    named = get_named_type(field.type).name if field is not None else ""
    if kind is None:
        if named == "String" and _SOUNDS_PERSONAL.search(name) and not name.lower().startswith("masked"):
            message = f"{type_}.{name} sounds like personal data, but nothing says whether it is"
            allowed = "add @personal(kind: NAME | ID_NUMBER | PHONE | ADDRESS), or kind: NOT_PERSONAL"
            yield _at(document, declaration, line, column, "PERSONAL_UNMARKED", message, allowed)
    elif kind not in PERSONAL:
        message = f"@personal knows no kind {kind!r}"
        yield _at(document, declaration, line, column, "BAD_VALUE", message, one_of(kind, PERSONAL))
    elif named not in ("String", "ID"):
        message = f"{type_}.{name} is marked as personal, but only String and ID can be masked"
        yield _at(document, declaration, line, column, "BAD_VALUE", message)


def _where(node: Any) -> tuple[int, int]:
    """Of its name: descriptions stand before it."""
    token = node.name.loc.start_token
    return token.line, token.column


# --- answers ---


def _answer_problems(
    document: Document, declaration: Declaration, model: OwnModel, answer: Answer, connector: OwnField
) -> Iterator[Problem]:
    place: Place = (*FIELDS, answer.coordinate)
    batch = connector.batch
    roots: dict[str, frozenset[str] | None] = {
        "args": frozenset(answer.arguments),
        "page": PAGE_NAMES,
        **session_names(declaration),
    }
    if answer.parent != "Query":
        if batch is None:
            roots["this"] = model.this[answer.parent]
        else:
            roots["batch"] = frozenset(batch.key)
    yield from protocol_problems(document, declaration, connector, place)
    yield from request_problems(document, connector, model.context, place, roots, secret_names(declaration))
    yield from reply_problems(document, connector, model.context, place)
    yield from codec_problems(document, connector, model.context, place)
    yield from _meaningless(document, answer, connector, place)
    yield from _sent_problems(document, model, answer, connector, place)
    yield from _shape_problems(document, model, answer, connector, place)


def _meaningless(document: Document, answer: Answer, connector: OwnField, place: Place) -> Iterator[Problem]:
    given = connector.model_fields_set
    for name in ("numbers", "order", "ticket"):
        if name in given:
            message = f"{name!r} means nothing to a field of own types"
            yield document.problem((*place, name), "WRONG_PROTOCOL", message, key=True)
    if connector.paging.style == "pull":
        message = "own types have no pull queues"
        allowed = "page, offset, cursor, link"
        yield document.problem((*place, "paging", "style"), "BAD_VALUE", message, allowed=allowed)
    elif connector.paging.style != "none" and answer.single:
        message = f"{answer.coordinate} is no list: nothing is paged"
        yield document.problem((*place, "paging"), "BAD_VALUE", message, key=True)
    if connector.batch is not None and answer.page:
        message = "a connection is asked for one by one: its pages belong to one object"
        yield document.problem((*place, "batch"), "BAD_BATCH", message, key=True)
    if connector.batch is not None and answer.parent == "Query":
        message = "a field of Query has no object to be asked for together with others"
        yield document.problem((*place, "batch"), "BAD_BATCH", message, key=True)
    if not connector.safe:
        message = "own types are read only: a call that changes something cannot answer a query"
        yield document.problem((*place, "safe"), "BAD_VALUE", message, key=True)


def _sent_problems(
    document: Document, model: OwnModel, answer: Answer, connector: OwnField, place: Place
) -> Iterator[Problem]:
    """What the request leaves out: arguments that it does not send, and the object it is asked for."""
    sent = sent_names(connector, "args")
    for name in answer.arguments:
        if name not in sent and "" not in sent:
            message = f"argument {name!r} of {answer.coordinate} is not sent"
            allowed = f"use $args.{name}, or take it out of the SDL"
            yield document.problem(place, "ARGUMENT_UNUSED", message, allowed=allowed, key=True)
    for path in sent_paths(connector):
        names = [step for step in path.steps if isinstance(step, str)]
        below = answer.arguments.get(names[0]) if path.root == "args" and names else None
        if below is not None and len(names) > 1 and names[1] not in below:
            message = f"no $args.{names[0]}.{names[1]} here"
            yield document.problem(place, "UNKNOWN_NAME", message, allowed=one_of(names[1], below), key=True)
    if answer.parent == "Query":
        return
    batch = connector.batch
    for name in batch.key if batch is not None else ():
        known = model.this[answer.parent]
        if name not in known:
            message = f"no $this.{name} in {answer.parent}"
            yield document.problem(
                (*place, "batch", "key", name), "UNKNOWN_NAME", message, allowed=one_of(name, known), key=True
            )
        elif name not in sent_names(connector, "batch"):
            message = f"the request does not send $batch.{name}"
            yield document.problem((*place, "batch", "key", name), "BAD_BATCH", message, key=True)
    if not needs_of(connector):
        what = "$batch" if batch is not None else "$this"
        message = f"the request sends nothing of the {answer.parent} that {answer.coordinate} is asked for"
        yield document.problem(place, "NOTHING_SENT", message, allowed=f"use {what}", key=True)
    elif answer.name is None and not needs_of(connector) <= model.keys[answer.parent]:
        further = ", ".join(sorted(needs_of(connector) - model.keys[answer.parent]))
        message = f"{answer.parent} is asked for by its key; {further} is not in it"
        yield document.problem(place, "UNKNOWN_NAME", message, key=True)


def _shape_problems(
    document: Document, model: OwnModel, answer: Answer, connector: OwnField, place: Place
) -> Iterator[Problem]:
    """The map against the types."""
    wanted, other = ("value", "map") if answer.leaf else ("map", "value")
    if getattr(connector, other) is not None:
        message = f"{answer.coordinate} is {'a single value' if answer.leaf else 'an object'}: use {wanted!r}"
        yield document.problem((*place, other), "WRONG_SHAPE", message, key=True)
    if getattr(connector, wanted) is None:
        message = f"{wanted!r} is missing in {answer.coordinate!r}"
        yield document.problem(place, "MISSING_KEY", message, key=True)
        return
    if answer.leaf:
        field = answer.record.fields[0]
        yield from map_problems(document, {field.name: connector.value}, answer.record, model.context, place)
    else:
        map_, here = connector.map or {}, (*place, "map")
        yield from map_problems(document, map_, answer.record, model.context, here)
        yield from _unmapped(document, model, map_, answer.record, here)
    if connector.batch is not None:
        for name, text in connector.batch.key.items():
            yield from reader_problems(document, text, model.context, (*place, "batch", "key", name))
    for name, text in reach_fields(connector).items():
        yield from reader_problems(document, text, model.context, (*place, "reach", name.split()[-1]))
    scopes = limited_scopes(model, answer)
    if scopes and connector.reach is None and answer.parent != "Case":
        message = (
            f"{answer.coordinate} is open to {', '.join(sorted(scopes))}, but nothing says whose its rows are"
        )
        allowed = (
            "add `reach:` with department, region, applicant or case (expressions on the system's record), "
            "or `reach: open` where everyone who may use the field may have every row"
        )
        yield document.problem(place, "REACH_UNDECLARED", message, allowed=allowed, key=True)


def _unmapped(
    document: Document, model: OwnModel, map_: Any, record: Record, place: Place
) -> Iterator[Problem]:
    """Fields that this map neither fills nor leaves out on purpose, enum values that are none, connections in it."""
    if not isinstance(map_, Mapping):
        return
    for field in record.fields:
        here = (*place, field.name)
        kind, _, target = field.type.partition(":")
        value = map_.get(field.name)
        if field.name not in map_ and not field.required:
            message = f"{record.name}.{field.name} is not mapped"
            allowed = f"where the reply does not have it, say so: `{field.name}: ~`"
            yield document.problem(place, "UNMAPPED_FIELD", message, allowed=allowed, key=True)
        elif value is not None and kind in ("record", "list"):
            named = model.schema.type_map.get(target)
            if named is not None and is_connection(named):
                message = f"{record.name}.{field.name} is a connection: it needs a call of its own"
                allowed = f"add '{record.name}.{field.name}' to types.fields"
                yield document.problem(here, "UNANSWERED", message, allowed=allowed, key=True)
            else:
                yield from _unmapped(document, model, value, model.context.records[target], here)
        elif isinstance(value, str):
            yield from _constant_problems(document, model, field, value, here)


def _constant_problems(
    document: Document, model: OwnModel, field: Field, text: str, place: Place
) -> Iterator[Problem]:
    enum = field.type.removeprefix("many:")
    if not enum.startswith("enum:"):
        return
    try:
        tree = parse(text)
    except ExpressionError:
        return  # told already
    allowed = model.context.enums(enum.removeprefix("enum:"))
    if isinstance(tree, Literal) and tree.value not in allowed:
        name = enum.removeprefix("enum:").removeprefix(f"{TYPE_NAME} ")
        message = f"{tree.value!r} is no {name}"
        yield document.problem(place, "BAD_CODE", message, allowed=one_of(str(tree.value), allowed))
