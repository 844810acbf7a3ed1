"""The HTTP server: listens where it can, and stops without losing a request.

SIGTERM: /health/ready says 503 while requests are still taken (`notice_s`), then no new connections, then requests
in flight finish, all within `drain_s`. Ctrl-C skips the notice; a second one stops at once.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from gateway.web.admission import Admission
from gateway.web.http_protocol import bounded_protocol
from gateway.web.lifecycle import Lifecycle

__all__ = ["Listener", "PortTakenError", "listen", "serve"]

PORTS_TRIED = 50


class PortTakenError(Exception):
    """Another process listens there. Stop it, or set another port (0 takes any free one)."""

    code = "PORT_TAKEN"

    def __init__(self, host: str, port: int, tried: int) -> None:
        self.host, self.port = host, port
        upto = f" to {port + tried - 1}" if tried > 1 else ""
        super().__init__(
            f"Port {port}{upto} on {host} is taken by another process. "
            "Stop it, or set QUANYU_PORT (0 takes any free one) or QUANYU_CHOOSE_PORT=true."
        )


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket. `wanted`: the port asked for, where it was taken and another was chosen."""

    socket: socket.socket
    host: str
    port: int
    wanted: int | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def listen(host: str, port: int, *, choose_port: bool = False) -> Listener:
    """Binds `port`, or where it is taken and `choose_port` the next free one above it.

    Raises PortTakenError, or OSError for a host that is not ours.
    """
    tried = PORTS_TRIED if choose_port and port else 1
    for candidate in range(port, min(port + tried, 65536)):
        family, kind, protocol, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen(1024)
        except OSError as error:
            bound.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        bound.setblocking(False)
        chosen = int(bound.getsockname()[1])
        return Listener(bound, host, chosen, wanted=port if port and chosen != port else None)
    raise PortTakenError(host, port, tried)


def serve(
    app: ASGIApp,
    listener: Listener,
    *,
    lifecycle: Lifecycle,
    drain_s: float = 15.0,
    notice_s: float = 1.0,
    max_message_bytes: int = 1_048_576,
    head_timeout_s: float = 10.0,
    max_connections: int = 5000,
    admission: Admission | None = None,
    on_started: Callable[[], None] | None = None,
) -> None:
    """Runs until SIGTERM or Ctrl-C; returns when all is drained. admission: the application's own, asked on the socket;
    on_started: called when requests are taken."""
    notice_s = min(notice_s, drain_s)
    config = uvicorn.Config(
        app,
        loop="auto",
        http=bounded_protocol(
            head_timeout_s=head_timeout_s, max_connections=max_connections, admission=admission
        ),
        ws="websockets-sansio",
        ws_max_size=max_message_bytes,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # whose word counts is declared: `trusted_proxies`
        timeout_graceful_shutdown=max(1, round(drain_s - notice_s)),
        timeout_keep_alive=75,
    )
    _DrainingServer(config, lifecycle, notice_s, on_started).run(sockets=[listener.socket])


class _DrainingServer(uvicorn.Server):
    """uvicorn's server with a notice before it stops listening."""

    def __init__(
        self,
        config: uvicorn.Config,
        lifecycle: Lifecycle,
        notice_s: float,
        on_started: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._notice_s = notice_s
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log = structlog.get_logger("gateway.web")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        if self._on_started and self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's shape
        """Not uvicorn's: that would raise the signal again after a clean stop, and the exit status would tell of a crash."""
        if self._loop is None:
            self.should_exit = True
        else:
            # Out of the handler first: it may have interrupted a line that is being logged.
            self._loop.call_soon_threadsafe(self._drain, signal.Signals(sig))

    def _drain(self, sig: signal.Signals) -> None:
        if self._lifecycle.draining:
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._lifecycle.draining = True
        self._log.info("draining", signal=sig.name, in_flight=self._lifecycle.in_flight)
        if sig == signal.SIGTERM and self._notice_s:
            asyncio.get_running_loop().call_later(self._notice_s, self._stop_listening)
        else:
            self._stop_listening()

    def _stop_listening(self) -> None:
        self.should_exit = True
        self._lifecycle.stopping.set()
