"""Root fields of the `house` subgraph over ledger and case files: worklists, supervision, cards, trails."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.errors import NotFoundError, ScalarError
from schema.identifiers import parse_case_id
from schema.paging import checked_first
from schema.records_port import TrailScope, WarningsWanted, WorkWanted
from schema.scalars import DateTime, RegionCode, Uscc
from schema.types.audit import CrossDepartmentTrail, Trace
from schema.types.cases import ApplicantInput
from schema.types.connections import After, Edge, First, PageInfo
from schema.types.directory import HouseInfo
from schema.types.fields import guards, resolved
from schema.types.supervision import Supervision
from schema.types.tracked import CaseWarning, TrackedCase, WarningConnection, WorklistConnection
from schema.types.trail import (
    AccessRecordConnection,
    ChainCheck,
    DisclosedAccessConnection,
    records_of,
)
from schema.vocabulary import (
    AccessPurpose,
    CaseState,
    WarningDecision,
    WarningLevel,
    WarningState,
    WorklistOrder,
)

if TYPE_CHECKING:
    from schema.paging import Slice

__all__ = ["LedgerMutation", "LedgerQuery"]

field = strawberry.field
argument = strawberry.argument

MOST_CASES = 200
"""Cases that one trail over departments follows."""
MOST_DAYS = 2000
LONGEST_REASON = 1000

Division = Annotated[RegionCode | None, argument(description="Only of this division 区划.")]
Below = Annotated[bool, argument(description="Its divisions too, at every depth 含下级区划.")]
Reason = Annotated[str, argument(description="The reason, which is kept with the card 理由.")]
WarningId = Annotated[strawberry.ID, argument(description="Id of the warning 预警标识.")]


@strawberry.input(description="Which cases a worklist has 待办条件.")
class WorklistFilter:
    open: bool | None = field(
        default=True, description="true: those being handled; false: those ended; null: both 是否在办."
    )
    states: list[CaseState] | None = field(default=None, description="Only in one of these states 办件状态.")
    days_left_max: int | None = field(
        default=None,
        description="Due within so many working days, today not counted; 0 is today, -1 is overdue 剩余工作日上限.",
    )
    item: strawberry.ID | None = field(default=None, description="Only of this item 事项基本编码.")
    region: RegionCode | None = field(default=None, description="Only of this division 区划.")
    include_descendants: bool = field(
        default=True, description="The division's own divisions too, at every depth 含下级区划."
    )
    department: Uscc | None = field(default=None, description="Only of this department 部门.")
    system: strawberry.ID | None = field(default=None, description="Only of this system 系统.")
    handler: str | None = field(
        default=None, description="Only where this officer acted last, as masked 经办人(脱敏)."
    )
    has_warning: bool | None = field(
        default=None, description="true: with a card that stands; false: without 有无预警."
    )
    levels: list[WarningLevel] | None = field(
        default=None, description="Only where the gravest card that stands is one of these 预警级别."
    )


@strawberry.input(description="Which looks are wanted 查阅记录条件.")
class AccessRecordFilter:
    actor: str | None = field(default=None, description="Only of this account 查阅账号.")
    applicant: ApplicantInput | None = field(
        default=None, description="Only at this person's or company's data 申请人."
    )
    subject_ref: strawberry.ID | None = field(default=None, description="The same, by reference 申请人标识.")
    case_id: strawberry.ID | None = field(default=None, description="Only at this case 办件标识.")
    purpose: AccessPurpose | None = field(default=None, description="Only for this purpose 查阅目的.")
    start: DateTime | None = field(name="from", default=None, description="From this moment on 起始时间.")
    end: DateTime | None = field(
        name="to", default=None, description="Up to this moment, which is not included 截止时间."
    )


@strawberry.type(description="Answer to a change of a warning 预警处理结果.")
class WarningPayload:
    warning: CaseWarning = field(description="The warning, with its whole history 预警.")


@strawberry.type(description="Questions that can be asked 查询.")
class LedgerQuery:
    @resolved(
        "Cases to be worked on, from the gateway's own files: no system is asked 待办列表.",
        directives=guards("Query", "worklist"),
    )
    async def worklist(
        self,
        info: HouseInfo,
        filter: Annotated[  # noqa: A002
            WorklistFilter | None, argument(description="Which; without it all that is open 条件.")
        ] = None,
        order_by: Annotated[WorklistOrder, argument(description="In which order 排序.")] = (
            WorklistOrder.DUE_SOONEST
        ),
        first: First = 20,
        after: After = None,
    ) -> WorklistConnection | None:
        wanted = _work_wanted(info, filter or WorklistFilter())
        size = checked_first(first, largest=info.context.largest_page)
        page = await records_of(info).worklist(wanted, order_by, first=size, after=after)
        return _worklist(wanted, page)

    @resolved("Warnings and cards, the latest in front 预警列表.", directives=guards("Query", "warnings"))
    async def warnings(
        self,
        info: HouseInfo,
        levels: Annotated[
            list[WarningLevel] | None, argument(description="Only of these levels 级别.")
        ] = None,
        states: Annotated[
            list[WarningState] | None, argument(description="Only in these states 状态.")
        ] = None,
        region: Division = None,
        include_descendants: Below = True,
        department: Annotated[Uscc | None, argument(description="Only of this department 部门.")] = None,
        rule: Annotated[
            strawberry.ID | None, argument(description="Only of this rule, as T-90 规则.")
        ] = None,
        case_id: Annotated[strawberry.ID | None, argument(description="Only of this case 办件标识.")] = None,
        start: Annotated[
            DateTime | None, argument(name="from", description="Raised from then on 起始时间.")
        ] = None,
        end: Annotated[
            DateTime | None, argument(name="to", description="Raised before then 截止时间.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> WarningConnection | None:
        wanted = WarningsWanted(
            tuple(levels or ()),
            tuple(states or ()),
            _regions(info, region, below=include_descendants),
            department,
            rule,
            case_id,
            start,
            end,
        )
        size = checked_first(first, largest=info.context.largest_page)
        page = await records_of(info).warnings(wanted, first=size, after=after)
        return WarningConnection.of(page, lambda row: row)

    @resolved(
        "What is open, late, warned and stuck, and who has to act 监察概览.",
        directives=guards("Query", "supervision"),
    )
    async def supervision(
        self,
        info: HouseInfo,
        region: Division = None,
        include_descendants: Below = True,
        department: Annotated[Uscc | None, argument(description="Only of this department 部门.")] = None,
        soon_days: Annotated[
            int, argument(description="Working days within which a case is due soon 即将到期天数.")
        ] = 3,
        stuck_days: Annotated[
            int, argument(description="Working days without a step from which a case is stuck 停滞天数.")
        ] = 5,
    ) -> Supervision | None:
        regions = _regions(info, region, below=include_descendants)
        for name, days in (("soonDays", soon_days), ("stuckDays", stuck_days)):
            if not 0 <= days <= MOST_DAYS:
                raise ScalarError(name, days, f"0 to {MOST_DAYS} working days")
        found: Supervision = await records_of(info).supervision(
            regions, department, soon_days=soon_days, stuck_days=stuck_days
        )
        return found

    @resolved(
        "All that is recorded of a case: events, looks, changes, warnings 办件全程留痕.",
        directives=guards("Query", "trace"),
    )
    def trace(
        self,
        case_id: Annotated[strawberry.ID, argument(description="Such as JT-PERMIT:JT2017-000123 办件标识.")],
    ) -> Trace | None:
        parse_case_id(case_id)
        return Trace(scope=TrailScope(cases=(case_id,)), case_id=case_id)

    @resolved(
        "One person's or one project's cases over all departments, with all that is recorded 跨部门留痕.",
        directives=guards("Query", "crossDepartmentTrail"),
    )
    async def cross_department_trail(
        self,
        info: HouseInfo,
        applicant: Annotated[
            ApplicantInput | None, argument(description="The person or company 申请人.")
        ] = None,
        subject_ref: Annotated[
            strawberry.ID | None, argument(description="The same, by reference 申请人标识.")
        ] = None,
        project_code: Annotated[
            str | None, argument(description="A number that the cases of several systems bear 项目代码.")
        ] = None,
        start: Annotated[
            DateTime | None, argument(name="from", description="Recorded from then on 起始时间.")
        ] = None,
        end: Annotated[
            DateTime | None, argument(name="to", description="Recorded before then 截止时间.")
        ] = None,
    ) -> CrossDepartmentTrail | None:
        if sum(one is not None for one in (applicant, subject_ref, project_code)) != 1:
            raise ScalarError(
                "crossDepartmentTrail",
                "none or several of them",
                "one of applicant, subjectRef and projectCode",
            )
        records = records_of(info)
        subject = _subject(info, applicant, subject_ref)
        found = await records.cases_of(subject=subject, project=project_code, limit=MOST_CASES + 1)
        cases = list(found[:MOST_CASES])
        scope = TrailScope(tuple(one.id for one in cases), subject, start=start, end=end)
        return CrossDepartmentTrail(scope=scope, cases=cases, truncated=len(found) > MOST_CASES)

    @resolved(
        "Who looked at what, and why; the latest in front 查阅记录.",
        directives=guards("Query", "accessRecords"),
    )
    async def access_records(
        self,
        info: HouseInfo,
        filter: Annotated[AccessRecordFilter | None, argument(description="Which; else all 条件.")] = None,  # noqa: A002
        newest_first: Annotated[bool, argument(description="The latest in front 倒序.")] = True,
        first: First = 20,
        after: After = None,
    ) -> AccessRecordConnection | None:
        given = filter or AccessRecordFilter()
        if given.applicant is not None and given.subject_ref is not None:
            raise ScalarError("filter", "both of them", "either applicant or subjectRef")
        scope = TrailScope(
            (given.case_id,) if given.case_id is not None else (),
            _subject(info, given.applicant, given.subject_ref),
            given.actor,
            str(given.purpose) if given.purpose is not None else None,
            given.start,
            given.end,
        )
        size = checked_first(first, largest=info.context.largest_page)
        page = await records_of(info).looks(scope, first=size, after=after, newest_first=newest_first)
        return AccessRecordConnection.of(page, lambda row: row)

    @resolved(
        "Whether a stretch of the trail is as it was sealed; 10,000 records at a time 链校验.",
        directives=guards("Query", "verifyChain"),
    )
    async def verify_chain(
        self,
        info: HouseInfo,
        start: Annotated[
            DateTime | None, argument(name="from", description="Sealed from then on 起始时间.")
        ] = None,
        end: Annotated[
            DateTime | None, argument(name="to", description="Sealed before then 截止时间.")
        ] = None,
    ) -> ChainCheck | None:
        found: ChainCheck = await records_of(info).verify(start, end)
        return found

    @resolved(
        "Who looked at the caller's own data, and why; the latest in front 对本人数据的查阅.",
        directives=guards("Query", "myAccessRecords", authenticated=True),
    )
    async def my_access_records(
        self,
        info: HouseInfo,
        start: Annotated[
            DateTime | None, argument(name="from", description="From this moment on 起始时间.")
        ] = None,
        end: Annotated[
            DateTime | None, argument(name="to", description="Before this moment 截止时间.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> DisclosedAccessConnection | None:
        size = checked_first(first, largest=info.context.largest_page)
        page = await records_of(info).looks_at_me(start, end, first=size, after=after)
        return DisclosedAccessConnection.of(page, lambda row: row)


@strawberry.type(name="Mutation", description="What can be done 操作.")
class LedgerMutation:
    @resolved(
        "A department appeals against a card of its own 申诉.", directives=guards("Mutation", "appealWarning")
    )
    async def appeal_warning(self, info: HouseInfo, id: WarningId, reason: Reason) -> WarningPayload | None:  # noqa: A002
        return WarningPayload(warning=await records_of(info).appeal(id, _reason(reason)))

    @resolved(
        "A supervisor decides on a card: upheld, revoked, resolved … It stays in the history 预警处理.",
        directives=guards("Mutation", "decideWarning"),
    )
    async def decide_warning(
        self,
        info: HouseInfo,
        id: WarningId,  # noqa: A002
        decision: Annotated[WarningDecision, argument(description="What becomes of it 处理.")],
        reason: Reason,
    ) -> WarningPayload | None:
        return WarningPayload(warning=await records_of(info).decide(id, decision, _reason(reason)))


def _worklist(wanted: WorkWanted, page: "Slice[TrackedCase]") -> WorklistConnection:
    nodes = list(page.rows)
    return WorklistConnection(
        wanted=wanted,
        edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if nodes else None,
            end_cursor=page.cursors[-1] if nodes else None,
        ),
    )


def _work_wanted(info: HouseInfo, given: WorklistFilter) -> WorkWanted:
    if given.days_left_max is not None and abs(given.days_left_max) > MOST_DAYS:
        raise ScalarError("daysLeftMax", given.days_left_max, f"-{MOST_DAYS} to {MOST_DAYS} working days")
    levels = tuple(given.levels or ())
    if given.has_warning and not levels:
        levels = tuple(WarningLevel)
    return WorkWanted(
        given.open,
        tuple(str(one) for one in given.states or ()),
        given.days_left_max,
        given.item,
        _regions(info, given.region, below=given.include_descendants),
        given.department,
        given.system,
        given.handler,
        levels,
        without_warning=given.has_warning is False,
    )


def _regions(info: HouseInfo, code: str | None, *, below: bool) -> frozenset[str] | None:
    """The codes that cases of the division bear, its former ones too; None where every division is among them."""
    if code is None:
        return None
    registry = info.context.registry
    row = registry.region(code)
    if row is None:
        raise NotFoundError("division", code, "regions")
    codes = registry.descendants(row.code) | {row.code} if below else frozenset({row.code})
    return None if len(codes) >= len(registry.regions) else codes


def _subject(info: HouseInfo, applicant: ApplicantInput | None, ref: str | None) -> str | None:
    if applicant is None:
        return ref
    if not applicant.number.strip():
        raise ScalarError("applicant", "an empty number", "a number")
    id_type = str(applicant.id_type) if applicant.id_type is not None else None
    return records_of(info).subject_ref(id_type, applicant.number)


def _reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise ScalarError("reason", f"{len(reason)} characters", f"1 to {LONGEST_REASON} characters")
    return reason
