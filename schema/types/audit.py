"""Questions of auditors: all of one case, and one person's or project's cases over all departments."""

from typing import Annotated

import strawberry

from schema.paging import checked_first
from schema.records_port import TrailScope
from schema.types.connections import After, First
from schema.types.directory import Department, HouseInfo, department_of
from schema.types.fields import resolved
from schema.types.tracked import CaseWarning, TrackedCase
from schema.types.trail import TrailRecordConnection, records_of

__all__ = ["CrossDepartmentTrail", "Trace"]

field = strawberry.field

OldestFirst = Annotated[bool, strawberry.argument(description="The latest in front 倒序.")]


@strawberry.type(description="All that is recorded of a case 办件全程留痕.")
class Trace:
    scope: strawberry.Private[TrailScope]
    case_id: strawberry.ID = field(description="Id of the case 办件标识.")

    @resolved("The case as the gateway's own files hold it 台账中的办件.")
    async def tracked(self, info: HouseInfo) -> TrackedCase | None:
        return await records_of(info).tracked(self.case_id)

    @resolved("Its warnings and cards, with the history of each 预警与亮牌.")
    async def warnings(self, info: HouseInfo) -> list[CaseWarning] | None:
        return await records_of(info).case_warnings(self.case_id)

    @resolved("Events, looks and changes in the order in which they were recorded 全部记录.")
    async def records(
        self,
        info: HouseInfo,
        newest_first: OldestFirst = False,
        first: First = 20,
        after: After = None,
    ) -> TrailRecordConnection | None:
        return await _trail(info, self.scope, first, after, newest_first=newest_first)


@strawberry.type(description="One person's or project's cases over all departments 跨部门留痕.")
class CrossDepartmentTrail:
    scope: strawberry.Private[TrailScope]
    cases: list[TrackedCase] = field(description="The cases that it is made of 办件.")
    truncated: bool = field(description="Whether there are more cases than are followed 是否截断.")

    @resolved("Departments that handle them, by code 涉及部门.")
    def departments(self, info: HouseInfo) -> list[Department]:
        codes = sorted({one.department_code for one in self.cases if one.department_code})
        rows = [info.context.registry.department(code) for code in codes]
        return [department_of(row) for row in rows if row]

    @resolved("Events, looks and changes in the order in which they were recorded 全部记录.")
    async def records(
        self,
        info: HouseInfo,
        newest_first: OldestFirst = False,
        first: First = 20,
        after: After = None,
    ) -> TrailRecordConnection | None:
        return await _trail(info, self.scope, first, after, newest_first=newest_first)


async def _trail(
    info: HouseInfo, scope: TrailScope, first: int | None, after: str | None, *, newest_first: bool
) -> TrailRecordConnection:
    page = await records_of(info).trail(
        scope,
        first=checked_first(first, largest=info.context.largest_page),
        after=after,
        newest_first=newest_first,
    )
    return TrailRecordConnection.of(page, lambda row: row)
