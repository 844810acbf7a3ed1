"""Types of the progress of a case: deadlines, stops, extensions, and what a warning consists of. Shapes only.

`gateway.tracking` gives the values; `gateway.views.shapes` shapes them.
"""

import strawberry

from schema.scalars import DateTime
from schema.types.catalogue import TimeLimit
from schema.vocabulary import (
    CaseState,
    ClockState,
    ClockStopKind,
    DeadlineKind,
    ProvisionalReason,
    SpecialProcedureKind,
    TimeUnit,
    WarningState,
)

__all__ = [
    "ClockStop",
    "Deadline",
    "DeadlineBasis",
    "Extension",
    "Finding",
    "StoppedInterval",
    "TrackedState",
    "WarningAppeal",
    "WarningChange",
    "WarningRule",
]

field = strawberry.field


@strawberry.type(description="Which rule a deadline follows, and where it stands 时限依据.")
class DeadlineBasis:
    rule: str = field(description="Code of the rule: the kind of the deadline, or a variant of it 规则.")
    source: str = field(description="Where it stands, in English 依据(英文).")
    source_zh: str = field(description="Where it stands, in Chinese 依据.")


@strawberry.type(description="Time that is left out of count 停止计时区间.")
class StoppedInterval:
    start: DateTime = field(description="From then on 开始.")
    end: DateTime | None = field(description="Until then; null while it lasts 结束.")


@strawberry.type(description="What must be done by when, and how far the time has run 时限.")
class Deadline:
    kind: DeadlineKind = field(description="What must be done 类型.")
    subject: str | None = field(
        description="Name of the step or procedure, round of acceptance, id of the call; null for the case 对象."
    )
    limit: TimeLimit | None = field(
        description="How much time there is; null where the system only told the end 时限."
    )
    state: ClockState = field(description="Where the clock stands 计时状态.")
    started_at: DateTime | None = field(
        description="Since when it runs; null if it has not started 起算时间."
    )
    due_at: DateTime | None = field(
        description="Last second, 23:59:59 of the last day for limits in days 到期时间."
    )
    ended_at: DateTime | None = field(description="When what it waited for happened 完成时间.")
    used_amount: float = field(description="Used so far, in countedIn; today counts as used 已用.")
    total_amount: float = field(description="All that it gives, extension included 总量.")
    remaining_amount: float = field(description="What is left; negative once it has passed 剩余.")
    percent_used: float = field(description="Used of total, in percent 已用比例.")
    counted_in: TimeUnit = field(description="Unit of the amounts: WORKDAY, CALENDAR_DAY or HOUR 计量单位.")
    stopped: list[StoppedInterval] = field(description="Time that is left out, in order 停止计时.")
    extended_by: TimeLimit | None = field(description="What an extension added 延长期限.")
    deemed: bool = field(description="It runs because the law deems the case accepted 视为受理.")
    provisional: bool = field(description="The due time may still change 是否暂定.")
    provisional_because: list[ProvisionalReason] = field(description="Why it may 暂定原因.")
    basis: DeadlineBasis = field(description="The rule behind it 依据.")
    calendar_version: str = field(description="Version of the working calendar 日历版本.")
    missing: list[str] = field(description="What would have to be known to say more 缺少的数据.")


@strawberry.type(description="A time in which the clock stood 停止计时.")
class ClockStop:
    kind: ClockStopKind = field(description="Why it stood 类型.")
    special: SpecialProcedureKind | None = field(description="Which special procedure 特别程序.")
    name: str | None = field(description="Name, as the system has it 名称.")
    start: DateTime = field(description="From then on 开始.")
    end: DateTime | None = field(description="Until then; null while it lasts 结束.")
    stated: TimeLimit | None = field(description="How long it was to take 告知期限.")
    notified_applicant_at: DateTime | None = field(
        description="When the applicant was told so in writing; null if the system does not tell 告知申请人时间."
    )


@strawberry.type(description="A longer time limit 延期.")
class Extension:
    at: DateTime = field(description="When it was made 延期时间.")
    by: TimeLimit | None = field(description="By how much, as far as that counts 延长期限.")
    approved_by: str | None = field(description="Who approved it, masked 批准人(脱敏).")
    counts_for: list[DeadlineKind] = field(
        description="Deadlines that it moved; none if it does not count 有效范围."
    )


@strawberry.type(description="Something wrong or odd in the events of a case 数据问题.")
class Finding:
    code: str = field(description="Stable code 代码.")
    at: DateTime = field(description="From when on it is known 发现时间.")
    text: str = field(description="In English 说明(英文).")
    text_zh: str = field(description="In Chinese 说明.")
    events: list[strawberry.ID] = field(description="Events that it is about 相关环节.")


@strawberry.type(description="The state that follows from the events of a case 由过程推导的状态.")
class TrackedState:
    state: CaseState | None = field(description="The state; null without events 状态.")
    since: DateTime | None = field(description="Since when; null if nobody tells 起始时间.")
    findings: list[Finding] = field(description="What is wrong with the events 数据问题.")


@strawberry.type(description="The rule that raised a warning 预警规则.")
class WarningRule:
    id: strawberry.ID = field(description="Code of the rule 规则编号.")
    version: int = field(description="Version of the rule 规则版本.")
    rules_version: str = field(description="Version of the whole set of rules 规则集版本.")


@strawberry.type(description="One change of a warning 预警变更.")
class WarningChange:
    at: DateTime = field(description="When 时间.")
    what: str = field(description="RAISED, GROUND_GONE, GROUND_BACK, GROUND_MOVED, or the new state 变更.")
    by: str = field(description="Person or office, masked; `rule` for the machine 变更人.")
    state: WarningState = field(description="State after it 变更后状态.")
    reason: str | None = field(description="The reason given 原因.")


@strawberry.type(description="An appeal against a warning 申诉.")
class WarningAppeal:
    at: DateTime = field(description="When 申诉时间.")
    by: str = field(description="Who appealed 申诉单位.")
    reason: str = field(description="Why 申诉理由.")
    outcome: WarningState | None = field(description="What came of it; null while it is open 处理结果.")
    decided_at: DateTime | None = field(description="When that was decided 处理时间.")
