"""Gateways of others, started as their makers say, over the graph of `bench.store_graph`.

npm packages go to a folder outside the repository (`BENCH_PEERS`, else the cache folder of the user).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.machine import GATEWAY_CORE, ROOT, cpu_s, pin
from bench.store_graph import SDLS, subgraph_sdl

__all__ = ["PEERS", "Running", "install_peers", "running_peer"]

SOURCE = ROOT / "bench" / "peers"
START_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that answers at `url`. start_s: from exec to the first answer to any request."""

    name: str
    url: str
    pid: int
    start_s: float

    def cpu_s(self) -> float:
        """CPU seconds of the process and what it started."""
        return sum(map(cpu_s, _family(self.pid)))

    def memory_mb(self) -> float:
        """Resident memory now."""
        return sum(map(_resident_mb, _family(self.pid)))


@dataclass(frozen=True, slots=True)
class _Peer:
    """needs: a path in `node_modules`. command: (modules, port, work) -> arguments."""

    needs: str
    command: Callable[[Path, int, Path], list[str]]


def _hive(*flags: str) -> Callable[[Path, int, Path], list[str]]:
    def command(modules: Path, port: int, work: Path) -> list[str]:
        script = str(modules / "@graphql-hive" / "gateway" / "dist" / "bin.mjs")
        if not Path(script).is_file():
            script = str(modules / ".bin" / "hive-gateway")
        where = [
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--config-path",
            str(work / "gateway.config.mjs"),
        ]
        return ["node", script, "supergraph", str(work / "supergraph.graphql"), *where, *flags]

    return command


def _apollo(_modules: Path, _port: int, work: Path) -> list[str]:
    return ["node", str(work / "apollo.mjs")]


def _grafbase(modules: Path, port: int, work: Path) -> list[str]:
    binary = modules / "@grafbase" / "cli-x86_64-unknown-linux-musl" / "grafbase"
    binary.chmod(0o755)
    return [str(binary), "dev", "--config", str(work / "grafbase.toml"), "--port", str(port)]


PEERS: Mapping[str, _Peer] = {
    "hive": _Peer("@graphql-hive/gateway", _hive("--jit")),
    "hive-rust": _Peer("@graphql-hive/router-runtime", _hive("--hive-router-runtime")),
    "apollo": _Peer("@apollo/gateway", _apollo),
    "grafbase": _Peer("@grafbase/cli-x86_64-unknown-linux-musl/grafbase", _grafbase),
}


def install_peers() -> Path:
    """The folder with `node_modules`, filled where it is not yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("BENCH_PEERS") or cache / "quanyu-bench-peers")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "graphql").is_dir():
        shutil.copy(SOURCE / "package.json", folder / "package.json")
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True
        )
    return folder


@contextlib.contextmanager
def running_peer(name: str, folder: Path, work: Path, supergraph: str, subgraphs: str) -> Iterator[Running]:
    """work: a folder of its own. supergraph: SDL. subgraphs: base address. Raises RuntimeError if it does not start."""
    peer = PEERS[name]
    if not (folder / "node_modules" / peer.needs).exists():
        raise RuntimeError(f"npm does not have {peer.needs} for this machine")
    work.mkdir(parents=True, exist_ok=True)
    (work / "node_modules").symlink_to(folder / "node_modules")
    for file in SOURCE.glob("*.mjs"):
        shutil.copy(file, work)
    (work / "package.json").write_text('{"type": "module"}')
    (work / "supergraph.graphql").write_text(supergraph, encoding="utf-8")
    _write_grafbase(work, subgraphs)
    port = _free_port()
    log = work / "log"
    started = time.perf_counter()
    environment = {**os.environ, "PORT": str(port), "NODE_ENV": "production", "LOG_LEVEL": "error"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            peer.command(folder / "node_modules", port, work),
            cwd=work, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            pin(GATEWAY_CORE, process.pid)
            url = f"http://127.0.0.1:{port}/graphql"
            _wait(url, process, log, started + START_TIMEOUT_S)
            yield Running(name, url, process.pid, time.perf_counter() - started)
        finally:
            process.kill()
            process.wait()


def _write_grafbase(work: Path, subgraphs: str) -> None:
    lines = ['[[headers]]\nrule = "forward"\nname = "x-n"\n']
    for name in SDLS:
        (work / f"{name}.graphql").write_text(subgraph_sdl(name), encoding="utf-8")
        lines.append(f'[subgraphs.{name}]\nurl = "{subgraphs}/{name}"\nschema_path = "{name}.graphql"\n')
    (work / "grafbase.toml").write_text("\n".join(lines), encoding="utf-8")


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, until: float) -> None:
    """Until it answers; url is on loopback."""
    request = urllib.request.Request(  # noqa: S310
        url, b'{"query":"{__typename}"}', {"content-type": "application/json"}
    )
    while time.perf_counter() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise RuntimeError(f"did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for thread in Path(f"/proc/{one}/task").glob("*"):
            with contextlib.suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
