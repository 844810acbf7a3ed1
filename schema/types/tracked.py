"""What the gateway itself knows of cases: its case files, their clocks, events and cards, added to entity Case by its key.

Answered from ledger and case files alone: no legacy system is asked, and a case whose system is away has all of it.
"""

from dataclasses import dataclass
from dataclasses import field as data_field
from typing import Annotated

import strawberry

from schema.paging import checked_first
from schema.scalars import JSON, DateTime, RegionCode, Uscc
from schema.types.catalogue import ServiceItem, item_of
from schema.types.connections import After, Connection, Edge, First, PageInfo
from schema.types.directory import (
    Department,
    HouseInfo,
    LegacySystem,
    Region,
    department_of,
    region_of,
    system_of,
)
from schema.types.fields import resolved
from schema.types.tracking import (
    ClockStop,
    Deadline,
    Extension,
    TrackedState,
    WarningAppeal,
    WarningChange,
    WarningRule,
)
from schema.types.trail import LedgerEvent, LedgerEventConnection, records_of
from schema.vocabulary import (
    CaseEventKind,
    CaseState,
    DeadlineKind,
    WaitsFor,
    WarningLevel,
    WarningState,
    WarningSubject,
)

__all__ = ["Case", "CaseTracking", "CaseWarning", "TrackedCase", "WarningConnection", "WorklistConnection"]

field = strawberry.field
argument = strawberry.argument

NewestFirst = Annotated[bool, argument(description="The latest in front 倒序.")]


@dataclass(frozen=True, slots=True)
class CaseTracking:
    """The clocks of a case as they show now."""

    deadlines: list[Deadline] = data_field(default_factory=list)
    stops: list[ClockStop] = data_field(default_factory=list)
    extensions: list[Extension] = data_field(default_factory=list)
    state: TrackedState | None = None


@strawberry.federation.type(keys=["id"], description="An application as one system holds it 办件.")
class Case:
    id: strawberry.ID = field(
        description="System code, ':' and case number: JT-PERMIT:JT2017-000123 办件标识."
    )

    @resolved("What the gateway's own files say of it; null where they do not know it 台账中的办件.")
    async def tracked(self, info: HouseInfo) -> "TrackedCase | None":
        return await records_of(info).tracked(self.id)

    @resolved("What must be done by when, counted from the events in the ledger 时限.")
    async def deadlines(
        self,
        info: HouseInfo,
        kinds: Annotated[
            list[DeadlineKind] | None, argument(description="Only of these kinds 时限类型.")
        ] = None,
    ) -> list[Deadline] | None:
        found = await records_of(info).tracking(self.id)
        every = found.deadlines if found else []
        return every if kinds is None else [one for one in every if one.kind in kinds]

    @resolved("Times in which its clocks stood, in order 停止计时.")
    async def clock_stops(self, info: HouseInfo) -> list[ClockStop] | None:
        found = await records_of(info).tracking(self.id)
        return found.stops if found else []

    @resolved("Longer time limits, in order 延期.")
    async def extensions(self, info: HouseInfo) -> list[Extension] | None:
        found = await records_of(info).tracking(self.id)
        return found.extensions if found else []

    @resolved("The state that follows from its events, and what is wrong with them 由过程推导的状态.")
    async def tracked_state(self, info: HouseInfo) -> TrackedState | None:
        found = await records_of(info).tracking(self.id)
        return found.state if found else None

    @resolved("Warnings and cards, those that were revoked too, in order of raising 预警与亮牌.")
    async def warnings(self, info: HouseInfo) -> "list[CaseWarning] | None":
        return await records_of(info).case_warnings(self.id)

    @resolved("Events as the ledger recorded them, in the order of recording 台账中的过程.")
    async def history(
        self,
        info: HouseInfo,
        newest_first: NewestFirst = False,
        first: First = 20,
        after: After = None,
    ) -> LedgerEventConnection | None:
        page = await records_of(info).history(
            self.id,
            first=checked_first(first, largest=info.context.largest_page),
            after=after,
            newest_first=newest_first,
        )
        return LedgerEventConnection.of(page, _same)


def _same(row: LedgerEvent) -> LedgerEvent:
    return row


@strawberry.type(
    description="A case as the gateway's own files hold it; no system is asked for it 台账中的办件."
)
class TrackedCase:
    id: strawberry.ID = field(description="Id of the case 办件标识.")
    system_code: strawberry.ID = field(description="Code of the system that holds it 系统编码.")
    title: str | None = field(description="What the case is about 办件名称.")
    item_code: strawberry.ID | None = field(description="Base code of the service item 事项基本编码.")
    region_code: RegionCode | None = field(description="Code of the division 区划代码.")
    department_code: Uscc | None = field(description="Code of the responsible department 办理部门代码.")
    applicant_ref: strawberry.ID | None = field(description="Reference of the applicant 申请人标识.")
    applicant_name: str | None = field(description="Name of the applicant, masked 申请人(脱敏).")
    handler: str | None = field(description="Officer who acted last, masked 经办人(脱敏).")
    state: CaseState = field(description="Canonical state 办件状态.")
    raw_status: str | None = field(description="The system's own status 原始状态.")
    is_open: bool = field(description="Whether it is still being handled 是否在办.")
    waits_for: WaitsFor | None = field(description="Who has to act; null once it has ended 待办方.")
    applied_at: DateTime | None = field(description="Applied for 申请时间.")
    accepted_at: DateTime | None = field(description="Accepted 受理时间.")
    step: CaseEventKind | None = field(description="What happened last 最近动作.")
    step_at: DateTime | None = field(description="When that was 最近动作时间.")
    due_at: DateTime | None = field(
        description="Due time of the promised clock, else of the statutory one 到期时间."
    )
    days_left: int | None = field(
        description="Working days from today to the due day; negative once it has passed 剩余工作日."
    )
    level: WarningLevel | None = field(description="Gravest card that stands 最高预警级别.")
    as_of: DateTime | None = field(
        description="The system told of it then; null if only its events are known 数据时点."
    )
    changed_at: DateTime = field(description="The gateway brought the file up to date then 更新时间.")

    @resolved("The system that holds it; null if it is not in the network any more 所在系统.")
    def system(self, info: HouseInfo) -> LegacySystem | None:
        facts = info.context.systems.system(self.system_code)
        return system_of(facts) if facts else None

    @resolved("The standard item 事项.")
    def item(self, info: HouseInfo) -> ServiceItem | None:
        row = info.context.registry.item(self.item_code) if self.item_code else None
        return item_of(row) if row else None

    @resolved("The division 区划.")
    def region(self, info: HouseInfo) -> Region | None:
        row = info.context.registry.region(self.region_code) if self.region_code else None
        return region_of(row) if row else None

    @resolved("The responsible department 办理部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.department_code) if self.department_code else None
        return department_of(row) if row else None

    @resolved("The case itself: deadlines, warnings and history are known here, the rest is asked live 办件.")
    def case(self) -> Case:
        return Case(id=self.id)


@strawberry.type(name="Warning", description="A warning or card 预警/黄牌/红牌.")
class CaseWarning:
    id: strawberry.ID = field(description="Case, rule, subject and number: JT:1#T-90##1 预警标识.")
    case_id: strawberry.ID | None = field(
        description="Id of the case; null for a warning against a system 办件标识."
    )
    level: WarningLevel = field(description="How grave 级别.")
    rule: WarningRule = field(description="The rule that raised it 规则.")
    subject: WarningSubject = field(description="What it is about 对象.")
    subject_name: str | None = field(description="Which step, procedure or call; null for the case 对象名称.")
    ground_at: DateTime = field(description="When the rule's condition came true 触发时间.")
    raised_at: DateTime = field(description="When it was raised 预警时间.")
    grounded: bool = field(description="Its condition is true by what is known now 是否仍成立.")
    state: WarningState = field(description="What became of it 状态.")
    mark: str | None = field(description="Letter that supervision systems use: Y, D, C, Q or B 状态代码.")
    text: str = field(description="In English 说明(英文).")
    text_zh: str = field(description="In Chinese 说明.")
    evidence: JSON = field(description="Figures and event ids 证据.")
    supervision_order: bool = field(description="A supervision order goes with it 督办.")
    feedback_due_at: DateTime | None = field(description="By when the department has to answer 反馈时限.")
    appeal: WarningAppeal | None = field(description="The last appeal 申诉.")
    history: list[WarningChange] = field(description="All changes, the first in front 变更记录.")

    @resolved("The case: deadlines and history are known here, the rest is asked live 办件.")
    def case(self) -> "Case | None":
        return Case(id=self.case_id) if self.case_id else None


@strawberry.type(description="A worklist, one page 待办列表.")
class WorklistConnection:
    wanted: strawberry.Private[object]
    edges: list[Edge[TrackedCase]] = field(description="Entries with their cursors 条目与游标.")
    nodes: list[TrackedCase] = field(description="Entries alone 条目.")
    page_info: PageInfo = field(description="Where the page stands 分页信息.")

    @resolved("Entries in the whole list; counted only where it is asked for 总数.")
    async def total_count(self, info: HouseInfo) -> int | None:
        return (await records_of(info).count_work(self.wanted)).count  # type: ignore[arg-type]  # the port's own filter

    @resolved("Whether there are more than totalCount says: it stops at 100,000 总数是否为下限.")
    async def total_is_estimate(self, info: HouseInfo) -> bool | None:
        return (await records_of(info).count_work(self.wanted)).is_estimate  # type: ignore[arg-type]  # as above


@strawberry.type(description="Warnings and cards, one page 预警列表.")
class WarningConnection(Connection[CaseWarning]):
    pass
