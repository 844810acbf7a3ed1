"""What the resolvers of the house subgraph need from outside, as Protocols and the facts they hand over.

`HouseContext` is the `context` that a query runs with; `gateway/app.py` fills it. Times are ISO 8601 text
with offset. Nothing here knows how the facts are come by.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol as StructuralType

from schema.records_port import RecordsPort
from schema.registry import DepartmentRow, ImplementationRow, ItemRow, MaterialRow, RegionRow
from schema.vocabulary import BreakerState, Capability, HarvestMode, HealthState, Protocol, SystemLifecycle

__all__ = [
    "CaseUpdateFacts",
    "HarvestFacts",
    "HouseContext",
    "LivePort",
    "MappingFacts",
    "MappingGapFacts",
    "RegistryPort",
    "SystemFacts",
    "SystemHealthFacts",
    "SystemsPort",
]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """A legacy system as its declaration describes it. `owner` is a department's social credit code."""

    code: str
    name: str
    owner: str
    protocol: Protocol
    lifecycle: SystemLifecycle
    capabilities: tuple[Capability, ...] = ()
    vendor: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class SystemHealthFacts:
    """How the calls to a system went of late. Latencies in milliseconds; `error_rate` from 0 to 1."""

    state: HealthState
    breaker: BreakerState
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    error_rate: float | None = None
    calls: int = 0
    failures: int = 0
    last_success_at: str | None = None
    last_error_code: str | None = None
    last_error_at: str | None = None
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class MappingGapFacts:
    """A raw value that a code table does not map, and how often it was met."""

    table: str
    raw_value: str
    count: int
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """What a system's mapping leaves open. `mapped_share`: of the canonical fields of a case, from 0 to 1."""

    gaps: tuple[MappingGapFacts, ...] = ()
    unmapped_fields: tuple[str, ...] = ()
    mapped_share: float | None = None


@dataclass(frozen=True, slots=True)
class HarvestFacts:
    """How a system is harvested and how far that has come. failures: runs in a row; lag_s: seconds."""

    mode: HarvestMode = HarvestMode.NONE
    pushes: bool = False
    every_s: float | None = None
    last_run_at: str | None = None
    last_good_at: str | None = None
    last_push_at: str | None = None
    running_since: str | None = None
    watermark: str | None = None
    lag_s: float | None = None
    more: bool = False
    fault_code: str | None = None
    fault: str | None = None
    failures: int = 0
    quarantined: int = 0
    events: int = 0
    repeated: int = 0


class SystemsPort(StructuralType):
    """The legacy systems that are declared. Unknown codes: None from `system`; the others are not asked."""

    def systems(self) -> Sequence[SystemFacts]: ...

    def system(self, code: str) -> SystemFacts | None: ...

    def health(self, code: str) -> SystemHealthFacts: ...

    async def mapping(self, code: str) -> MappingFacts: ...

    async def harvest(self, code: str) -> HarvestFacts:
        """Raises an error with a `code` where the database is away."""
        ...


class RegistryPort(StructuralType):
    """The registry of divisions, departments and items; `schema.registry.Registry` is one."""

    @property
    def regions(self) -> Sequence[RegionRow]: ...

    @property
    def departments(self) -> Sequence[DepartmentRow]: ...

    @property
    def items(self) -> Sequence[ItemRow]: ...

    def region(self, code: str, as_of: date | None = None) -> RegionRow | None: ...

    def children(self, code: str) -> Sequence[RegionRow]: ...

    def ancestors(self, code: str) -> Sequence[RegionRow]: ...

    def descendants(self, code: str) -> frozenset[str]: ...

    def department(self, code: str) -> DepartmentRow | None: ...

    def item(self, base_code: str) -> ItemRow | None: ...

    def search_items(self, text: str) -> Sequence[ItemRow]: ...

    def implementation(self, task_code: str) -> ImplementationRow | None: ...

    def implementations(self, base_code: str) -> Sequence[ImplementationRow]: ...

    def materials(self, task_code: str) -> Sequence[MaterialRow]: ...

    def item_materials(self, base_code: str) -> Sequence[MaterialRow]: ...


@dataclass(frozen=True, slots=True)
class CaseUpdateFacts:
    """An event of a case as it was recorded. Times are ISO 8601; actor is masked."""

    cursor: str
    id: str
    case_id: str
    system: str
    kind: str
    recorded_at: str
    occurred_at: str | None = None
    ended_at: str | None = None
    raw_kind: str | None = None
    step: str | None = None
    actor: str | None = None
    department: str | None = None
    state: str | None = None
    raw_status: str | None = None
    document_no: str | None = None
    corrects: bool = False


class LivePort(StructuralType):
    """Events of cases as they come, for one caller. after: a cursor, None for from now on.

    What is refused, and what ends a stream, is raised with `extensions`.
    """

    def case_changed(self, case_id: str, after: str | None) -> AsyncGenerator[CaseUpdateFacts, None]: ...

    def my_case_events(self, after: str | None) -> AsyncGenerator[CaseUpdateFacts, None]: ...

    def case_feed(
        self, region: str | None, department: str | None, after: str | None, *, include_descendants: bool
    ) -> AsyncGenerator[CaseUpdateFacts, None]: ...

    async def cursor(self) -> str:
        """After the newest event that is sealed."""
        ...


class HouseContext(StructuralType):
    """The context of every query against the house subgraph."""

    @property
    def registry(self) -> RegistryPort: ...

    @property
    def systems(self) -> SystemsPort: ...

    @property
    def largest_page(self) -> int:
        """Largest `first` of a list."""
        ...

    @property
    def records(self) -> RecordsPort | None:
        """Ledger and case files for the caller of this request; None where there are none."""
        ...

    @property
    def live(self) -> LivePort | None:
        """None where this process keeps no ledger."""
        ...
