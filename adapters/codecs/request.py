"""`sign` of a REST source: the last thing done to a request before its body is written. Pure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from adapters.codecs import sign_model as sm
from adapters.codecs.compile import compile_sign
from adapters.codecs.errors import CodecError, CodecValue
from adapters.codecs.signature import Pair, Signature, pairs_of
from adapters.codecs.stamps import nonce_writer, stamp_writer
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope

__all__ = ["Draft", "RequestSigner", "compile_request_sign"]

REQUEST_ROOTS = frozenset(
    {
        "args",
        "page",
        "method",
        "path",
        "query",
        "fields",
        "headers",
        "body",
        "bodyDigest",
        "pairs",
        "key",
        "timestamp",
        "nonce",
    }
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A request whose parts are still apart. url: without its query; body: tree of the form or document, or None."""

    method: str
    url: str
    query: tuple[Pair, ...]
    headers: tuple[Pair, ...]
    body: Any = None

    def put(self, where: sm.Put, value: str) -> Draft:
        """With the value in its place, instead of what has that name now. Raises CodecValue."""
        if where.header is not None:
            name = where.header
            kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
            return replace(self, headers=(*kept, (name, value)))
        if where.query is not None:
            kept = tuple(pair for pair in self.query if pair[0] != where.query)
            return replace(self, query=(*kept, (where.query, value)))
        if not isinstance(self.body, Mapping):
            raise CodecValue("sign", f"expected a form or a JSON object to put the field {where.field!r} in")
        return replace(self, body={**self.body, where.field: value})


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """stamps: (root, draws its text, where it is sent)."""

    signature: Signature
    where: sm.Put
    parts: tuple[str, ...]
    constants: tuple[sm.Constant, ...]
    stamps: tuple[tuple[str, Callable[[], str], sm.Put | None], ...]

    def sign(self, draft: Draft, scope: Scope, write: Callable[[Any], bytes]) -> Draft:
        """write: the body's tree to its bytes. Raises ValueProblem, never with a value in it."""
        try:
            return self._sign(draft, scope, write)
        except CodecError as error:
            raise ValueProblem(str(error)) from error

    def _sign(self, draft: Draft, scope: Scope, write: Callable[[Any], bytes]) -> Draft:
        for one in self.constants:
            draft = draft.put(one, one.value)
        roots: dict[str, Any] = {**scope.roots, "key": self.signature.key_text}
        for root, draw, put in self.stamps:
            roots[root] = draw()
            draft = draft.put(put, roots[root]) if put is not None else draft
        self._add_parts(roots, draft, write)
        return draft.put(self.where, self.signature.over(None, Scope(roots)))

    def _add_parts(self, roots: dict[str, Any], draft: Draft, write: Callable[[Any], bytes]) -> None:
        canonical = self.signature.canonical
        roots["method"], roots["path"] = draft.method, urlsplit(draft.url).path
        roots["query"], roots["fields"] = dict(draft.query), draft.body
        roots["headers"] = dict(draft.headers)
        if "pairs" in canonical.asks:
            query = draft.query if "query" in self.parts else ()
            fields = pairs_of(draft.body) if "fields" in self.parts else []
            roots["pairs"] = canonical.pairs.text([*query, *fields])
        if canonical.asks & {"body", "bodyDigest"}:
            body = write(draft.body) if draft.body is not None else b""
            roots["bodyDigest"] = canonical.digest_of_body(body)
            roots["body"] = body.decode(canonical.codec, "replace") if "body" in canonical.asks else None


def compile_request_sign(
    one: sm.RequestSign,
    context: CompileContext,
    *,
    clock: Callable[[], float] = time.time,
    random: Callable[[int], bytes] = os.urandom,
) -> RequestSigner:
    """clock: unix seconds; random: bytes. Raises CodecDeclared."""
    own = one.put.query or one.put.field
    names = frozenset({own}) if own else frozenset[str]()
    stamps: list[tuple[str, Callable[[], str], sm.Put | None]] = []
    if one.timestamp is not None:
        write = stamp_writer(one.timestamp.format, context.offset)
        stamps.append(("timestamp", lambda: write(clock()), one.timestamp.put))
    if one.nonce is not None:
        draw = nonce_writer(one.nonce.alphabet, one.nonce.length)
        stamps.append(("nonce", lambda: draw(random), one.nonce.put))
    given = {root for root, _, _ in stamps}
    roots = REQUEST_ROOTS - ({"timestamp", "nonce"} - given)
    signature = compile_sign(one, context, roots=roots, own_names=names)
    return RequestSigner(signature, one.put, one.pairs.of, one.send, tuple(stamps))
