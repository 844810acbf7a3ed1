"""Subscriptions of the `house` subgraph: events of cases as they reach the ledger."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from schema.ports import CaseUpdateFacts, LivePort
from schema.scalars import DateTime, RegionCode, Uscc
from schema.types.directory import Department, HouseInfo, LegacySystem, department_of, system_of
from schema.types.fields import guards, resolved, subscribed
from schema.types.tracked import Case
from schema.vocabulary import CaseEventKind, CaseState

__all__ = ["CaseUpdate", "LiveSubscription"]

field = strawberry.field
argument = strawberry.argument

After = Annotated[
    str | None,
    argument(
        description="Go on after this `cursor`: first what came since, then what comes. Left out: from now on 游标."
    ),
]


@strawberry.type(description="Something that happened to a case, as its system told it 办件动态.")
class CaseUpdate:
    facts: strawberry.Private[CaseUpdateFacts]
    cursor: str = field(
        description="Stands after this event; give it as `after` to go on from here, on any worker 游标."
    )
    id: strawberry.ID = field(description="Its place in the sealed trail: L and a number 动态标识.")
    case_id: strawberry.ID = field(description="Id of the case 办件标识.")
    case: Case = field(description="The case, as its system shows it now 办件.")
    kind: CaseEventKind = field(description="What happened 业务动作.")
    raw_kind: str | None = field(description="The system's own word for it 原始动作.")
    step: str | None = field(description="Name of the step 环节名称.")
    actor: str | None = field(description="Officer who acted, masked 经办人(脱敏).")
    department_code: Uscc | None = field(description="Code of the department that acted 办理部门代码.")
    state: CaseState | None = field(description="State after it, where the system tells 变更后状态.")
    raw_status: str | None = field(description="The system's own status 原始状态.")
    occurred_at: DateTime | None = field(description="When it happened at the source 发生时间.")
    ended_at: DateTime | None = field(description="When the step ended 结束时间.")
    recorded_at: DateTime = field(description="When the ledger recorded it 入账时间.")
    document_no: str | None = field(description="Document number 文号.")
    corrects: bool = field(
        description="The system told the same event otherwise before; this is how it tells it now 是否更正."
    )

    @resolved("Department that acted 办理部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.facts.department or "")
        return department_of(row) if row is not None else None

    @resolved("The system that told it 来源系统.")
    def system(self, info: HouseInfo) -> LegacySystem | None:
        found = info.context.systems.system(self.facts.system)
        return system_of(found) if found is not None else None


@strawberry.type(name="Subscription", description="Streams of events 订阅.")
class LiveSubscription:
    @subscribed("What happens to one case 单件动态.", directives=guards("Subscription", "caseChanged"))
    async def case_changed(
        self,
        info: HouseInfo,
        id: Annotated[strawberry.ID, argument(description="Such as JT-PERMIT:JT2017-000123 办件标识.")],  # noqa: A002
        after: After = None,
    ) -> AsyncGenerator[CaseUpdate | None, None]:
        async for facts in _live(info).case_changed(str(id), after):
            yield _update(facts)

    @subscribed(
        "What happens to the caller's own cases, by the number in the token 我的办件动态.",
        directives=guards("Subscription", "myCaseEvents", authenticated=True),
    )
    async def my_case_events(
        self, info: HouseInfo, after: After = None
    ) -> AsyncGenerator[CaseUpdate | None, None]:
        async for facts in _live(info).my_case_events(after):
            yield _update(facts)

    @subscribed(
        "What happens to the cases of a division or a department 办件动态流.",
        directives=guards("Subscription", "caseFeed"),
    )
    async def case_feed(
        self,
        info: HouseInfo,
        region: Annotated[RegionCode | None, argument(description="Only of this division 区划.")] = None,
        include_descendants: Annotated[
            bool | None, argument(description="And of the divisions below it 是否含下级.")
        ] = True,
        department: Annotated[
            Uscc | None, argument(description="Only this department's, or what it did 办理部门.")
        ] = None,
        after: After = None,
    ) -> AsyncGenerator[CaseUpdate | None, None]:
        below = include_descendants is not False
        async for facts in _live(info).case_feed(region, department, after, include_descendants=below):
            yield _update(facts)


def _live(info: HouseInfo) -> LivePort:
    live = info.context.live
    if live is None:
        raise LookupError("this process keeps no ledger")
    return live


def _update(facts: CaseUpdateFacts) -> CaseUpdate:
    state = facts.state if facts.state in CaseState.__members__ else None
    kind = facts.kind if facts.kind in CaseEventKind.__members__ else "UNKNOWN"
    return CaseUpdate(
        facts=facts,
        cursor=facts.cursor,
        id=strawberry.ID(facts.id),
        case_id=strawberry.ID(facts.case_id),
        case=Case(id=strawberry.ID(facts.case_id)),
        kind=CaseEventKind[kind],
        raw_kind=facts.raw_kind,
        step=facts.step,
        actor=facts.actor,
        department_code=Uscc(facts.department) if facts.department else None,
        state=CaseState[state] if state else None,
        raw_status=facts.raw_status,
        occurred_at=_moment(facts.occurred_at),
        ended_at=_moment(facts.ended_at),
        recorded_at=DateTime(facts.recorded_at),
        document_no=facts.document_no,
        corrects=facts.corrects,
    )


def _moment(text: str | None) -> DateTime | None:
    return DateTime(text) if text else None
