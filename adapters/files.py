"""Files of a case: asked for like any call of the system, with its credentials, and passed on in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from adapters.auth.credentials import Credentials
from adapters.auth.grant import Grant
from adapters.declaration import Connector, Declaration
from adapters.exchange import Call
from adapters.failures import failure_of, status_failure, wire_failure
from adapters.file_model import FileRule
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.reply import RawReply
from adapters.rest.exchange import rest_call
from adapters.traffic.errors import (
    SourceBadData,
    SourceError,
    SourceNotFound,
    SourceOverloaded,
    SourceRefused,
)
from adapters.traffic.traffic import Traffic
from adapters.wire.errors import WireError
from adapters.wire.model import WireRequest
from adapters.wire.stream import StreamedResponse, StreamLimits
from adapters.wire.wire import Wire

__all__ = ["CaseFile", "FileDesk", "file_connector", "file_desk", "file_url"]

_AT_ONCE: Final = 4
"""Files of one system that are passed on at the same time: they take minutes, and none of the places of questions."""
_IDLE_S: Final = 15.0


@dataclass(slots=True)
class CaseFile:
    """A file on its way. length: bytes, where the system says; chunks: once, raising SourceError where it breaks off."""

    content_type: str
    extension: str
    length: int | None
    content_encoding: str | None
    chunks: AsyncIterator[bytes] = field(repr=False)


@dataclass(slots=True)
class FileDesk:
    """The files of one system by their kind."""

    system: str
    rules: Mapping[str, FileRule]
    calls: Mapping[str, Call]
    wire: Wire
    traffic: Traffic
    credentials: Credentials
    timeout_s: float
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE), repr=False)

    @asynccontextmanager
    async def fetch(self, kind: str, number: str, file: str | None) -> AsyncIterator[CaseFile]:
        """kind: one of `rules`. file: which of several, where the system has an id for each. Raises SourceError."""
        scope = Scope({"args": {"number": number, "file": file}})
        self.traffic.refuse_if_left_alone()
        if self._places.locked():
            raise SourceOverloaded(self.system)
        async with self._places, AsyncExitStack() as stack:
            answer = await self._answered(kind, scope, stack)
            self._check(answer)
            rule = self.rules[kind]
            told = (answer.headers.get("content-type") or "").partition(";")[0].strip().lower()
            yield CaseFile(
                rule.content_type or told or "application/octet-stream",
                rule.extension,
                answer.length,
                answer.headers.get("content-encoding"),
                self._pieces(answer),
            )

    async def _answered(self, kind: str, scope: Scope, stack: AsyncExitStack) -> StreamedResponse:
        """Asked once more where the credentials have ended."""
        limits = StreamLimits(
            max_body_bytes=int(self.rules[kind].max_mb * 1024 * 1024),
            connect_s=min(2.0, self.timeout_s),
            head_s=self.timeout_s,
            idle_s=_IDLE_S,
        )
        renewed = False
        while True:
            grant = await self.credentials.grant()
            try:
                stream = self.wire.stream(self._request(kind, scope, grant), limits=limits)
                answer = await stack.enter_async_context(stream)
            except WireError as error:
                raise wire_failure(self.system, error) from error
            reply = RawReply(answer.status, answer.headers.get("content-type") or "", b"")
            if renewed or not self.credentials.ended(reply) or not self.credentials.forget(grant):
                return answer
            renewed = True

    def _request(self, kind: str, scope: Scope, grant: Grant) -> WireRequest:
        try:
            return grant.show(self.calls[kind].request(Scope({**scope.roots, **grant.roots})))
        except ValueProblem as problem:
            raise SourceRefused(self.system, f"The request cannot be built: {problem}.") from problem

    def _check(self, answer: StreamedResponse) -> None:
        if answer.status == 404:
            raise SourceNotFound(self.system)
        kind = status_failure(answer.status, single=True)
        if kind is not None:
            raise failure_of(self.system, kind, answer.status)
        if not 200 <= answer.status < 300:
            raise SourceBadData(self.system, f"No file came (HTTP status {answer.status}).")
        if (answer.headers.get("content-type") or "").lower().startswith(("text/html", "application/xhtml")):
            raise SourceBadData(self.system, "An HTML page came instead of the file.")

    async def _pieces(self, answer: StreamedResponse) -> AsyncIterator[bytes]:
        try:
            async for piece in answer.chunks:
                yield piece
        except WireError as error:
            failure: SourceError = wire_failure(self.system, error)
            raise failure from error


def file_url(kind: str, case: str) -> str:
    """Where the gateway passes a file on, from its own root."""
    return f"/files?{urlencode({'case': case, 'kind': kind})}"


def file_connector(rule: FileRule) -> Connector:
    """The rule as a connector, for what writes and checks requests of connectors."""
    return Connector(
        method=rule.method,
        path=rule.path,
        query=rule.query,
        headers=rule.headers,
        body=rule.body,
        form=rule.form,
    )


def file_desk(
    declaration: Declaration,
    context: CompileContext,
    *,
    wire: Wire,
    traffic: Traffic,
    credentials: Credentials,
) -> FileDesk | None:
    """None where the system has no files. Raises ExpressionError."""
    rest = declaration.source.rest
    if rest is None or not declaration.files:
        return None
    plain = rest.model_copy(update={"format": "raw"})  # any type is welcome
    calls = {
        kind: rest_call(plain if rule.body is None else rest, file_connector(rule), context)
        for kind, rule in declaration.files.items()
    }
    return FileDesk(
        declaration.system.code,
        declaration.files,
        calls,
        wire,
        traffic,
        credentials,
        declaration.traffic.timeout_ms / 1000,
    )
