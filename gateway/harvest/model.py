"""What a run of the harvest is made of: its limits, its report, what it keeps while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from adapters.source import Source
from gateway.harvest.store import HarvestState
from gateway.ledger import NewEvent

__all__ = [
    "BEGINNING",
    "HarvestFault",
    "HarvestLimits",
    "HarvestObserver",
    "HarvestReport",
    "LeaseLost",
    "Lend",
    "Run",
    "harvested_by",
]

Lend = Callable[[], AbstractContextManager[Mapping[str, Source]]]
"""The systems of the generation in service, which is not closed while they are used."""


class HarvestObserver(Protocol):
    def harvested(self, system: str, fault_code: str | None, events: int, rejected: int) -> None: ...


BEGINNING = "1990-01-01T00:00:00+08:00"


@dataclass(frozen=True, slots=True)
class HarvestLimits:
    """Of one run.

    cases: single cases asked for after their changes; at_once: of these at the same time. listed: from so many cases
    that were never seen on, the list of cases is asked for in place of each of them. events: appended in one
    transaction; flush: after so many new events, case files are brought up to date and listeners told.
    quarantined: records of one system that wait for a mapping fix; more stop its harvest. recent: a watermark younger
    than this, of which the system knows nothing any more, is a fault.
    """

    pages: int = 500
    page_timeout_s: float = 30.0
    lease_s: float = 120.0
    cases: int = 500
    at_once: int = 8
    listed: int = 200
    events: int = 250
    flush: int = 2000
    raw_chars: int = 8000
    quarantined: int = 10_000
    recent: timedelta = timedelta(days=30)


@dataclass(slots=True)
class HarvestReport:
    """What came of a run. skipped: another process has the lease. more: the run ended at its limits."""

    system: str
    events: int = 0
    repeated: int = 0
    rejected: int = 0
    cases: int = 0
    pages: int = 0
    skipped: bool = False
    more: bool = False
    fault_code: str | None = None
    fault: str | None = None


class HarvestFault(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class LeaseLost(Exception):
    """Another process goes on."""


@dataclass(slots=True)
class Run:
    source: Source
    state: HarvestState
    report: HarvestReport
    pending: list[NewEvent] = field(default_factory=list)
    """Appended; their case files do not show them yet, and nobody was told."""
    pages: set[bytes] = field(default_factory=set)
    whole: bool = False
    """Everything is read, not what has changed: cases where they are listed."""

    @property
    def counted(self) -> HarvestState:
        """With what this run has brought so far; `state` counts what was before it."""
        return replace(
            self.state,
            events=self.state.events + self.report.events,
            repeated=self.state.repeated + self.report.repeated,
        )

    @property
    def verb(self) -> str | None:
        """What the system is asked again and again; None where it has nothing for that."""
        if self.whole:
            return next((verb for verb in ("cases", "changes") if self.source.can(verb)), None)
        return harvested_by(self.source)


def harvested_by(source: Source) -> str | None:
    """`changes` or `cases`: what the system is asked again and again; None where it is not."""
    if source.declaration.system.lifecycle in ("DISCOVERED", "RETIRED"):
        return None
    wanted = source.declaration.harvest.by
    return next(
        (verb for verb in ("changes", "cases") if wanted in ("auto", verb) and source.can(verb)), None
    )
