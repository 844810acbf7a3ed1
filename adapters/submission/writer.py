"""What one system can be told: sends one submission once, and looks for it afterwards. Keeps nothing.

A write goes through the system's own traffic (bulkhead, rate, breaker) and credentials, is never repeated here, and is
never taken for idempotent by the wire. What comes back is a verdict, not an exception.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from adapters.applicant import is_applicant
from adapters.auth.grant import Grant
from adapters.call import call_of
from adapters.case_filter import CaseFilter
from adapters.credentials import dress_of
from adapters.declaration import Write
from adapters.failures import wire_failure
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Scope
from adapters.reply import RawReply
from adapters.soap.wsdl import SoapService
from adapters.source import Source
from adapters.submission.compiled import CompiledWrite, compile_write, judge
from adapters.submission.row import Submission
from adapters.submission.states import Found, Kind, Verdict
from adapters.traffic.errors import SourceError, SourceNotFound, SourceUnavailable
from adapters.validate_connectors import context_of
from adapters.wire import errors as wire_errors
from adapters.wire.model import WireRequest
from schema.canonical import CASE

__all__ = ["Writer", "build_writer"]

MOST_PAGES = 20
_FIELDS = frozenset(field.name for field in CASE.fields)
_UNSENT = (wire_errors.RequestRefused, wire_errors.ConnectFailed, wire_errors.PoolTimeout)
"""The wire's errors after which it is certain that not one byte of the request arrived."""


class _Unsent(Exception):
    """Nothing has left the gateway."""


@dataclass(frozen=True, slots=True)
class Writer:
    """source: the system itself; writes: by operation."""

    source: Source
    writes: Mapping[str, CompiledWrite]

    @property
    def code(self) -> str:
        return self.source.code

    def declared(self, operation: str) -> Write | None:
        one = self.writes.get(operation)
        return one.write if one is not None else None

    def timeout_s(self, operation: str) -> float:
        own = self.writes[operation].write.timeout_ms
        return own / 1000 if own else self.source.traffic.policy.timeout_s

    def request(self, operation: str, args: Mapping[str, Any]) -> WireRequest:
        """What would be sent, without credentials that a login gives. Raises ValueProblem."""
        request = self.writes[operation].call.request(Scope({"args": args, "page": {}}))
        return replace(request, idempotent=False)

    async def send(
        self,
        operation: str,
        args: Mapping[str, Any],
        *,
        before: Callable[[], Awaitable[bool]],
    ) -> Verdict:
        """Sends it once. before: awaited when the next thing is the first byte; False keeps it from being sent."""
        compiled = self.writes[operation]
        timeout_s = self.timeout_s(operation)
        handed = False
        verdict: Verdict | None = None

        async def attempt(limit_s: float) -> bytes:
            nonlocal handed, verdict
            until = asyncio.get_running_loop().time() + limit_s
            renewed = False
            while True:
                grant = await self.source.credentials.grant()
                request = self._dressed(compiled, args, grant)
                if not handed and not await before():
                    raise _Unsent
                handed = True
                reply = await self._once(request, until)
                if (
                    self.source.credentials.ended(reply)
                    and not renewed
                    and self.source.credentials.forget(grant)
                ):
                    renewed = True  # refused at the door: nothing was filed
                    continue
                verdict = judge(compiled, self.source.exchange, reply)
                if reply.status >= 500 and verdict.kind is Kind.UNKNOWN:
                    raise SourceUnavailable(self.code)  # for the breaker; the verdict stands
                return b""

        deadline = asyncio.get_running_loop().time() + 2 * timeout_s
        try:
            await self.source.traffic.call(
                attempt, key=None, deadline=deadline, read=False, timeout_s=timeout_s
            )
        except _Unsent:
            return Verdict(Kind.NOT_TAKEN, "not sent: another process has it")
        except ValueProblem as problem:
            return Verdict(
                Kind.REFUSED, f"the request cannot be built: {problem}", code="SUBMISSION_NOT_BUILDABLE"
            )
        except SourceError as error:
            if verdict is not None:
                return verdict
            if not handed or isinstance(error.__cause__, _UNSENT):
                return Verdict(Kind.NOT_TAKEN, f"{error.code}: {error.message}")
            return Verdict(Kind.UNKNOWN, f"{error.code}: {error.message}")
        return verdict or Verdict(Kind.UNKNOWN, "no answer")

    def _dressed(self, compiled: CompiledWrite, args: Mapping[str, Any], grant: Grant) -> WireRequest:
        request = compiled.call.request(Scope({"args": args, "page": {}, **grant.roots}))
        # repeated by nobody, whatever the method: not on a stale connection either
        return replace(grant.show(request), idempotent=False)

    async def _once(self, request: WireRequest, until: float) -> RawReply:
        left_s = max(until - asyncio.get_running_loop().time(), 0.001)
        asked_at = time.time()
        try:
            response = await self.source.wire.send(request, timeout_s=left_s)
        except wire_errors.WireError as error:
            raise wire_failure(self.code, error) from error
        headers = response.headers
        return RawReply(response.status, headers.get("content-type") or "", response.body, "", asked_at)

    # --- looking for it ---

    async def find(
        self, row: Submission, args: Mapping[str, Any], *, deadline: float, among: Collection[str] = ()
    ) -> Found:
        """Numbers of cases that can be this submission; among: numbers that were there before it was sent."""
        compiled = self.writes[row.operation]
        rule = compiled.write.reconcile
        if rule is None or rule.style != "query":
            return Found(certain=False, note="no query is declared")
        roots = self._roots(row, args, rule.skew_s)
        try:
            records = await (
                self._by_number(compiled, roots, deadline)
                if rule.verb == "case"
                else self._listed(roots, args, deadline)
            )
            for record in records:  # systems list their steps in any order
                record["events"] = sorted(
                    record.get("events") or [], key=lambda event: event.get("occurredAt") or ""
                )
            fitting = [record for record in records if self._fits(compiled, record, roots)]
        except SourceNotFound:
            return Found()
        except SourceError as error:
            return Found(certain=False, note=f"{error.code}: {error.message}")
        except ValueProblem as problem:
            return Found(certain=False, note=f"`match` does not fit: {problem}")
        if row.operation != "submit":
            return Found(here=bool(fitting), note="its case shows it" if fitting else "")
        known = frozenset(among)
        return Found(tuple(one for record in fitting if (one := str(record["localNo"])) not in known))

    def _roots(self, row: Submission, args: Mapping[str, Any], skew_s: float) -> dict[str, Any]:
        sent_ms = row.first_sent_at or row.sent_at or row.recorded_at
        return {
            "args": args,
            "sent": {"at": _iso(sent_ms), "from": _iso(sent_ms - int(skew_s * 1000))},
            "answer": {"ticket": row.ticket, "number": row.number},
        }

    def _fits(self, compiled: CompiledWrite, record: dict[str, Any], roots: Mapping[str, Any]) -> bool:
        return compiled.match is None or compiled.match(record, Scope(roots))

    async def _by_number(
        self, compiled: CompiledWrite, roots: Mapping[str, Any], deadline: float
    ) -> list[dict[str, Any]]:
        assert compiled.look_up is not None  # noqa: S101 - the model demands it
        number = compiled.look_up(None, Scope(roots))
        if not number:
            return []
        page = await self.source.ask(
            "case", {"number": str(number)}, fields=_FIELDS, deadline=deadline, live=True
        )
        return page.records

    async def _listed(
        self, roots: Mapping[str, Any], args: Mapping[str, Any], deadline: float
    ) -> list[dict[str, Any]]:
        """Cases of the applicant since it was sent, page after page; an incomplete list is no answer."""
        applicant = args.get("applicant") or {}
        number, start = applicant.get("idNumber"), roots["sent"]["from"]
        wanted = CaseFilter(id_type=applicant.get("idType"), number=number, start=start)
        records: list[dict[str, Any]] = []
        position = None
        for _ in range(MOST_PAGES):
            page = await self.source.ask(
                "cases", wanted.args(), fields=_FIELDS, deadline=deadline, position=position, live=True
            )
            if any("left out" in trouble.message for trouble in page.troubles):
                raise SourceError(self.code, "the list has records that cannot be read; one may be this")
            records += [
                one for one in page.records if one["appliedAt"] >= start and not _is_anothers(one, number)
            ]
            past = self.source.connectors["cases"].connector.order == "newest-first" and any(
                one["appliedAt"] < start for one in page.records
            )
            if page.next is None or past or page.next == position:
                return records
            position = page.next
        raise SourceError(self.code, f"the list did not end within {MOST_PAGES} pages")


def _is_anothers(record: Mapping[str, Any], number: str | None) -> bool:
    """Whether it is certain that a case is of another applicant: masked and missing numbers tell nothing."""
    held = (record.get("applicant") or {}).get("idNumber")
    if number is None or not isinstance(held, str) or "*" in held:
        return False
    return not is_applicant(record, number)


def _iso(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone(NETWORK_OFFSET)
    return moment.isoformat(timespec="seconds")


def build_writer(source: Source, service: SoapService | None) -> Writer:
    """Raises ExpressionError only for declarations that did not pass their check."""
    declaration = source.declaration
    context = context_of(declaration)
    dress = dress_of(declaration) if declaration.source.soap is not None else None
    return Writer(
        source,
        {
            name: compile_write(name, write, call_of(declaration, service, write, context, dress), context)
            for name, write in declaration.connectors.sent().items()
        },
    )
