"""Ledgers on both databases, and what they are filled with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.database import Database
from gateway.ledger import Change, LedgerKeys, Look, NewEvent, Writer, ledger_keys
from gateway.ledger.findings import Found
from gateway.ledger.personal import Vault
from gateway.ledger.sealer import Sealer
from gateway.ledger.verify import verify_store

KEYS = ledger_keys(
    "quanyu.test/trail", b"a ledger key of tests only, 0123456789", b"a subject key of tests only, 012345"
)


def event(number: int, *, case: int | None = None, **more: object) -> NewEvent:
    """Event `number` of JT-PERMIT, of a case of three events."""
    given: dict[str, object] = {
        "system": "JT-PERMIT",
        "case_id": f"JT-PERMIT:JT2017-{(number // 3 if case is None else case):06d}",
        "kind": "STEP_START",
        "occurred_us": 1_511_000_000_000_000 + number,
        "key": f"E{number}",
        "subject": f"{number // 3:064x}",
        "detail": {"step": "审查", "raw": f"TBCX{number}"},
    }
    return NewEvent(**(given | more))  # type: ignore[arg-type]  # of mixed kinds


def look(number: int, **more: object) -> Look:
    """A look at one case and its subject."""
    given: dict[str, object] = {
        "actor": f"counter-{number % 3}",
        "operation": "CasePage",
        "operation_hash": "ab" * 32,
        "fields": ("case.id", "case.state"),
        "purpose": "HANDLE_CASE",
        "subjects": (f"{number:064x}",),
        "cases": (f"JT-PERMIT:JT2017-{number:06d}",),
        "systems": {"JT-PERMIT": "OK"},
        "trace_id": f"{number:032x}",
    }
    return Look(**(given | more))  # type: ignore[arg-type]  # of mixed kinds


@dataclass(slots=True)
class Trail:
    """A database with one writer and the sealer."""

    database: Database
    keys: LedgerKeys = KEYS
    vault: Vault = field(init=False)
    writer: Writer = field(init=False)
    sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        self.vault = Vault(self.keys.master)
        self.writer = Writer(self.database, self.vault)
        self.sealer = Sealer(self.database, self.keys.signer, "test")

    async def fill(self, count: int = 30, *, start: int = 0) -> None:
        """Events, looks and changes, sealed in three checkpoints."""
        third = max(1, count // 3)
        for at in range(start, start + count, third):
            numbers: Sequence[int] = range(at, min(at + third, start + count))
            await self.writer.append_events([event(number) for number in numbers])
            await self.writer.append_looks([look(number) for number in numbers])
            await self.writer.append_changes(
                [Change("mapping.changed", "ops", f"T{number}") for number in numbers]
            )
            await self.sealer.seal()

    async def verify(self, **how: object) -> Found:
        return await verify_store(self.database, self.keys.signer.verifier, **how)  # type: ignore[arg-type]


@pytest.fixture
def trail(database: Database) -> Trail:
    return Trail(database)
