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
from pathlib import Path
from urllib.parse import urlsplit

from adapters.auth.tls import TlsContexts
from adapters.codecs.encoder import compile_encoders
from adapters.compiled import CompiledConnector, compile_connector
from adapters.credentials import auth_urls, credentials_of, dress_of, verifier_of
from adapters.declaration import Connector, Declaration
from adapters.exchange import Call, Exchange
from adapters.loader import load
from adapters.mapping.errors import ExpressionError
from adapters.mapping.functions import CompileContext
from adapters.mapping.template import compile_template
from adapters.own.compile import compile_own_fields
from adapters.own.loaded import OwnSchema, own_schema
from adapters.own.soap import own_soap_problems
from adapters.problems import DeclarationError, Problem
from adapters.references import Lookup
from adapters.rest.exchange import JsonExchange, graphql_call, rest_call, rest_exchange
from adapters.soap.call import soap_call
from adapters.soap.check import check_soap, soap_remarks
from adapters.soap.exchange import SoapExchange
from adapters.soap.wsdl import SoapService, WsdlError, WsdlUnreachable, load_wsdl_async
from adapters.source import Source
from adapters.tracing import CallTracer
from adapters.traffic.observer import TrafficObserver
from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.traffic import Answer, Traffic
from adapters.validate import Checked, Known, check_across, check_document
from adapters.validate_connectors import context_of, map_of
from adapters.wire.guard import UrlGuard, parse_url
from adapters.wire.model import WireLimits
from adapters.wire.wire import Wire
from cache.freshness import Freshness
from cache.single_flight import SingleFlight
from cache.store import Store

__all__ = ["Loaded", "Surroundings", "build_source", "load_declarations"]

SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class Loaded:
    """Declarations that hold, the WSDLs that were loaded for them (by system code), and all problems.

    absent: systems whose WSDL does not answer now, where that is tolerated; they are in `declarations` too.
    warnings: what is right, but done because a WSDL asks for it.
    own: types that systems add to the graph.
    """

    declarations: list[Declaration] = field(default_factory=list)
    services: dict[str, SoapService] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    absent: dict[str, Problem] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    own: list[OwnSchema] = field(default_factory=list)

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
    loaded.warnings.extend(soap_remarks(document, declaration, service))
    document.problems.extend(own_soap_problems(document, declaration, service))


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
    return Source(
        declaration,
        _exchange(declaration, service),
        wire,
        Traffic(
            system, _policy(declaration), store=around.store, flights=around.flights, observer=around.observer
        ),
        credentials_of(declaration, service, wire=wire, clock=around.clock),
        _connectors(declaration, service),
        around.namespace,
        around.secret,
        around.tracer,
    )


def _policy(declaration: Declaration) -> TrafficPolicy:
    traffic = declaration.traffic
    cache = traffic.cache
    freshness = (
        Freshness(cache.ttl_s, cache.stale_if_error_s) if cache.ttl_s or cache.stale_if_error_s else None
    )
    return TrafficPolicy(
        timeout_s=traffic.timeout_ms / 1000,
        concurrency=traffic.concurrency,
        queue=traffic.queue,
        rate_per_s=traffic.rate_per_s,
        retries=traffic.retries,
        # without a cache identical calls at the same moment still share one flight
        freshness=freshness or Freshness(0, 0),
    )


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
    source = declaration.source
    dress = dress_of(declaration) if source.soap is not None else None
    ends = (auth.session or auth.oauth2) if auth is not None else None

    def call_of(connector: Connector, context: CompileContext) -> Call:
        if source.soap is not None:
            if service is None or connector.operation not in service.operations:
                raise ExpressionError(
                    f"{declaration.system.code}: no operation {connector.operation!r} in the WSDL"
                )
            encoders = compile_encoders(connector.encode, context)
            filled = compile_template(connector.body or {}, context)
            arguments = encoders.around("body", filled, keeps_bytes=True)
            operation = service.operations[connector.operation]
            return soap_call(
                source.soap,
                service,
                operation,
                arguments,
                dress,
                headers=connector.soap_header,
                context=context,
            )
        if source.graphql is not None:
            return graphql_call(source.graphql, connector, context)
        assert source.rest is not None  # noqa: S101 - the model has exactly one
        return rest_call(source.rest, connector, context)

    ended = ends.ended.when if ends is not None else None
    compiled = {
        verb: compile_connector(
            verb, connector, call_of(connector, context), context, map_of(declaration, verb), ended=ended
        )
        for verb, connector in declaration.connectors.declared().items()
    }
    return compiled | compile_own_fields(declaration, call_of, ended=ended)


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
