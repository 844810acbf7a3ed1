"""Credentials of a declaration: its login and logout built by the source's own protocol, the rest by `auth`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from adapters.auth.attach import header_element
from adapters.auth.check import kind_of_call
from adapters.auth.compile import SessionCalls, compile_credentials
from adapters.auth.credentials import Credentials
from adapters.auth.dress import Dress, compile_dress
from adapters.auth.model import Logout
from adapters.auth.session import SessionCall
from adapters.auth.wss.header import security_header
from adapters.auth.wss.verify import ReplyVerifier, read_verifier
from adapters.codecs.encoder import compile_encoders
from adapters.declaration import Connector, Declaration, RestSource
from adapters.mapping.errors import ExpressionError
from adapters.mapping.functions import CompileContext
from adapters.mapping.template import compile_template
from adapters.reply import python_charset
from adapters.rest.exchange import JsonExchange, graphql_call, rest_call, rest_exchange
from adapters.sender import wire_sender
from adapters.soap.call import soap_call
from adapters.soap.exchange import SoapExchange
from adapters.soap.wsdl import SoapService
from adapters.validate_connectors import context_of
from adapters.wire.wire import Wire

__all__ = ["auth_urls", "credentials_of", "dress_of", "verifier_of"]


def auth_urls(declaration: Declaration) -> Iterator[str]:
    """Where credentials are fetched, besides the system's own address."""
    auth = declaration.source.auth
    if auth is not None and auth.oauth2 is not None:
        yield auth.oauth2.token_url
    if auth is not None and auth.session is not None:
        for call in (auth.session.login, auth.session.logout):
            if call is not None and call.address is not None:
                yield call.address


def credentials_of(
    declaration: Declaration, service: SoapService | None, *, wire: Wire, clock: Callable[[], float]
) -> Credentials:
    """Raises ExpressionError, CodecDeclared only for declarations that did not pass their check."""
    system, context, auth = declaration.system.code, context_of(declaration), declaration.source.auth
    send = wire_sender(system, wire, timeout_s=declaration.traffic.timeout_ms / 1000)
    calls = None
    if auth is not None and auth.session is not None:
        session = auth.session
        login = _call(session.login, declaration, service, context)
        logout = _call(session.logout, declaration, service, context) if session.logout is not None else None
        calls = SessionCalls(login, logout, foreign=session.login.address is not None)
    charset = python_charset(declaration.source.rest.charset or "utf-8") if declaration.source.rest else None
    return compile_credentials(
        system, auth, context, send=send, clock=clock, calls=calls, charset=charset or "utf-8"
    )


def dress_of(declaration: Declaration) -> Dress | None:
    """For the connectors of a SOAP source. Blocking: reads keys. Raises WssFile, ExpressionError."""
    soap = declaration.source.soap
    assert soap is not None  # noqa: S101 - the caller looked
    session = soap.auth.session if soap.auth is not None else None
    header = session.attach.soap_header if session is not None else None
    element = header_element(header, context_of(declaration)) if header is not None else None
    return compile_dress(security_header(soap.security), element)


def verifier_of(declaration: Declaration) -> ReplyVerifier | None:
    """Blocking: reads certificates. Raises WssFile."""
    soap = declaration.source.soap
    rules = soap.security.verify if soap is not None and soap.security is not None else None
    return read_verifier(rules) if rules is not None else None


def _call(
    call: Logout, declaration: Declaration, service: SoapService | None, context: CompileContext
) -> SessionCall:
    source = declaration.source
    kind = kind_of_call(call, source.protocol)
    if kind == "soap":
        return _soap_call(call, declaration, service, context)
    connector = _connector(call)
    if kind == "graphql":
        assert source.graphql is not None  # noqa: S101 - checked
        url = call.address or source.graphql.url
        target = source.graphql.model_copy(update={"url": url})
        exchange = JsonExchange(declaration.system.code, graphql=True)
        return SessionCall(graphql_call(target, connector, context), exchange)
    rest = _rest_source(call, declaration)
    return SessionCall(rest_call(rest, connector, context), rest_exchange(declaration.system.code, rest))


def _rest_source(call: Logout, declaration: Declaration) -> RestSource:
    """Where a login by plain HTTP goes; another address sees nothing of this source's headers and signature."""
    source = declaration.source
    if source.rest is not None and call.address is None:
        return source.rest.model_copy(update={"format": call.format or source.rest.format})
    base = call.address
    if base is None:
        assert source.graphql is not None  # noqa: S101 - checked: SOAP needs an address
        parts = urlsplit(source.graphql.url)
        base = f"{parts.scheme}://{parts.netloc}"
    inherited = source.rest.format if source.rest is not None else "json"
    charset = source.rest.charset if source.rest is not None else None
    return RestSource.model_validate(
        {"baseUrl": base, "format": call.format or inherited, "charset": charset}
    )


def _soap_call(
    call: Logout, declaration: Declaration, service: SoapService | None, context: CompileContext
) -> SessionCall:
    soap, system = declaration.source.soap, declaration.system.code
    if soap is None or service is None or call.operation not in service.operations:
        raise ExpressionError(f"{system}: no operation {call.operation!r} in the WSDL")
    arguments = compile_encoders(call.encode, context).around(
        "body", compile_template(call.body or {}, context), keeps_bytes=True
    )
    dress = compile_dress(security_header(soap.security), None)
    target = soap if call.address is None else soap.model_copy(update={"address": call.address})
    operation = service.operations[str(call.operation)]
    return SessionCall(
        soap_call(target, service, operation, arguments, dress, context=context),
        SoapExchange(system, soap.charset, verifier_of(declaration), service.encoded),
    )


def _connector(call: Logout) -> Connector:
    shared = ("method", "path", "query", "headers", "body", "form", "document", "variables", "encode")
    return Connector().model_copy(update={name: getattr(call, name) for name in shared})
