"""What the house subgraph asks of ledger and case files, as a Protocol. The gateway has one `RecordsPort` for each
request: it knows who asks, shows only what they may see, and notes what was seen.

Values are the schema's own types. All methods raise RecordsUnavailableError where the store is away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from typing import Protocol as StructuralType

from schema.paging import Slice
from schema.vocabulary import WarningDecision, WarningLevel, WarningState, WorklistOrder

__all__ = ["RecordsPort", "TrailScope", "WarningsWanted", "WorkCount", "WorkWanted"]

# types of `schema.types`, whose resolvers call the port: it cannot import them; the gateway's class names them
AccessRecord: TypeAlias = Any
CaseTracking: TypeAlias = Any
CaseWarning: TypeAlias = Any
ChainCheck: TypeAlias = Any
DisclosedAccess: TypeAlias = Any
LedgerEvent: TypeAlias = Any
Supervision: TypeAlias = Any
TrackedCase: TypeAlias = Any
TrailRecord: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class WorkWanted:
    """A worklist's filter. regions: codes with those below them; None: any. days_left_max: working days."""

    is_open: bool | None = True
    states: tuple[str, ...] = ()
    days_left_max: int | None = None
    item: str | None = None
    regions: frozenset[str] | None = None
    department: str | None = None
    system: str | None = None
    handler: str | None = None
    levels: tuple[WarningLevel, ...] = ()
    without_warning: bool = False


@dataclass(frozen=True, slots=True)
class WorkCount:
    """is_estimate: there are more than these."""

    count: int
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class WarningsWanted:
    """start, end: ISO 8601, of the moment of raising; end is not included."""

    levels: tuple[WarningLevel, ...] = ()
    states: tuple[WarningState, ...] = ()
    regions: frozenset[str] | None = None
    department: str | None = None
    rule: str | None = None
    case_id: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class TrailScope:
    """What a trail is about. cases: ids. subject: reference of a person. start, end: ISO 8601, end not included."""

    cases: tuple[str, ...] = ()
    subject: str | None = None
    actor: str | None = None
    purpose: str | None = None
    start: str | None = None
    end: str | None = None


class RecordsPort(StructuralType):
    async def tracked(self, case_id: str) -> TrackedCase | None: ...

    async def tracking(self, case_id: str) -> CaseTracking | None:
        """Its clocks and what they were made of; None where nothing is known of it."""
        ...

    async def case_warnings(self, case_id: str) -> list[CaseWarning]: ...

    async def history(
        self, case_id: str, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[LedgerEvent]: ...

    async def worklist(
        self, wanted: WorkWanted, order: WorklistOrder, *, first: int, after: str | None
    ) -> Slice[TrackedCase]: ...

    async def count_work(self, wanted: WorkWanted) -> WorkCount: ...

    async def warnings(
        self, wanted: WarningsWanted, *, first: int, after: str | None
    ) -> Slice[CaseWarning]: ...

    async def appeal(self, warning_id: str, reason: str) -> CaseWarning: ...

    async def decide(self, warning_id: str, decision: WarningDecision, reason: str) -> CaseWarning: ...

    async def supervision(
        self, regions: frozenset[str] | None, department: str | None, *, soon_days: int, stuck_days: int
    ) -> Supervision: ...

    async def trail(
        self, scope: TrailScope, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[TrailRecord]: ...

    async def looks(
        self, scope: TrailScope, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[AccessRecord]: ...

    async def cases_of(
        self, *, subject: str | None, project: str | None, limit: int
    ) -> Sequence[TrackedCase]: ...

    def subject_ref(self, id_type: str | None, number: str) -> str: ...

    async def verify(self, start: str | None, end: str | None) -> ChainCheck: ...

    async def looks_at_me(
        self, start: str | None, end: str | None, *, first: int, after: str | None
    ) -> Slice[DisclosedAccess]: ...
