"""Runs a plan with deferred parts: what is not deferred is answered first, then each part when it is complete.

A part is answered after the one around it, once for every object of the answer that its fragment stands on. Its
errors come with it; those that only a part not given any more could tell are not lost, see `_Errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.fetch import RequestContext
from gateway.executor.compile import LaterStep
from gateway.executor.errors import ClientError, Path
from gateway.executor.projection import FirstPart, LaterPlace, ProjectionRun
from gateway.executor.run import RunState, Step
from gateway.planner.deferrals import Deferral

__all__ = ["LaterPart", "Payload", "PlanInParts"]

Introspect = Callable[[list[ClientError]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LaterPart:
    """What a deferred fragment adds to the object at `path`. data: None where null bubbled up to the fragment."""

    deferral: Deferral
    path: Path
    data: dict[str, Any] | None
    errors: tuple[ClientError, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What is answered at one time: at first data, then parts that add to it. has_next: more follows."""

    data: dict[str, Any] | None = None
    errors: tuple[ClientError, ...] = ()
    parts: tuple[LaterPart, ...] = ()
    has_next: bool = False


@dataclass(frozen=True, slots=True)
class PlanInParts:
    """A compiled operation."""

    first: Step
    later: Sequence[LaterStep]
    project: FirstPart

    async def run(
        self, variables: Mapping[str, Any], context: RequestContext, introspect: Introspect | None = None
    ) -> AsyncGenerator[Payload, None]:
        """At least one payload; the last has no next. Close it to stop what is under way.

        variables: coerced. introspect: what is asked of the schema itself, from the errors so far.
        """
        answered = {name: asyncio.Event() for part in self.later for name in part.depends}
        state = RunState(variables, context, answered=answered)
        states = {
            part.deferral: RunState(variables, context, state.data, answered=answered) for part in self.later
        }
        tasks = {
            part.deferral: asyncio.create_task(_complete(part, states[part.deferral]), name="deferred part")
            for part in self.later
        }
        try:
            await self.first(state)
            if introspect is not None:
                state.data |= introspect(state.errors)
            giving = _Giving(states)
            yield giving.first(self.project, state)
            while giving.waiting:
                ready = [item for item in giving.waiting if tasks[item].done()]
                if ready:
                    for item in ready:
                        tasks[item].result()
                    yield giving.next(ready)
                else:
                    await asyncio.wait(
                        [tasks[item] for item in giving.waiting], return_when=asyncio.FIRST_COMPLETED
                    )
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _complete(part: LaterStep, state: RunState) -> None:
    for name in part.depends:
        await state.answered[name].wait()
    await part.step(state)


@dataclass(slots=True)
class _Giving:
    """What has been given and what is still to come. waiting: places of parts, those around them given already."""

    states: Mapping[Deferral, RunState]
    waiting: dict[Deferral, list[LaterPlace]] = field(default_factory=dict)
    held: list[ClientError] = field(default_factory=list)
    """Errors of fields that a later part has."""

    def first(self, project: FirstPart, state: RunState) -> Payload:
        run = ProjectionRun(state.variables, state.errors)
        data = project(state.data, run)
        self._expect(run.later, data, ())
        errors = self._kept_back(run.errors, data, ())
        return Payload(data, tuple(errors), has_next=bool(self.waiting))

    def next(self, ready: Iterable[Deferral]) -> Payload:
        parts: list[LaterPart] = []
        for deferral in ready:
            parts += self._parts(self.waiting.pop(deferral), self.states[deferral])
        if not self.waiting and self.held:
            last = parts[-1]
            parts[-1] = LaterPart(last.deferral, last.path, last.data, (*last.errors, *self.held))
            self.held = []
        return Payload(parts=tuple(parts), has_next=bool(self.waiting))

    def _parts(self, places: Sequence[LaterPlace], state: RunState) -> list[LaterPart]:
        errors = _Errors([*self.held, *state.errors])
        found: list[tuple[LaterPlace, dict[str, Any] | None, list[ClientError]]] = []
        for place in places:
            known = errors.about(place.path)
            run = ProjectionRun(state.variables, list(known))
            data = place.complete(run)
            self._expect(run.later, data, place.path)
            own = [error for error in errors.below(place.path) if _tells_of(error, data, place.path)]
            errors.take(own)
            found.append((place, data, [*own, *run.errors[len(known) :]]))
        rest = errors.rest()
        self.held = self._kept_for_later(rest)
        if found:
            found[0][2][:0] = [error for error in rest if not _is_in(error, self.held)]
        return [LaterPart(place.deferral, place.path, data, tuple(own)) for place, data, own in found]

    def _expect(self, places: Iterable[LaterPlace], data: Any, base: Path) -> None:
        """Those of the places whose objects were given: null may have bubbled above them."""
        for place in places:
            if _is_there(data, place.path[len(base) :]):
                self.waiting.setdefault(place.deferral, []).append(place)

    def _kept_back(self, errors: Sequence[ClientError], data: Any, base: Path) -> list[ClientError]:
        """The errors without those that a later part tells."""
        self.held = self._kept_for_later(error for error in errors if not _tells_of(error, data, base))
        return [error for error in errors if not _is_in(error, self.held)]

    def _kept_for_later(self, errors: Iterable[ClientError]) -> list[ClientError]:
        paths = {place.path for places in self.waiting.values() for place in places}
        return [
            error
            for error in errors
            if any(tuple(error["path"][:length]) in paths for length in range(len(error.get("path", ()))))
        ]


class _Errors:
    """Errors by the places that they are about: there may be many of both."""

    def __init__(self, errors: Sequence[ClientError]) -> None:
        self._left = {id(error): error for error in errors}
        self._all = list(errors)
        self._below: dict[int, dict[Path, list[ClientError]]] = {}

    def below(self, place: Path) -> list[ClientError]:
        """At a place or below it."""
        return self._by_start(len(place)).get(place, [])

    def about(self, place: Path) -> list[ClientError]:
        """At a place, below it or above it: what explains a null there."""
        if not place:
            return self._all
        above = [
            error
            for error in self._by_start(len(place)).get((), [])
            if tuple(error.get("path", ())) == place[: len(error.get("path", ()))]
        ]
        return [*above, *self.below(place)]

    def take(self, errors: Iterable[ClientError]) -> None:
        for error in errors:
            self._left.pop(id(error), None)

    def rest(self) -> list[ClientError]:
        """Those that nobody took."""
        return list(self._left.values())

    def _by_start(self, length: int) -> dict[Path, list[ClientError]]:
        """By their first steps; shorter ones together."""
        if length not in self._below:
            found: dict[Path, list[ClientError]] = {}
            for error in self._all:
                path = tuple(error.get("path", ()))
                found.setdefault(path[:length] if len(path) >= length else (), []).append(error)
            self._below[length] = found
        return self._below[length]


def _tells_of(error: ClientError, data: Any, base: Path) -> bool:
    """Whether the place of an error stands in this part of the answer, or was lost with a null in it."""
    value = data
    for step in tuple(error.get("path", ()))[len(base) :]:
        if type(value) is dict:
            if step not in value:
                return False
            value = value[step]
        elif type(value) is list and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return True
    return True


def _is_there(data: Any, path: Path) -> bool:
    value = data
    for step in path:
        if value is None:
            return False
        value = value[step]
    return value is not None


def _is_in(error: ClientError, errors: Iterable[ClientError]) -> bool:
    return any(error is other for other in errors)
