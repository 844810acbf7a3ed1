"""A `cases` subgraph over any sources, asked with real fetch operations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import parse, validate

from adapters.case_questions import CaseQuestions
from adapters.connector import ConnectorSubgraph, connector_schema
from adapters.fetch import Caller, FetchOperation, FetchResult, RequestContext
from adapters.mapping.scope import Gap
from adapters.network import Network
from adapters.source import Source
from schema.subgraphs import CASES, cases_sdl
from tests.adapters.doubles import SECRET

SDL = cases_sdl()
SCHEMA = connector_schema(SDL)
OFFICER = Caller("officer", frozenset({"cases:read"}))


@dataclass(slots=True)
class Regions:
    """Division -> all below it."""

    below: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def region(self, code: str) -> object | None:
        known = self._known()
        return code if code in known or not known else None

    def descendants(self, code: str) -> frozenset[str]:
        return self.below.get(code, frozenset())

    def is_whole(self, code: str) -> bool:
        return self._known() == {code, *self.descendants(code)}

    def _known(self) -> set[str]:
        return {*self.below, *(one for below in self.below.values() for one in below)}


@dataclass(slots=True)
class Gaps:
    noted: list[tuple[str, str, str]] = field(default_factory=list)

    def note(self, system: str, gaps: Sequence[Gap]) -> None:
        self.noted += [(system, gap.table, gap.raw) for gap in gaps]


@dataclass(slots=True)
class Asked:
    """A subgraph with short ways to ask it."""

    subgraph: ConnectorSubgraph
    gaps: Gaps

    async def fetch(
        self, text: str, *, caller: Caller = OFFICER, timeout_s: float = 20, **variables: Any
    ) -> FetchResult:
        document = parse(text)
        assert validate(SCHEMA, document) == []
        operation = FetchOperation(CASES, "query", text, document, tuple(variables))
        context = RequestContext(asyncio.get_running_loop().time() + timeout_s, caller, "r1")
        return await self.subgraph.prepare(operation)(variables, context)

    async def data(self, text: str, **variables: Any) -> dict[str, Any]:
        result = await self.fetch(text, **variables)
        assert list(result.errors) == []
        assert result.data is not None
        return result.data


def subgraph_of(*sources: Source, regions: Mapping[str, frozenset[str]] | None = None) -> Asked:
    gaps = Gaps()
    tree = Regions(regions or {})
    network = Network({one.code: one for one in sources}, gaps, regions=tree)
    questions = CaseQuestions(network, tree, SECRET, b"k" * 32)
    return Asked(ConnectorSubgraph(CASES, SDL, SCHEMA, questions), gaps)


def codes(result: FetchResult) -> list[tuple[Any, Any]]:
    """(code, system) of every error."""
    return [(error.extensions.get("code"), error.extensions.get("system")) for error in result.errors]
