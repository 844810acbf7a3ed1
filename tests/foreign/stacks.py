"""Starts servers of stacks that are not ours: each one process on a free port, ended with its test session.

Optional on a developer's machine, where a missing stack skips its tests and says what to install; with
QUANYU_TEST_REQUIRE_FOREIGN set, as in CI, it fails them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["WSDLS", "gsoap_server", "java_server", "node_server", "perl_server", "php_server", "wsdl_for"]

HERE = Path(__file__).resolve().parent
SERVERS = HERE / "servers"
WSDLS = HERE / "wsdl"
JARS = [
    "jaxws-rt",
    "jaxws-api",
    "jaxb-api",
    "jaxb-impl",
    "jaxb-core",
    "jaxb-runtime",
    "jws-api",
    "javax.xml.soap-api",
    "saaj-impl",
    "stax-ex",
    "stax2-api",
    "streambuffer",
    "metro-policy",
    "mimepull",
    "woodstox-core",
    "gmbal",
    "glassfish-management-api",
    "istack-commons-runtime",
    "FastInfoset",
    "javax.activation",
    "geronimo-annotation-1.3-spec",
    "glassfish-pfl-basic",
    "glassfish-pfl-tf",
    "txw2",
]
START_TIMEOUT_S = 60.0


def missing(what: str) -> None:
    """Skips the test, or fails it where every stack is required."""
    message = f"{what}; scripts/foreign-stacks installs it"
    if os.environ.get("QUANYU_TEST_REQUIRE_FOREIGN"):
        pytest.fail(message)
    pytest.skip(message)


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(f"no {name} here (Debian package {package})")
    return str(found)


@contextmanager
def server(
    command: Sequence[str], *, mark: str = "PORT ", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The origin of a server that prints `mark` and its port, on either of its outputs."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "FOREIGN_WSDLS": str(WSDLS), **(environment or {})},
        text=True,
        errors="replace",
    )
    timer = threading.Timer(START_TIMEOUT_S, process.kill)
    timer.start()
    try:
        port, said = _port_of(process, mark)
        timer.cancel()
        if port is None:
            raise RuntimeError(f"{command[0]} did not start:\n{said}")
        drain = threading.Thread(target=_drain, args=(process,), daemon=True)
        drain.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def _port_of(process: subprocess.Popen[str], mark: str) -> tuple[str | None, str]:
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if mark in line:
            digits = line.partition(mark)[2]
            return "".join(sign for sign in digits.split(")")[0] if sign.isdigit()), "".join(said)
    return None, "".join(said)[-4000:]


def _drain(process: subprocess.Popen[str]) -> None:
    """A full pipe would hold the server up."""
    assert process.stdout is not None
    for _ in process.stdout:
        pass


def _ran(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")


@contextmanager
def php_server() -> Iterator[str]:
    php = program("php", "php-cli")
    modules = subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout.split()
    if "soap" not in modules:
        missing("PHP has no soap extension (Debian package php-soap)")
    command = [php, "-d", "display_errors=stderr", "-S", "127.0.0.1:0", str(SERVERS / "php" / "cases.php")]
    with server(command, mark="http://127.0.0.1:") as origin:
        yield origin


@contextmanager
def node_server() -> Iterator[str]:
    node = program("node", "nodejs")
    if not (SERVERS / "node" / "node_modules" / "soap").is_dir():
        missing("npm's soap is not installed in tests/foreign/servers/node")
    with server([node, str(SERVERS / "node" / "cases.js")]) as origin:
        yield origin


@contextmanager
def perl_server() -> Iterator[str]:
    perl = program("perl", "perl")
    if subprocess.run([perl, "-MSOAP::Lite", "-e", "1"], capture_output=True, check=False).returncode:
        missing("no SOAP::Lite here (Debian package libsoap-lite-perl)")
    with server([perl, str(SERVERS / "perl" / "cases.pl")]) as origin:
        yield origin


@contextmanager
def gsoap_server() -> Iterator[tuple[str, Path]]:
    """Its origin, and the WSDL that its compiler wrote."""
    generator, compiler = program("soapcpp2", "gsoap"), program("gcc", "gcc")
    if not Path("/usr/include/stdsoap2.h").exists():
        missing("no gSOAP library here (Debian package libgsoap-dev)")
    with tempfile.TemporaryDirectory(prefix="quanyu-gsoap-") as name:
        folder = Path(name)
        for one in (SERVERS / "gsoap").iterdir():
            shutil.copy(one, folder)
        _ran([generator, "-c", "-S", "-L", "-x", "cases.h"], folder)
        _ran([compiler, "-O0", "-w", "-o", "cases", "soapC.c", "soapServer.c", "server.c", "-lgsoap"], folder)
        with server([str(folder / "cases")]) as origin:
            yield origin, folder / "Cases.wsdl"


@contextmanager
def java_server() -> Iterator[str]:
    java, compiler = (
        program("java", "default-jre-headless"),
        program("javac", "default-jdk-headless"),
    )
    folder = Path("/usr/share/java")
    if not (folder / "jaxws-rt.jar").exists():
        missing("no JAX-WS here (Debian package libjaxws-java)")
    jars = [str(folder / f"{jar}.jar") for jar in JARS if (folder / f"{jar}.jar").exists()]
    with tempfile.TemporaryDirectory(prefix="quanyu-java-") as classes:
        path = ":".join([*jars, classes])
        source = str(SERVERS / "java" / "CasesServer.java")
        _ran([compiler, "-proc:none", "-encoding", "UTF-8", "-cp", path, "-d", classes, source], SERVERS)
        # starting is all of the cost: only the first compiler, no class data sharing to write
        quick = ["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx128m"]
        with server([java, *quick, "-cp", path, "CasesServer"]) as origin:
            yield origin


def wsdl_for(address: str, name: str, folder: Path) -> Path:
    """One of our WSDLs with the server's address in it."""
    path = folder / f"{name}.wsdl"
    path.write_text((WSDLS / f"{name}.wsdl").read_text("utf-8").replace("{address}", address), "utf-8")
    return path
