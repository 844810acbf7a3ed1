"""ZJJ-LIFT, 市质量技术监督局 电梯: a department that has moved to a GraphQL service of its own, a Federation v2 subgraph.

It adds to cases of others (which lifts came of a planning or investment case, and how the last inspection went) and
takes over `Department.nameEn`: the bureau keeps the standard English names (GB/T 30240). Lifts are made from the same
cases that the other systems hold, so both sides tell of the same projects.
"""

# No `from __future__ import annotations`: Strawberry reads the annotations at run time.

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Annotated, Any, NewType, Self, TypeVar, cast

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry import federation
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import Info

from samples.cases import Case, generate_cases
from samples.catalogue import SYSTEMS
from samples.registry import load_registry, read_rows
from samples.servers import fgw_invest, ghj_plan

__all__ = ["PATH", "build", "lift_schema", "open_lifts"]

SYSTEM = "ZJJ-LIFT"
PATH = "/graphql"
LARGEST_PAGE = 100
BETWEEN_REPORTS = "QUANYU_SAMPLE_ZJJ_REPORT_EVERY_S"
BUILDING_SYSTEMS = {"FGW-INVEST": fgw_invest.DIALECT, "GHJ-PLAN": ghj_plan.DIALECT}
"""Whose cases end in something that is built."""

MAKES = ("重庆三峰电梯", "上海三菱电梯", "杭州西奥电梯", "日立电梯", "通力电梯")

RegionCode = NewType("RegionCode", str)
Uscc = NewType("Uscc", str)
_SCALARS: dict[object, Any] = {
    RegionCode: strawberry.scalar(
        name="RegionCode",
        description="Administrative division code, GB/T 2260 or the registry's own 区划代码.",
        parse_value=str,
    ),
    Uscc: strawberry.scalar(
        name="Uscc", description="Unified social credit code, GB 32100 统一社会信用代码.", parse_value=str
    ),
    date: strawberry.scalar(
        name="Date",
        description="Calendar date as YYYY-MM-DD 日期.",
        serialize=date.isoformat,
        parse_value=date.fromisoformat,
    ),
}


@strawberry.enum(description="Kind of lift 电梯类别 (TSG T7001).")
class LiftKind(Enum):
    PASSENGER = "PASSENGER"
    FREIGHT = "FREIGHT"
    ESCALATOR = "ESCALATOR"


@strawberry.enum(description="Result of an inspection 检验结论.")
class LiftInspectionResult(Enum):
    PASSED = "PASSED"
    CONDITIONAL = "CONDITIONAL"
    FAILED = "FAILED"


KIND_NAMES = {
    LiftKind.PASSENGER: ("曳引驱动乘客电梯", "Passenger lift"),
    LiftKind.FREIGHT: ("曳引驱动载货电梯", "Freight lift"),
    LiftKind.ESCALATOR: ("自动扶梯", "Escalator"),
}


F = TypeVar("F", bound=Callable[..., Any])  # Any: a decorator keeps whatever signature it is given


def _resolved(description: str, *, override: str = "") -> Callable[[F], F]:
    """As `federation.field`, whose own type loses that of what it decorates. override: whose field it was."""
    taken: dict[str, Any] = {"override": override} if override else {}
    return cast("Callable[[F], F]", federation.field(description=description, **taken))


def _streamed(description: str) -> Callable[[F], F]:
    """As `strawberry.subscription`, in the same way."""
    return cast("Callable[[F], F]", strawberry.subscription(description=description))


def _named(fields: str) -> Key:
    """A key by which this subgraph names what others hold."""
    return Key(fields=FieldSet(fields), resolvable=False)


@federation.type(keys=[_named("code")], description="Administrative division 行政区划.")
class Region:
    code: RegionCode


@federation.type(keys=["code"], description="Department with the power to approve 部门.")
class Department:
    code: Uscc

    @classmethod
    def resolve_reference(cls, code: str) -> Self:
        return cls(code=Uscc(code))

    @_resolved("Name in English, as GB/T 30240 has it 英文名称.", override="house")
    def name_en(self, info: Info) -> str | None:
        return _context(info).english.get(self.code)


@federation.type(keys=["id"], description="One inspection of one lift 电梯检验.")
class LiftInspection:
    id: strawberry.ID
    result: LiftInspectionResult = strawberry.field(description="检验结论")
    inspected_on: date = strawberry.field(description="检验日期")
    next_due: date = strawberry.field(description="下次检验日期")
    report_no: str = strawberry.field(description="报告编号")
    department: Department = strawberry.field(description="Who inspected 检验机关.")
    lift: "Lift" = strawberry.field(description="电梯")

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID) -> "LiftInspection | None":  # noqa: A002
        return _context(info).lifts.inspections.get(str(id))


@federation.type(keys=["code"], description="A lift in use 在用电梯.")
class Lift:
    code: strawberry.ID = strawberry.field(description="Device code 设备代码.")
    kind: LiftKind = strawberry.field(description="类别")
    make: str = strawberry.field(description="制造单位")
    region: Region = strawberry.field(description="所在区划")
    next_due: date = strawberry.field(description="下次检验日期")
    inspections: list[LiftInspection] = strawberry.field(description="Latest first 历次检验.")

    @classmethod
    def resolve_reference(cls, info: Info, code: strawberry.ID) -> "Lift | None":
        return _context(info).lifts.by_code.get(str(code))

    @_resolved("Kind in words, in English where the caller prefers it 类别名称.")
    def kind_name(self, info: Info) -> str:
        chinese, english = KIND_NAMES[self.kind]
        return english if _context(info).language.lower().startswith("en") else chinese


@federation.type(name="Case", keys=["id"], description="An application as one system holds it 办件.")
class BuildingCase:
    id: strawberry.ID

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:  # noqa: A002
        return cls(id=id)

    @_resolved("Latest inspection of the lifts that came of the case 电梯检验.")
    async def inspection(self, info: Info) -> LiftInspection | None:
        lifts = await _context(info).of_case.load(self.id)
        return max((one for lift in lifts for one in lift.inspections), key=_age, default=None)

    @_resolved("Lifts that came of the case 电梯.")
    async def lifts(self, info: Info) -> list[Lift] | None:
        return await _context(info).of_case.load(self.id)


First = Annotated[int, strawberry.argument(description="At most so many, 1 to 100 条数.")]


@strawberry.type
class Query:
    @_resolved("One lift by its device code 单台电梯.")
    def lift(self, info: Info, code: strawberry.ID) -> Lift | None:
        return _context(info).lifts.by_code.get(str(code))

    @_resolved("Lifts to be inspected by then, the longest overdue first 到期电梯.")
    def lifts_due(
        self, info: Info, before: date, region: RegionCode | None = None, first: First = 20
    ) -> list[Lift] | None:
        due = [
            lift
            for lift in _context(info).lifts.by_code.values()
            if lift.next_due < before and (region is None or lift.region.code == region)
        ]
        due.sort(key=lambda lift: (lift.next_due, lift.code))
        return due[: max(1, min(first, LARGEST_PAGE))]


@strawberry.type
class Subscription:
    @_streamed("Inspections as their reports come in, of one division or of all 检验报告实时推送.")
    async def inspection_reported(
        self, info: Info, region: RegionCode | None = None
    ) -> AsyncGenerator[LiftInspection, None]:
        context = _context(info)
        reported = sorted(context.lifts.inspections.values(), key=_age)
        wanted = [one for one in reported if region is None or one.lift.region.code == region]
        for inspection in itertools.cycle(wanted):
            yield inspection
            await asyncio.sleep(context.between_reports_s)


@dataclass(frozen=True, slots=True)
class Lifts:
    """by_case: case id -> its lifts."""

    by_code: Mapping[str, Lift]
    by_case: Mapping[str, list[Lift]]
    inspections: Mapping[str, LiftInspection]


@dataclass(slots=True)
class Context:
    """Of one request. of_case: looks up the cases of a whole list at once."""

    lifts: Lifts
    english: Mapping[str, str]
    language: str
    between_reports_s: float
    of_case: DataLoader[strawberry.ID, list[Lift]] = field(init=False)

    def __post_init__(self) -> None:
        async def find(ids: Sequence[strawberry.ID]) -> list[list[Lift]]:
            return [self.lifts.by_case.get(str(id_), []) for id_ in ids]

        self.of_case = DataLoader(load_fn=find)


class Service(GraphQL[Context, None]):
    def __init__(self, lifts: Lifts, english: Mapping[str, str], between_reports_s: float) -> None:
        super().__init__(
            lift_schema(),
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
        )
        self._lifts, self._english, self._between_reports_s = lifts, english, between_reports_s

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        language = request.headers.get("accept-language", "")
        return Context(self._lifts, self._english, language, self._between_reports_s)


def lift_schema() -> federation.Schema:
    return federation.Schema(
        query=Query,
        subscription=Subscription,
        types=[BuildingCase, Department, LiftInspection],
        config=StrawberryConfig(scalar_map=_SCALARS),
        federation_version="2.7",
    )


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    """environment: QUANYU_SAMPLE_ZJJ_REPORT_EVERY_S is the time between two events of a subscription."""
    english = {row["uscc"]: row["name_en"] for row in read_rows("departments.csv") if row["name_en"]}
    service: Any = Service(open_lifts(seed), english, float(environment.get(BETWEEN_REPORTS, "2")))
    return Starlette(routes=[Route(PATH, service), WebSocketRoute(PATH, service)])


def open_lifts(seed: int) -> Lifts:
    """Lifts of every building case that was decided; the same seed gives the same."""
    rng = random.Random(f"{seed}:{SYSTEM}")
    registry = load_registry()
    bureau = Department(code=Uscc(registry.departments["ZJJ"]))
    by_case: dict[str, list[Lift]] = {}
    for system, dialect in BUILDING_SYSTEMS.items():
        kinds = frozenset(dialect.events)
        for case in generate_cases(SYSTEMS[system], registry, seed=seed, kinds=kinds):
            if case.time_of("DECIDE") or case.time_of("CLOSE"):
                by_case[f"{system}:{case.number}"] = list(_lifts_of(rng, case, bureau))
    lifts = [lift for found in by_case.values() for lift in found]
    return Lifts(
        by_code={str(lift.code): lift for lift in lifts},
        by_case=by_case,
        inspections={str(one.id): one for lift in lifts for one in lift.inspections},
    )


def _lifts_of(rng: random.Random, case: Case, bureau: Department) -> Iterator[Lift]:
    """One to three lifts, each inspected once a year since the case ended (TSG T7001: every year)."""
    region = case.implementation.region
    digits = region[:6] if region[:6].isdigit() else "500000"
    built = (case.time_of("CLOSE") or case.time_of("DECIDE") or case.applied_at).date()
    for number in range(rng.randint(1, 3)):
        kind = rng.choice(tuple(LiftKind))
        family = {"PASSENGER": "3110", "FREIGHT": "3120", "ESCALATOR": "3310"}[kind.name]
        serial = f"{rng.randrange(10**6):06d}{number}"
        lift = Lift(
            code=strawberry.ID(f"{family}{digits}{built.year}{serial}"),
            kind=kind,
            make=rng.choice(MAKES),
            region=Region(code=RegionCode(region)),
            next_due=built + timedelta(days=365),
            inspections=[],
        )
        lift.inspections.append(_inspection(rng, lift, built, bureau))
        yield lift


def _inspection(rng: random.Random, lift: Lift, on: date, bureau: Department) -> LiftInspection:
    result = rng.choices(tuple(LiftInspectionResult), weights=(90, 8, 2))[0]
    return LiftInspection(
        id=strawberry.ID(f"{lift.code}-{on:%Y%m%d}"),
        result=result,
        inspected_on=on,
        next_due=lift.next_due,
        report_no=f"渝质检梯〔{on.year}〕{rng.randint(1, 9999):04d}号",
        department=bureau,
        lift=lift,
    )


def _age(inspection: LiftInspection) -> tuple[date, str]:
    return inspection.inspected_on, str(inspection.id)


def _context(info: Info) -> Context:
    return cast(Context, info.context)
