"""RSJ-SOCIAL, 市人力资源和社会保障局: a newer system with a GraphQL service of its own, also a Federation v2 subgraph.

Types carry the prefix Rs, so that the schema composes beside others. Lists are Relay connections with opaque keyset
cursors; an unknown number is an error with `extensions.code` RSJ_NOT_FOUND.
"""

# No `from __future__ import annotations`: Strawberry reads the annotations at run time.

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry import federation
from strawberry.asgi import GraphQL
from strawberry.types import ExecutionContext, Info

from samples.cases import SHANGHAI, Case, Event, served_items
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry

__all__ = ["DIALECT", "PATH", "build"]

SYSTEM = "RSJ-SOCIAL"
PATH = "/graphql"
LARGEST_PAGE = 100


class RsState(Enum):
    SUBMITTED = "SUBMITTED"
    MATERIALS_RECEIVED = "MATERIALS_RECEIVED"
    MATERIALS_INCOMPLETE = "MATERIALS_INCOMPLETE"
    REGISTERED = "REGISTERED"
    REJECTED_AT_WINDOW = "REJECTED_AT_WINDOW"
    PROCESSING = "PROCESSING"
    ON_SITE = "ON_SITE"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"
    COLLECTED = "COLLECTED"
    CANCELLED = "CANCELLED"
    DATA_CLEANSING = "DATA_CLEANSING"


class RsAction(Enum):
    SUBMIT = "SUBMIT"
    RECEIVE_MATERIALS = "RECEIVE_MATERIALS"
    REQUEST_MATERIALS = "REQUEST_MATERIALS"
    SUPPLEMENT = "SUPPLEMENT"
    REGISTER = "REGISTER"
    REJECT = "REJECT"
    PROCESS = "PROCESS"
    ON_SITE_BEGIN = "ON_SITE_BEGIN"
    ON_SITE_END = "ON_SITE_END"
    APPROVE = "APPROVE"
    COMPLETE = "COMPLETE"
    COLLECT = "COLLECT"
    CANCEL = "CANCEL"


class RsHandling(Enum):
    IMMEDIATE = "IMMEDIATE"
    WITHIN_TERM = "WITHIN_TERM"


class RsEntry(Enum):
    PORTAL = "PORTAL"
    COUNTER = "COUNTER"
    MOBILE_APP = "MOBILE_APP"
    AGENT = "AGENT"


class RsHolderKind(Enum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"


for _enum in (RsState, RsAction, RsHandling, RsEntry, RsHolderKind):
    strawberry.enum(_enum)

DIALECT = Dialect(
    events={
        "SUBMIT": "SUBMIT",
        "RECEIVE": "RECEIVE_MATERIALS",
        "REQUEST_CORRECTION": "REQUEST_MATERIALS",
        "CORRECTION_RECEIVED": "SUPPLEMENT",
        "ACCEPT": "REGISTER",
        "REFUSE_ACCEPTANCE": "REJECT",
        "STEP_START": "PROCESS",
        "SPECIAL_START": "ON_SITE_BEGIN",
        "SPECIAL_END": "ON_SITE_END",
        "DECIDE": "APPROVE",
        "CLOSE": "COMPLETE",
        "DELIVER": "COLLECT",
        "WITHDRAW": "CANCEL",
    },
    statuses={
        "SUBMITTED": "SUBMITTED",
        "RECEIVED": "MATERIALS_RECEIVED",
        "CORRECTION_REQUIRED": "MATERIALS_INCOMPLETE",
        "ACCEPTED": "REGISTERED",
        "NOT_ACCEPTED": "REJECTED_AT_WINDOW",
        "UNDER_REVIEW": "PROCESSING",
        "SPECIAL_PROCEDURE": "ON_SITE",
        "DECIDED": "APPROVED",
        "CLOSED": "COMPLETED",
        "DELIVERED": "COLLECTED",
        "WITHDRAWN": "CANCELLED",
    },
    case_types={"INSTANT": "IMMEDIATE", "COMMITTED": "WITHIN_TERM"},
    channels={"ONLINE": "PORTAL", "WINDOW": "COUNTER", "MOBILE": "MOBILE_APP", "PROXY": "AGENT"},
    stray="DATA_CLEANSING",
)


@strawberry.type(description="办事人")
class RsHolder:
    kind: RsHolderKind
    name: str
    id_number: str
    representative: str | None
    phone: str | None


@strawberry.type(description="办理环节")
class RsStep:
    id: strawberry.ID
    action: RsAction
    name: str
    officer: str | None
    agency_code: str
    at: datetime
    ended_at: datetime | None
    note: str | None
    document_no: str | None


@federation.type(keys=["serialNo"], description="人社业务申请")
class RsApplication:
    serial_no: strawberry.ID
    subject: str
    base_code: str
    task_code: str
    region_code: str
    agency_code: str
    holder: RsHolder
    handling: RsHandling
    entry: RsEntry
    state: RsState
    state_since: datetime
    submitted_at: datetime
    received_at: datetime | None
    registered_at: datetime | None
    due_at: datetime | None
    approved_at: datetime | None
    completed_at: datetime | None
    steps: list[RsStep]

    @classmethod
    def resolve_reference(
        cls,
        info: Info,
        serialNo: strawberry.ID,  # noqa: N803 - named as in the representation
    ) -> "RsApplication | None":
        return _register(info).details.get(serialNo)


@strawberry.type
class RsApplicationEdge:
    cursor: str
    node: RsApplication


@strawberry.type
class RsPageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class RsApplicationConnection:
    total_count: int
    edges: list[RsApplicationEdge]
    page_info: RsPageInfo


@strawberry.type(description="业务变更")
class RsChange:
    id: strawberry.ID
    serial_no: strawberry.ID
    action: RsAction
    state: RsState
    at: datetime


@strawberry.type(description="业务事项")
class RsService:
    code: str
    name: str
    base_code: str
    handling: RsHandling
    term_days: int
    active: bool


def _find_application(info: Info, serial_no: strawberry.ID) -> RsApplication | None:
    found = _register(info).details.get(serial_no)
    if found is None:
        raise GraphQLError(f"流水号{serial_no}不存在", extensions={"code": "RSJ_NOT_FOUND"})
    return found


def _list_applications(
    info: Info,
    first: int = 20,
    after: str | None = None,
    id_number: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> RsApplicationConnection:
    if not 1 <= first <= LARGEST_PAGE:
        raise GraphQLError(f"first须在1至{LARGEST_PAGE}之间", extensions={"code": "RSJ_BAD_PAGE"})
    start = _position(after)
    selection = _register(info).select(
        start=start, size=first, applicant=id_number or "", since=_zoned(since), until=_zoned(until)
    )
    edges = [
        RsApplicationEdge(cursor=_cursor(start + index), node=row)
        for index, row in enumerate(selection.rows, start=1)
    ]
    page = RsPageInfo(
        has_next_page=start + len(edges) < selection.total,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return RsApplicationConnection(total_count=selection.total, edges=edges, page_info=page)


def _list_changes(info: Info, since: datetime, first: int = 100) -> list[RsChange]:
    changes, _more = _register(info).changes_since(_zoned(since), min(first, LARGEST_PAGE))
    return [
        RsChange(
            id=strawberry.ID(change.id),
            serial_no=strawberry.ID(change.case.number),
            action=RsAction[DIALECT.events[change.event.kind]],
            state=RsState[DIALECT.status_after("", change.event.state)],
            at=change.event.at,
        )
        for change in changes
    ]


def _list_services() -> list[RsService]:
    return [
        RsService(
            code=f"RS{index:03d}",
            name=item.name,
            base_code=item.base_code,
            handling=RsHandling[DIALECT.case_types[item.case_type]],
            term_days=item.promised_days,
            active=True,
        )
        for index, item in enumerate(served_items(load_registry(), "RSJ"), start=1)
    ]


@strawberry.type
class Query:
    application: RsApplication | None = strawberry.field(
        resolver=_find_application, description="按业务流水号查一件"
    )
    applications: RsApplicationConnection = strawberry.field(
        resolver=_list_applications, description="申请列表，新的在前；since、until 含端点"
    )
    application_changes: list[RsChange] = strawberry.field(
        resolver=_list_changes, description="某时刻之后的变更，旧的在前"
    )
    application_services: list[RsService] = strawberry.field(resolver=_list_services, description="事项列表")


@dataclass(frozen=True, slots=True)
class Context:
    register: Register[RsApplication]


class Service(GraphQL[Context, None]):
    """The ASGI application, with the register of cases in its context."""

    def __init__(self, register: Register[RsApplication]) -> None:
        super().__init__(QuietSchema(query=Query, federation_version="2.5"), graphql_ide=None)
        self._register = register

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        return Context(self._register)


class QuietSchema(federation.Schema):
    """Refusals are answers, not faults of the program: they are not logged."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        foreseen = [error for error in errors if (error.extensions or {}).get("code")]
        super().process_errors([error for error in errors if error not in foreseen], execution_context)


def build(seed: int, environment: Mapping[str, str]) -> Starlette:  # noqa: ARG001 - every builder takes both
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_application, detail=_application)
    service = Service(register)
    return Starlette(routes=[Route(PATH, cast(Any, service))])  # Any: an ASGI app, which Route takes too


def _register(info: Info) -> Register[RsApplication]:
    return cast(Context, info.context).register


def _application(case: Case) -> RsApplication:
    person = case.applicant
    return RsApplication(
        serial_no=strawberry.ID(case.number),
        subject=case.title,
        base_code=case.item.base_code,
        task_code=case.implementation.task_code,
        region_code=case.implementation.region,
        agency_code=case.implementation.department,
        holder=RsHolder(
            kind=RsHolderKind.PERSON if person.kind == "NATURAL" else RsHolderKind.EMPLOYER,
            name=person.name,
            id_number=person.id_number,
            representative=person.representative or None,
            phone=person.mobile,
        ),
        handling=RsHandling[DIALECT.case_types[case.item.case_type]],
        entry=RsEntry[DIALECT.channels[case.channel]],
        state=RsState[DIALECT.status(case)],
        state_since=case.events[-1].at,
        submitted_at=case.applied_at,
        received_at=case.time_of("RECEIVE"),
        registered_at=case.time_of("ACCEPT"),
        due_at=case.promised_at,
        approved_at=case.time_of("DECIDE"),
        completed_at=case.time_of("CLOSE"),
        steps=[_step(case, event) for event in case.events],
    )


def _step(case: Case, event: Event) -> RsStep:
    return RsStep(
        id=strawberry.ID(f"{case.number}-{event.seq}"),
        action=RsAction[DIALECT.events[event.kind]],
        name=event.step,
        officer=event.actor or None,
        agency_code=case.implementation.department,
        at=event.at,
        ended_at=event.ended,
        note=event.opinion or None,
        document_no=f"渝人社许{event.document}" if event.document else None,
    )


def _zoned(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=SHANGHAI) if value and value.tzinfo is None else value


def _cursor(position: int) -> str:
    return base64.b64encode(f"rs:{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        kind, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
        if kind == "rs":
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise GraphQLError("游标无效", extensions={"code": "RSJ_BAD_CURSOR"})
