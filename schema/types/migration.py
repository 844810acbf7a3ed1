"""Types of the `migration` subgraph: a system's way to its successor, what comparing has shown, and the steps."""

# No `from __future__ import annotations`: Strawberry reads the annotations at run time.

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Annotated, Any, TypeAlias, TypeVar

import strawberry

from schema.migration_port import Facts, MigrationContext
from schema.scalars import DateTime
from schema.types.fields import guards, resolved, subscribed

__all__ = ["LegacySystem", "MigrationMutation", "MigrationQuery", "MigrationSubscription"]

T = TypeVar("T")
MigrationInfo: TypeAlias = strawberry.Info[MigrationContext, None]

field = strawberry.field
argument = strawberry.argument


@strawberry.enum(description="Phase of a migration 迁移阶段.")
class MigrationPhase(Enum):
    LEGACY = strawberry.enum_value("LEGACY", description="The old system answers 旧系统应答.")
    SHADOW = strawberry.enum_value("SHADOW", description="It answers; the new one is compared 影子比对.")
    CANARY = strawberry.enum_value("CANARY", description="The new one answers for a share of the cases 灰度.")
    PRIMARY_NEW = strawberry.enum_value(
        "PRIMARY_NEW", description="The new one answers, the old one where it fails 新系统为主."
    )
    RETIRED = strawberry.enum_value("RETIRED", description="The old one is never asked 旧系统退役.")


@strawberry.enum(description="What the differences of a field come to 比对结论.")
class ParityVerdict(Enum):
    SAME = "same"
    EXPLAINED = strawberry.enum_value("explained", description="A rule says why 规则可解释.")
    NOISE = strawberry.enum_value("noise", description="The old system contradicts itself as often 噪声.")
    ACCEPTED = strawberry.enum_value("accepted", description="A person lives with it 人工接受.")
    DIFFERENT = strawberry.enum_value("different", description="Open 待处理.")


@strawberry.type(description="A step of the past 迁移记录.")
class MigrationStep:
    at: DateTime = field(description="When 时间.")
    kind: str = field(description="advance, percent, sample, rollback, freeze or thaw 步骤.")
    from_phase: MigrationPhase = field(description="Phase before 原阶段.")
    to_phase: MigrationPhase = field(description="Phase after 新阶段.")
    percent: float | None = field(description="Share in CANARY 灰度比例.")
    actor: str = field(description="Who; quanyu itself for an automatic rollback 操作人.")
    second_actor: str | None = field(description="Who confirmed it 复核人.")
    reason: str = field(description="Why 理由.")
    forced: list[str] = field(description="Gates that were shut 强制越过的门禁.")


@strawberry.type(description="A condition of the next phase 门禁.")
class MigrationGate:
    name: str = field(description="Name 名称.")
    ok: bool = field(description="Whether it holds 是否通过.")
    value: str = field(description="What was found 现状.")
    threshold: str = field(description="What is wanted 要求.")


@strawberry.type(description="Two values of one field that differed, masked 差异样例.")
class ParitySample:
    number: str = field(description="Case number 办件编号.")
    outcome: str = field(description="different or explained 类别.")
    old: str = field(description="As JSON, of the old system 旧值.")
    new: str = field(description="As JSON, of the new one 新值.")
    at: DateTime = field(description="When 时间.")


@strawberry.federation.type(description="One field, compared 字段比对.")
class FieldParity:
    facts: strawberry.Private[Facts]
    path: str = field(description="Path in the canonical record 字段路径.")
    verdict: ParityVerdict = field(description="结论")
    critical: bool = field(description="Keeps the gates shut 关键字段.")
    compared: int = field(description="比对次数")
    different: int = field(description="Without noise 不同次数.")
    explained: int = field(description="规则可解释次数")
    noise: int = field(description="噪声次数")
    mismatch_rate: float = field(description="Share that differs, 0 to 1 不一致率.")
    mismatch_low: float = field(description="Wilson 95 %, lower bound 下限.")
    mismatch_high: float = field(description="Wilson 95 %, upper bound 上限.")
    first_seen: DateTime | None = field(description="首次出现")
    last_seen: DateTime | None = field(description="最近出现")
    accepted_by: str | None = field(description="接受人")
    accepted_reason: str | None = field(description="接受理由")

    @resolved("A few, masked 样例.", directives=guards("FieldParity", "samples"))
    def samples(self) -> list[ParitySample] | None:
        return [_made(ParitySample, one) for one in self.facts["samples"]]


@strawberry.type(description="What comparing both sides has shown 一致性报告.")
class ParityReport:
    mapping: str = field(description="Fingerprint of both declarations: a mended one begins anew 映射指纹.")
    compared: int = field(description="Records compared 比对记录数.")
    since: DateTime | None = field(description="起始时间")
    last: DateTime | None = field(description="最近时间")
    open: list[str] = field(description="Fields with open differences 未决差异.")
    fields: list[FieldParity] = field(description="The worst first 各字段.")


@strawberry.type(description="Who asks 使用情况.")
class MigrationUsage:
    client: str = field(description="graphql-client-name 客户端.")
    version: str = field(description="graphql-client-version 版本.")
    operation: str = field(description="操作")
    calls: int = field(description="次数")
    errors: int = field(description="失败次数")
    last_seen: DateTime | None = field(description="最近")


@strawberry.federation.type(description="A system's way to its successor 系统迁移.")
class Migration:
    system: strawberry.Private[str]
    successor: strawberry.ID | None = field(description="Code of the new system 接替系统.")
    phase: MigrationPhase = field(description="阶段")
    percent: float | None = field(description="Share of cases on the new side in CANARY 灰度比例.")
    new_share: float = field(description="Percent of cases that the new side answers for 新侧占比.")
    sample: float = field(description="Percent of questions that are compared 比对抽样.")
    frozen: bool = field(description="冻结")
    version: int = field(description="Grows with each step 版本.")
    since: DateTime | None = field(description="When the phase began 阶段起始.")

    @resolved("Every step, oldest first 历史.")
    async def history(self, info: MigrationInfo) -> list[MigrationStep]:
        return [_step(one) for one in await info.context.desk.history(self.system)]

    @resolved("Of the next phase, or of one named 门禁.")
    async def gates(
        self,
        info: MigrationInfo,
        to: Annotated[MigrationPhase | None, argument(description="Of this phase 阶段.")] = None,
    ) -> list[MigrationGate]:
        found = await info.context.desk.gates(self.system, _word(to))
        return [_made(MigrationGate, one) for one in found]

    @resolved("Names of the gates that are shut 未过门禁.")
    async def blockers(self, info: MigrationInfo) -> list[str]:
        return [one["name"] for one in await info.context.desk.gates(self.system, None) if not one["ok"]]

    @resolved("What comparing has shown 一致性.")
    async def parity(self, info: MigrationInfo) -> ParityReport:
        return _report(await info.context.desk.parity(self.system))

    @resolved("Who still asks 使用情况.")
    async def usage(
        self, info: MigrationInfo, days: Annotated[int, argument(description="How far back 天数.")] = 30
    ) -> list[MigrationUsage]:
        found = await info.context.desk.usage(self.system, max(1, min(days, 3660)))
        return [_made(MigrationUsage, one) for one in found]


@strawberry.federation.type(keys=["code"], description="A legacy approval system 存量审批系统.")
class LegacySystem:
    code: strawberry.ID = field(description="Code of the system 系统编码.")

    @resolved(
        "Its way to a successor; null where nothing replaces it 迁移.",
        directives=guards("LegacySystem", "migration"),
    )
    async def migration(self, info: MigrationInfo) -> Migration | None:
        found = await info.context.desk.migration(str(self.code))
        return _migration(found) if found is not None else None


@strawberry.type(description="Whether a system can be retired 退役就绪.")
class RetirementReadiness:
    system: LegacySystem
    ready: bool = field(description="All gates of RETIRED hold 是否就绪.")
    gates: list[MigrationGate] = field(description="门禁")
    blockers: list[str] = field(description="未过门禁")


@strawberry.type(description="A system that broke off 未读完的系统.")
class OverlapFault:
    system: str = field(description="系统编码")
    code: str = field(description="Such as SOURCE_TIMEOUT 错误代码.")


@strawberry.type(description="Two values of one field of a case of both, masked 差异样例.")
class OverlapSample:
    number_a: str = field(description="编号(a)")
    number_b: str = field(description="编号(b)")
    a: str = field(description="As JSON 值(a).")
    b: str = field(description="As JSON 值(b).")


@strawberry.type(description="A field that differs in cases of both 不同字段.")
class OverlapField:
    facts: strawberry.Private[Facts]
    path: str = field(description="字段路径")
    count: int = field(description="Cases in which it differs 次数.")

    @resolved("A few, masked 样例.")
    def samples(self) -> list[OverlapSample]:
        return [_made(OverlapSample, one) for one in self.facts["samples"]]


@strawberry.type(description="What two systems both hold 两系统重叠.")
class Overlap:
    a: str = field(description="系统 a")
    b: str = field(description="系统 b")
    read_a: int = field(description="Cases read of a 已读.")
    read_b: int = field(description="Cases read of b 已读.")
    whole: bool = field(
        description="Both lists were read to their end; else of the newest cases only, as far as both were read 是否完整."
    )
    both: int = field(description="两者共有")
    by_number: int = field(description="Of these, by number, through the identifier map 按编号.")
    by_key: int = field(description="Of these, the same applicant on the same day 按申请人与日期.")
    ambiguous: int = field(description="Keys that several cases of a system bear; not paired 无法区分.")
    only_a: int = field(description="仅 a 有")
    only_b: int = field(description="仅 b 有")
    only_a_sample: list[str] = field(description="A few numbers 编号样例.")
    only_b_sample: list[str] = field(description="A few numbers 编号样例.")
    faults: list[OverlapFault] = field(description="Systems that broke off 故障.")
    fields: list[OverlapField] = field(description="What differs, the most first 不同字段.")


@strawberry.federation.type(description="Questions that can be asked 查询.")
class MigrationQuery:
    @resolved("Every system that is being replaced 迁移列表.", directives=guards("Query", "migrations"))
    async def migrations(self, info: MigrationInfo) -> list[LegacySystem] | None:
        return [
            LegacySystem(code=strawberry.ID(one["system"])) for one in await info.context.desk.migrations()
        ]

    @resolved("Fields on which both sides differ 差异.", directives=guards("Query", "shadowDiff"))
    async def shadow_diff(
        self,
        info: MigrationInfo,
        system: Annotated[str, argument(description="Code of the old system 系统编码.")],
        field_path: Annotated[
            str | None, argument(name="field", description="Only this field 字段路径.")
        ] = None,
        explained: Annotated[bool, argument(description="Those that a rule explains, too.")] = False,
    ) -> list[FieldParity] | None:
        wanted = {ParityVerdict.DIFFERENT, ParityVerdict.ACCEPTED} | (
            {ParityVerdict.EXPLAINED, ParityVerdict.NOISE} if explained else set()
        )
        report = _report(await info.context.desk.parity(system))
        return [one for one in report.fields if one.verdict in wanted and field_path in (None, one.path)]

    @resolved(
        "What two systems both hold, by their lists as they are now; it takes time, so give `deadlineMs` 重叠.",
        directives=guards("Query", "overlap"),
    )
    async def overlap(
        self,
        info: MigrationInfo,
        a: Annotated[
            str, argument(description="Code of a system; of two that replace each other the old one 系统.")
        ],
        b: Annotated[str, argument(description="Code of the other 另一系统.")],
    ) -> Overlap | None:
        told = await info.context.desk.overlap(a, b, info.context.deadline)
        return _made(
            Overlap,
            told,
            faults=[_made(OverlapFault, one) for one in told["faults"]],
            fields=[_made(OverlapField, one, facts=one) for one in told["fields"]],
        )

    @resolved(
        "Whether a system can be retired, and what is in the way 退役就绪检查.",
        directives=guards("Query", "retirementReadiness"),
    )
    async def retirement_readiness(
        self,
        info: MigrationInfo,
        system: Annotated[str, argument(description="Code of the old system 系统编码.")],
    ) -> RetirementReadiness | None:
        gates = [
            _made(MigrationGate, one)
            for one in await info.context.desk.gates(system, _word(MigrationPhase.RETIRED))
        ]
        return RetirementReadiness(
            system=LegacySystem(code=strawberry.ID(system)),
            ready=all(one.ok for one in gates),
            gates=gates,
            blockers=[one.name for one in gates if not one.ok],
        )


_System = Annotated[str, argument(description="Code of the old system 系统编码.")]
_Reason = Annotated[str, argument(description="Why; kept for good 理由.")]


@strawberry.federation.type(name="Mutation", description="What can be done 操作.")
class MigrationMutation:
    @resolved(
        "One phase further, if the gates are open 推进.", directives=guards("Mutation", "migrationAdvance")
    )
    async def migration_advance(
        self,
        info: MigrationInfo,
        system: _System,
        reason: _Reason,
        to: Annotated[MigrationPhase | None, argument(description="The phase that must come next.")] = None,
        percent: Annotated[float | None, argument(description="Of the canary 灰度比例.")] = None,
        force: Annotated[bool, argument(description="Over shut gates; recorded 强制.")] = False,
    ) -> Migration | None:
        moved = await info.context.desk.move(
            system,
            "advance",
            info.context.actor,
            reason,
            to=_word(to),
            percent=percent,
            force=force,
        )
        return _migration(moved)

    @resolved("Share of the cases in CANARY 灰度比例.", directives=guards("Mutation", "migrationSetPercent"))
    async def migration_set_percent(
        self,
        info: MigrationInfo,
        system: _System,
        percent: Annotated[float, argument(description="Above 0, up to 100.")],
        reason: _Reason,
        force: Annotated[bool, argument(description="Over shut gates; recorded 强制.")] = False,
    ) -> Migration | None:
        moved = await info.context.desk.move(
            system, "percent", info.context.actor, reason, percent=percent, force=force
        )
        return _migration(moved)

    @resolved("Back, at once and without gates 回退.", directives=guards("Mutation", "migrationRollback"))
    async def migration_rollback(
        self,
        info: MigrationInfo,
        system: _System,
        reason: _Reason,
        to: Annotated[MigrationPhase | None, argument(description="How far back 阶段.")] = None,
    ) -> Migration | None:
        moved = await info.context.desk.move(system, "rollback", info.context.actor, reason, to=_word(to))
        return _migration(moved)

    @resolved(
        "Live with the differences of a field; gates pass it then 接受差异.",
        directives=guards("Mutation", "migrationAcceptDifference"),
    )
    async def migration_accept_difference(
        self,
        info: MigrationInfo,
        system: _System,
        field_path: Annotated[str, argument(name="field", description="Its path 字段路径.")],
        reason: _Reason,
    ) -> ParityReport | None:
        return _report(await info.context.desk.accept(system, field_path, info.context.actor, reason))


@strawberry.type(description="A step, as it is made 迁移动态.")
class MigrationEvent:
    cursor: str = field(description="Stands after this step; give it as `after` to go on from here 游标.")
    system: LegacySystem = field(description="The system that moved; its `migration` is as it is now 系统.")
    version: int = field(description="Of the migration after it 版本.")
    step: MigrationStep = field(description="What was done, by whom and why 步骤.")


@strawberry.type(name="Subscription", description="Streams of events 订阅.")
class MigrationSubscription:
    @subscribed(
        "Steps of migrations as they are made, by whichever process 迁移动态流.",
        directives=guards("Subscription", "migrationEvents"),
    )
    async def migration_events(
        self,
        info: MigrationInfo,
        system: Annotated[str | None, argument(description="Only of this old system 系统编码.")] = None,
        after: Annotated[
            str | None,
            argument(
                description="Go on after this `cursor`: first what came since, then what comes. Left out: from now on 游标."
            ),
        ] = None,
    ) -> AsyncGenerator[MigrationEvent | None, None]:
        async for one in info.context.desk.events(system, after):
            yield MigrationEvent(
                cursor=one["cursor"],
                system=LegacySystem(code=strawberry.ID(one["system"])),
                version=one["version"],
                step=_step(one),
            )


def _step(told: Facts) -> MigrationStep:
    return _made(MigrationStep, dict(told) | {"fromPhase": told["from"], "toPhase": told["to"]})


def _migration(facts: Facts) -> Migration:
    return _made(Migration, facts, system=facts["system"])


def _report(facts: Facts) -> ParityReport:
    fields = [_made(FieldParity, one, facts=one) for one in facts["fields"]]
    return _made(ParityReport, facts, fields=fields)


def _made(type_: type[T], told: Facts, **given: Any) -> T:
    """A type from facts under its fields' GraphQL names. Any: values of whichever types its fields have."""
    definition = type_.__strawberry_definition__  # type: ignore[attr-defined]  # every Strawberry type has one
    for one in definition.fields:
        if one.base_resolver is not None or one.python_name in given:
            continue
        value = told[_camel(one.python_name)]
        if one.python_name in ("phase", "from_phase", "to_phase"):
            value = MigrationPhase(value)
        elif one.python_name == "verdict":
            value = ParityVerdict(value)
        given[one.python_name] = value
    return type_(**given)


def _word(phase: MigrationPhase | None) -> str | None:
    return str(phase.value) if phase is not None else None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
