"""No look without a record 无记录不查阅: an answer that tells of cases or people leaves when its access record is durable.

Stands around the running of one operation. A store that cannot write makes the query fail, with AUDIT_UNAVAILABLE;
what tells of nobody is not touched.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from adapters.fetch import RequestContext
from adapters.seen import Seen
from gateway.ledger.errors import AuditUnavailable
from gateway.ledger.records import Look
from gateway.request import GraphQLAnswer, GraphQLRequest
from gateway.security.footprint import Footprint
from schema.vocabulary import AccessPurpose

__all__ = ["PURPOSE_HEADER", "LookMetrics", "Looks", "Recorder"]

PURPOSE_HEADER = "quanyu-purpose"
VERSION_HEADER = "graphql-client-version"
_PURPOSES = frozenset(str(member) for member in AccessPurpose)
_CLIENT_TEXT = 64


class Recorder(Protocol):
    @property
    def failing(self) -> bool:
        """Whether the last record could not be written, a moment ago."""
        ...

    async def record(self, look: Look) -> None:
        """Returns when it is durable. Raises AuditUnavailable."""
        ...


class LookMetrics(Protocol):
    def look_recorded(self, outcome: str, duration_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Looks:
    """subject_ref: reference of a caller who is an applicant, by the number of their token."""

    recorder: Recorder
    subject_ref: Callable[[str], str]
    metrics: LookMetrics | None = None

    async def around(
        self,
        footprint: Footprint | None,
        request: GraphQLRequest,
        context: RequestContext,
        run: Callable[[RequestContext], Awaitable[GraphQLAnswer]],
        *,
        kind: str,
    ) -> GraphQLAnswer:
        """The answer of `run`, once its record is durable."""
        if footprint is None or (footprint.withheld and context.caller.name == "anonymous"):
            return await run(context)  # strangers who are shown nothing cannot fill the ledger
        purpose = _given_purpose(request, context)
        if purpose and purpose not in _PURPOSES:
            return _unknown_purpose(purpose, kind)
        context = replace(context, seen=Seen())  # one request may be several operations
        try:
            if self.recorder.failing:
                raise AuditUnavailable
            if kind == "mutation":  # what cannot be recorded must not happen
                await self._record(footprint, purpose, context, kind, "STARTED")
            answer = await run(context)
            if answer.status_hint == 200:
                await self._record(footprint, purpose, context, kind, _outcome(footprint, answer))
            return answer
        except AuditUnavailable as error:
            if self.metrics is not None:
                self.metrics.look_recorded("refused", 0.0)
            return _refusal(error.code, str(error), 503, kind)

    async def _record(
        self, footprint: Footprint, purpose: str | None, context: RequestContext, kind: str, outcome: str
    ) -> None:
        started = time.perf_counter()
        await self.recorder.record(self._look(footprint, purpose, context, kind, outcome))
        if self.metrics is not None:
            self.metrics.look_recorded("recorded", time.perf_counter() - started)

    def _look(
        self, footprint: Footprint, purpose: str | None, context: RequestContext, kind: str, outcome: str
    ) -> Look:
        caller, seen = context.caller, context.seen
        own = caller.subject is not None and "cases:read" not in caller.scopes
        return Look(
            actor=caller.name,
            operation=footprint.name,
            operation_hash=footprint.text_hash,
            fields=footprint.fields,
            action="E" if kind == "mutation" else "R",
            actor_subject=self.subject_ref(caller.subject) if caller.subject is not None else None,
            actor_department=caller.department,
            client=context.client_name,
            client_version=_clean(context.headers.get(VERSION_HEADER, "")),
            purpose=",".join(sorted(seen.purposes))
            or purpose
            or (str(AccessPurpose.OWN_DATA) if own else None),
            subjects=tuple(seen.subjects),
            cases=tuple(seen.cases),
            systems=seen.systems,
            outcome=outcome,
            trace_id=_trace_id(context.trace_headers),
            request_id=context.request_id,
        )


def _given_purpose(request: GraphQLRequest, context: RequestContext) -> str | None:
    """`extensions.purpose` of the request, else the header."""
    given = request.extensions.get("purpose")
    if given is None:
        given = context.headers.get(PURPOSE_HEADER)
    return str(given) if given else None


def _outcome(footprint: Footprint, answer: GraphQLAnswer) -> str:
    if footprint.withheld:
        return "DENIED"
    if answer.data is None:
        return "FAILED"
    return "PARTIAL" if answer.errors else "OK"


def _trace_id(headers: Mapping[str, str]) -> str:
    parts = headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else ""


def _clean(text: str) -> str:
    """A client's own word: short, printable."""
    return "".join(sign for sign in text[:_CLIENT_TEXT] if sign.isprintable())


def _unknown_purpose(purpose: str, kind: str) -> GraphQLAnswer:
    known = ", ".join(sorted(_PURPOSES))
    code = "PURPOSE_UNKNOWN"
    return _refusal(code, f"No purpose {_clean(purpose)!r}; there is {known}.", 400, kind)


def _refusal(code: str, message: str, status: int, kind: str) -> GraphQLAnswer:
    error: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    return GraphQLAnswer(errors=[error], status_hint=status, operation=kind)
