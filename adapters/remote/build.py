"""A subgraph file and an SDL to a running subgraph: wire, traffic and credentials set up."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from adapters.auth.compile import compile_credentials
from adapters.auth.tls import TlsContexts
from adapters.mapping.functions import CompileContext
from adapters.remote.declaration import SubgraphDeclaration, SubgraphInfo, streams_url
from adapters.remote.headers import compile_propagation
from adapters.remote.streams.sse import ServerSentEvents
from adapters.remote.streams.stream import StreamOpener
from adapters.remote.streams.transport_ws import TransportWs
from adapters.remote.subgraph import GRAPHQL_HEADERS, RemoteSubgraph
from adapters.remote.subscription import RemoteStreams
from adapters.sender import wire_sender
from adapters.tracing import CallTracer
from adapters.traffic.observer import TrafficObserver
from adapters.traffic.traffic import Answer, Traffic
from adapters.traffic_model import policy_of
from adapters.wire.guard import UrlGuard, parse_url
from adapters.wire.model import HeaderPairs, WireLimits, WireRequest
from adapters.wire.wire import Wire
from cache.rates import SharedRates
from cache.single_flight import SingleFlight
from cache.store import Store

__all__ = ["RemoteSurroundings", "build_remote"]

NETWORK_OFFSET = timedelta(hours=8)
"""Of the times in a subgraph's maintenance windows."""


@dataclass(frozen=True, slots=True)
class RemoteSurroundings:
    """What the remote subgraphs of one generation share."""

    store: Store
    flights: SingleFlight[Answer]
    observer: TrafficObserver | None = None
    secret: bytes = field(default=b"", repr=False)
    tracer: CallTracer | None = None
    clock: Callable[[], float] = time.monotonic
    tls: TlsContexts = field(default_factory=TlsContexts)
    rates: SharedRates | None = None


def build_remote(declaration: SubgraphDeclaration, sdl: str, around: RemoteSurroundings) -> RemoteSubgraph:
    """Blocking: reads certificates. Raises UrlRefused, HeaderRefused or TlsFiles only for declarations that did not pass
    their check."""
    info, rules = declaration.subgraph, declaration.traffic
    limits = WireLimits(
        max_body_bytes=int(rules.max_body_mb * 1024 * 1024),
        max_connections=rules.concurrency,
        connect_timeout_s=min(2.0, rules.timeout_ms / 1000),
    )
    origins = _origins(declaration)
    has_tls = any(origin.startswith("https:") for origin in origins)
    tls = around.tls.of(info.auth.tls if info.auth is not None else None) if has_tls else None
    wire = Wire(guard=UrlGuard(origins), limits=limits, tls=tls)
    fixed: HeaderPairs = (*GRAPHQL_HEADERS, *info.headers.static.items())
    head = wire.prepare(WireRequest("POST", info.url, fixed, idempotent=True))
    traffic = Traffic(
        info.name,
        policy_of(rules, NETWORK_OFFSET, always_shared=False),
        store=around.store,
        flights=around.flights,
        observer=around.observer,
        rates=around.rates,
    )
    credentials = compile_credentials(
        info.name,
        info.auth,
        CompileContext(),
        send=wire_sender(info.name, wire, timeout_s=rules.timeout_ms / 1000),
        clock=around.clock,
    )
    propagation = compile_propagation(info.headers)
    streams = RemoteStreams(
        info.name,
        streams_url(info),
        fixed,
        _opener(info, tls, limits.max_body_bytes),
        traffic,
        credentials,
        propagation,
        timeout_s=rules.timeout_ms / 1000,
        max_open=info.subscriptions.max_open,
    )
    return RemoteSubgraph(
        info.name,
        sdl,
        info.url,
        head,
        fixed,
        wire,
        traffic,
        credentials,
        propagation,
        streams,
        around.secret,
        namespace=hashlib.blake2b(declaration.model_dump_json().encode(), digest_size=6).hexdigest(),
        tracer=around.tracer,
        deadline_header=rules.deadline_header,
    )


def _origins(declaration: SubgraphDeclaration) -> frozenset[str]:
    """Where its calls may go: what the declaration names, nothing else."""
    urls = [declaration.subgraph.url, streams_url(declaration.subgraph)]
    auth = declaration.subgraph.auth
    if auth is not None and auth.oauth2 is not None:
        urls.append(auth.oauth2.token_url)
    return frozenset(parse_url(url).origin.text for url in urls)


def _opener(info: SubgraphInfo, tls: ssl.SSLContext | None, max_bytes: int) -> StreamOpener:
    rules = info.subscriptions
    if rules.protocol == "sse":
        return ServerSentEvents(info.name, tls=tls, max_event_bytes=max_bytes, idle_s=rules.idle_s)
    return TransportWs(info.name, tls=tls, max_message_bytes=max_bytes, headers_in_init=rules.headers_in_init)
