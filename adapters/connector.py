"""Subgraphs that legacy systems answer: `cases`, and the own types of each system. No Strawberry, no graphql-core
execution: each root field puts its question (`case_questions.py`, `own/questions.py`), a shaper cuts the records to what was selected (`shape.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationDefinitionNode,
    build_ast_schema,
    extend_schema,
    parse,
)
from graphql.execution.values import get_argument_values, get_variable_values

from adapters.case_questions import QuestionRefused
from adapters.cursor import CursorError
from adapters.fetch import FetchError, FetchOperation, FetchResult, PreparedFetch, RequestContext
from adapters.shape import Rules, Run, Selection, compile_shape, fields_below, is_selected
from adapters.submission.form import SubmissionRefused
from adapters.submission.outbox import OutboxUnavailable
from adapters.submission.questions import SubmissionQuestions
from schema.errors import SchemaError

__all__ = ["Ask", "ConnectorSubgraph", "Questions", "connector_schema"]


Ask = Callable[[Run, dict[str, Any], Selection, tuple["str | int", ...]], Awaitable[Any]]
"""(run, arguments, selection, path) -> the value of a root field, to be shaped."""


class Questions(Protocol):
    """What a connector subgraph asks of its systems. rules: how fields are had from their parents."""

    @property
    def rules(self) -> Rules: ...

    def root_fields(self) -> Mapping[str, Ask]: ...

    async def entities(
        self, run: Run, representations: Sequence[Any], selection: Selection, at: tuple[str | int, ...]
    ) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class ConnectorSubgraph:
    """`adapters.fetch.Subgraph` over the network. schema: of `connector_schema(sdl)`."""

    name: str
    sdl: str
    schema: GraphQLSchema
    questions: Questions
    submissions: SubmissionQuestions | None = None

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        """Compiles every root field of the operation once."""
        fragments = {
            one.name.value: one
            for one in operation.document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        root = next(one for one in operation.document.definitions if isinstance(one, OperationDefinitionNode))
        is_mutation = operation.kind == "mutation"
        root_type = self.schema.mutation_type if is_mutation else self.schema.query_type
        assert root_type is not None  # noqa: S101 - the planner asks for what the SDL has
        fields = [
            _RootField(self, node, fragments, root_type)
            for node in fields_below(root.selection_set, fragments)
        ]

        async def fetch(variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
            values_ = get_variable_values(self.schema, root.variable_definitions or (), dict(variables))
            if isinstance(values_, list):
                errors = tuple(FetchError(error.message, (), {"code": "BAD_USER_INPUT"}) for error in values_)
                return FetchResult(None, errors)
            run = Run(values_, context)
            asked = [one for one in fields if is_selected(one.node, run.variables)]
            if len(asked) == 1 or is_mutation:  # what changes something is done in order
                values = [await one.answer(run) for one in asked]
            else:
                values = list(await asyncio.gather(*(one.answer(run) for one in asked)))
            await _settle(run)
            data = {one.key: value for one, value in zip(asked, values, strict=True)}
            return FetchResult(data, tuple(run.errors))

        return fetch


class _RootField:
    """One root field of a fetch: its question and its shaper."""

    def __init__(
        self,
        subgraph: ConnectorSubgraph,
        node: FieldNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        root: GraphQLObjectType,
    ) -> None:
        self.key = node.alias.value if node.alias else node.name.value
        self.name = node.name.value
        self.node = node
        self.subgraph = subgraph
        self.selection = Selection((node,), subgraph.schema, fragments)
        self.type_name = root.name
        if self.name == "__typename":
            return
        self.definition = root.fields[self.name]
        self.shape = compile_shape(
            (node,), self.definition.type, subgraph.questions.rules, subgraph.schema, fragments
        )
        self.ask = subgraph.questions.root_fields().get(self.name)
        submissions = subgraph.submissions
        self.tell: Callable[..., Awaitable[Any]] | None = (
            None
            if submissions is None
            else {
                "receipt": submissions.receipt,
                "applicationForms": submissions.application_forms,
                "submitCase": submissions.submit_case,
                "supplementCase": submissions.supplement_case,
                "withdrawCase": submissions.withdraw_case,
                "bookAppointment": submissions.book_appointment,
            }.get(self.name)
        )

    async def answer(self, run: Run) -> Any:
        path = (self.key,)
        if self.name == "__typename":
            return self.type_name
        try:
            arguments = get_argument_values(self.definition, self.node, run.values)
            if self.name == "_entities":
                value: Any = await self.subgraph.questions.entities(
                    run, arguments["representations"], self.selection, path
                )
            elif self.name == "_service":
                value = {"sdl": self.subgraph.sdl}
            elif self.tell is not None:
                value = await self.tell(run, arguments)
            elif self.ask is None:
                raise QuestionRefused(
                    "CAPABILITY_MISSING", "nothing can be handed in here: there is no outbox"
                )
            else:
                value = await self.ask(run, arguments, self.selection, path)
        except (QuestionRefused, CursorError, SchemaError, OutboxUnavailable) as error:
            run.errors.append(FetchError(str(error), path, {"code": error.code}))
            return None
        except SubmissionRefused as error:
            for one in error.problems:
                run.errors.append(FetchError(one.message, path, {"code": one.code, "field": one.field}))
            return None
        return self.shape(value, run, path)


async def _settle(run: Run) -> None:
    """Asks what was put off, level by level: an answer may put off more."""
    while run.later or run.together:
        batch, run.later = run.later, []
        groups, run.together = list(run.together.values()), {}
        found, many = await asyncio.gather(
            asyncio.gather(*(later.ask() for later in batch)),
            asyncio.gather(*(group.ask(group.parents) for group in groups)),
        )
        for later, value in zip(batch, found, strict=True):
            later.finish(value)
        for group, values in zip(groups, many, strict=True):
            for finish, value in zip(group.finish, values, strict=True):
                finish(value)


def connector_schema(sdl: str) -> GraphQLSchema:
    """Executable view of a subgraph's SDL, with `_entities` and `_service` (Federation subgraph specification)."""
    document = parse(sdl)
    entities = [
        node.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and any(map(_is_resolvable_key, node.directives or ()))
    ]
    base = build_ast_schema(_defined(document), assume_valid_sdl=True)
    roots = "_service: _Service!"
    parts = ["scalar _Any", "type _Service { sdl: String! }"]
    if entities:
        parts.append(f"union _Entity = {' | '.join(dict.fromkeys(entities))}")
        roots += " _entities(representations: [_Any!]!): [_Entity]!"
    # an operation's root is an object type even where nothing but entities is asked for
    parts.append(f"{'extend ' if base.query_type else ''}type Query {{ {roots} }}")
    extended = extend_schema(base, parse("\n".join(parts)), assume_valid=True)
    if base.query_type is not None:
        return extended
    query = extended.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)  # noqa: S101 - just made
    return GraphQLSchema(query, types=list(extended.type_map.values()), assume_valid=True)


def _defined(document: DocumentNode) -> DocumentNode:
    """Extensions as definitions: what they extend is defined in other subgraphs."""
    there = {node.name.value for node in document.definitions if isinstance(node, ObjectTypeDefinitionNode)}
    definitions: list[DefinitionNode] = []
    for node in document.definitions:
        if isinstance(node, ObjectTypeExtensionNode) and node.name.value not in there:
            there.add(node.name.value)
            node = ObjectTypeDefinitionNode(
                name=node.name, interfaces=node.interfaces, directives=node.directives, fields=node.fields
            )
        definitions.append(node)
    return DocumentNode(definitions=tuple(definitions))


def _is_resolvable_key(directive: Any) -> bool:
    resolvable = next(
        (one.value.value for one in directive.arguments or () if one.name.value == "resolvable"), True
    )
    return directive.name.value == "key" and resolvable is not False
