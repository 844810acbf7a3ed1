"""Types of the directory: divisions, departments and legacy systems. Owned by the `house` subgraph."""

from collections.abc import Sequence
from typing import TypeAlias

import strawberry

from schema.ports import HouseContext, MappingFacts, MappingGapFacts, SystemFacts, SystemHealthFacts
from schema.registry import DepartmentRow, RegionRow
from schema.scalars import Date, DateTime, RegionCode, Uscc
from schema.types.fields import guards, resolved
from schema.types.harvest import Harvest, harvest_of
from schema.vocabulary import (
    BreakerState,
    Capability,
    HealthState,
    Protocol,
    RegionArea,
    RegionKind,
    RegionLevel,
    SystemLifecycle,
)

__all__ = ["Department", "HouseInfo", "LegacySystem", "MappingReport", "Region", "SystemHealth", "iso_date"]

HouseInfo: TypeAlias = strawberry.Info[HouseContext, None]

field = strawberry.field


def iso_date(day: object) -> Date | None:
    return None if day is None else Date(str(day))


@strawberry.federation.type(keys=["code"], description="Administrative division 行政区划.")
class Region:
    row: strawberry.Private[RegionRow]
    code: RegionCode = field(description="Division code, GB/T 2260 or the registry's own 区划代码.")
    name: str = field(description="Name 名称.")
    name_en: str | None = field(description="Name in English 英文名称.")
    level: RegionLevel = field(description="Tier of government 行政层级.")
    kind: RegionKind = field(description="Kind of division 区划类型.")
    area: RegionArea | None = field(description="Part of the municipality 片区.")
    former_codes: list[RegionCode] = field(description="Codes that the place bore before 曾用代码.")
    valid_from: Date | None = field(description="Bears this code since 启用日期.")
    valid_to: Date | None = field(description="Bore this code until 停用日期.")

    @resolved("The division above 上级区划.")
    def parent(self, info: HouseInfo) -> "Region | None":
        row = info.context.registry.region(self.row.parent) if self.row.parent else None
        return region_of(row) if row else None

    @resolved("The divisions directly below, by code 下级区划.")
    def children(self, info: HouseInfo) -> "list[Region]":
        return [region_of(row) for row in info.context.registry.children(self.row.code)]

    @resolved("The divisions above, nearest first 各级上级区划.")
    def ancestors(self, info: HouseInfo) -> "list[Region]":
        return [region_of(row) for row in info.context.registry.ancestors(self.row.code)]


@strawberry.federation.type(keys=["code"], description="Department with the power to approve 部门.")
class Department:
    row: strawberry.Private[DepartmentRow]
    code: Uscc = field(description="Unified social credit code 统一社会信用代码.")
    key: str = field(description="Short name used in system codes, such as LVJ 部门简码.")
    name: str = field(description="Name 名称.")
    name_en: str | None = field(description="Name in English 英文名称.")

    @resolved("The division it serves 所在区划.")
    def region(self, info: HouseInfo) -> Region:
        row = info.context.registry.region(self.row.region)
        if row is None:  # the registry files are checked for it; a hand-made registry may not be
            raise LookupError(
                f"department {self.row.code} names division {self.row.region}, which does not exist"
            )
        return region_of(row)

    @resolved("Legacy systems that it runs, by code 所属存量系统.")
    def systems(self, info: HouseInfo) -> "list[LegacySystem]":
        return [system_of(facts) for facts in info.context.systems.systems() if facts.owner == self.row.code]


@strawberry.type(description="How a system is doing, by its latest calls 系统健康.")
class SystemHealth:
    state: HealthState = field(description="In one word 健康状态.")
    breaker: BreakerState = field(description="Circuit breaker 熔断器.")
    latency_p50_ms: float | None = field(description="Median latency in milliseconds 延迟中位数(毫秒).")
    latency_p95_ms: float | None = field(
        description="95th percentile of latency in milliseconds 延迟95分位(毫秒)."
    )
    error_rate: float | None = field(description="Share of calls that failed, 0 to 1 错误率.")
    calls: int = field(description="Calls made 调用次数.")
    failures: int = field(description="Calls that failed 失败次数.")
    last_success_at: DateTime | None = field(description="Latest call that succeeded 最近成功时间.")
    last_error_code: str | None = field(description="Code of the latest failure 最近错误代码.")
    last_error_at: DateTime | None = field(description="Time of the latest failure 最近错误时间.")
    in_flight: int = field(description="Calls under way 进行中.")


@strawberry.federation.type(description="A raw value that a code table does not map 未映射值.")
class MappingGap:
    table: str = field(description="Code table 代码表.")
    raw_value: str | None = field(
        description="The value as the system sent it 原始值.",
        directives=guards("MappingGap", "rawValue"),
    )
    count: int = field(description="How often it was met 出现次数.")
    first_seen: DateTime = field(description="First met 首次出现.")
    last_seen: DateTime = field(description="Last met 最近出现.")


@strawberry.type(description="What the mapping of a system leaves open 映射报告.")
class MappingReport:
    gaps: list[MappingGap] = field(description="Values that became UNKNOWN 未映射值.")
    unmapped_fields: list[str] = field(description="Canonical fields without a mapping 未映射字段.")
    mapped_share: float | None = field(description="Share of values that were mapped, 0 to 1 映射率.")


@strawberry.federation.type(keys=["code"], description="A legacy approval system 存量审批系统.")
class LegacySystem:
    facts: strawberry.Private[SystemFacts]
    code: strawberry.ID = field(description="Code of the system 系统编码.")
    name: str = field(description="Name 系统名称.")
    vendor: str | None = field(description="Who built it 承建单位.")
    protocol: Protocol = field(description="How it is spoken to 接入协议.")
    encoding: str | None = field(description="Character set on the wire 字符编码.")
    capabilities: list[Capability] = field(description="What it can be asked 系统能力.")
    lifecycle: SystemLifecycle = field(description="Where it stands on its way out 生命周期.")

    @resolved("Department that runs it; null if its code is not in the registry 所属部门.")
    def owner(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.facts.owner)
        return department_of(row) if row else None

    @resolved("How its latest calls went 健康状况.")
    def health(self, info: HouseInfo) -> SystemHealth:
        return _health_of(info.context.systems.health(self.facts.code))

    @resolved("What its mapping leaves open 映射情况.")
    async def mapping(self, info: HouseInfo) -> MappingReport:
        return _report_of(await info.context.systems.mapping(self.facts.code))

    @resolved("How the network learns what happens in it; null while the database is away 归集状况.")
    async def harvest(self, info: HouseInfo) -> Harvest | None:
        return harvest_of(await info.context.systems.harvest(self.facts.code))


def region_of(row: RegionRow) -> Region:
    return Region(
        row=row,
        code=RegionCode(row.code),
        name=row.name,
        name_en=row.name_en,
        level=row.level,
        kind=row.kind,
        area=row.area,
        former_codes=[RegionCode(code) for code in row.former_codes],
        valid_from=iso_date(row.valid_from),
        valid_to=iso_date(row.valid_to),
    )


def department_of(row: DepartmentRow) -> Department:
    return Department(row=row, code=Uscc(row.code), key=row.key, name=row.name, name_en=row.name_en)


def system_of(facts: SystemFacts) -> LegacySystem:
    return LegacySystem(
        facts=facts,
        code=strawberry.ID(facts.code),
        name=facts.name,
        vendor=facts.vendor,
        protocol=facts.protocol,
        encoding=facts.encoding,
        capabilities=list(facts.capabilities),
        lifecycle=facts.lifecycle,
    )


def _health_of(facts: SystemHealthFacts) -> SystemHealth:
    return SystemHealth(
        state=facts.state,
        breaker=facts.breaker,
        latency_p50_ms=facts.latency_p50_ms,
        latency_p95_ms=facts.latency_p95_ms,
        error_rate=facts.error_rate,
        calls=facts.calls,
        failures=facts.failures,
        last_success_at=_moment(facts.last_success_at),
        last_error_code=facts.last_error_code,
        last_error_at=_moment(facts.last_error_at),
        in_flight=facts.in_flight,
    )


def _report_of(facts: MappingFacts) -> MappingReport:
    return MappingReport(
        gaps=_gaps_of(facts.gaps),
        unmapped_fields=list(facts.unmapped_fields),
        mapped_share=facts.mapped_share,
    )


def _gaps_of(gaps: Sequence[MappingGapFacts]) -> list[MappingGap]:
    return [
        MappingGap(
            table=gap.table,
            raw_value=gap.raw_value,
            count=gap.count,
            first_seen=DateTime(gap.first_seen),
            last_seen=DateTime(gap.last_seen),
        )
        for gap in gaps
    ]


def _moment(text: str | None) -> DateTime | None:
    return None if text is None else DateTime(text)
