"""JT-TRANSIT, 市交通委员会 超限运输许可 (new): the department's own GraphQL service, a Federation v2 subgraph, that takes the
place of JT-PERMIT. It holds the same cases and tells them in its own way: minutes instead of seconds, steps newest
first, English codes, no officers' names. `Fault.on` makes it fail, for the sample that shows an automatic rollback.
"""

# No `from __future__ import annotations`: Strawberry reads the annotations at run time.

from dataclasses import dataclass
from datetime import datetime

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import federation
from strawberry.asgi import GraphQL
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from samples.cases import Case, Event
from samples.register import open_cases
from samples.servers import jt_permit

__all__ = ["PATH", "Fault", "build", "transit_schema"]

PATH = "/graphql"
LARGEST_PAGE = 50


@dataclass(slots=True)
class Fault:
    """on: every question is answered with a server error."""

    on: bool = False


@strawberry.type(description="Who applies 申请人.")
class Holder:
    kind: str
    name: str
    id_type: str
    id_number: str
    phone: str
    representative: str | None


@strawberry.type(description="A step of a permit 环节.")
class PermitStep:
    no: str
    action: str
    name: str
    desk: str | None
    agency: str | None
    at: str
    ended_at: str | None
    opinion: str | None
    document: str | None


@federation.type(
    keys=[Key(fields=FieldSet("permitNo"))], description="An oversize transport permit 超限运输许可."
)
class Permit:
    permit_no: strawberry.ID
    subject: str
    item: str
    task: str
    area: str
    agency: str
    holder: Holder
    handling: str
    entry: str
    status: str
    applied_at: str
    accepted_at: str | None
    due_on: str | None
    closed_at: str | None
    changed_at: str
    project: str | None
    steps: list[PermitStep]

    @classmethod
    def resolve_reference(cls, info: strawberry.Info, permit_no: strawberry.ID) -> "Permit | None":
        return _book(info).by_number.get(str(permit_no))


@strawberry.type(description="Permits, one page.")
class PermitPage:
    total: int
    next: str | None
    permits: list[Permit]


def _permit_of(info: strawberry.Info, no: strawberry.ID) -> Permit | None:
    return _book(info).by_number.get(str(no))


def _permits_of(
    info: strawberry.Info,
    first: int = 20,
    after: str | None = None,
    id_number: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> PermitPage:
    found = [
        one
        for one in _book(info).permits
        if (id_number is None or one.holder.id_number == id_number)
        and (since is None or one.applied_at >= since[:16])
        and (until is None or one.applied_at <= until[:16])
    ]
    start = int(after or 0)
    end = start + min(first, LARGEST_PAGE)
    return PermitPage(total=len(found), next=str(end) if end < len(found) else None, permits=found[start:end])


@strawberry.type(description="Questions.")
class Query:
    permit: Permit | None = strawberry.field(resolver=_permit_of, description="One permit by its number.")
    permits: PermitPage = strawberry.field(
        resolver=_permits_of, description="Permits, newest application first."
    )


@dataclass(frozen=True, slots=True)
class _Book:
    permits: list[Permit]
    by_number: dict[str, Permit]


def _book(info: strawberry.Info) -> _Book:
    found: _Book = info.context["book"]
    return found


def transit_schema() -> federation.Schema:
    return federation.Schema(query=Query, federation_version="2.7")


def build(seed: int, fault: Fault) -> Starlette:
    """The service with the cases that JT-PERMIT has under the same seed."""
    register = open_cases(
        jt_permit.SYSTEM,
        seed=seed,
        dialect=jt_permit.DIALECT,
        summary=lambda case: case.number,
        detail=lambda case: case.number,
        only_filed=jt_permit.ONLY_FILED,
    )
    permits = [_permit(case) for case in register.cases]
    book = _Book(permits, {str(one.permit_no): one for one in permits})

    class Service(GraphQL[dict[str, object], None]):
        async def get_context(
            self, request: Request | WebSocket, response: Response | WebSocket
        ) -> dict[str, object]:
            return {"request": request, "response": response, "book": book}

    service = Service(transit_schema())

    return Starlette(routes=[Route(PATH, _Failing(service, fault))])


class _Failing:
    """The service, or what stands in its place while a deployment has gone wrong."""

    def __init__(self, service: ASGIApp, fault: Fault) -> None:
        self.service, self.fault = service, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        broken = PlainTextResponse("deployment failed", status_code=503)
        await (broken if self.fault.on else self.service)(scope, receive, send)


def _permit(case: Case) -> Permit:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    return Permit(
        permit_no=strawberry.ID(case.number),
        subject=case.title.replace("区", "区 ", 1).replace("县", "县 ", 1),
        item=case.item.base_code,
        task=case.implementation.task_code,
        area=case.implementation.region,
        agency=case.implementation.department,
        holder=Holder(
            kind=case.applicant.kind,
            name=f"{person.name[:1]} {person.name[1:]}",
            id_type="RESIDENT_ID" if natural else "USCC",
            id_number=person.id_number,
            phone=person.mobile,
            representative=person.representative or None,
        ),
        handling=case.item.case_type,
        entry={"PROXY": "AGENT"}.get(case.channel, case.channel),
        status="ON_HOLD" if case.stray else case.events[-1].kind,
        applied_at=_minute(case.applied_at) or "",
        accepted_at=_minute(case.time_of("ACCEPT")),
        due_on=case.promised_at.date().isoformat() if case.promised_at else None,
        closed_at=_second(case.time_of("CLOSE")),
        changed_at=_second(case.events[-1].at) or "",
        project=case.project_code or None,
        steps=[_step(case, event) for event in reversed(case.events)],
    )


def _step(case: Case, event: Event) -> PermitStep:
    return PermitStep(
        no=f"{event.seq:02d}",
        action=event.kind,
        name=event.step,
        desk="综合窗口" if event.actor else None,
        agency=case.implementation.department if event.actor else None,
        at=_second(event.at) or "",
        ended_at=_second(event.ended),
        opinion=event.opinion or None,
        document=f"渝交许 {event.document}" if event.document else None,
    )


def _minute(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M") if at else None


def _second(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
