"""Requests that mean harm: each with the status and code that it must be refused with.

`spoken` are whole HTTP messages as bytes, for what no client library would send.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ASKED", "SPOKEN", "TOKENS", "Asked", "Spoken", "forged"]

HEADERS = {"accept": "application/graphql-response+json", "content-type": "application/json"}
REGION = 'region(code: "500107")'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request by an HTTP client. content: in place of the JSON of `query` and `variables`."""

    name: str
    status: int
    code: str
    query: str = "{ __typename }"
    variables: Mapping[str, Any] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/graphql"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    token: str | None = None

    def sent(self) -> tuple[str, str, dict[str, str], bytes]:
        headers = HEADERS | dict(self.headers)
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        body = json.dumps({"query": self.query, "variables": dict(self.variables)}).encode()
        return self.method, self.path, headers, body if self.content is None else self.content


@dataclass(frozen=True, slots=True)
class Spoken:
    """Bytes on a socket. status: of the first answer, 0 where the connection is closed without one. pieces: sent one
    after the other, and then nothing more; the server must end it by itself."""

    name: str
    status: int
    code: str
    pieces: tuple[bytes, ...]
    answers: int = 1


def _nested(text: str, levels: int, inner: str) -> str:
    return (text + "{") * levels + inner + "}" * levels


def _doubling(levels: int, on: str, leaf: str) -> str:
    links = " ".join(f"fragment F{one} on {on} {{...F{one + 1} ...F{one + 1}}}" for one in range(levels))
    return f"{links} fragment F{levels} on {on} {{{leaf}}}"


def _in_lists(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


STATES = "query ($s: [CaseState!]) { cases(states: $s) { totalCount } }"
LIMIT, PARSE, INVALID = "LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
CSRF_PAGE = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://evil.example"}
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
LAUGHS = b"<!DOCTYPE a [" + b"".join(
    b'<!ENTITY l%d "' % (one + 1) + b"&l%d;" % one * 10 + b'">' for one in range(9)
)

ASKED: tuple[Asked, ...] = (
    # documents
    Asked("deep", 400, LIMIT, "{" + REGION + "{" + _nested("parent", 40, "code") + "}}"),
    Asked("deeper than any parser goes", 400, PARSE, _nested("a", 600, "a")),
    Asked("wide", 400, LIMIT, "{" + " ".join(f"a{one}: __typename" for one in range(40)) + "}"),
    Asked("aliased", 400, LIMIT, "{" + REGION + "{" + " ".join(f"a{one}: name" for one in range(300)) + "}}"),
    Asked("the same field again and again", 400, LIMIT, "{" + REGION + "{" + "name " * 900 + "}}"),
    Asked(
        "the same objects again and again", 400, LIMIT, "{" + REGION + "{" + "parent{name code}" * 300 + "}}"
    ),
    Asked(
        "fragments in a circle", 400, INVALID, "{...A} fragment A on Query {...B} fragment B on Query {...A}"
    ),
    Asked("a fragment in itself", 400, INVALID, "{...A} fragment A on Query {__typename ...A}"),
    Asked("fragments that double", 400, LIMIT, "{...F0} " + _doubling(60, "Query", "__typename")),
    Asked(
        "fragments that double into nothing", 400, LIMIT, "{...F0} " + _doubling(60, "Query", "...Nowhere")
    ),
    Asked("more tokens than anyone reads", 400, PARSE, "{" + "a " * 3000 + "}"),
    Asked("a very long query", 400, LIMIT, "{__typename" + " " * 900_000 + "}"),
    Asked("a very long name", 400, LIMIT, "{" + "a" * 900_000 + "}"),
    Asked("lists within lists", 400, PARSE, "{cases(states: " + "[" * 800 + "]" * 800 + ") {totalCount}}"),
    Asked("a long list", 400, LIMIT, "{cases(states: [" + "ACCEPTED " * 1500 + "]) {totalCount}}"),
    Asked("types within types", 400, PARSE, "query ($a: " + "[" * 800 + "Int" + "]" * 800 + ") {__typename}"),
    Asked("a flood of directives at one place", 400, LIMIT, "{__typename " + "@aa" * 900 + "}"),
    Asked(
        "a flood of directives",
        400,
        LIMIT,
        "{" + REGION + "{" + "name @include(if: true) " * 90 + "}}",
    ),
    Asked(
        "a flood of unknown fields",
        400,
        INVALID,
        "{" + REGION + "{" + " ".join(f"x{n}" for n in range(600)) + "}}",
    ),
    Asked(
        "a flood of variables",
        400,
        INVALID,
        "query (" + "".join(f"$a{n}: Int " for n in range(400)) + ") {__typename}",
    ),
    Asked(
        "introspection in circles",
        400,
        INVALID,
        "{__schema{types{" + "fields{type{" * 6 + "name" + "}}" * 6 + "}}}",
    ),
    Asked(
        "pages within pages",
        400,
        "COST_ESTIMATED_TOO_EXPENSIVE",
        "{serviceItems(first: 100) {nodes {implementations(first: 100) {nodes {region {parent {parent {parent {parent {name}}}}}}}}}}",
    ),
    Asked(
        "an operation that is not there",
        400,
        "OPERATION_NAME_REQUIRED",
        "query A {__typename} query B {__typename}",
    ),
    Asked("a nul", 400, PARSE, "{__typename\0}"),
    Asked("signs that turn the line around", 400, PARSE, "{\u202e__typename}"),
    # variables
    Asked("a million values", 413, "BODY_TOO_LARGE", STATES, {"s": ["ACCEPTED"] * 1_000_000}),
    Asked("many values", 400, LIMIT, STATES, {"s": ["ACCEPTED"] * 50_000}),
    Asked("deep variables", 400, LIMIT, STATES, {"s": _in_lists(200)}),
    Asked(
        "variables deeper than JSON goes",
        400,
        "MALFORMED_JSON",
        content=b'{"query":"{__typename}","variables":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    ),
    Asked("variables that nobody declared", 400, LIMIT, variables={f"v{n}": n for n in range(20_000)}),
    Asked(
        "a number without end",
        400,
        "BAD_USER_INPUT",
        "query ($f: Int) {regions(first: $f) {totalCount}}",
        {"f": 10**18},
    ),
    Asked("a script in place of an object", 400, INVALID, '{cases(applicant: "{$ne: null}") {totalCount}}'),
    # bodies
    Asked(
        "a batch bomb",
        400,
        "BATCHING_NOT_SUPPORTED",
        content=b"[" + b",".join([b'{"query":"{__typename}"}'] * 5000) + b"]",
    ),
    Asked("lists of lists", 400, "BATCHING_NOT_SUPPORTED", content=b"[[[[[]]]]]"),
    Asked("bad UTF-8", 400, "MALFORMED_JSON", content=b'{"query":"{__typename \xff\xfe\xc0\x80}"}'),
    Asked("half a surrogate", 400, "MALFORMED_JSON", content=b'{"query":"{__typename} # \\ud800"}'),
    Asked("UTF-16", 400, "MALFORMED_JSON", content='{"query":"{__typename}"}'.encode("utf-16")),
    Asked(
        "the same member twice, one a bomb",
        400,
        "BAD_REQUEST",
        content=b'{"query":"{__typename}","query":[1]}',
    ),
    Asked(
        "a compressed bomb",
        415,
        "UNSUPPORTED_ENCODING",
        headers={"content-encoding": "gzip"},
        content=zlib.compress(b"0" * 50_000_000),
    ),
    Asked(
        "an external entity", 415, "UNSUPPORTED_MEDIA_TYPE", headers={"content-type": "text/xml"}, content=XXE
    ),
    Asked(
        "billion laughs",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers={"content-type": "application/xml"},
        content=LAUGHS,
    ),
    Asked("XML that says it is JSON", 400, "MALFORMED_JSON", content=XXE),
    Asked(
        "a form of a foreign page",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers={"content-type": "application/x-www-form-urlencoded"},
        content=b"query=%7B__typename%7D",
    ),
    Asked(
        "an upload of a foreign page",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers={"content-type": "multipart/form-data; boundary=x"},
        content=b"--x--",
    ),
    # methods, pages, places
    Asked(
        "a mutation by GET",
        405,
        "GET_IS_FOR_QUERIES",
        method="GET",
        path="/graphql?query=mutation%20%7B__typename%7D",
        content=b"",
    ),
    Asked(
        "a GET of a foreign page",
        403,
        "CSRF_REFUSED",
        method="GET",
        path="/graphql?query=%7B__typename%7D",
        headers=CSRF_PAGE | {"content-type": ""},
        content=b"",
    ),
    Asked("a method to trace with", 405, "METHOD_NOT_ALLOWED", method="TRACE", content=b""),
    Asked(
        "a page above this one", 404, "NOT_FOUND", method="GET", path="/graphql/../../etc/passwd", content=b""
    ),
    Asked(
        "a file of the machine",
        404,
        "NOT_FOUND",
        method="GET",
        path="/graphiql/..%2f..%2f..%2fetc%2fpasswd",
        content=b"",
    ),
    Asked(
        "a file of another host",
        401,
        "UNAUTHENTICATED",
        method="GET",
        path="/files?case=http://169.254.169.254/latest&kind=..%2f..%2fx",
        content=b"",
    ),
    Asked(
        "a hash of another text",
        400,
        "PERSISTED_QUERY_HASH_MISMATCH",
        content=json.dumps(
            {
                "query": "{__typename}",
                "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
            }
        ).encode(),
    ),
    Asked(
        "a hash that is a path",
        400,
        "BAD_REQUEST",
        content=json.dumps(
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "../../" * 12}}}
        ).encode(),
    ),
    Asked("a document of a guessed id", 400, "DOCUMENT_NOT_FOUND", content=b'{"documentId": "1"}'),
    # who asks
    Asked("a token of nobody", 401, "UNAUTHENTICATED", token="admin"),
    Asked("an endless token", 401, "UNAUTHENTICATED", token="a" * 60_000),
    Asked(
        "a stream of somebody else",
        404,
        "STREAM_NOT_FOUND",
        path="/graphql/stream",
        headers={"x-graphql-event-stream-token": "guessed"},
    ),
)
"""Those that HTTP clients can send."""

_HOST = b"Host: x\r\nAccept: application/json\r\n"
_JSON = _HOST + b"Content-Type: application/json\r\n"
_BODY = b'{"query":"{__typename}"}'
_WHOLE = b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY

SPOKEN: tuple[Spoken, ...] = (
    Spoken(
        "two lengths",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Content-Length: 24\r\nContent-Length: 5\r\n\r\n" + _BODY,),
    ),
    Spoken(
        "a length and chunks",
        400,
        "MALFORMED_HTTP",
        (
            b"POST /graphql HTTP/1.1\r\n"
            + _JSON
            + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
    ),
    Spoken(
        "chunks that are not chunked at last",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Transfer-Encoding: chunked, identity\r\n\r\n" + _BODY,),
    ),
    Spoken(
        "a chunk of no size",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",),
    ),
    Spoken(
        "a negative length",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Content-Length: -1\r\n\r\n",),
    ),
    Spoken(
        "a header folded into the next",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"X-A: 1\r\n Content-Length: 0\r\n\r\n",),
    ),
    Spoken(
        "a blank before the colon",
        400,
        "MALFORMED_HTTP",
        (b"POST /graphql HTTP/1.1\r\n" + _HOST + b"Content-Length : 5\r\n\r\nhello",),
    ),
    Spoken(
        "a bare line feed in a header",
        400,
        "MALFORMED_HTTP",
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: a\nX-Injected: b\r\n\r\n",),
    ),
    Spoken(
        "a nul in a header",
        400,
        "MALFORMED_HTTP",
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",),
    ),
    Spoken(
        "no HTTP at all",
        400,
        "MALFORMED_HTTP",
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,),
    ),
    Spoken(
        "a head without end",
        431,
        "HEAD_TOO_LARGE",
        (b"GET / HTTP/1.1\r\nHost: x\r\n",) + (b"X-A: " + b"a" * 8000 + b"\r\n",) * 40,
    ),
    Spoken(
        "one header without end", 431, "HEAD_TOO_LARGE", (b"GET / HTTP/1.1\r\nX-A: ",) + (b"a" * 8000,) * 40
    ),
    Spoken("an address without end", 431, "HEAD_TOO_LARGE", (b"GET /?query=",) + (b"a" * 8000,) * 40),
    Spoken(
        "many headers",
        431,
        "HEAD_TOO_LARGE",
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(500)) + b"\r\n",),
    ),
    Spoken(
        "trailers without end",
        431,
        "HEAD_TOO_LARGE",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",)
        + (b"X-A: " + b"a" * 8000 + b"\r\n",) * 40,
    ),
    Spoken("a head that never ends", 408, "REQUEST_TIMEOUT", (b"GET / HTTP/1.1\r\nHost: x\r\nX-A",)),
    Spoken("a connection that says nothing", 408, "REQUEST_TIMEOUT", ()),
    Spoken(
        "a body that never comes",
        408,
        "REQUEST_TIMEOUT",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Content-Length: 100\r\n\r\n{",),
    ),
    Spoken(
        "chunks that never end",
        408,
        "REQUEST_TIMEOUT",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",),
    ),
    Spoken(
        "a length that is a lie",
        413,
        "BODY_TOO_LARGE",
        (b"POST /graphql HTTP/1.1\r\n" + _JSON + b"Content-Length: 999999999999\r\n\r\n{",),
    ),
)
"""Those that they cannot."""


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token that nobody signed, or signed with `signature`."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    return ".".join(
        (part(json.dumps(dict(header)).encode()), part(json.dumps(dict(claims)).encode()), part(signature))
    )


Claims = dict[str, Any]
Forger = Callable[[Mapping[str, Any], Claims], str]
"""The issuer's public key, claims that would be good -> a token."""


def _key_confusion(public: Mapping[str, Any], claims: Claims) -> str:
    import hashlib
    import hmac

    header = {"alg": "HS256", "kid": public["kid"]}
    unsigned = forged(header, claims).rpartition(".")[0]
    mac = hmac.new(json.dumps(dict(public)).encode(), unsigned.encode(), hashlib.sha256).digest()
    return forged(header, claims, mac)


TOKENS: Mapping[str, Forger] = {
    "alg none": lambda _key, claims: forged({"alg": "none"}, claims),
    "alg NoNe": lambda _key, claims: forged({"alg": "NoNe"}, claims, b"x"),
    "no signature": lambda key, claims: forged({"alg": "Ed25519", "kid": key["kid"]}, claims),
    "another's signature": lambda key, claims: forged(
        {"alg": "Ed25519", "kid": key["kid"]}, claims, b"\0" * 64
    ),
    "the public key as a secret": _key_confusion,
    "a key of its own": lambda _key, claims: forged(
        {"alg": "Ed25519", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}, claims, b"x" * 64
    ),
    "a key from elsewhere": lambda _key, claims: forged(
        {"alg": "Ed25519", "jku": "http://169.254.169.254/keys", "kid": "x"}, claims, b"x" * 64
    ),
    "a kid that is a path": lambda _key, claims: forged(
        {"alg": "HS256", "kid": "../../../../dev/null"}, claims, b"x" * 32
    ),
    "a critical header": lambda key, claims: forged(
        {"alg": "Ed25519", "kid": key["kid"], "crit": ["b64"], "b64": False}, claims, b"x" * 64
    ),
}
