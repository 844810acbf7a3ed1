"""A recorded case run again without its system: the source's own code over real HTTP against canned replies, and what
came out compared with what is expected, request and records field by field."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.auth.model import Tls
from adapters.auth.tls import TlsContexts
from adapters.build import Surroundings, build_source
from adapters.case_fields import ALWAYS
from adapters.mapping.scope import Gap
from adapters.recording.case import Case, Exchange, Expected, SentRequest
from adapters.recording.hide import Hider, declared_secrets, headers_of, kept_request_headers
from adapters.recording.leaves import body_leaves, differences, flat, path_leaves, soap_root
from adapters.recording.server import Answer, Received, serving
from adapters.recording.subject import Subject
from adapters.recording.text import as_text
from adapters.recording.wires import RedirectedWire
from adapters.source import Page, Source
from adapters.traffic.errors import SourceError
from adapters.wire.guard import UrlGuard
from adapters.wire.model import WireLimits
from adapters.wire.wire import Wire
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from schema.canonical import VERBS

__all__ = ["Difference", "NoTls", "Result", "all_fields", "expected_of", "replay_case", "text_of"]

DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Difference:
    """place: `records[0].state`, `request.query.limit`, ... None: not there."""

    place: str
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.place}: expected {_shown(self.expected)}, found {_shown(self.found)}"


@dataclass(slots=True)
class Result:
    """Of one case. got: what came out, to be expected from now on when a case is recorded."""

    case: str
    verb: str
    differences: list[Difference] = field(default_factory=list)
    took_ms: float = 0.0
    got: Expected = field(default_factory=Expected)

    @property
    def ok(self) -> bool:
        return not self.differences


class NoTls(TlsContexts):
    """The local server speaks plain HTTP; certificates need not be here."""

    def of(self, tls: Tls | None) -> ssl.SSLContext:  # noqa: ARG002 - whatever is declared
        return super().of(None)


async def replay_case(case: Case, subject: Subject) -> Result:
    """Raises what `build_source` raises for a declaration that does not hold here."""
    canned = _Canned(case.exchanges)
    result = Result(case.case, case.ask.verb)
    started = time.perf_counter()
    async with serving(canned.answer) as port:
        source = _source(subject, f"http://127.0.0.1:{port}")
        canned.hide = Hider(declared_secrets(subject.declaration), ())
        try:
            if source.can(case.ask.verb):
                result.got = await _asked(source, case)
            else:
                result.differences.append(Difference("ask.verb", case.ask.verb, "no such connector"))
                return result
        finally:
            canned.closing = True
            await source.close()
    result.took_ms = (time.perf_counter() - started) * 1000
    ignored = set(case.ignore)
    result.differences += [one for one in canned.differences() if one.place not in ignored]
    found = differences(_flat(case.expect), _flat(result.got))
    result.differences += [Difference(place, expected, got) for place, expected, got in found]
    return result


def _source(subject: Subject, origin: str) -> Source:
    def wire_for(limits: WireLimits, guard: UrlGuard, _tls: ssl.SSLContext | None) -> Wire:
        return RedirectedWire(limits, guard, origin)

    around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"replay", wire_for=wire_for, tls=NoTls())
    return build_source(subject.declaration, subject.service, around)


async def _asked(source: Source, case: Case) -> Expected:
    gaps: list[Gap] = []
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    try:
        page = await source.ask(
            case.ask.verb,
            case.ask.args,
            fields=all_fields(case.ask.verb),
            deadline=deadline,
            position=case.ask.position,
            gaps=gaps,
        )
    except SourceError as error:
        return Expected(error=error.code)
    return expected_of(page, gaps)


def all_fields(verb: str) -> frozenset[str]:
    return frozenset(one.name for one in VERBS[verb].fields) | frozenset(ALWAYS)


def expected_of(page: Page, gaps: Sequence[Gap]) -> Expected:
    return Expected(
        records=page.records,
        total=page.total,
        next=page.next,
        gaps=sorted({f"{one.table}: {one.raw}" for one in gaps}),
        troubles=[f"{one.field}: {one.message}" for one in page.troubles],
    )


def _flat(expected: Expected) -> dict[str, str]:
    tree: dict[str, Any] = expected.model_dump(mode="json", exclude_defaults=True)
    return flat(tree)


class _Canned:
    """The replies of one case, each given once, those to calls for credentials as often as they are asked for."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.exchanges = exchanges
        self.used: set[int] = set()
        self.seen: list[tuple[SentRequest, Exchange | None]] = []
        self.hide = Hider((), ())
        self.closing = False

    async def answer(self, received: Received) -> Answer:
        if self.closing:  # a logout is nobody's question
            return Answer(200, (), b"")
        sent = _as_sent(received, self.hide)
        index = self._match(sent)
        exchange = self.exchanges[index] if index is not None else None
        self.seen.append((sent, exchange))
        if exchange is None:
            return Answer(404, (("Content-Type", "text/plain"),), b"no recorded reply")
        assert index is not None  # noqa: S101 - found above
        self.used.add(index)
        reply = exchange.reply
        return Answer(reply.status, tuple(reply.headers.items()), reply.content())

    def _match(self, sent: SentRequest) -> int | None:
        """The recorded request that is most like this one; of those alike, one that was not used yet, in order."""
        best: tuple[int, int, int] | None = None
        for index, one in enumerate(self.exchanges):
            likeness = _likeness(one.request, sent)
            if likeness == 0:
                continue
            free = index not in self.used or one.purpose == "credentials"
            rank = (int(free), likeness, -index)
            if best is None or rank > best:
                best = rank
        return -best[2] if best is not None else None

    def differences(self) -> list[Difference]:
        found: list[Difference] = []
        for number, (sent, exchange) in enumerate(self.seen):
            name = (
                "request" if number == 0 or exchange is None or exchange.purpose == "call" else "credentials"
            )
            if exchange is None:
                found.append(Difference(name, None, f"{sent.method} {sent.path}"))
            else:
                found += _request_differences(name, exchange.request, sent)
        for index, one in enumerate(self.exchanges):
            if index not in self.used and one.purpose == "call":
                found.append(Difference("request", f"{one.request.method} {one.request.path}", None))
        return list(dict.fromkeys(found))


def _likeness(recorded: SentRequest, sent: SentRequest) -> int:
    """0: of another kind. Method and path (or the operation of an envelope) must be the same; all else adds."""
    (path, query), (sent_path, sent_query) = path_leaves(recorded.path), path_leaves(sent.path)
    root = soap_root(recorded.body)
    if recorded.method != sent.method or root != soap_root(sent.body):
        return 0
    score = 1 + 4 * (path == sent_path)
    body, sent_body = body_leaves(recorded.body), body_leaves(sent.body)
    equal = len(query.items() & sent_query.items()) + len(body.items() & sent_body.items())
    return score * 1000 + min(equal, 999)


def _request_differences(name: str, recorded: SentRequest, sent: SentRequest) -> list[Difference]:
    (path, query), (sent_path, sent_query) = path_leaves(recorded.path), path_leaves(sent.path)
    pairs = [
        ({"path": path}, {"path": sent_path}),
        (
            {f"query.{one}": value for one, value in query.items()},
            {f"query.{one}": v for one, v in sent_query.items()},
        ),
        (_header_leaves(recorded), _header_leaves(sent)),
        (_named_body(recorded.body), _named_body(sent.body)),
    ]
    return [
        Difference(f"{name}.{place}", expected, found)
        for before, after in pairs
        for place, expected, found in differences(before, after)
    ]


def _header_leaves(request: SentRequest) -> dict[str, str]:
    return {f"headers.{one.lower()}": value for one, value in request.headers.items()}


def _named_body(text: str) -> dict[str, str]:
    return {f"body.{place}".rstrip("."): value for place, value in body_leaves(text).items()}


def _as_sent(received: Received, hide: Hider) -> SentRequest:
    return SentRequest(
        method=received.method,
        path=hide(received.target),
        headers=kept_request_headers(headers_of(received.headers)),
        body=hide(text_of(received.body, received.header("content-type"))),
    )


def text_of(body: bytes, content_type: str) -> str:
    """What a request says; bytes that are no text as they stand in ISO 8859-1."""
    found = as_text(body, content_type, None)
    return found[0] if found is not None else body.decode("latin-1")


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value if len(value) <= 120 else value[:120] + "…"
