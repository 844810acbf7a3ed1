"""Runs one system as this process: binds a port, says where, serves until SIGTERM or until its parent is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from samples.catalogue import SUBGRAPHS, SYSTEMS
from samples.lean_http import Handler, LeanProtocol

__all__ = ["DEFAULT_SEED", "bind", "follow_parent", "serve"]

DEFAULT_SEED = 7
SOAP_PROTOCOLS = frozenset({"SOAP_11", "SOAP_12"})


def serve(
    system: str,
    *,
    port: int = 0,
    port_file: Path | None = None,
    seed: int = DEFAULT_SEED,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Serve one system or subgraph of the catalogue on 127.0.0.1; port 0 takes a free one.

    Prints one line of JSON {system, url, wsdl?} when the port takes connections; `port_file` then holds the port.
    Raises KeyError for an unknown system and OSError where the port is taken.
    """
    spec = (SYSTEMS | SUBGRAPHS)[system]
    module = import_module(f"samples.servers.{system.lower().replace('-', '_')}")
    server: Starlette | Handler = module.build(seed, os.environ if environment is None else environment)
    listener = bind(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    line = {"system": system, "url": url}
    if spec.protocol in SOAP_PROTOCOLS:
        line["wsdl"] = f"{url}{module.PATH}?wsdl"
    if port_file is not None:
        port_file.write_text(f"{listener.getsockname()[1]}\n", "ascii")
    print(json.dumps(line), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _run_asgi(server, listener) if isinstance(server, Starlette) else _run_lean(server, listener)
        )


def bind(port: int) -> socket.socket:
    """A listening socket on the loopback; connections wait in its backlog until the server takes them."""
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    # asyncio sets it only on sockets whose protocol number says TCP, and create_server leaves that 0: an answer in two
    # writes then waits 40 ms for the client's delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


def follow_parent() -> None:
    """End this process when standard input closes, as it does when the parent dies in whatever way."""

    def wait() -> None:
        # Not sys.stdin: its lock, held by this thread, would break the interpreter's exit.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()


async def _run_asgi(app: Starlette, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


async def _run_lean(handler: Handler, listener: socket.socket) -> None:
    await run_protocols([(lambda: LeanProtocol(handler), listener)])


async def run_protocols(servers: list[tuple[Callable[[], asyncio.Protocol], socket.socket]]) -> None:
    """Serve each protocol on its socket until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    running = [await loop.create_server(factory, sock=listener) for factory, listener in servers]
    await stop.wait()
    for server in running:
        server.close()
