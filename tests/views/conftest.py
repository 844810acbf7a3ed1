"""Ledger and case files on both databases, filled as a harvest fills them, and a way to ask the house subgraph of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from graphql import graphql

from adapters.applicant import filter_number
from adapters.fetch import Caller, RequestContext
from gateway.casefile.files import CaseFiles, Snapshot, TrackingRules
from gateway.casefile.record import micros, new_event, subject_of
from gateway.database import Database
from gateway.directory import HouseContext, read_registry
from gateway.ledger import LedgerKeys, Look, Writer
from gateway.ledger.personal import Vault
from gateway.ledger.sealer import Sealer
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from gateway.views.disclosure import DisclosureRules
from gateway.views.records import RecordViews
from samples.registry import DATA
from schema.identifiers import applicant_ref
from schema.subgraphs import executable, house_schema
from tests.ledger.conftest import KEYS
from tests.schema.conftest import FixedSystems

REGISTRY = read_registry(DATA)
CALENDAR = read_calendar()
BOOK = RuleBook(read_rules())
HOUSE = executable(house_schema())
CITIZEN = "500229197001010010"
COMPANY = "91500107MA5U00011B"
TRANSPORT = "115000000090001627"
TOURISM = "115000000090002858"
SUPERVISOR = Caller("supervisor-1", frozenset({"cases:read", "supervision:read", "warnings:decide"}))
AUDITOR = Caller("auditor-1", frozenset({"audit:read"}))
APPLICANT = Caller("citizen-1", frozenset({"cases:own"}), subject=CITIZEN)


def at(text: str) -> int:
    """`2017-11-20T10:00` in Chongqing, as microseconds since 1970."""
    found = micros(text)
    assert found is not None
    return found


@dataclass(slots=True)
class Office:
    """now_us: what every part of it takes for the time."""

    database: Database
    now_us: int = at("2017-11-30T08:00")
    keys: LedgerKeys = KEYS
    writer: Writer = field(init=False)
    files: CaseFiles = field(init=False)
    views: RecordViews = field(init=False)
    seen: list[RequestContext] = field(default_factory=list)
    recorded_us: int | None = None

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, Vault(self.keys.master), clock=self.clock)
        rules = TrackingRules(CALENDAR, BOOK)
        self.files = CaseFiles(self.database, self.writer, REGISTRY, lambda: rules, lambda: self.now_us)
        self.views = RecordViews(
            self.database, self.writer, self.keys, REGISTRY, lambda: CALENDAR, lambda: self.now_us
        )

    def clock(self) -> int:
        return self.recorded_us or self.now_us

    async def add(
        self,
        case_id: str,
        events: Sequence[tuple[str, str] | Mapping[str, Any]] = (("ACCEPT", "2017-11-20T10:00"),),
        *,
        number: str = CITIZEN,
        late: bool = False,
        **record: Any,
    ) -> None:
        """A case with its events, (kind, time) or a canonical event each, as its system tells it now."""
        system, _, local_no = case_id.partition(":")
        told = {
            "localNo": local_no,
            "title": "超限运输许可",
            "itemCode": "500118001000",
            "regionCode": "500107",
            "departmentCode": TRANSPORT,
            "state": "UNDER_REVIEW",
            "rawStatus": "TBCXJG",
            "appliedAt": "2017-11-20T09:00:00+08:00",
            "applicant": {
                "kind": "NATURAL",
                "name": "陈晓明",
                "idType": "RESIDENT_ID",
                "idNumber": number,
            },
            **record,
        }
        subject = subject_of(
            told, lambda kind, one: applicant_ref(self.keys.subject_ref, kind, one), filter_number
        )
        listed = [
            {"kind": one[0], "occurredAt": f"{one[1]}:00+08:00", "id": f"{case_id}#{place}"}
            if isinstance(one, tuple)
            else {"id": f"{case_id}#{place}", **one}
            for place, one in enumerate(events)
        ]
        for one in listed:  # each is recorded a minute after it happened, or now
            self.recorded_us = None if late else at(str(one["occurredAt"])) + 60_000_000
            await self.writer.append_events([new_event(system, local_no, one, subject=subject)])
        self.recorded_us = None
        await self.files.update([case_id], {case_id: Snapshot(told, subject, self.now_us)})

    async def look(self, **given: Any) -> None:
        fields: dict[str, Any] = {
            "actor": "counter-3",
            "operation": "CasePage",
            "operation_hash": "ab" * 32,
            "fields": ("case.title",),
            "purpose": "HANDLE_CASE",
        }
        await self.writer.append_looks([Look(**(fields | given))])

    async def seal(self) -> None:
        await Sealer(self.database, self.keys.signer, "test", clock=self.clock).seal()

    def ref(self, number: str) -> str:
        return self.views.subject_ref(None, number)

    def with_disclosure(self, rules: DisclosureRules) -> None:
        self.views = replace(self.views, disclosure=rules)

    async def ask(self, query: str, *, by: Caller = SUPERVISOR, **variables: Any) -> Any:
        """The data of an answer without errors. Permissions are the engine's: not looked at here."""
        found = await self.answer(query, by=by, **variables)
        assert not found.errors, found.errors
        return found.data

    async def answer(self, query: str, *, by: Caller = SUPERVISOR, **variables: Any) -> Any:
        request = RequestContext(asyncio.get_running_loop().time() + 30, by)
        self.seen.append(request)
        context = HouseContext(
            REGISTRY,
            FixedSystems((), {}, {}),  # type: ignore[arg-type]  # a double of Systems
            records=self.views.of(request),
        )
        return await graphql(HOUSE, query, variable_values=variables, context_value=context)

    async def codes(self, query: str, **how: Any) -> list[str]:
        found = await self.answer(query, **how)
        return [getattr(one.original_error, "code", str(one)) for one in found.errors or ()]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)
