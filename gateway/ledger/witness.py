"""Witnesses: they remember checkpoints where the database's owner cannot change them, and co-sign what follows.

`FileWitness` is an append-only file, best on a disk or share of someone else. A witness co-signs a checkpoint only if
the trail that it knows is its beginning (RFC 6962 consistency).
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from gateway.ledger.checkpoint import Signer, Verifier, cosign, read_checkpoint
from gateway.ledger.errors import WitnessRefused
from gateway.ledger.merkle import verify_consistency

__all__ = ["FileWitness", "Proof", "Witness", "notes_in_file"]

Proof = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""(old size, new size) -> consistency proof."""


class Witness(Protocol):
    @property
    def name(self) -> str: ...

    async def see(self, note: str, proof: Proof) -> str:
        """The cosignature line. Raises WitnessRefused, OSError where it cannot be reached."""
        ...


class FileWitness:
    """Each line a JSON object with `size`, `note` and `cosignature`. trail: whose checkpoints it takes."""

    def __init__(self, path: Path, signer: Signer, trail: Verifier) -> None:
        self._path, self._signer, self._trail = path, signer, trail

    @property
    def name(self) -> str:
        return self._signer.name

    async def see(self, note: str, proof: Proof) -> str:
        checkpoint = read_checkpoint(note, self._trail)
        known = await asyncio.to_thread(self._last)
        if known is not None:
            seen = read_checkpoint(known, self._trail)
            if seen.size > checkpoint.size:
                raise WitnessRefused(
                    f"{self._path} has seen {seen.size} records, the trail has {checkpoint.size}"
                )
            path = await proof(seen.size, checkpoint.size)
            if not verify_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, path):
                raise WitnessRefused(
                    f"{self._path}: the trail does not begin with the {seen.size} records seen"
                )
        line = cosign(note, self._signer, time_s=int(time.time()))
        row = json.dumps({"size": checkpoint.size, "note": note, "cosignature": line}, ensure_ascii=False)
        await asyncio.to_thread(self._add, row)
        return line

    def _add(self, row: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(row + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _last(self) -> str | None:
        return next(iter([*notes_in_file(self._path, tail=True)][-1:]), None)


def notes_in_file(path: Path, *, tail: bool = False) -> Iterator[str]:
    """Notes that a file witness has seen, oldest first; tail: those of the last lines only. A last line that was cut
    off by a crash is passed over. Raises OSError (but a file that is not there is empty), WitnessRefused."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if tail:
            file.seek(max(0, path.stat().st_size - 65_536))
            if file.tell():
                file.readline()
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield str(json.loads(line)["note"])
            except (ValueError, KeyError, TypeError):
                raise WitnessRefused(f"{path}: line {number} is no witnessed checkpoint") from None
