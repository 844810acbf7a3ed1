"""A declaration's `auth` to credentials that work: every expression compiled, nothing sent yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.auth.attach import attach_edits
from adapters.auth.credentials import Credentials, EndedRule
from adapters.auth.fixed import fixed_edits
from adapters.auth.grant import Edit, Grant, with_headers
from adapters.auth.kept import Kept
from adapters.auth.model import Auth, Ended, ServiceAuth
from adapters.auth.oauth2 import OAuth2Login, Send
from adapters.auth.session import SessionCall, SessionLogin, compile_rules
from adapters.auth.sign import sign_edit
from adapters.codecs.request import compile_request_sign
from adapters.mapping.compiler import compile_condition
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.traffic.errors import SourceRefused
from adapters.wire.model import WireRequest, WireResponse

__all__ = ["SessionCalls", "compile_credentials"]


@dataclass(frozen=True, slots=True)
class SessionCalls:
    """login, logout: the declared calls, as the source's protocol builds them. foreign: they go to another address, which
    must not see this system's own secret headers."""

    login: SessionCall
    logout: SessionCall | None = None
    foreign: bool = False


def compile_credentials(
    system: str,
    auth: ServiceAuth | None,
    context: CompileContext,
    *,
    send: Send,
    clock: Callable[[], float],
    calls: SessionCalls | None = None,
    charset: str = "utf-8",
) -> Credentials:
    """clock: monotonic seconds. calls: needed for a session. charset: of addresses, Python's name. Raises ExpressionError, CodecDeclared."""
    if auth is None:
        return Credentials()
    fixed = tuple(
        fixed_edits(basic=auth.basic, bearer=auth.bearer, api_key=auth.api_key, headers=auth.headers)
    )
    last = (
        (sign_edit(compile_request_sign(auth.hmac, context), charset=charset),)
        if auth.hmac is not None
        else ()
    )
    if auth.oauth2 is not None:
        opened = Kept(OAuth2Login(system, auth.oauth2, send), clock, auth.oauth2.renew_before_s)
        rule = _rule(auth.oauth2.ended, context)
        return Credentials((*fixed, _bearer, *last), opened, rule)
    session = auth.session if isinstance(auth, Auth) else None
    if session is None:
        return Credentials((*fixed, *last))
    assert calls is not None  # noqa: S101 - the caller builds them where there is a session
    own = send if calls.foreign else _showing(system, send, (*fixed, *last))
    login = SessionLogin(
        system, calls.login, compile_rules(session, context), session.secrets, own, calls.logout
    )
    return Credentials(
        (*fixed, *attach_edits(session.attach, context), *last),
        Kept(login, clock, session.renew_before_s, session.pause_s),
        _rule(session.ended, context),
        login.close if calls.logout is not None else None,
    )


def _rule(ended: Ended, context: CompileContext) -> EndedRule:
    when = compile_condition(ended.when, context) if ended.when else None
    return EndedRule(frozenset(ended.status), frozenset(ended.fault), when, ended.html)


def _bearer(request: WireRequest, scope: Scope) -> WireRequest:
    return with_headers(request, (("Authorization", f"Bearer {scope.roots['session']['token']}"),))


def _showing(system: str, send: Send, edits: tuple[Edit, ...]) -> Send:
    """A login is signed and carries the secret headers like every other call to the system."""
    if not edits:
        return send
    grant = Grant({}, edits)

    async def shown(request: WireRequest) -> WireResponse:
        try:
            request = grant.show(request)
        except ValueProblem as problem:
            raise SourceRefused(system, f"The login cannot be built: {problem}.") from problem
        return await send(request)

    return shown
