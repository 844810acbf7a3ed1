"""What is wrong with the credentials of a declaration, found by compiling them. Reads the files that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from adapters.auth.attach import compile_text, text_expressions
from adapters.auth.model import Attach, Auth, Login, Logout, ServiceAuth, Session
from adapters.auth.tls import TlsFiles, make_context
from adapters.auth.wss.files import WssFile
from adapters.auth.wss.header import security_header
from adapters.auth.wss.model import SoapSecurity
from adapters.auth.wss.verify import read_verifier
from adapters.codecs.check import decode_problems, encode_problems, sign_problem
from adapters.exchange import FAULT_NAMES
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.mapping.template import template_expressions
from adapters.problems import one_of

__all__ = ["Finding", "Protocol", "auth_findings", "kind_of_call", "security_findings"]

Place = tuple[str | int, ...]
Protocol = Literal["soap", "rest", "graphql"]
Roots = Mapping[str, frozenset[str] | None]
"""Name after $ -> what may follow; None: anything."""
_IN_REPLY: Roots = {"reply": None, "status": None, "fault": FAULT_NAMES}
_IN_LOGIN_REPLY: Roots = {**_IN_REPLY, "headers": None, "cookies": None}
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """place: below `auth` or `security`, by the keys of the file. key: the key itself is wrong, not its value."""

    place: Place
    code: str
    message: str
    allowed: str = ""
    key: bool = False


def auth_findings(auth: ServiceAuth, protocol: Protocol, context: CompileContext) -> Iterator[Finding]:
    if auth.basic is not None:
        try:
            f"{auth.basic.username}:{auth.basic.password}".encode(auth.basic.charset)
        except (UnicodeEncodeError, LookupError):
            message = "no such charset, or user name and password are not of it"
            yield Finding(("basic", "charset"), "BAD_CHARSET", message, "such as utf-8, gb18030")
    if auth.oauth2 is not None:
        yield from _under(("oauth2", "ended"), _ended_findings(auth.oauth2.ended.when, context))
    if isinstance(auth, Auth) and auth.session is not None:
        yield from _under(("session",), _session_findings(auth.session, protocol, context))
    if auth.hmac is not None:
        problem = sign_problem(auth.hmac, context)
        if problem is not None:
            yield Finding(("hmac",), "BAD_CODEC", problem)
    if auth.tls is not None:
        try:
            make_context(auth.tls)
        except TlsFiles as error:
            yield Finding(("tls", error.key), error.code, error.reason)


def security_findings(security: SoapSecurity) -> Iterator[Finding]:
    try:
        security_header(security)
    except WssFile as error:
        yield Finding(("signature", error.key), error.code, error.reason)
    if security.verify is not None:
        try:
            read_verifier(security.verify)
        except WssFile as error:
            yield Finding(("verify", error.key), error.code, error.reason)


def kind_of_call(call: Logout, protocol: Protocol) -> Protocol:
    """Which protocol a login or logout speaks: the source's, or plain HTTP beside it."""
    if call.operation is not None:
        return "soap"
    return (
        "graphql" if call.document is not None else "rest" if protocol != "soap" or call.address else "soap"
    )


def _session_findings(session: Session, protocol: Protocol, context: CompileContext) -> Iterator[Finding]:
    names = frozenset(session.take)
    secrets = frozenset(session.secrets)
    yield from _under(("login",), _call_findings(session.login, protocol, context, {"secrets": secrets}))
    yield from _under(("login",), _login_reply_findings(session, context))
    if session.logout is not None:
        roots: Roots = {"secrets": secrets, "session": names}
        yield from _under(("logout",), _call_findings(session.logout, protocol, context, roots))
    for name, text in session.take.items():
        yield from _expression_findings(text, context, ("take", name), _IN_LOGIN_REPLY)
    for key, end in (("expiresIn", session.expires_in), ("expiresAt", session.expires_at)):
        if end is not None:
            yield from _expression_findings(end, context, (key,), _IN_LOGIN_REPLY)
    yield from _under(("ended",), _ended_findings(session.ended.when, context))
    yield from _under(("attach",), _attach_findings(session.attach, protocol, context, names))


def _call_findings(
    call: Logout, protocol: Protocol, context: CompileContext, roots: Roots
) -> Iterator[Finding]:
    kind = kind_of_call(call, protocol)
    if kind != "rest" and kind != protocol:
        key = "operation" if kind == "soap" else "document"
        yield Finding((key,), "WRONG_PROTOCOL", f"{key!r} means nothing to a {protocol} source", key=True)
    if kind == "soap" and call.operation is None:
        yield Finding(
            (), "MISSING_KEY", "a SOAP login needs 'operation', or an 'address' beside it", key=True
        )
    if call.path and not call.path.startswith("/"):
        message = f"{call.path!r} is put right behind the address"
        yield Finding(("path",), "BAD_PATH", message, "start it with /")
    trees = {name: getattr(call, name) for name in ("query", "headers", "body", "form", "variables")}
    for name, tree in trees.items():
        for inner, text in template_expressions(tree):
            yield from _expression_findings(text, context, (name, *inner), roots, record=False)
    for hole in re.findall(r"\{([^{}]*)\}", call.path):
        yield from _expression_findings(hole, context, ("path",), roots, record=False)
    for index, message in encode_problems(call.encode, trees, context):
        yield Finding(("encode", index), "BAD_CODEC", message)


def _login_reply_findings(session: Session, context: CompileContext) -> Iterator[Finding]:
    login: Login = session.login
    for index, message in decode_problems(login.decode, context):
        yield Finding(("decode", index), "BAD_CODEC", message)
    for key, text in (("when", login.failure.when), ("unavailable", login.failure.unavailable)):
        if text is not None:
            yield from _expression_findings(text, context, ("failure", key), _IN_LOGIN_REPLY)


def _attach_findings(
    attach: Attach, protocol: Protocol, context: CompileContext, names: frozenset[str]
) -> Iterator[Finding]:
    roots: Roots = {"session": names}
    for key, texts in (("headers", attach.headers), ("cookies", attach.cookies), ("query", attach.query)):
        for name, text in texts.items():
            if key == "cookies" and not _COOKIE_NAME.fullmatch(name):
                yield Finding((key, name), "BAD_HEADER", "no name of a cookie", key=True)
            try:
                compile_text(text, context)
            except ExpressionError as error:
                yield _expression_finding((key, name), text, error)
                continue
            for one in text_expressions(text):
                yield from _expression_findings(one, context, (key, name), roots, record=False)
    if attach.soap_header is None:
        return
    if protocol != "soap":
        yield Finding(("soapHeader",), "WRONG_PROTOCOL", f"a {protocol} source has no SOAP header", key=True)
    for inner, one in template_expressions(attach.soap_header.element):
        yield from _expression_findings(one, context, ("soapHeader", "element", *inner), roots, record=False)


def _ended_findings(when: str | None, context: CompileContext) -> Iterator[Finding]:
    if when is not None:
        yield from _expression_findings(when, context, ("when",), _IN_REPLY)


def _expression_findings(
    text: Any, context: CompileContext, place: Place, roots: Roots, *, record: bool = True
) -> Iterator[Finding]:
    """record: whether paths may start in a reply."""
    try:
        compile_expression(str(text), context)
        paths = paths_of(parse(str(text)))
    except ExpressionError as error:
        yield _expression_finding(place, str(text), error)
        return
    for path in paths:
        if not path.root:
            if not record:
                hint = ", ".join(f"${name}" for name in roots)
                yield Finding(
                    place, "NO_RECORD", "a request has no record to read from", f"start paths with {hint}"
                )
            continue
        if path.root not in roots:
            yield Finding(place, "UNKNOWN_NAME", f"no ${path.root} here", one_of(path.root, roots))
            continue
        allowed = roots[path.root]
        name = next((step for step in path.steps if isinstance(step, str)), None)
        if allowed is not None and name is not None and name not in allowed:
            yield Finding(place, "UNKNOWN_NAME", f"no ${path.root}.{name} here", one_of(name, allowed))


def _expression_finding(place: Place, text: str, error: ExpressionError) -> Finding:
    shown = f"{text[:80]!r}: {error.message} (at character {error.offset + 1})"
    return Finding(place, "EXPRESSION", shown, error.allowed)


def _under(place: Place, findings: Iterator[Finding]) -> Iterator[Finding]:
    return (replace(one, place=(*place, *one.place)) for one in findings)
