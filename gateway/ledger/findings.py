"""What a check of a trail says: findings, each with its kind and place, and the whole outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.ledger.checkpoint import Checkpoint

__all__ = ["FindingKind", "Flaw", "Found"]

FindingKind = Literal["ALTERED", "REMOVED", "INSERTED", "REORDERED", "FORGED", "ROLLED_BACK"]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, with which record or row. leaf: its place in the tree, where it has one."""

    kind: FindingKind
    what: str
    reason: str
    leaf: int | None = None

    def __str__(self) -> str:
        place = "" if self.leaf is None else f" (leaf {self.leaf})"
        return f"{self.kind}: {self.what}{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome. first: the finding that is earliest in the trail."""

    size: int
    records: int
    unsealed: int
    dropped: int
    last_at_us: int | None
    checkpoint: Checkpoint | None
    findings: tuple[Flaw, ...]

    @property
    def intact(self) -> bool:
        return not self.findings

    @property
    def first(self) -> Flaw | None:
        return self.findings[0] if self.findings else None
