"""One legacy system at run time: its declaration compiled, its wire and its traffic. Answers the canonical verbs.

A call goes scope -> request -> traffic -> wire -> tree -> records, and every failure on the way is a SourceError
of this system. Records come back as dicts of the canonical shape with only the wanted fields filled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, TypeVar

from adapters.auth.credentials import Credentials
from adapters.auth.grant import Grant, with_headers
from adapters.codecs.errors import CodecError
from adapters.compiled import CompiledConnector, ReplyReader
from adapters.declaration import Declaration
from adapters.exchange import Call, Exchange, Read
from adapters.failures import failure_of, protocol_failure, status_failure, wire_failure
from adapters.files import FileDesk
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Gap, Scope, Trouble
from adapters.paging import Position, next_link, page_roots, short_pages
from adapters.push import PushReader
from adapters.records import read_records
from adapters.reply import RawReply
from adapters.ticket import CompiledTicket, HeldTickets
from adapters.tracing import CallTracer
from adapters.traffic.deadline import left_ms
from adapters.traffic.errors import (
    SourceBadData,
    SourceError,
    SourceNotFound,
    SourceNotReady,
    SourceRefused,
)
from adapters.traffic.traffic import Answer, Traffic
from adapters.wire import errors as wire_errors
from adapters.wire.model import WireRequest
from adapters.wire.wire import Wire
from cache.keys import cache_key

__all__ = ["NO_TRACE", "Again", "OnFresh", "Page", "Source"]

T = TypeVar("T")
OFF_LOOP_BYTES = 256 * 1024
"""Replies from this size on are read and mapped in a thread."""

_POLL_MARGIN_S = 0.03
"""A poll that would begin later than this and twice the last one's time before the end is not made: better to say that
the result is not ready than that the system did not answer."""

NO_TRACE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Page:
    """records: canonical dicts, rejected ones left out. next: position of the next page, None at the end.

    status: FRESH, CACHED or STALE; as_of: unix seconds of the reply; error: why it is stale. digest: of the reply's
    bytes, where the list goes on.
    """

    records: list[dict[str, Any]]
    next: Position
    total: int | None
    status: str
    as_of: float
    error: SourceError | None = None
    troubles: tuple[Trouble, ...] = ()
    digest: bytes = b""

    def repeats(self, before: Page | None) -> bool:
        """Whether this page is the one before it once more: a system that does not heed what page it is asked for, or
        gives its last one for all that come after. Records alone would not tell: those of two pages may be alike in
        the fields that were selected."""
        return (
            before is not None and bool(self.records) and self.digest != b"" and self.digest == before.digest
        )


@dataclass(frozen=True, slots=True)
class _Polling:
    """One call with a ticket. until: event-loop time; key: None where its ticket must not be held."""

    connector: CompiledConnector
    ticket: CompiledTicket
    reader: ReplyReader
    scope: Scope
    trace: Mapping[str, str]
    key: str | None
    until: float


Again = Callable[[Collection[str]], Page]
"""Reads a reply once more, for other fields; costs no call. May take long, raises SourceError."""
OnFresh = Callable[["Source", str, Again], None]
"""Told of each answer that came from the system just now: (source, verb, reader of it). Must not block."""


@dataclass(slots=True)
class Source:
    """One system, ready to be asked."""

    declaration: Declaration
    exchange: Exchange
    wire: Wire
    traffic: Traffic
    credentials: Credentials
    connectors: dict[str, CompiledConnector]
    namespace: str
    secret: bytes = field(repr=False)
    tracer: CallTracer | None = None
    files: FileDesk | None = None
    push: PushReader | None = None
    tickets: HeldTickets = field(default_factory=HeldTickets, repr=False)
    on_fresh: OnFresh | None = field(default=None, repr=False)

    @property
    def code(self) -> str:
        return self.declaration.system.code

    def can(self, verb: str) -> bool:
        return verb in self.connectors

    def mapped_of_cases(self) -> frozenset[str]:
        """Canonical fields that the list of cases or the single case maps."""
        verbs = [self.connectors[verb].mapped for verb in ("case", "cases") if verb in self.connectors]
        return frozenset[str]().union(*verbs)

    def only_in_case(self, fields: Collection[str]) -> frozenset[str]:
        """Wanted fields that the list of cases does not map, but the single case does."""
        if "case" not in self.connectors or "cases" not in self.connectors:
            return frozenset()
        listed, single = self.connectors["cases"].mapped, self.connectors["case"].mapped
        return (single - listed) & frozenset(fields)

    async def ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        *,
        fields: Collection[str],
        deadline: float,
        position: Position = None,
        gaps: list[Gap] | None = None,
        trace: Mapping[str, str] = NO_TRACE,
        roots: Mapping[str, Any] = NO_TRACE,
        live: bool = False,
        max_age_s: float | None = None,
        learn: bool = False,
    ) -> Page:
        """One page of a list, or one record (a page of one). Raises SourceError.

        verb: or the coordinate of a field of its own types. args: what the request template may use as `$args`;
        roots: what else it may use, by name; deadline: event-loop time; gaps: unmapped codes of a fresh reply
        are added here. live: no kept answer will do, and none that another call is waiting for. max_age_s: none that is
        older will do. learn: `on_fresh` is told of the answer.
        """
        asking = partial(
            self._ask,
            verb,
            args,
            fields,
            deadline=deadline,
            position=position,
            gaps=gaps,
            roots=roots,
            live=live,
            max_age_s=max_age_s,
            learn=learn,
        )
        if self.tracer is None:
            return await asking(trace)
        with self.tracer.span(f"system {verb}", parent=trace, kind="client", system=self.code) as span:
            try:
                page = await asking(span.headers)
            except SourceError as error:
                span.fail(error.code)
                raise
            span.set("status", page.status)
            return page

    async def _ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        fields: Collection[str],
        trace: Mapping[str, str],
        *,
        deadline: float,
        position: Position,
        gaps: list[Gap] | None,
        roots: Mapping[str, Any],
        live: bool,
        max_age_s: float | None,
        learn: bool,
    ) -> Page:
        connector = self.connectors[verb]
        reader = connector.reader(fields)
        page = page_roots(connector.connector.paging, position)
        scope = Scope({**roots, "args": args, "page": page})
        # what cannot be built is told before anything waits for a place; with a session there is nothing to build yet
        built = [] if self.credentials.renewable else [self._request(connector, scope, trace)]
        parts = {"args": dict(args), "page": page, **({"roots": dict(roots)} if roots else {})}
        key = (
            cache_key(self.namespace, self.code, verb, parts, secret=self.secret)
            if connector.connector.safe and not live
            else None
        )
        fresh: list[tuple[bytes, Read]] = []
        tells_deadline = self.declaration.traffic.deadline_header

        async def send(timeout_s: float) -> bytes:
            def request(grant: Grant) -> WireRequest:
                # another attempt is built anew: a signature holds a time and a nonce
                one = built.pop() if built else self._request(connector, scope, trace, grant)
                if tells_deadline is None:
                    return one
                return with_headers(one, ((tells_deadline, left_ms(deadline, timeout_s)),))

            if connector.ticket is None:
                reply, read = await self._answered(connector, reader, request, timeout_s)
            else:
                until = min(asyncio.get_running_loop().time() + timeout_s, deadline)
                polling = _Polling(connector, connector.ticket, reader, scope, trace, key, until)
                reply, read = await self._polled(polling, request)
            self._check(connector, read, reply)
            packed = reply.pack()
            fresh.append((packed, read))
            return packed

        answer = await self.traffic.call(
            send, key=key, deadline=deadline, read=connector.connector.safe, max_age_s=max_age_s
        )
        found = await _off_loop(answer.body, self._page, connector, answer, fresh, reader, page, gaps)
        if learn and self.on_fresh is not None and found.status == "FRESH":
            self.on_fresh(self, verb, partial(self._read_again, connector, answer, page))
        return found

    def _read_again(
        self, connector: CompiledConnector, answer: Answer, page: Mapping[str, Any], fields: Collection[str]
    ) -> Page:
        """The same reply for other fields. Raises SourceError."""
        return self._page(connector, answer, (), connector.reader(fields), page, None)

    def _page(
        self,
        connector: CompiledConnector,
        answer: Answer,
        fresh: Sequence[tuple[bytes, Read]],
        reader: ReplyReader,
        page: Mapping[str, Any],
        gaps: list[Gap] | None,
    ) -> Page:
        status = str(answer.status.name)
        # a flight that others shared, or a kept reply, is read here from its bytes
        reply = RawReply.unpack(answer.body)
        # of several attempts side by side, the one that was the answer
        own = (
            next((read for packed, read in fresh if packed is answer.body), None)
            if status == "FRESH"
            else None
        )
        is_own = own is not None
        read = own or self._read(reply, reader)
        scope = Scope({"reply": read.tree, "page": page, "link": read.link, "soapHeader": read.soap_header})
        try:
            nodes = self._nodes(connector, read, scope)
            records, troubles = read_records(
                connector.record_name, connector.needed, nodes, reader.record, scope
            )
            total = _whole(connector.pages.total(read.tree, scope) if connector.pages.total else None)
            short = short_pages(connector.connector.paging, page, len(nodes), total)
            if short is not None:
                troubles.append(Trouble("paging", short))
            position = (
                None
                if connector.single
                else connector.pages.next_position(read.tree, scope, page, nodes, total)
            )
        except ValueProblem as problem:
            raise SourceBadData(self.code, f"The reply is not as declared: {problem}.") from problem
        if gaps is not None and is_own:
            gaps.extend(scope.gaps)
        if connector.single and not nodes:
            raise SourceNotFound(self.code)
        digest = blake2b(reply.body, digest_size=16).digest() if position is not None else b""
        return Page(records, position, total, status, reply.asked_at, answer.error, tuple(troubles), digest)

    def _request(
        self, connector: CompiledConnector, scope: Scope, trace: Mapping[str, str], grant: Grant | None = None
    ) -> WireRequest:
        return self._built(connector.call, scope, trace, grant)

    def _built(self, call: Call, scope: Scope, trace: Mapping[str, str], grant: Grant | None) -> WireRequest:
        if grant is not None and grant.roots:
            scope = Scope({**scope.roots, **grant.roots})
        try:
            return _traced(call.request(scope), trace)
        except ValueProblem as problem:
            raise SourceRefused(self.code, f"The request cannot be built: {problem}.") from problem

    async def close(self) -> None:
        """Log out where the declaration says how, end what runs behind answers, then close the connections."""
        await self.traffic.close()
        await self.credentials.close()
        await self.wire.close()

    def _read(self, reply: RawReply, reader: ReplyReader) -> Read:
        """By the protocol, then by the codecs; a fault has nothing to decode."""
        read = self.exchange.read(reply, reader.wanted)
        if reader.decode is not None and read.fault is None:
            try:
                read = replace(read, tree=reader.decode(read.tree, reply))
            except CodecError as error:
                raise SourceBadData(self.code, f"The reply cannot be decoded: {error}.") from error
        return replace(read, link={"next": next_link(reply.link)}) if reply.link else read

    def _nodes(self, connector: CompiledConnector, read: Read, scope: Scope) -> list[Any]:
        found = connector.records(read.tree, scope) if connector.records else read.tree
        if found is None or found == "" or found == {}:
            return []
        return found if isinstance(found, list) else [found]

    async def _answered(
        self,
        connector: CompiledConnector,
        reader: ReplyReader,
        request: Callable[[Grant], WireRequest],
        timeout_s: float,
    ) -> tuple[RawReply, Read]:
        """A reply and what it holds; asked once more where it says that token or session has ended."""
        until = asyncio.get_running_loop().time() + timeout_s
        renewed = False
        while True:
            grant = await self.credentials.grant()
            reply = await self._exchange_once(self._shown(grant, request(grant)), until)
            if not self.credentials.ended(reply):
                read = await _off_loop(reply.body, self._read_answer, connector, reader, reply)
                if not self.credentials.ended(reply, read):
                    return reply, read
            if renewed or not self.credentials.forget(grant):
                raise failure_of(self.code, "credentials", reply.status)
            renewed = True

    async def _polled(
        self, polling: _Polling, request: Callable[[Grant], WireRequest]
    ) -> tuple[RawReply, Read]:
        """The result that a ticket stands for. A ticket not ready in time is held for the next call."""
        held = self.tickets.get(polling.key)
        if held is not None:
            try:
                return await self._result(polling, held)
            except SourceError as error:
                if not error.answers:
                    raise
                # the system does not know it any more: a new one is asked for below
        decoders = polling.ticket.decoders
        first = replace(polling.reader, wanted=None, decode=decoders if decoders.entries else None)
        left_s = polling.until - asyncio.get_running_loop().time()
        reply, read = await self._answered(polling.connector, first, request, left_s)
        self._check(polling.connector, read, reply)
        try:
            taken = polling.ticket.taken(read)
        except ValueProblem as problem:
            raise SourceBadData(self.code, f"The reply is not as declared: {problem}.") from problem
        self.tickets.keep(polling.key, taken, polling.ticket.life_s)
        return await self._result(polling, taken)

    async def _result(self, polling: _Polling, taken: Mapping[str, Any]) -> tuple[RawReply, Read]:
        ticket, loop = polling.ticket, asyncio.get_running_loop()
        scope = Scope({**polling.scope.roots, "ticket": taken})

        def request(grant: Grant) -> WireRequest:
            return self._built(ticket.call, scope, polling.trace, grant)

        while True:
            began = loop.time()
            reply, read = await self._answered(
                polling.connector, polling.reader, request, polling.until - began
            )
            took_s = loop.time() - began
            try:
                pending = ticket.is_pending(read, reply)
                if not pending:
                    self._check(polling.connector, read, reply)
            except ValueProblem as problem:
                raise SourceBadData(self.code, f"The reply is not as declared: {problem}.") from problem
            except SourceError as error:
                if error.answers:
                    self.tickets.drop(polling.key)
                raise
            if not pending:
                self.tickets.drop(polling.key)
                return reply, read
            if loop.time() + ticket.every_s + 2 * took_s + _POLL_MARGIN_S >= polling.until:
                raise SourceNotReady(self.code, retry_after_s=ticket.every_s)
            await asyncio.sleep(ticket.every_s)

    def _read_answer(self, connector: CompiledConnector, reader: ReplyReader, reply: RawReply) -> Read:
        try:
            return self._read(reply, reader)
        except SourceBadData as error:
            # an error status may come with anything for a body: the status says what it is
            kind = status_failure(reply.status, single=connector.single)
            if kind is None:
                raise
            raise failure_of(self.code, kind, reply.status) from error

    def _shown(self, grant: Grant, request: WireRequest) -> WireRequest:
        try:
            return grant.show(request)
        except ValueProblem as problem:
            raise SourceRefused(self.code, f"The request cannot be built: {problem}.") from problem

    async def _exchange_once(self, request: WireRequest, until: float) -> RawReply:
        """until: event-loop time."""
        left_s = max(until - asyncio.get_running_loop().time(), 0.001)
        asked_at = time.time()
        try:
            response = await self.wire.send(request, timeout_s=left_s)
        except wire_errors.WireError as error:
            raise wire_failure(self.code, error) from error
        headers = response.headers
        link = ", ".join(headers.get_list("link"))
        content_type = headers.get("content-type") or ""
        return RawReply(response.status, content_type, response.body, link, asked_at, request.message_id)

    def _check(self, connector: CompiledConnector, read: Read, reply: RawReply) -> None:
        """Raises the SourceError that the declaration, else the protocol's own signs, say this reply is."""
        roots = {"status": reply.status, "fault": read.fault or {}, "soapHeader": read.soap_header}
        scope = Scope({"reply": read.tree, **roots})
        try:
            kind = next((kind for kind, holds in connector.failure if holds(read.tree, scope)), None)
            said = connector.message(read.tree, scope) if connector.message else None
        except ValueProblem as problem:
            raise SourceBadData(
                self.code, f"The failure rule does not fit the reply: {problem}."
            ) from problem
        if kind is None:
            kind = protocol_failure(read, reply, single=connector.single)
        if kind is None:
            return
        # the system's own words may quote a person; only the log sees them
        cause = ValueError(str(said or (read.fault or {}).get("message") or f"HTTP status {reply.status}"))
        raise failure_of(self.code, kind, reply.status) from cause


async def _off_loop(body: bytes, work: Callable[..., T], *args: Any) -> T:
    """Runs `work` here, or in a thread where it would hold up everyone else: 500 SOAP records take some 30 ms."""
    if len(body) < OFF_LOOP_BYTES:
        return work(*args)
    return await asyncio.to_thread(work, *args)


def _whole(value: Any) -> int | None:
    text = str(value).strip() if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _traced(request: WireRequest, trace: Mapping[str, str]) -> WireRequest:
    """With the trace context as headers (W3C Trace Context), so that a system's own log can be matched with ours."""
    if not trace:
        return request
    return replace(request, headers=(*request.headers, *trace.items()), head=None)
