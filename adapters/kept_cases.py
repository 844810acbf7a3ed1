"""How fresh an answer must be 时效要求, and what the case files hold where that is enough.

The files themselves are behind `CaseMemory`: this side knows no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.fanout import Found
from adapters.source import Page
from schema.errors import SchemaError

__all__ = [
    "AS_DECLARED",
    "CaseMemory",
    "FreshnessInvalid",
    "KeptCase",
    "MemoryUnavailable",
    "Wish",
    "kept_found",
    "wish_of",
]

LONGEST_S = 10 * 365 * 86_400


class FreshnessInvalid(SchemaError):
    """`freshness` asks for what cannot be."""

    code = "ARGUMENT_INVALID"


class MemoryUnavailable(Exception):
    """The case files cannot be read now."""

    code = "DATABASE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Wish:
    """max_age_s: oldest that will do, None as the declarations have it. live: no kept answer will do, and none that another
    call waits for. asks: whether the system may be asked; if not, only case files answer."""

    max_age_s: float | None = None
    live: bool = False
    asks: bool = True

    @property
    def takes_files(self) -> bool:
        """Whether a case file may answer in the system's place."""
        return not self.asks or (self.max_age_s is not None and not self.live)

    def is_met(self, as_of: float, now: float) -> bool:
        return not self.asks or (self.max_age_s is not None and now - as_of <= self.max_age_s)


AS_DECLARED = Wish()


def wish_of(given: Mapping[str, Any] | None) -> Wish:
    """given: the argument `freshness`. Raises FreshnessInvalid."""
    if given is None:
        return AS_DECLARED
    mode, seconds = given["mode"], given.get("seconds")
    if (mode == "MAX_AGE") is (seconds is None):
        text = "MAX_AGE needs seconds" if seconds is None else f"seconds belong to MAX_AGE, not to {mode}"
        raise FreshnessInvalid(f"freshness: {text}.")
    if seconds is not None and not 0 <= seconds <= LONGEST_S:
        raise FreshnessInvalid(f"freshness: seconds must be 0 to {LONGEST_S}, got {seconds}.")
    if mode == "LEDGER":
        return Wish(asks=False)
    return Wish(live=True) if mode == "LIVE" else Wish(max_age_s=float(seconds or 0))


@dataclass(frozen=True, slots=True)
class KeptCase:
    """A case file: the canonical record with people masked, its events from the ledger where they were asked for, the
    applicant's reference, and when its system last showed it (Unix seconds)."""

    system: str
    record: dict[str, Any]
    subject: str | None
    as_of: float


class CaseMemory(Protocol):
    async def find(self, case_ids: Sequence[str], *, events: bool) -> Mapping[str, KeptCase]:
        """Those of them that have a file. Raises MemoryUnavailable."""
        ...


def kept_found(kept: KeptCase) -> Found:
    """As if its system had answered; `Case.source` says LEDGER."""
    record = dict(kept.record)
    if isinstance(record.get("applicant"), Mapping):
        record["applicant"] = {**record["applicant"], "ref": kept.subject}
    return Found(kept.system, record, Page([], None, None, "LEDGER", kept.as_of))
