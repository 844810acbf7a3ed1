"""Harvesters over systems that a test scripts, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.harvest_model import Harvest
from adapters.mapping.scope import Trouble
from adapters.source import Page
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.casefile.files import CaseFiles, TrackingRules
from gateway.database import Database
from gateway.directory import read_registry
from gateway.harvest.model import HarvestLimits
from gateway.harvest.run import Harvester
from gateway.harvest.store import HarvestStore
from gateway.ledger import LedgerReader, NewEvent
from gateway.ledger.personal import Vault
from gateway.ledger.writer import Appended, Writer
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from samples.registry import DATA
from schema.identifiers import applicant_ref
from tests.ledger.conftest import KEYS

NOW_US = 1_512_000_000_000_000  # 2017-11-30T08:00:00+08:00
REGISTRY = read_registry(DATA)
RULES = TrackingRules(read_calendar(), RuleBook(read_rules()))


def change(number: int, *, case: int | None = None, **more: Any) -> dict[str, Any]:
    """Change `number` as JT-PERMIT would tell it, one a minute from 2017-11-20 on."""
    return {
        "id": f"E{number}",
        "localNo": f"JT{number // 3 if case is None else case:04d}",
        "kind": ("SUBMIT", "RECEIVE", "ACCEPT")[number % 3],
        "rawKind": f"K{number % 3}",
        "state": "ACCEPTED",
        "rawStatus": "10",
        "occurredAt": f"2017-11-20T{9 + number // 60:02d}:{number % 60:02d}:00+08:00",
        **more,
    }


def case_record(local_no: str, **more: Any) -> dict[str, Any]:
    return {
        "localNo": local_no,
        "title": "超限运输许可",
        "itemCode": "500118001000",
        "regionCode": "500107",
        "departmentCode": "11500000009000242T",
        "state": "UNDER_REVIEW",
        "appliedAt": "2017-11-20T09:00:00+08:00",
        "acceptedAt": "2017-11-20T09:02:00+08:00",
        "applicant": {
            "kind": "NATURAL",
            "name": "陈晓明",
            "idType": "RESIDENT_ID",
            "idNumber": "500229197001010010",
        },
        **more,
    }


@dataclass(slots=True)
class ScriptedSource:
    """As much of `adapters.source.Source` as the harvest uses. changes: all that it would tell, in its own order."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    verbs: tuple[str, ...] = ("changes", "case")
    page_size: int = 4
    namespace: str = "mapping-1"
    troubles: list[Trouble] = field(default_factory=list)
    fault: SourceError | None = None
    fault_at: int = 0
    asked: list[tuple[str, Mapping[str, Any], Any]] = field(default_factory=list)
    next_page: Callable[[int, int], Any] | None = None
    harvest: Harvest = field(default_factory=Harvest)
    lifecycle: str = "CONNECTED"
    push: Any = None
    events_only_in_case: bool = False

    @property
    def declaration(self) -> Any:
        return SimpleNamespace(harvest=self.harvest, system=SimpleNamespace(lifecycle=self.lifecycle))

    def can(self, verb: str) -> bool:
        return verb in self.verbs

    def only_in_case(self, fields: Any) -> frozenset[str]:
        return frozenset(fields) if self.events_only_in_case else frozenset()

    async def ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        *,
        fields: Any,
        deadline: float,
        position: Any = None,
        **_: Any,
    ) -> Page:
        del fields, deadline
        self.asked.append((verb, args, position))
        if verb == "case":
            found = self.cases.get(args["number"])
            if found is None:
                raise SourceNotFound("JT-PERMIT")
            return Page([found], None, 1, "FRESH", NOW_US / 1e6)
        if self.fault is not None and len(self.asked) > self.fault_at:
            raise self.fault
        rows = self.changes if verb == "changes" else list(self.cases.values())
        key = "occurredAt" if verb == "changes" else "appliedAt"
        if verb == "cases" and self.events_only_in_case:
            rows = [{**one, "events": None} for one in rows]
        wanted = [one for one in rows if one[key] >= (args.get("since") or args.get("from"))]
        start = int(position or 0)
        page = wanted[start : start + self.page_size]
        further: Any = start + self.page_size if start + self.page_size < len(wanted) else None
        if self.next_page is not None:
            further = self.next_page(start, len(wanted))
        troubles = tuple(self.troubles) if start == 0 else ()
        return Page(page, further, None, "FRESH", NOW_US / 1e6, None, troubles)


class TellingWriter(Writer):
    """told: events that the ledger has learnt of, in order, without those that it knew."""

    told: list[NewEvent]

    async def append_events(self, events: Sequence[NewEvent]) -> list[Appended]:
        appended = await super().append_events(events)
        self.told += [event for event, one in zip(events, appended, strict=True) if one.state != "repeated"]
        return appended


@dataclass(slots=True)
class Field:
    """A database, a ledger in it, and one system to harvest."""

    database: Database
    source: ScriptedSource = field(default_factory=ScriptedSource)
    now_us: int = NOW_US
    told: list[NewEvent] = field(default_factory=list)
    store: HarvestStore = field(init=False)
    writer: TellingWriter = field(init=False)
    files: CaseFiles = field(init=False)

    def __post_init__(self) -> None:
        self.store = HarvestStore(self.database)
        self.writer = TellingWriter(self.database, Vault(KEYS.master), clock=lambda: self.now_us)
        self.writer.told = self.told
        self.files = CaseFiles(self.database, self.writer, REGISTRY, lambda: RULES, lambda: self.now_us)

    def harvester(self, holder: str = "worker-1", **limits: Any) -> Harvester:
        return Harvester(
            lambda: nullcontext({"JT-PERMIT": self.source}),  # type: ignore[arg-type]  # a double
            self.store,
            self.writer,
            self.files,
            lambda id_type, number: applicant_ref(KEYS.subject_ref, id_type, number),
            holder=holder,
            clock=lambda: self.now_us,
            limits=HarvestLimits(**limits),
        )

    async def events(self) -> list[tuple[str, str]]:
        """(case, key) of all in the ledger, in the order of their happening."""
        page = await LedgerReader(self.database).case_events(system="JT-PERMIT", limit=1000)
        rows = sorted((one.fields["occurred"], one.fields["case"], one.fields["key"]) for one in page.records)
        return [(case, key) for _, case, key in rows]


@pytest.fixture
def field_(database: Database) -> Field:
    return Field(database)
