"""A witness at an address co-signs what goes on from what it has seen; whatever it does, the trail goes on."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.ledger import Ledger, LedgerReader
from gateway.ledger.checkpoint import Signer, Verifier, cosign, cosigned_by, read_checkpoint
from gateway.ledger.errors import WitnessRefused
from gateway.ledger.http_witness import HttpWitness, WitnessAway
from gateway.ledger.merkle import verify_consistency
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.witness import FileWitness, notes_in_file
from tests.ledger.conftest import KEYS, Trail, event
from tests.services import free_port

SIGNER = Signer.from_seed("witness.example/w1", bytes(range(32)))
TRAIL = KEYS.signer.verifier


@dataclass
class TlogWitness:
    """The server's side of the protocol, for one trail. reply: says something else instead."""

    trail: Verifier = TRAIL
    seen: tuple[int, bytes] = (0, b"")
    reply: tuple[int, bytes] | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, body: str) -> tuple[int, str, bytes]:
        self.asked.append(body.partition("\n")[0])
        if self.reply is not None:
            return self.reply[0], "text/plain", self.reply[1]
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        old = int(first.removeprefix("old "))
        try:
            checkpoint = read_checkpoint(note, self.trail)
        except Exception:
            return 403, "text/plain", b""
        if old > checkpoint.size:
            return 400, "text/plain", b""
        if old != self.seen[0]:
            return 409, "text/x.tlog.size", b"%d\n" % self.seen[0]
        path = [base64.b64decode(one) for one in proof]
        grows = old == 0 or verify_consistency(old, checkpoint.size, self.seen[1], checkpoint.root, path)
        if not grows or (old == 0 and path):
            return 422, "text/plain", b""
        self.seen = (checkpoint.size, checkpoint.root)
        return 200, "text/plain", cosign(note, SIGNER, time_s=int(time.time())).encode()


@pytest.fixture
def witness() -> Iterator[tuple[TlogWitness, str]]:
    behind = TlogWitness()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, kind, answer = (
                behind.answer(body) if self.path == "/w/add-checkpoint" else (404, "x/y", b"")
            )
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield behind, f"http://127.0.0.1:{server.server_port}/w"
    server.shutdown()
    server.server_close()


async def shown(trail: Trail, one: HttpWitness) -> tuple[str, str]:
    """The newest note and what the witness signed of it."""
    note = await LedgerReader(trail.database).newest_checkpoint()
    assert note is not None

    async def proof(old: int, new: int) -> list[bytes]:
        async with trail.database.read() as connection:
            return await TreeStore(connection).consistency(old, new)

    return note, await one.see(note, proof)


def client(url: str) -> HttpWitness:
    return HttpWitness(url, SIGNER.verifier, TRAIL)


async def test_it_cosigns_what_goes_on_from_what_it_has_seen(
    trail: Trail, witness: tuple[TlogWitness, str]
) -> None:
    behind, url = witness
    one = client(url)
    for start in (0, 9, 18):
        await trail.fill(9, start=start)
        note, line = await shown(trail, one)
        assert cosigned_by(note, [line], SIGNER.verifier) is not None
    assert behind.asked == ["old 0", "old 28", "old 55"]
    await trail.fill(3, start=30)
    await shown(trail, client(url))
    assert behind.asked[3:] == ["old 0", "old 82"], "who does not know asks what it has seen"


async def test_a_trail_that_was_cut_or_written_anew_is_refused(
    trail: Trail, witness: tuple[TlogWitness, str]
) -> None:
    behind, url = witness
    await trail.fill(9)
    behind.seen = (1000, bytes(32))
    with pytest.raises(WitnessRefused, match="has seen 1000 records"):
        await shown(trail, client(url))
    behind.seen = (5, bytes(32))
    with pytest.raises(WitnessRefused, match="does not begin with the 5 records"):
        await shown(trail, client(url))
    behind.seen, behind.trail = (0, b""), SIGNER.verifier
    with pytest.raises(WitnessRefused, match="does not take this trail"):
        await shown(trail, client(url))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((200, "— other 12345".encode()), WitnessRefused),
        ((200, b"\xff\xfe"), WitnessRefused),
        ((500, b""), WitnessAway),
        ((409, b"many"), WitnessAway),
        ((409, b"7\n"), WitnessAway),
    ],
)
async def test_what_is_no_answer_of_a_witness_is_told(
    trail: Trail, witness: tuple[TlogWitness, str], reply: tuple[int, bytes], error: type[Exception]
) -> None:
    behind, url = witness
    behind.reply = reply
    await trail.fill(9)
    with pytest.raises(error):
        await shown(trail, client(url))


async def test_a_witness_that_is_away_is_told_and_costs_the_trail_and_other_witnesses_nothing(
    trail: Trail, tmp_path: Path
) -> None:
    file = tmp_path / "witness.jsonl"
    away = client(f"http://127.0.0.1:{free_port()}")
    other = FileWitness(file, Signer.from_seed("file/witness", bytes(32)), TRAIL)
    ledger = Ledger(trail.database, KEYS, witnesses=[away, other])
    await trail.writer.append_events([event(1)])
    await ledger.seal_all()
    with pytest.raises(WitnessAway, match="cannot be asked"):
        await ledger.witness_newest()
    assert len([*notes_in_file(file)]) == 1
    await trail.writer.append_events([event(2)])
    await ledger.seal_all()
    assert (await trail.verify()).unsealed == 0


async def test_what_it_cosigned_is_kept_and_checked(trail: Trail, witness: tuple[TlogWitness, str]) -> None:
    _, url = witness
    ledger = Ledger(trail.database, KEYS, witnesses=[client(url)])
    await trail.writer.append_events([event(1)])
    await ledger.seal_all()
    await ledger.witness_newest()
    assert (await trail.verify(witnesses=[SIGNER.verifier])).findings == ()
    other = Signer.from_seed(SIGNER.name, bytes(32))
    found = await trail.verify(witnesses=[other.verifier])
    assert [one.kind for one in found.findings] == ["FORGED"]
