"""Runs fetches: in order, at once, and each into the one tree of merged data.

A fetch that fails leaves its part of the tree empty and its errors in the state; it never stops another one.
What a subgraph returns as data becomes part of the tree and is added to: it must be the caller's own, not a value
that a cache or another request still holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.fetch import FetchError, FetchResult, PreparedFetch, RequestContext
from gateway.executor.errors import ClientError, Path, subgraph_error
from gateway.executor.merge import merge_into, undo_aliases
from gateway.executor.representations import Gathered
from gateway.planner.nodes import OutputRewrite

__all__ = ["Fetch", "RunState", "Step", "at_once", "entity_fetch", "in_order", "nothing", "root_fetch"]

_log = logging.getLogger(__name__)
_TOO_LATE = FetchError("not asked: the request's deadline had passed", (), {"code": "DEADLINE_EXCEEDED"})


@dataclass(slots=True)
class RunState:
    """One execution: the merged data so far, the client's coerced variables, and the errors found."""

    variables: Mapping[str, Any]
    context: RequestContext
    data: dict[str, Any] = field(default_factory=dict)
    errors: list[ClientError] = field(default_factory=list)


Step = Callable[[RunState], Awaitable[None]]
Locate = Callable[[dict[str, Any], Gathered, "int | None"], list[Path]]


@dataclass(frozen=True, slots=True)
class Fetch:
    """A prepared fetch: who is asked, with which of the client's variables, and which aliases to undo."""

    subgraph: str
    call: PreparedFetch
    variable_names: tuple[str, ...]
    rewrites: tuple[OutputRewrite, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, state: RunState, variables: dict[str, Any]) -> FetchResult:
        """The answer with aliases undone. Never raises but for cancellation."""
        if state.context.deadline <= asyncio.get_running_loop().time():
            return FetchResult(None, (_TOO_LATE,))
        given = state.variables
        for name in self.variable_names:
            if name in given:
                variables[name] = given[name]
        try:
            result = await self.call(variables, state.context)
        except Exception:
            _log.exception("fetch from %s raised (request %s)", self.subgraph, state.context.request_id)
            error = FetchError(
                "the gateway failed to ask the subgraph", (), {"code": "INTERNAL_SERVER_ERROR"}
            )
            return FetchResult(None, (error,))
        if self.rewrites and result.data is not None:
            undo_aliases(result.data, self.rewrites)
        return result

    def own_path(self, path: Path) -> Path:
        """A path of the subgraph's answer under the client's names."""
        return tuple(self.renames.get(step, step) if isinstance(step, str) else step for step in path)


async def nothing(_state: RunState) -> None:
    """The step of an empty plan."""


def in_order(steps: Sequence[Step]) -> Step:
    """Each step after the one before."""

    async def sequence(state: RunState) -> None:
        for step in steps:
            await step(state)

    return sequence


def at_once(steps: Sequence[Step]) -> Step:
    """All steps at the same time. Steps do not raise, so none cancels another; a cancelled request cancels all."""
    if len(steps) == 1:
        return steps[0]

    async def parallel(state: RunState) -> None:
        await asyncio.gather(*[step(state) for step in steps])

    return parallel


def root_fetch(fetch: Fetch) -> Step:
    """A root operation, merged into the root."""

    async def run(state: RunState) -> None:
        result = await fetch(state, {})
        if result.data is not None:
            merge_into(state.data, result.data)
        failed = result.data is None
        for error in result.errors:
            path = fetch.own_path(error.path)
            state.errors.append(subgraph_error(error, subgraph=fetch.subgraph, path=path, failed=failed))

    return run


def entity_fetch(fetch: Fetch, gather: Callable[[dict[str, Any]], Gathered], locate: Locate) -> Step:
    """An `_entities` call for all objects at a path; nothing is sent where there are none."""

    async def run(state: RunState) -> None:
        gathered = gather(state.data)
        if not gathered.representations:
            return
        result = await fetch(state, {"representations": gathered.representations})
        if result.errors:
            _report(fetch, result, gathered, locate, state)
        entities = result.data.get("_entities") if result.data is not None else None
        if entities is None:
            return
        for entity, targets in zip(entities, gathered.targets, strict=False):
            if entity is not None:
                for target in targets:
                    merge_into(target, entity)

    return run


def _report(fetch: Fetch, result: FetchResult, gathered: Gathered, locate: Locate, state: RunState) -> None:
    """`_entities.3.name` -> the real path of every object that representation 3 stands for."""
    failed = result.data is None or result.data.get("_entities") is None
    for error in result.errors:
        index = error.path[1] if len(error.path) > 1 and error.path[0] == "_entities" else None
        rest = fetch.own_path(error.path[2:]) if isinstance(index, int) else ()
        for place in locate(state.data, gathered, index if isinstance(index, int) else None):
            path = (*place, *rest)
            state.errors.append(subgraph_error(error, subgraph=fetch.subgraph, path=path, failed=failed))
