"""The command centre's view of what is open 监察."""

import strawberry

from schema.scalars import DateTime, Uscc
from schema.types.catalogue import ServiceItem, item_of
from schema.types.directory import Department, HouseInfo, department_of
from schema.types.fields import resolved
from schema.types.tracked import TrackedCase
from schema.vocabulary import CaseState, WaitsFor

__all__ = ["CaseCounts", "DepartmentCounts", "ItemCounts", "StateCounts", "Supervision", "WaitingCounts"]

field = strawberry.field


@strawberry.type(description="Counts of open cases 在办件统计.")
class CaseCounts:
    open: int = field(description="Open 在办.")
    overdue: int = field(description="Past their due time 已超期.")
    due_soon: int = field(description="Due within the working days asked for 即将到期.")
    without_limit: int = field(description="Without a due time that is known 无时限.")
    notice: int = field(description="Whose gravest card is a notice 预警.")
    yellow: int = field(description="Whose gravest card is yellow 黄牌.")
    red: int = field(description="With a red card 红牌.")


@strawberry.type(description="Counts of one department 部门统计.")
class DepartmentCounts:
    code: Uscc | None = field(description="Its code; null where the cases name none 部门代码.")
    counts: CaseCounts = field(description="Its open cases 在办件统计.")

    @resolved("The department 部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.code) if self.code else None
        return department_of(row) if row else None


@strawberry.type(description="Counts of one item 事项统计.")
class ItemCounts:
    base_code: strawberry.ID | None = field(description="Its code; null where the cases name none 基本编码.")
    counts: CaseCounts = field(description="Its open cases 在办件统计.")

    @resolved("The standard item 事项.")
    def item(self, info: HouseInfo) -> ServiceItem | None:
        row = info.context.registry.item(self.base_code) if self.base_code else None
        return item_of(row) if row else None


@strawberry.type(description="Counts of one state 状态统计.")
class StateCounts:
    state: CaseState = field(description="The state 状态.")
    counts: CaseCounts = field(description="Open cases in it 在办件统计.")


@strawberry.type(description="Counts by who has to act 待办方统计.")
class WaitingCounts:
    waits_for: WaitsFor = field(description="Who has to act 待办方.")
    counts: CaseCounts = field(description="Open cases that wait for them 在办件统计.")


@strawberry.type(description="What is open, late, warned and stuck, and who has to act 监察概览.")
class Supervision:
    as_of: DateTime = field(description="Counted then 统计时间.")
    total: CaseCounts = field(description="All of it 合计.")
    by_department: list[DepartmentCounts] = field(
        description="The 50 departments with most overdue cases, the most in front 按部门."
    )
    by_item: list[ItemCounts] = field(description="The 50 items with most overdue cases 按事项.")
    by_state: list[StateCounts] = field(description="By state 按状态.")
    by_waiting: list[WaitingCounts] = field(description="By who has to act 按待办方.")
    stuck: list[TrackedCase] = field(
        description="The 20 open cases that have been longest without a step, for so many working days or more 停滞办件."
    )
