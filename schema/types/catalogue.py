"""Types of the catalogue: standard items, their implementations and materials. Owned by the `house` subgraph."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry

from schema.availability import AvailabilityFacts, find_availability
from schema.paging import fingerprint, paginate
from schema.registry import ImplementationRow, ItemRow, MaterialRow, RegionRow, TimeLimitRow, in_force
from schema.scalars import CHINA_STANDARD_TIME, Date, RegionCode, Uscc
from schema.types.connections import After, Connection, First
from schema.types.directory import (
    Department,
    HouseInfo,
    LegacySystem,
    Region,
    department_of,
    iso_date,
    region_of,
    system_of,
)
from schema.types.fields import resolved
from schema.vocabulary import (
    AcceptScope,
    ApplicantKind,
    AvailabilityReason,
    CaseType,
    Channel,
    ItemState,
    MaterialForm,
    MaterialSource,
    PowerSource,
    PowerType,
    RegionLevel,
    Requirement,
    SpecialProcedureKind,
    TimeUnit,
)

__all__ = [
    "AsOf",
    "Availability",
    "ItemImplementation",
    "MaterialSpec",
    "ServiceItem",
    "TimeLimit",
    "day_or_today",
    "implementation_of",
    "item_of",
    "limit_of",
]

field = strawberry.field
argument = strawberry.argument

AsOf = Annotated[Date | None, argument(description="As things stood on this day; today if absent 基准日期.")]


def day_or_today(day: Date | None) -> date:
    """The day asked for, else today in Chongqing."""
    return date.fromisoformat(day) if day else datetime.now(CHINA_STANDARD_TIME).date()


@strawberry.type(description="Time limit 时限.")
class TimeLimit:
    amount: int = field(description="How many units; 0 is at once 数量.")
    unit: TimeUnit = field(description="Unit 单位.")


@strawberry.type(description="A material to hand in 申报材料.")
class MaterialSpec:
    key: strawberry.ID = field(description="Key of the material 材料标识.")
    name: str = field(description="Name 材料名称.")
    requirement: Requirement = field(description="Whether it must be handed in 必要性.")
    form: MaterialForm = field(description="Form 材料形式.")
    copies: int | None = field(description="How many copies 份数.")
    source: MaterialSource = field(description="Who issues it 材料来源.")
    note: str | None = field(description="Note 备注.")


@strawberry.federation.type(
    keys=["taskCode"], description="How one body handles an item in one division 事项实施清单."
)
class ItemImplementation:
    row: strawberry.Private[ImplementationRow]
    task_code: strawberry.ID = field(description="Implementation code, 31 characters 实施编码.")
    level: RegionLevel = field(description="Tier that handles it 行使层级.")
    power_source: PowerSource = field(description="Where the power comes from 权力来源.")
    case_type: CaseType = field(description="Kind of handling 办件类型.")
    body_code: Uscc | None = field(description="Social credit code of the body that handles it 实施主体代码.")
    body_name: str | None = field(description="The body that handles it 实施主体名称.")
    statutory_limit: TimeLimit | None = field(description="Limit by law 法定时限.")
    promised_limit: TimeLimit | None = field(description="Limit promised 承诺时限.")
    channels: list[Channel] = field(description="How it can be applied for 申办渠道.")
    accept_scope: AcceptScope | None = field(description="From where it takes applications 通办范围.")
    max_on_site_visits: int | None = field(description="Visits in person at most 到办事现场次数.")
    valid_from: Date | None = field(description="In force since 生效日期.")
    valid_to: Date | None = field(description="In force until 失效日期.")

    @resolved("The standard item 事项.")
    def item(self, info: HouseInfo) -> "ServiceItem":
        row = info.context.registry.item(self.row.base_code)
        if row is None:  # the registry files are checked for it; a hand-made registry may not be
            raise LookupError(
                f"implementation {self.row.task_code} names item {self.row.base_code}, which does not exist"
            )
        return item_of(row)

    @resolved("Municipal department in charge 主管部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.row.department)
        return department_of(row) if row else None

    @resolved("The division 区划.")
    def region(self, info: HouseInfo) -> Region | None:
        row = info.context.registry.region(self.row.region)
        return region_of(row) if row else None

    @resolved("Legacy system that holds its cases; null if none is connected 办理系统.")
    def system(self, info: HouseInfo) -> LegacySystem | None:
        facts = info.context.systems.system(self.row.system) if self.row.system else None
        return system_of(facts) if facts else None

    @resolved("What must be handed in 申报材料.")
    def materials(self, info: HouseInfo) -> list[MaterialSpec]:
        return _materials_of(info.context.registry.materials(self.row.task_code))


@strawberry.type(description="Implementations of an item, one page 实施清单列表.")
class ItemImplementationConnection(Connection[ItemImplementation]):
    pass


@strawberry.federation.type(keys=["baseCode"], description="Standard item of the catalogue 事项(基本目录).")
class ServiceItem:
    row: strawberry.Private[ItemRow]
    base_code: strawberry.ID = field(description="Base code, 12 characters 基本编码.")
    name: str = field(description="Name 事项名称.")
    power_type: PowerType = field(description="Kind of power 权力类型.")
    tiers: list[RegionLevel] = field(description="Tiers that handle it 行使层级.")
    case_type: CaseType = field(description="Kind of handling 办件类型.")
    state: ItemState = field(description="State in the catalogue 事项状态.")
    statutory_limit: TimeLimit | None = field(description="Limit by law 法定时限.")
    promised_limit: TimeLimit | None = field(description="Limit promised as a rule 承诺时限.")
    special_procedures: list[SpecialProcedureKind] = field(
        description="Procedures whose time does not count 特别程序."
    )
    service_object: list[ApplicantKind] = field(description="Who may apply 服务对象.")
    valid_from: Date | None = field(description="In force since 生效日期.")
    valid_to: Date | None = field(description="In force until 失效日期.")

    @resolved("Department in charge 主管部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.row.department)
        return department_of(row) if row else None

    @resolved("Standard set of materials 申报材料.")
    def materials(self, info: HouseInfo) -> list[MaterialSpec]:
        return _materials_of(info.context.registry.item_materials(self.row.base_code))

    @resolved("Who handles it, where and in what time, by task code 实施清单.")
    def implementations(
        self,
        info: HouseInfo,
        region: Annotated[RegionCode | None, argument(description="Only of this division 区划.")] = None,
        include_descendants: Annotated[
            bool | None, argument(description="And of the divisions below it 是否含下级.")
        ] = False,
        as_of: AsOf = None,
        first: First = 20,
        after: After = None,
    ) -> ItemImplementationConnection:
        registry = info.context.registry
        base_code = self.row.base_code
        rows = [row for row in registry.implementations(base_code) if in_force(row, day_or_today(as_of))]
        if region is not None:
            codes = {region} | (registry.descendants(region) if include_descendants else frozenset())
            rows = [row for row in rows if row.region in codes]
        binding = fingerprint(
            "implementations", {"of": base_code, "in": region, "deep": include_descendants, "on": as_of}
        )
        page = paginate(
            rows,
            lambda row: row.task_code,
            first=first,
            after=after,
            binding=binding,
            largest=info.context.largest_page,
        )
        return ItemImplementationConnection.of(page, implementation_of)


@strawberry.type(description="Whether an item can be applied for in a division 可办情况.")
class Availability:
    available: bool = field(description="Whether it can 是否可办.")
    reason: AvailabilityReason = field(description="Why, or why not 原因.")
    as_of: Date = field(description="The day that the answer is for 基准日期.")
    item: ServiceItem = field(description="The item 事项.")
    region: Region = field(description="The division 区划.")
    implementation: ItemImplementation | None = field(description="Where to apply first 首选实施清单.")
    implementations: list[ItemImplementation] = field(
        description="Everywhere to apply; if unavailable, those below that handle it 实施清单."
    )
    lowest_tier: RegionLevel | None = field(
        description="Lowest tier that handles it for the division or under it 最低办理层级."
    )
    promised_limit: TimeLimit | None = field(description="Limit promised where to apply first 承诺时限.")
    statutory_limit: TimeLimit | None = field(description="Limit by law where to apply first 法定时限.")
    channels: list[Channel] = field(description="How it can be applied for 申办渠道.")

    @classmethod
    def find(cls, info: HouseInfo, item: ItemRow, *, region: RegionRow, on: date) -> "Availability":
        facts = find_availability(info.context.registry, item, region=region, on=on)
        return _availability_of(facts, item, region=region, on=on)


def item_of(row: ItemRow) -> ServiceItem:
    return ServiceItem(
        row=row,
        base_code=strawberry.ID(row.base_code),
        name=row.name,
        power_type=row.power_type,
        tiers=list(row.tiers),
        case_type=row.case_type,
        state=row.state,
        statutory_limit=limit_of(row.statutory),
        promised_limit=limit_of(row.promised),
        special_procedures=list(row.special_procedures),
        service_object=list(row.service_object),
        valid_from=iso_date(row.valid_from),
        valid_to=iso_date(row.valid_to),
    )


def implementation_of(row: ImplementationRow) -> ItemImplementation:
    return ItemImplementation(
        row=row,
        task_code=strawberry.ID(row.task_code),
        level=row.level,
        power_source=row.power_source,
        case_type=row.case_type,
        body_code=Uscc(row.org_code) if row.org_code else None,
        body_name=row.org_name,
        statutory_limit=limit_of(row.statutory),
        promised_limit=limit_of(row.promised),
        channels=list(row.channels),
        accept_scope=row.accept_scope,
        max_on_site_visits=row.max_on_site_visits,
        valid_from=iso_date(row.valid_from),
        valid_to=iso_date(row.valid_to),
    )


def _availability_of(facts: AvailabilityFacts, item: ItemRow, *, region: RegionRow, on: date) -> Availability:
    best = facts.implementations[0] if facts.available else None
    return Availability(
        available=facts.available,
        reason=facts.reason,
        as_of=Date(on.isoformat()),
        item=item_of(item),
        region=region_of(region),
        implementation=implementation_of(best) if best else None,
        implementations=[implementation_of(row) for row in facts.implementations],
        lowest_tier=facts.lowest_tier,
        promised_limit=limit_of(best.promised) if best else None,
        statutory_limit=limit_of(best.statutory) if best else None,
        channels=list(best.channels) if best else [],
    )


def limit_of(row: TimeLimitRow | None) -> TimeLimit | None:
    return TimeLimit(amount=row.amount, unit=row.unit) if row else None


def _materials_of(rows: Sequence[MaterialRow]) -> list[MaterialSpec]:
    return [
        MaterialSpec(
            key=strawberry.ID(row.key),
            name=row.name,
            requirement=row.requirement,
            form=row.form,
            copies=row.copies,
            source=row.source,
            note=row.note,
        )
        for row in rows
    ]
