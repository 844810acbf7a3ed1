"""The house's permission for cases, asked for those who answer further fields of them: own types, remote subgraphs.

A router may send a case's id to a subgraph that was never told by the house: another subgraph names the case, and its
fields are had by key. So an id is held to reach before it leaves. What the house showed in this request is known; any
other is asked for as `case(id:)` would be, and what is out of reach is as if it were not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.execution.values import VariableValues

from adapters.case_marks import MARK, Marked, cases_at, emptied, marked
from adapters.case_questions import CaseQuestions, QuestionRefused
from adapters.fetch import (
    FetchError,
    FetchOperation,
    FetchResult,
    PreparedFetch,
    PreparedSubscription,
    RequestContext,
    StreamingSubgraph,
    Subgraph,
)
from adapters.reach import Reach
from adapters.shape import Run
from schema.errors import SchemaError

__all__ = ["CaseGate", "Cases", "GatedSubgraph", "not_shown"]

_AT_ONCE: Final = 20
_NAMES: Final = frozenset({"id"})


class Cases(Protocol):
    """Who may have which case."""

    def reach(self, context: RequestContext) -> Reach: ...

    async def shown(self, ids: Collection[str], context: RequestContext) -> frozenset[str]:
        """Those of the ids that the caller may have."""
        ...


@dataclass(frozen=True, slots=True)
class CaseGate:
    """`Cases` by the house's own question for a case."""

    questions: CaseQuestions

    def reach(self, context: RequestContext) -> Reach:
        return self.questions.reach(context)

    async def shown(self, ids: Collection[str], context: RequestContext) -> frozenset[str]:
        reach = self.reach(context)
        if reach.everything:
            return frozenset(ids)
        known = context.seen.in_reach
        asked = [] if reach.nothing else sorted(frozenset(ids) - known)
        bound = asyncio.Semaphore(_AT_ONCE)

        async def ask(one: str) -> str | None:
            run = Run(VariableValues({}, {}), context)
            try:
                async with bound:
                    found = await self.questions.case_by_id(run, one, _NAMES, ())
            except (QuestionRefused, SchemaError):
                return None
            return one if found is not None else None

        found = await asyncio.gather(*map(ask, asked))
        return frozenset({one for one in ids if one in known} | {one for one in found if one is not None})


def not_shown(case: object, path: tuple[str | int, ...]) -> FetchError:
    """The house's own words for a case that is not there."""
    system, _, number = str(case).partition(":")
    text = f"{system} has no case {number!r} that you may see."
    return FetchError(text, path, {"code": "CASE_NOT_FOUND", "system": system})


@dataclass(frozen=True, slots=True)
class GatedSubgraph:
    """A subgraph that is asked only for cases in the caller's reach, and whose words on any others are left out.

    schema: of `connector_schema(inner.sdl)`.
    """

    inner: Subgraph
    schema: GraphQLSchema
    cases: Cases

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def sdl(self) -> str:
        return self.inner.sdl

    @property
    def client_headers(self) -> tuple[str, ...]:
        return tuple(getattr(self.inner, "client_headers", ()))

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        plain = self.inner.prepare(operation)
        lookups = dict(_lookups(operation.document))
        found = marked(operation, self.schema)
        if not lookups and found is None:
            return plain
        limited = self.inner.prepare(found.operation) if found is not None else plain
        return _Gated(plain, limited, lookups, found, self.cases)

    def subscribe(self, operation: FetchOperation) -> PreparedSubscription:
        if not isinstance(self.inner, StreamingSubgraph):
            return _no_events
        plain, found = self.inner.subscribe(operation), marked(operation, self.schema)
        if found is None:
            return plain
        limited, cases = self.inner.subscribe(found.operation), self.cases

        async def events(
            variables: Mapping[str, Any], context: RequestContext
        ) -> AsyncGenerator[FetchResult, None]:
            everything = cases.reach(context).everything
            async with aclosing((plain if everything else limited)(variables, context)) as results:
                async for one in results:
                    yield one if everything else await _held(one, found, cases, context)

        return events


async def _no_events(
    variables: Mapping[str, Any], context: RequestContext
) -> AsyncGenerator[FetchResult, None]:
    del variables, context
    nothing: tuple[FetchResult, ...] = ()
    for one in nothing:
        yield one


def _lookups(document: DocumentNode) -> Iterator[tuple[str, str]]:
    """Response name of each `_entities` field -> the variable of its representations, as the planner writes them."""
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        for node in definition.selection_set.selections:
            if not isinstance(node, FieldNode) or node.name.value != "_entities":
                continue
            for argument in node.arguments or ():
                if argument.name.value == "representations" and isinstance(argument.value, VariableNode):
                    yield (node.alias or node.name).value, argument.value.name.value


@dataclass(frozen=True, slots=True)
class _Gated:
    """plain: for those who may have every case; limited: with the marks of `found`. lookups: see `_lookups`."""

    plain: PreparedFetch
    limited: PreparedFetch
    lookups: Mapping[str, str]
    found: Marked | None
    cases: Cases

    async def __call__(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
        if self.cases.reach(context).everything:
            return await self.plain(variables, context)
        result = await self._of_shown(variables, context)
        return result if self.found is None else await _held(result, self.found, self.cases, context)

    async def _of_shown(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
        ids = [
            str(one.get("id"))
            for variable in self.lookups.values()
            for one in variables.get(variable) or ()
            if one.get("__typename") == "Case"
        ]
        shown = await self.cases.shown(frozenset(ids), context) if ids else frozenset[str]()
        if shown.issuperset(ids):
            return await self.limited(variables, context)
        kept = {
            name: [place for place, one in enumerate(variables[variable]) if _passes(one, shown)]
            for name, variable in self.lookups.items()
        }
        cut = {
            variable: [variables[variable][place] for place in kept[name]]
            for name, variable in self.lookups.items()
        }
        result = FetchResult({name: [] for name in self.lookups})
        if any(cut.values()):
            result = await self.limited({**variables, **cut}, context)
        hidden = [
            not_shown(one.get("id"), (name, place))
            for name, variable in self.lookups.items()
            for place, one in enumerate(variables[variable])
            if not _passes(one, shown)
        ]
        sizes = {name: len(variables[variable]) for name, variable in self.lookups.items()}
        data = _spread(result.data, kept, sizes) if result.data is not None else None
        return FetchResult(data, (*(_moved(error, kept) for error in result.errors), *hidden))


async def _held(result: FetchResult, found: Marked, cases: Cases, context: RequestContext) -> FetchResult:
    """Without the marks, and without what is told of cases that the caller may not have."""
    there = [one for place in found.places for one in cases_at(result.data, place)]
    if not there:
        return result
    shown = await cases.shown({str(case[MARK]) for case, _ in there}, context)
    hidden: list[FetchError] = []
    for case, path in there:
        if MARK not in case:
            continue  # at two places that are one
        number = case[MARK]
        if str(number) not in shown:
            case.update(emptied(case))
            hidden.append(not_shown(number, path))
        del case[MARK]
    return FetchResult(result.data, (*result.errors, *hidden))


def _passes(representation: Mapping[str, Any], shown: frozenset[str]) -> bool:
    return representation.get("__typename") != "Case" or str(representation.get("id")) in shown


def _spread(
    data: Mapping[str, Any], kept: Mapping[str, Sequence[int]], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Answers at the places of all that was asked for, null at those that were not sent."""
    spread = dict(data)
    for name, places in kept.items():
        answers = data.get(name)
        if not isinstance(answers, list):
            continue
        whole: list[Any] = [None] * sizes[name]
        for place, answer in zip(places, answers, strict=False):
            whole[place] = answer
        spread[name] = whole
    return spread


def _moved(error: FetchError, kept: Mapping[str, Sequence[int]]) -> FetchError:
    name, *rest = error.path or ("",)
    if not rest or not isinstance(rest[0], int) or name not in kept or rest[0] >= len(kept[str(name)]):
        return error
    place = kept[str(name)][rest[0]]
    return FetchError(error.message, (name, place, *rest[1:]), error.extensions)
