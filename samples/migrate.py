"""A department leaves its SOAP system, under load, in a minute or two: `samples/migrate.sh`.

Starts JT-PERMIT (SOAP), its successor JT-TRANSIT (GraphQL) and a gateway before both, lets clients ask without a
pause, and goes the whole way with `quanyu migrate`: shadow, differences found, mapping mended, canary, a fault that
rolls back by itself, and retirement. Ends with status 1 where anything is not as it says.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samples.register import open_cases
from samples.serve import DEFAULT_SEED, bind
from samples.servers import jt_permit, jt_transit

__all__ = ["Command", "Told", "UnexpectedError", "by_process", "migrate"]

ROOT = Path(__file__).resolve().parent.parent
OLD, NEW = "JT-PERMIT", "JT-TRANSIT"
EXPLAINED = {
    "acceptedAt",
    "applicant.name",
    "appliedAt",
    "events",
    "events[].actor",
    "events[].documentNo",
    "events[].rawKind",
    "promisedAt",
    "rawStatus",
    "title",
}
REAL = {"channel", "closedAt"}
NOISE = {"externalRefs.outerNo"}
POLICY = """\
# Gates of the sample: small numbers, so that it takes a minute. The built-in ones ask for 10,000 records or 7 days.
canary: &compared {minCompared: 150, maxMismatch: 0.05, maxErrorExcess: 0.1, maxLatencyRatio: 50, triaged: true}
primaryNew: *compared
retired: {maxMismatch: 0.05, triaged: true, capabilities: true, quietDays: 0, openCases: true, history: true}
watch: {windows: 3, minCalls: 3}
"""
QUERY = """query One($id: ID!) { case(id: $id) {
  id title state rawStatus channel appliedAt acceptedAt promisedAt closedAt externalRefs
  applicant { displayName }
  timeline { nodes { kind rawKind step actor occurredAt endedAt opinion documentNo } } } }"""
LIST = 'query Newest { cases(systems: ["JT-PERMIT"], first: 20) { nodes { id title state } sources { status } } }'
STATE = """query Migration { legacySystem(code: "JT-PERMIT") { migration {
  phase blockers gates { name ok value threshold } history { actor reason } parity { compared open fields { path verdict } } } } }"""
TIMEOUT_S = 120.0
"""Longest wait for one thing, and for one command."""


class UnexpectedError(RuntimeError):
    """Something is not as the sample says; the message tells what."""


@dataclass(slots=True)
class Load:
    """Clients that never stop asking. failures: texts of answers with an error."""

    url: str
    numbers: Sequence[str]
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, clients: int) -> None:
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, seed: int) -> None:
        draw = random.Random(seed)
        headers = {"authorization": "Bearer demo-clerk", "graphql-client-name": f"portal-{seed}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False) as client:
            while not self._stop.is_set():
                if draw.random() < 0.1:
                    body: dict[str, Any] = {"query": LIST}
                else:
                    body = {"query": QUERY, "variables": {"id": f"{OLD}:{draw.choice(self.numbers)}"}}
                try:
                    reply = client.post("/graphql", json=body)
                    if reply.status_code != 200 or "errors" in reply.json():
                        self.failures.append(reply.text[:500])
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                self.answered += 1


def _say(text: str) -> None:
    print(text, flush=True)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command came to."""

    status: int
    output: str
    error: str


Command = Callable[[Sequence[str], Mapping[str, str]], Told]
"""(words after `quanyu`, environment) -> what it came to."""


def by_process(words: Sequence[str], environment: Mapping[str, str]) -> Told:
    """As an operator runs it."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "quanyu", *words],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    return Told(done.returncode, done.stdout, done.stderr)


def migrate(*, clients: int = 3, say: Callable[[str], None] = _say, command: Command = by_process) -> None:
    """Raises UnexpectedError."""
    folder = Path(tempfile.mkdtemp(prefix="quanyu-migrate-"))
    fault = jt_transit.Fault()
    try:
        with (
            _serving(_Noisy(jt_permit.build(DEFAULT_SEED, {}))) as old,
            _serving(jt_transit.build(DEFAULT_SEED, fault)) as new,
        ):
            _write_declarations(folder)
            environment = _environment(folder, old, new)
            with _gateway(folder, environment) as url:
                load = Load(url, _numbers())
                load.start(clients)
                try:
                    _Walk(url, environment, load, fault, folder, say, command).whole()
                finally:
                    load.stop()
                if load.failures:
                    raise UnexpectedError(f"{len(load.failures)} requests failed: {load.failures[0]}")
                say(f"\n{load.answered} requests were answered meanwhile, none failed · 期间全部请求成功")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Walk:
    """The steps in their order: made by command, as an operator would; what they wait for is asked in GraphQL."""

    url: str
    environment: dict[str, str]
    load: Load
    fault: jt_transit.Fault
    folder: Path
    say: Callable[[str], None]
    command: Command

    def whole(self) -> None:
        self._until("the gateway has told what it declares", lambda: self._quanyu("plan", OLD).status == 0)
        self._title("1  Shadow: clients see the old system, the new one is compared · 影子比对")
        self._run("advance", OLD, "--reason", "the new service is up")
        report = self._compared(150)
        found = {one["path"] for one in report["fields"] if one["verdict"] == "EXPLAINED"}
        _same("differences that rules explain", found, EXPLAINED)
        _same("open differences", set(report["open"]), REAL)
        noise = {one["path"] for one in report["fields"] if one["verdict"] == "NOISE"}
        _same("noise", noise, NOISE)
        self.say(f"   explained by rules · 规则可解释 ({len(found)}): {', '.join(sorted(found))}")
        self.say(f"   real · 真实差异 ({len(REAL)}): {', '.join(sorted(REAL))}")
        self.say(f"   noise, not reported · 噪声 ({len(noise)}): {', '.join(sorted(noise))}")

        self._title("2  The gates refuse · 门禁拒绝")
        self._refused("advance", OLD, "--reason", "let us try")

        self._title("3  The mapping is mended while the gateway runs; comparing begins anew · 修正映射")
        self._mend()
        self._until("a new mapping is compared", lambda: self._facts()["parity"]["open"] == [])
        report = self._compared(150)
        _same("open differences", set(report["open"]), set())
        self._until("the gates are open", lambda: self._facts()["blockers"] == [])
        self.say(f"   {report['compared']} records compared anew, none open; the gates are open · 门禁已开")

        self._title("4  Canary: 5 %, then 20 % · 灰度")
        self._run("advance", OLD, "--percent", "5", "--reason", "all explained")
        self._run("percent", OLD, "20", "--reason", "5 % went well")

        self._title("5  The new service breaks: it goes back by itself · 故障自动回退")
        self.fault.on = True
        self._until("it is rolled back", lambda: self._facts()["phase"] == "SHADOW")
        self.fault.on = False
        last = self._facts()["history"][-1]
        _same("who rolled it back", last["actor"], "quanyu")
        self.say(f"   {last['reason']}")

        self._title("6  Mended: canary again, then the new side answers for all · 恢复后全量")
        self._until("the gates are open again", lambda: self._facts()["blockers"] == [])
        self._run("advance", OLD, "--percent", "20", "--reason", "it stands")
        self._run("percent", OLD, "100", "--reason", "20 % went well")
        self._run("advance", OLD, "--reason", "trusted")

        self._title("7  Its history is read, its open cases are on the new side · 历史归集")
        self._run("backfill", OLD)
        check = ("open-cases", OLD, "--check")  # a case that was not answered in time is asked for again
        self._until("open cases are on the new side", lambda: self._quanyu(*check).status == 0)
        self.say(f"   $ quanyu migrate {' '.join(check)}\n     none left · 在办件均已在新侧")

        self._title("8  Retire the old system; the same queries and ids go on · 旧系统退役")
        self._until("nothing is in the way", lambda: self._facts()["blockers"] == [])
        self._run("advance", OLD, "--reason", "nobody needs it any more")
        answered = self.load.answered
        self._until("clients are answered", lambda: self.load.answered > answered + 20)
        _same("phase", self._facts()["phase"], "RETIRED")

    def _mend(self) -> None:
        path = self.folder / "systems" / "jt-transit.yaml"
        text = path.read_text(encoding="utf-8")
        mended = text.replace("AGENT: ONLINE} # mistake: an agent is PROXY", "AGENT: PROXY}").replace(
            "closedAt: changedAt # mistake: this is the last change, closedAt is the end",
            "closedAt: closedAt",
        )
        draft = path.with_suffix(".tmp")
        draft.write_text(mended, encoding="utf-8")
        draft.replace(path)

    def _compared(self, records: int) -> dict[str, Any]:
        self._until(f"{records} records are compared", lambda: self._facts()["parity"]["compared"] >= records)
        found: dict[str, Any] = self._facts()["parity"]
        return found

    def _facts(self) -> dict[str, Any]:
        """Where the migration stands. Any: JSON."""
        headers = {"authorization": "Bearer demo-migration"}
        reply = httpx.post(
            f"{self.url}/graphql", json={"query": STATE}, headers=headers, timeout=TIMEOUT_S, trust_env=False
        )
        told = reply.json()
        if "errors" in told:
            raise UnexpectedError(f"the migration could not be asked for: {reply.text[:500]}")
        found: dict[str, Any] = told["data"]["legacySystem"]["migration"]
        return found

    def _run(self, *words: str) -> None:
        told = self._quanyu(*words)
        if told.status:
            raise UnexpectedError(f"quanyu migrate {' '.join(words)}: {told.output}{told.error}")
        self.say(f"   $ quanyu migrate {' '.join(words)}\n     {told.output.strip()}")

    def _refused(self, *words: str) -> None:
        told = self._quanyu(*words)
        if told.status != 1 or "MIGRATION_GATES" not in told.error:
            raise UnexpectedError(f"the gates let {' '.join(words)} pass: {told.output}{told.error}")
        self.say(f"   $ quanyu migrate {' '.join(words)}\n     {told.error.strip()}")

    def _quanyu(self, *words: str) -> Told:
        return self.command(("migrate", *words), self.environment)

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            if time.monotonic() > deadline:
                raise UnexpectedError(
                    f"waited {TIMEOUT_S:g} s in vain until {what}: {self._facts()['gates']}"
                )
            if self.load.failures:
                raise UnexpectedError(f"a request failed before {what}: {self.load.failures[0]}")
            time.sleep(0.2)

    def _title(self, text: str) -> None:
        self.say(f"\n{text}")


def _same(what: str, found: Any, wanted: Any) -> None:
    """Any: of whatever type is compared."""
    if found != wanted:
        raise UnexpectedError(f"{what}: found {found}, wanted {wanted}")


def _numbers() -> list[str]:
    register = open_cases(
        OLD,
        seed=DEFAULT_SEED,
        dialect=jt_permit.DIALECT,
        summary=lambda case: case.number,
        detail=lambda case: case.number,
        only_filed=jt_permit.ONLY_FILED,
    )
    return [case.number for case in register.cases]


def _write_declarations(folder: Path) -> None:
    """The old system's, for reading only: what it takes and its own types would need a successor too."""
    systems = folder / "systems"
    systems.mkdir()
    old = yaml.safe_load((ROOT / "systems" / "jt-permit.yaml").read_text(encoding="utf-8"))
    del old["types"]
    old["connectors"] = {verb: old["connectors"][verb] for verb in ("case", "cases")}
    old["traffic"]["cache"] = {"ttlS": 0}
    old["harvest"] = {"by": "none"}
    (systems / "jt-permit.yaml").write_text(yaml.safe_dump(old, allow_unicode=True), encoding="utf-8")
    shutil.copy(ROOT / "samples" / "migration" / "jt-transit.yaml", systems)
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")


def _environment(folder: Path, old: str, new: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")}
    return kept | {
        "QUANYU_SYSTEMS_DIR": str(folder / "systems"),
        "QUANYU_REGISTRY_DIR": str(ROOT / "samples" / "data"),
        "QUANYU_TOKENS_FILE": str(ROOT / "samples" / "tokens.yaml"),
        "QUANYU_DATA_DIR": str(folder / "data"),
        "QUANYU_MIGRATION_POLICY": str(folder / "policy.yaml"),
        # patience with a machine that has other work: what waits for its record is the processor, not the disk
        "QUANYU_ACCESS_RECORD_WAIT_S": "20",
        "QUANYU_MIGRATION_WINDOW_S": "2",
        "QUANYU_RELOAD_POLL_S": "0.2",
        "QUANYU_DRAIN_NOTICE_S": "0",
        "QUANYU_PORT": "0",
        "QUANYU_SAMPLE_JT_PERMIT_URL": old,
        "QUANYU_SAMPLE_JT_TRANSIT_URL": new,
        "USER": "operator",
    }


class _Noisy:
    """The old system with a field that holds something else in each answer, as some do with the time of day."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.turn = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: list[Message] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body = message.get("body", b"")
            body = body.replace(b"<Steps>", b"<OuterNo>seen %d</OuterNo><Steps>" % next(self.turn))
            if start:
                first = start.pop()
                kept = [(name, value) for name, value in first["headers"] if name != b"content-length"]
                await send({**first, "headers": [*kept, (b"content-length", b"%d" % len(body))]})
            await send({**message, "body": body})

        await self.app(scope, receive, changed if scope["type"] == "http" else send)


@contextlib.contextmanager
def _serving(app: ASGIApp) -> Iterator[str]:
    """A server in a thread of this process, on a free port."""
    listener: socket.socket = bind(0)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextlib.contextmanager
def _gateway(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    log = folder / "gateway.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "quanyu", "serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _listening(child, log)
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _listening(child: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"listening"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    raise UnexpectedError(f"the gateway did not start:\n{tail}")
