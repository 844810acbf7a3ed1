"""Root fields of the `house` subgraph: the directory and the catalogue, answered from the registry; the others, from
the gateway's own records, are in `ledger_roots.py`."""

from datetime import date
from typing import Annotated

import strawberry

from schema.availability import find_availability
from schema.errors import NotFoundError
from schema.paging import fingerprint, paginate
from schema.registry import in_force, search_key
from schema.scalars import Date, RegionCode, Uscc
from schema.types.catalogue import (
    AsOf,
    Availability,
    ItemImplementation,
    ServiceItem,
    day_or_today,
    implementation_of,
    item_of,
)
from schema.types.connections import After, Connection, First
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
from schema.types.ledger_roots import LedgerQuery
from schema.vocabulary import PowerType, Protocol, RegionLevel, SystemLifecycle

__all__ = ["HouseQuery"]

argument = strawberry.argument


@strawberry.type(description="Items, one page 事项列表.")
class ServiceItemConnection(Connection[ServiceItem]):
    pass


@strawberry.type(description="Divisions, one page 区划列表.")
class RegionConnection(Connection[Region]):
    pass


@strawberry.type(description="Departments, one page 部门列表.")
class DepartmentConnection(Connection[Department]):
    pass


@strawberry.type(description="Legacy systems, one page 存量系统列表.")
class LegacySystemConnection(Connection[LegacySystem]):
    pass


@strawberry.type(description="Questions that can be asked 查询.")
class HouseQuery(LedgerQuery):
    @resolved(
        "Where the events of cases are now: read lists, then subscribe after it, and nothing is missed 事件游标."
    )
    async def event_cursor(self, info: HouseInfo) -> str | None:
        live = info.context.live
        return await live.cursor() if live is not None else None

    @resolved("Items of the catalogue, by base code 事项查询.")
    def service_items(
        self,
        info: HouseInfo,
        search: Annotated[
            str | None, argument(description="Words of the name, or the beginning of the code 关键词.")
        ] = None,
        region: Annotated[
            RegionCode | None, argument(description="Only what can be applied for from here 区划.")
        ] = None,
        power_type: Annotated[PowerType | None, argument(description="Only of this kind 权力类型.")] = None,
        as_of: AsOf = None,
        first: First = 20,
        after: After = None,
    ) -> ServiceItemConnection | None:
        registry = info.context.registry
        rows = [
            row
            for row in registry.search_items(search or "")
            if power_type is None or row.power_type is power_type
        ]
        if region is not None:
            on = day_or_today(as_of)
            place = registry.region(region, date.fromisoformat(as_of) if as_of else None)
            if place is None:
                raise NotFoundError("division", region, "regions")
            rows = [row for row in rows if find_availability(registry, row, region=place, on=on).available]
        binding = fingerprint(
            "serviceItems", {"search": search, "in": region, "type": power_type, "on": as_of}
        )
        page = paginate(
            rows,
            lambda row: row.base_code,
            first=first,
            after=after,
            binding=binding,
            largest=info.context.largest_page,
        )
        return ServiceItemConnection.of(page, item_of)

    @resolved("One item by its base code 单个事项.")
    def service_item(
        self,
        info: HouseInfo,
        base_code: Annotated[strawberry.ID, argument(description="Base code 基本编码.")],
    ) -> ServiceItem | None:
        row = info.context.registry.item(base_code)
        return item_of(row) if row else None

    @resolved("How one body handles an item, by its implementation code 单个实施清单.")
    def implementation(
        self,
        info: HouseInfo,
        task_code: Annotated[strawberry.ID, argument(description="Implementation code 实施编码.")],
    ) -> ItemImplementation | None:
        row = info.context.registry.implementation(task_code)
        return implementation_of(row) if row else None

    @resolved("Can I apply for this here, and how long will it take 可办查询.")
    def availability(
        self,
        info: HouseInfo,
        item: Annotated[strawberry.ID, argument(description="Base code of the item 基本编码.")],
        region: Annotated[RegionCode, argument(description="Where the applicant is 区划.")],
        as_of: AsOf = None,
    ) -> Availability | None:
        registry = info.context.registry
        row = registry.item(item)
        if row is None:
            raise NotFoundError("service item", item, "serviceItems")
        place = registry.region(region, date.fromisoformat(as_of) if as_of else None)
        if place is None:
            raise NotFoundError("division", region, "regions")
        return Availability.find(info, row, region=place, on=day_or_today(as_of))

    @resolved("The division that a code means 单个区划.")
    def region(
        self,
        info: HouseInfo,
        code: Annotated[RegionCode, argument(description="Its code, a former one too 区划代码.")],
        as_of: Annotated[
            Date | None, argument(description="What the code meant on this day; codes are reused 基准日期.")
        ] = None,
    ) -> Region | None:
        row = info.context.registry.region(code, date.fromisoformat(as_of) if as_of else None)
        return region_of(row) if row else None

    @resolved("Divisions, by code 区划查询.")
    def regions(
        self,
        info: HouseInfo,
        level: Annotated[RegionLevel | None, argument(description="Only of this tier 行政层级.")] = None,
        parent: Annotated[
            RegionCode | None, argument(description="Only directly below this one 上级区划.")
        ] = None,
        as_of: Annotated[
            Date | None, argument(description="Only those in force on this day 基准日期.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> RegionConnection | None:
        on = date.fromisoformat(as_of) if as_of else None
        rows = [
            row
            for row in info.context.registry.regions
            if (level is None or row.level is level)
            and (parent is None or row.parent == parent)
            and (on is None or in_force(row, on))
        ]
        binding = fingerprint("regions", {"level": level, "parent": parent, "on": as_of})
        page = paginate(
            rows,
            lambda row: row.code,
            first=first,
            after=after,
            binding=binding,
            largest=info.context.largest_page,
        )
        return RegionConnection.of(page, region_of)

    @resolved("One department by its social credit code 单个部门.")
    def department(
        self,
        info: HouseInfo,
        code: Annotated[Uscc, argument(description="Social credit code 统一社会信用代码.")],
    ) -> Department | None:
        row = info.context.registry.department(code)
        return department_of(row) if row else None

    @resolved("Departments, by code 部门查询.")
    def departments(
        self,
        info: HouseInfo,
        search: Annotated[
            str | None, argument(description="Part of the name or the short name 关键词.")
        ] = None,
        region: Annotated[RegionCode | None, argument(description="Only of this division 区划.")] = None,
        first: First = 20,
        after: After = None,
    ) -> DepartmentConnection | None:
        word = search_key(search or "")
        rows = [
            row
            for row in info.context.registry.departments
            if (region is None or row.region == region)
            and any(word in search_key(text) for text in (row.name, row.name_en or "", row.key))
        ]
        binding = fingerprint("departments", {"search": search, "in": region})
        page = paginate(
            rows,
            lambda row: row.code,
            first=first,
            after=after,
            binding=binding,
            largest=info.context.largest_page,
        )
        return DepartmentConnection.of(page, department_of)

    @resolved("One legacy system by its code 单个存量系统.")
    def legacy_system(
        self, info: HouseInfo, code: Annotated[strawberry.ID, argument(description="Its code 系统编码.")]
    ) -> LegacySystem | None:
        facts = info.context.systems.system(code)
        return system_of(facts) if facts else None

    @resolved("Legacy systems, by code 存量系统查询.")
    def legacy_systems(
        self,
        info: HouseInfo,
        lifecycle: Annotated[
            SystemLifecycle | None, argument(description="Only at this stage 生命周期.")
        ] = None,
        protocol: Annotated[Protocol | None, argument(description="Only of this protocol 接入协议.")] = None,
        owner: Annotated[Uscc | None, argument(description="Only of this department 所属部门.")] = None,
        first: First = 20,
        after: After = None,
    ) -> LegacySystemConnection | None:
        rows = sorted(
            (
                facts
                for facts in info.context.systems.systems()
                if (lifecycle is None or facts.lifecycle == lifecycle)
                and (protocol is None or facts.protocol == protocol)
                and (owner is None or facts.owner == owner)
            ),
            key=lambda facts: facts.code,
        )
        binding = fingerprint("legacySystems", {"lifecycle": lifecycle, "protocol": protocol, "owner": owner})
        page = paginate(
            rows,
            lambda facts: facts.code,
            first=first,
            after=after,
            binding=binding,
            largest=info.context.largest_page,
        )
        return LegacySystemConnection.of(page, system_of)
