"""Opens login sessions: makes the declared call, and takes out of its reply what stands for the session."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.auth.kept import Held, Opened
from adapters.auth.model import Session
from adapters.auth.oauth2 import Send
from adapters.codecs.decoder import Decoders, compile_decoders
from adapters.codecs.errors import CodecError
from adapters.exchange import Call, Exchange, Read
from adapters.failures import protocol_failure
from adapters.mapping.compiler import compile_condition, compile_expression
from adapters.mapping.errors import ValueProblem
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.functions import CompileContext, Reader, as_text
from adapters.mapping.scope import Scope
from adapters.reply import RawReply
from adapters.traffic.errors import SourceBadData, SourceRefused, SourceUnavailable
from adapters.wire.model import WireHeaders, WireRequest

__all__ = ["SessionCall", "SessionLogin", "SessionRules", "compile_rules", "cookies_of"]

LONGEST_VALUE = 8192


@dataclass(frozen=True, slots=True)
class SessionCall:
    """A call with the protocol that reads its reply."""

    call: Call
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How a login's reply is read. reads_body: whether anything looks into it; a login form's own answer is often a page
    or nothing at all, and only its cookie counts."""

    take: Mapping[str, Reader]
    refused: Callable[[Any, Scope], bool] | None
    unavailable: Callable[[Any, Scope], bool] | None
    life_s: float | None
    expires_in: Reader | None
    expires_at: Reader | None
    decoders: Decoders
    reads_body: bool


def compile_rules(session: Session, context: CompileContext) -> SessionRules:
    """Raises ExpressionError, CodecDeclared."""
    failure = session.login.failure
    texts = (
        *session.take.values(),
        session.expires_in,
        session.expires_at,
        failure.when,
        failure.unavailable,
    )
    paths = [path for text in texts if text for path in paths_of(parse(text))]

    def optional(text: str | None) -> Reader | None:
        return compile_expression(text, context) if text else None

    return SessionRules(
        {name: compile_expression(text, context) for name, text in session.take.items()},
        compile_condition(failure.when, context) if failure.when else None,
        compile_condition(failure.unavailable, context) if failure.unavailable else None,
        session.life_s,
        optional(session.expires_in),
        optional(session.expires_at),
        compile_decoders(session.login.decode, context),
        any(_in_body(path) for path in paths),
    )


def _in_body(path: Path) -> bool:
    return path.root in ("", "reply", "fault")


@dataclass(frozen=True, slots=True)
class SessionLogin:
    """wall: unix seconds, for times of end that the system gives."""

    system: str
    login: SessionCall
    rules: SessionRules
    secrets: Mapping[str, str] = field(repr=False)
    send: Send = field(repr=False)
    logout: SessionCall | None = None
    wall: Callable[[], float] = time.time

    async def __call__(self) -> Opened:
        request = self._request(self.login.call, {"secrets": self.secrets})
        asked_at = self.wall()
        response = await self.send(request)
        headers = response.headers
        reply = RawReply(response.status, headers.get("content-type") or "", response.body, asked_at=asked_at)
        self._raise_for_status(reply.status)
        read = self._read(reply) if self.rules.reads_body else Read({})
        scope = Scope(
            {
                "reply": read.tree,
                "status": reply.status,
                "fault": read.fault or {},
                "headers": _headers_of(headers),
                "cookies": cookies_of(headers),
            }
        )
        try:
            self._raise_for_reply(read, reply, scope)
            values = {name: _value(take(read.tree, scope)) for name, take in self.rules.take.items()}
            life_s = self._life_s(read, scope, asked_at)
        except ValueProblem as problem:
            raise SourceBadData(self.system, f"The login's reply is not as declared: {problem}.") from problem
        if not values["token"]:
            raise SourceBadData(self.system, f"The login gave no session (HTTP status {reply.status}).")
        return Opened(values, life_s)

    async def close(self, held: Held) -> None:
        """Raises SourceError."""
        if self.logout is not None:
            roots = {"secrets": self.secrets, "session": held.values}
            await self.send(self._request(self.logout.call, roots))

    def _request(self, call: Call, roots: Mapping[str, Any]) -> WireRequest:
        try:
            return call.request(Scope(roots))
        except ValueProblem as problem:
            raise SourceRefused(self.system, f"The login cannot be built: {problem}.") from problem

    def _raise_for_status(self, status: int) -> None:
        """3xx is as good as 200: login forms send on to a first page."""
        if status in (408, 425, 429) or (status >= 500 and not self._reads_faults()):
            raise SourceUnavailable(self.system, f"The login cannot be served now (HTTP status {status}).")
        if 400 <= status < 500:
            raise SourceRefused(
                self.system, f"The system refuses the gateway's login (HTTP status {status})."
            )

    def _reads_faults(self) -> bool:
        """SOAP 1.1 section 6.2: faults come with status 500."""
        return self.rules.reads_body

    def _read(self, reply: RawReply) -> Read:
        try:
            read = self.login.exchange.read(reply, None)
        except SourceBadData:
            if reply.status >= 500:
                raise SourceUnavailable(
                    self.system, f"The login cannot be served now (HTTP status {reply.status})."
                ) from None
            raise
        if read.fault is not None or not self.rules.decoders.entries:
            return read
        try:
            return Read(self.rules.decoders(read.tree, reply))
        except CodecError as error:
            raise SourceBadData(self.system, f"The login's reply cannot be decoded: {error}.") from error

    def _raise_for_reply(self, read: Read, reply: RawReply, scope: Scope) -> None:
        rules = self.rules
        if rules.unavailable is not None and rules.unavailable(read.tree, scope):
            raise SourceUnavailable(self.system, "The system answered that it cannot open a session now.")
        if rules.refused is not None and rules.refused(read.tree, scope):
            raise SourceRefused(self.system, "The system refuses the gateway's login.")
        kind = protocol_failure(read, reply, single=False)
        if kind == "unavailable":
            raise SourceUnavailable(self.system, "The system answered that it cannot open a session now.")
        if kind is not None:
            raise SourceRefused(self.system, "The system refuses the gateway's login.")

    def _life_s(self, read: Read, scope: Scope, asked_at: float) -> float | None:
        rules = self.rules
        try:
            if rules.expires_in is not None:
                value = rules.expires_in(read.tree, scope)
                return None if value in (None, "") else _seconds(float(as_text(value)))
            if rules.expires_at is not None:
                value = rules.expires_at(read.tree, scope)
                if value in (None, ""):
                    return None
                return _seconds(datetime.fromisoformat(as_text(value)).timestamp() - asked_at)
        except (ValueError, OverflowError):
            raise ValueProblem("how long the session lives cannot be read") from None
        return rules.life_s


def _seconds(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("no number of seconds")
    return max(0.0, value)


def _value(value: Any) -> str:
    text = "" if value is None else as_text(value).strip()
    if len(text) > LONGEST_VALUE:
        raise ValueProblem(f"a session's value is longer than {LONGEST_VALUE} characters")
    return text


def _headers_of(headers: WireHeaders) -> dict[str, str]:
    """First of each name, in small letters."""
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.lower(), value)
    return found


def cookies_of(headers: WireHeaders) -> dict[str, str]:
    """Name -> value of Set-Cookie lines (RFC 6265 section 5.2), the last of a name; emptied ones left out."""
    found: dict[str, str] = {}
    for line in headers.get_list("set-cookie"):
        name, equals, value = line.partition(";")[0].partition("=")
        if equals:
            found[name.strip()] = value.strip().strip('"')
    return {name: value for name, value in found.items() if value}
