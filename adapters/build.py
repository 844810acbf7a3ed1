"""Declarations to running sources: WSDLs loaded, expressions compiled, wire and traffic set up.

`load_declarations` reads and checks files and gives back everything that is wrong at once; `build_source`
takes one that is right. Both are what `quanyu check`, `quanyu try` and the gateway itself use.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from adapters.auth.tls import TlsContexts
from adapters.call import call_of
from adapters.compiled import CompiledConnector, compile_connector
from adapters.credentials import auth_urls, credentials_of, dress_of, verifier_of
from adapters.declaration import Connector, Declaration
from adapters.exchange import Call, Exchange
from adapters.files import file_desk
from adapters.loader import load
from adapters.mapping.dates import parse_offset
from adapters.mapping.functions import CompileContext
from adapters.own.compile import compile_own_fields
from adapters.own.loaded import OwnSchema, own_schema
from adapters.own.soap import own_soap_problems
from adapters.problems import DeclarationError, Problem
from adapters.push import build_push
from adapters.references import Lookup
from adapters.rest.exchange import JsonExchange, rest_exchange
from adapters.soap.check import check_soap, soap_remarks
from adapters.soap.exchange import SoapExchange
from adapters.soap.wsdl import SoapService, WsdlError, WsdlUnreachable, load_wsdl_async
from adapters.source import Source
from adapters.ticket import CompiledTicket, compile_ticket, poll_connector
from adapters.tracing import CallTracer
from adapters.traffic.observer import TrafficObserver
from adapters.traffic.traffic import Answer, Traffic
from adapters.traffic_model import policy_of
from adapters.validate import Checked, Known, check_across, check_document
from adapters.validate_connectors import context_of, map_of
from adapters.wire.guard import UrlGuard, parse_url
from adapters.wire.model import WireLimits
from adapters.wire.wire import Wire
from cache.rates import SharedRates
from cache.single_flight import SingleFlight
from cache.store import Store

__all__ = ["Loaded", "Surroundings", "build_source", "load_declarations"]

SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class Loaded:
    """Declarations that hold, the WSDLs that were loaded for them (by system code), and all problems.

    absent: systems whose WSDL does not answer now, where that is tolerated; they are in `declarations` too.
    own: types that systems add to the graph. warnings: what is right, but done because a WSDL asks for it.
    """

    declarations: list[Declaration] = field(default_factory=list)
    services: dict[str, SoapService] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    absent: dict[str, Problem] = field(default_factory=dict)
    own: list[OwnSchema] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def raise_if_bad(self) -> None:
        """Raises DeclarationError with every problem."""
        if self.problems:
            raise DeclarationError(self.problems)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What sources of one generation share. namespace: fingerprint of the declarations, part of cache keys.

    wire_for: gets the TLS context, None where no address of the system has need of one.
    """

    store: Store
    flights: SingleFlight[Answer]
    observer: TrafficObserver | None
    secret: bytes = field(repr=False)
    namespace: str = "quanyu"
    tracer: CallTracer | None = None
    wire_for: Callable[[WireLimits, UrlGuard, ssl.SSLContext | None], Wire] = lambda limits, guard, tls: Wire(
        limits=limits, tls=tls, guard=guard
    )
    clock: Callable[[], float] = time.monotonic
    rates: SharedRates | None = None
    tls: TlsContexts = field(default_factory=TlsContexts)


def declaration_files(paths: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """YAML files named, or in folders named (not below them), in order."""
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            found = sorted(
                one for one in path.iterdir() if one.suffix in SUFFIXES and not one.name.startswith(".")
            )
            files.extend(found)
            if not found:
                problems.append(Problem(path, 1, 1, "NO_DECLARATIONS", "the folder holds no .yaml file"))
        elif path.is_file():
            files.append(path)
        else:
            problems.append(Problem(path, 1, 1, "FILE_MISSING", "no such file or folder"))
    return files, problems


async def load_declarations(
    paths: Sequence[Path],
    lookup: Lookup,
    known: Known,
    *,
    load_wsdls: bool = True,
    tolerate_unreachable: bool = False,
    previous: Mapping[str, SoapService] | None = None,
) -> Loaded:
    """Reads, checks and loads; never raises for what is in the files.

    tolerate_unreachable: a WSDL that does not answer is no problem of the declaration: the one in `previous` is used,
    or the system is `absent`. A gateway must start and reload while some of its systems are down.
    """
    files, problems = await asyncio.to_thread(declaration_files, paths)
    checked: list[Checked] = []
    for path in files:
        try:
            text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
            problems.append(Problem(path, 1, 1, "FILE_UNREADABLE", reason))
            continue
        checked.append(check_document(load(path, text), lookup, known))
    check_across(checked)
    loaded = Loaded(problems=problems)
    if load_wsdls:
        # one after the other: zeep is not told to be thread-safe, and a WSDL takes milliseconds
        for one in checked:
            await _load_wsdl(one, loaded, (previous or {}) if tolerate_unreachable else None)
    for one in checked:
        loaded.problems.extend(dict.fromkeys(one.document.problems))
        if one.ok and one.declaration is not None:
            loaded.declarations.append(one.declaration)
            loaded.paths[one.declaration.system.code] = one.document.path
            if (types := own_schema(one.document, one.declaration)) is not None:
                loaded.own.append(types)
    loaded.problems.sort()
    return loaded


async def _load_wsdl(checked: Checked, loaded: Loaded, previous: Mapping[str, SoapService] | None) -> None:
    declaration, document = checked.declaration, checked.document
    if declaration is None or declaration.source.soap is None:
        return
    soap = declaration.source.soap
    location = wsdl_location(soap.wsdl, document.path)
    try:
        service = await load_wsdl_async(location, service=soap.service, port=soap.port)
    except WsdlError as error:
        problem = document.problem(("source", "soap", "wsdl"), error.code, str(error))
        if not isinstance(error, WsdlUnreachable) or previous is None:
            document.problems.append(problem)
            return
        if declaration.system.code not in previous:
            loaded.absent[declaration.system.code] = problem
            return
        service = previous[declaration.system.code]
    loaded.services[declaration.system.code] = service
    document.problems.extend(check_soap(document, declaration, service))
    document.problems.extend(own_soap_problems(document, declaration, service))
    loaded.warnings.extend(soap_remarks(document, declaration, service))


def wsdl_location(wsdl: str, declared_in: Path) -> str:
    """An address as it is; a file relative to the declaration that names it."""
    if wsdl.startswith(("http://", "https://")):
        return wsdl
    return str((declared_in.parent / wsdl).resolve())


def build_source(declaration: Declaration, service: SoapService | None, around: Surroundings) -> Source:
    """Blocking: reads certificates and keys.

    Raises ExpressionError, UrlRefused, TlsFiles or WssFile only for declarations that did not pass their check, or whose
    files have changed since.
    """
    system = declaration.system.code
    traffic = declaration.traffic
    limits = WireLimits(
        max_body_bytes=int(traffic.max_body_mb * 1024 * 1024),
        max_connections=traffic.concurrency,
        connect_timeout_s=min(2.0, traffic.timeout_ms / 1000),
    )
    origins, auth = _origins(declaration, service), declaration.source.auth
    has_tls = any(origin.startswith("https:") for origin in origins)
    tls = around.tls.of(auth.tls if auth is not None else None) if has_tls else None
    wire = around.wire_for(limits, UrlGuard(origins), tls)
    governed = Traffic(
        system,
        policy_of(traffic, _offset(declaration), always_shared=True),
        store=around.store,
        flights=around.flights,
        observer=around.observer,
        rates=around.rates,
    )
    credentials = credentials_of(declaration, service, wire=wire, clock=around.clock)
    return Source(
        declaration,
        _exchange(declaration, service),
        wire,
        governed,
        credentials,
        _connectors(declaration, service),
        around.namespace,
        around.secret,
        around.tracer,
        file_desk(declaration, context_of(declaration), wire=wire, traffic=governed, credentials=credentials),
        build_push(declaration),
    )


def _offset(declaration: Declaration) -> timedelta:
    return parse_offset(declaration.system.utc_offset).utcoffset(None)


def _exchange(declaration: Declaration, service: SoapService | None) -> Exchange:
    system, source = declaration.system.code, declaration.source
    if source.soap is not None:
        encoded = service is not None and service.encoded
        return SoapExchange(system, source.soap.charset, verifier_of(declaration), encoded)
    if source.graphql is not None:
        return JsonExchange(system, graphql=True)
    assert source.rest is not None  # noqa: S101 - the model has exactly one
    return rest_exchange(system, source.rest)


def _connectors(declaration: Declaration, service: SoapService | None) -> dict[str, CompiledConnector]:
    context, auth = context_of(declaration), declaration.source.auth
    dress = dress_of(declaration) if declaration.source.soap is not None else None
    ends = (auth.session or auth.oauth2) if auth is not None else None
    ended = ends.ended.when if ends is not None else None
    compiled: dict[str, CompiledConnector] = {}
    for verb, connector in declaration.connectors.declared().items():
        ticket: CompiledTicket | None = None
        if connector.ticket is not None:
            poll = call_of(declaration, service, poll_connector(connector, connector.ticket), context, dress)
            ticket = compile_ticket(connector.ticket, poll, context)
        call = call_of(declaration, service, connector, context, dress)
        compiled[verb] = compile_connector(
            verb,
            connector,
            call,
            context,
            map_of(declaration, verb),
            ended=ended,
            ticket=ticket,
        )

    def own_call(connector: Connector, context: CompileContext) -> Call:
        return call_of(declaration, service, connector, context, dress)

    return compiled | compile_own_fields(declaration, own_call, ended=ended)


def _origins(declaration: Declaration, service: SoapService | None) -> frozenset[str]:
    """Where this system's calls may go: what its declaration names, nothing else."""
    source = declaration.source
    urls: list[str] = []
    if source.soap is not None:
        urls.append(source.soap.address or (service.address if service else ""))
    if source.rest is not None:
        urls.append(source.rest.base_url)
    if source.graphql is not None:
        urls.append(source.graphql.url)
    urls += auth_urls(declaration)
    return frozenset(parse_url(url).origin.text for url in urls if urlsplit(url).scheme)
