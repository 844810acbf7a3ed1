"""Types of the `cases` subgraph: what legacy systems answer with. Nothing here is resolved.

The adapters' connector answers these fields from canonical records (`schema.canonical`); Strawberry only
writes the SDL. Names the house subgraph owns (Region, Department, ServiceItem, ItemImplementation) appear
as references; LegacySystem is shared and gets the fields that only the system itself can answer.
"""

# ruff: noqa: ARG002  (arguments belong to the SDL; nothing here runs)

from typing import Annotated, NoReturn

import strawberry

from schema.scalars import JSON, Date, DateTime, RegionCode, Uscc
from schema.types.connections import After, Connection, First
from schema.types.fields import guards, reference, resolved
from schema.vocabulary import (
    AccessPurpose,
    ApplicantKind,
    CaseEventKind,
    CaseState,
    CaseType,
    Channel,
    FreshnessMode,
    IdType,
    SourceStatus,
)

__all__ = [
    "Applicant",
    "ApplicantInput",
    "Case",
    "CaseChange",
    "CaseEvent",
    "CaseFile",
    "CaseProgress",
    "CasesQuery",
    "LegalPerson",
    "NaturalPerson",
    "SourceInfo",
    "SourceOutcome",
    "connector_answers",
]

field = strawberry.field
argument = strawberry.argument

DeadlineMs = Annotated[
    int | None,
    argument(
        description="How long to wait for the systems, in milliseconds; without it as the gateway is set, 2000 等待时限(毫秒)."
    ),
]
States = Annotated[
    list[CaseState] | None, argument(description="Only cases in one of these states 办件状态.")
]


def connector_answers() -> NoReturn:
    raise NotImplementedError("fields of the cases subgraph are answered by the connector")


# --- references to what the house subgraph owns ---


@strawberry.federation.type(keys=[reference("code")], description="Administrative division 行政区划.")
class Region:
    code: RegionCode = field(description="Division code, GB/T 2260 or the registry's own 区划代码.")


@strawberry.federation.type(
    keys=[reference("code")], description="Department with the power to approve 部门."
)
class Department:
    code: Uscc = field(description="Unified social credit code 统一社会信用代码.")


@strawberry.federation.type(
    keys=[reference("baseCode")],
    description="Standard item of the catalogue 事项(基本目录).",
)
class ServiceItem:
    base_code: strawberry.ID = field(description="Base code, 12 characters 基本编码.")


@strawberry.federation.type(
    keys=[reference("taskCode")],
    description="How one body handles an item in one division 事项实施清单.",
)
class ItemImplementation:
    task_code: strawberry.ID = field(description="Implementation code, 31 characters 实施编码.")


# --- who ---


@strawberry.interface(description="Who applies; masked by default 申请人.")
class Applicant:
    ref: strawberry.ID = field(
        description="The same for one applicant in every system; says nothing of the number 申请人标识."
    )
    kind: ApplicantKind = field(description="Natural or legal person 申请人类型.")
    display_name: str = field(description="Name, masked for natural persons 姓名/名称.")


@strawberry.federation.type(keys=[reference("ref")], description="Natural person 自然人.")
class NaturalPerson(Applicant):
    id_type: IdType = field(description="Kind of identity document 证件类型.")

    @resolved(
        "Identity number, whole; who asks for it and why is recorded 证件号码(明文).",
        directives=guards("NaturalPerson", "idNumber"),
    )
    def id_number(
        self,
        purpose: Annotated[AccessPurpose, argument(description="Why it is needed; recorded 查阅目的.")],
    ) -> str | None:
        connector_answers()

    masked_id: str = field(
        description="Identity number: first 3 and last 2 characters; for clerks of the case first 6 and last 4 证件号码(脱敏)."
    )
    masked_mobile: str | None = field(description="Mobile phone: first 3 and last 4 digits 手机号(脱敏).")


@strawberry.federation.type(
    keys=[reference("ref")],
    description="Legal person or other organisation 法人或其他组织.",
)
class LegalPerson(Applicant):
    uscc: Uscc | None = field(description="Unified social credit code, where it is known 统一社会信用代码.")
    legal_representative: str | None = field(description="Legal representative, masked 法定代表人(脱敏).")
    masked_contact: str | None = field(description="Telephone: first 3 and last 4 digits 联系电话(脱敏).")


# --- where it comes from ---


@strawberry.type(description="Where a case was read and how fresh it is 数据来源.")
class SourceInfo:
    system: strawberry.ID = field(description="Code of the system 系统编码.")
    as_of: DateTime | None = field(description="The data is as the system held it then 数据时点.")
    fetched_at: DateTime = field(description="When the gateway read it 获取时间.")
    freshness: SourceStatus = field(description="OK, CACHED, STALE or LEDGER 新鲜度.")
    deep_link: str | None = field(description="Address of the case in its own system 原系统链接.")


@strawberry.federation.type(keys=["code"], description="A legacy approval system 存量审批系统.")
class LegacySystem:
    code: strawberry.ID = field(description="Code of the system 系统编码.")

    @resolved("Items that the system says it handles, asked live 系统事项.")
    def items(self, first: First = 20, after: After = None) -> "SystemItemConnection | None":
        connector_answers()

    @resolved(
        "What the system reports as changed since a moment, oldest first, asked live 变更.",
        directives=guards("LegacySystem", "changes"),
    )
    def changes(
        self,
        since: Annotated[DateTime, argument(description="From this moment on 起始时间.")],
        first: First = 20,
        after: After = None,
    ) -> "CaseChangeConnection | None":
        connector_answers()


@strawberry.type(description="How one system answered 数据源应答.")
class SourceOutcome:
    system: strawberry.ID = field(description="Code of the system 系统编码.")
    legacy_system: LegacySystem = field(description="The system itself 存量系统.")
    status: SourceStatus = field(description="How it answered 应答状态.")
    as_of: DateTime | None = field(description="The data is as the system held it then 数据时点.")
    error: str | None = field(description="What went wrong, in words 错误说明.")
    error_code: str | None = field(description="What went wrong, as extensions.code has it 错误代码.")
    latency_ms: int | None = field(description="How long it took, in milliseconds 耗时(毫秒).")
    count: int | None = field(description="Records on this page that came from it 条数.")


# --- the case ---


@strawberry.type(description="A document of a case that its system gives out 办件文件.")
class CaseFile:
    kind: str = field(description="Which one, as its system's declaration calls it 文件种类.")
    title: str | None = field(description="What it is, for people 文件名称.")
    url: str = field(
        description="Where the gateway passes it on, from its own root; with the caller's own token 下载地址."
    )


@strawberry.federation.type(keys=[reference("id")], description="One step of a case 过程/环节.")
class CaseEvent:
    id: strawberry.ID = field(description="Case id, '#' and position: JT-PERMIT:JT2017-000123#3 环节标识.")
    seq: int = field(description="Position in order of time, from 1 序号.")
    kind: CaseEventKind = field(description="What happened 业务动作.")
    raw_kind: str | None = field(description="The system's own word for it 原始动作.")
    step: str | None = field(description="Name of the step 环节名称.")
    actor: str | None = field(description="Officer who acted, masked 经办人(脱敏).")
    department_code: Uscc | None = field(description="Code of the department that acted 办理部门代码.")
    department: Department | None = field(description="Department that acted 办理部门.")
    occurred_at: DateTime | None = field(description="When it happened at the source 发生时间.")
    ended_at: DateTime | None = field(description="When the step ended 结束时间.")
    opinion: str | None = field(description="Opinion or note 办理意见.")
    document_no: str | None = field(description="Document number 文号.")


@strawberry.type(description="Steps of a case in order of time, one page 办理过程列表.")
class CaseEventConnection(Connection[CaseEvent]):
    pass


@strawberry.federation.type(keys=["id"], description="An application as one system holds it 办件.")
class Case:
    id: strawberry.ID = field(
        description="System code, ':' and case number: JT-PERMIT:JT2017-000123 办件标识."
    )
    system_code: strawberry.ID = field(description="Code of the system that holds it 系统编码.")
    system: LegacySystem = field(description="The system that holds it 所在系统.")
    local_no: str = field(description="The system's own case number 办件编号.")
    title: str | None = field(description="What the case is about 办件名称.")
    item_code: strawberry.ID | None = field(description="Base code of the service item 事项基本编码.")
    item: ServiceItem | None = field(description="The standard item 事项.")
    task_code: strawberry.ID | None = field(description="Code of the implementation 事项实施编码.")
    implementation: ItemImplementation | None = field(
        description="The implementation it is handled by 实施清单."
    )
    local_item_code: str | None = field(description="The system's own item code 本地事项编码.")
    region_code: RegionCode | None = field(description="Code of the division 区划代码.")
    region: Region | None = field(description="The division 区划.")
    department_code: Uscc | None = field(description="Code of the responsible department 办理部门代码.")
    department: Department | None = field(description="The responsible department 办理部门.")
    applicant: Applicant | None = field(description="Who applies; null where nobody does 申请人.")
    case_type: CaseType | None = field(description="Kind of handling 办件类型.")
    channel: Channel | None = field(description="How it was handed in 申办渠道.")
    state: CaseState = field(description="Canonical state 办件状态.")
    raw_status: str = field(description="The system's own status, untouched 原始状态.")
    state_since: DateTime | None = field(description="In this state since 状态起始时间.")
    applied_at: DateTime | None = field(description="Applied for; the order of every list 申请时间.")
    received_at: DateTime | None = field(description="Received 收件时间.")
    accepted_at: DateTime | None = field(description="Accepted 受理时间.")
    promised_at: DateTime | None = field(description="Promised end 承诺办结时间.")
    decided_at: DateTime | None = field(description="Decided 决定时间.")
    closed_at: DateTime | None = field(description="Closed 办结时间.")
    external_refs: JSON | None = field(description="Other numbers of the case, name to value 其他编号.")
    files: list[CaseFile] = field(description="Documents that its system gives out of such cases 办件文件.")
    current_step: CaseEvent | None = field(description="The latest step 当前环节.")
    source: SourceInfo = field(description="Where it was read and how fresh it is 数据来源.")

    @resolved("Steps in order of time 办理过程.")
    def timeline(
        self,
        first: First = 50,
        after: After = None,
    ) -> CaseEventConnection:
        connector_answers()


@strawberry.type(description="Cases of many systems, newest first, one page 办件列表.")
class CaseConnection(Connection[Case]):
    sources: list[SourceOutcome] = field(description="How each system that was asked answered 数据源应答.")
    total_is_estimate: bool = field(
        description="Whether totalCount is a guess; it is null where a system gave no total 总数是否为估计值."
    )


@strawberry.type(description="Where a case stands, asked of every system that may know its number 办件进度.")
class CaseProgress:
    number: str = field(description="The number asked for 查询编号.")
    cases: list[Case] = field(description="All that go by this number, in any system 办件.")
    sources: list[SourceOutcome] = field(description="How each system that was asked answered 数据源应答.")


# --- what a system says of itself ---


@strawberry.type(description="An item that a system handles, in the system's own words 系统事项.")
class SystemItem:
    local_code: str = field(description="The system's own item code 本地事项编码.")
    name: str = field(description="Item name 事项名称.")
    item_code: strawberry.ID | None = field(description="Base code of the standard item 事项基本编码.")
    item: ServiceItem | None = field(description="The standard item 事项.")
    case_type: CaseType | None = field(description="Kind of handling 办件类型.")
    promised_days: int | None = field(description="Promised working days 承诺时限(工作日).")
    enabled: bool | None = field(description="Whether it is in use 是否启用.")


@strawberry.type(description="Items of one system, one page 系统事项列表.")
class SystemItemConnection(Connection[SystemItem]):
    sources: list[SourceOutcome] = field(description="How the system answered 数据源应答.")


@strawberry.type(description="A change that a system reports 变更.")
class CaseChange:
    id: strawberry.ID | None = field(description="The system's own change id 变更编号.")
    local_no: str = field(description="Number of the case changed 办件编号.")
    case_id: strawberry.ID = field(description="Id of the case changed 办件标识.")
    kind: CaseEventKind | None = field(description="What happened 业务动作.")
    raw_kind: str | None = field(description="The system's own word for it 原始动作.")
    state: CaseState | None = field(description="State after it 变更后状态.")
    raw_status: str | None = field(description="The system's own status 原始状态.")
    occurred_at: DateTime | None = field(description="When it happened 发生时间.")


@strawberry.type(description="Changes of one system, one page 变更列表.")
class CaseChangeConnection(Connection[CaseChange]):
    sources: list[SourceOutcome] = field(description="How the system answered 数据源应答.")


# --- roots ---


@strawberry.input(name="Freshness", description="How fresh the answer must be 时效要求.")
class FreshnessInput:
    mode: FreshnessMode = field(description="Which way 方式.")
    seconds: int | None = field(default=None, description="With MAX_AGE: oldest that will do 最长时效(秒).")


HowFresh = Annotated[
    FreshnessInput | None,
    argument(
        description="How fresh it must be; left out, as each system's declaration keeps answers 时效要求."
    ),
]


@strawberry.input(description="Whose cases 申请人条件.")
class ApplicantInput:
    id_type: IdType | None = field(
        default=IdType.RESIDENT_ID, description="Kind of identity document 证件类型."
    )
    number: str = field(description="Identity number; 15 digits are upgraded to 18 证件号码.")


@strawberry.type(description="Questions that can be asked 查询.")
class CasesQuery:
    @resolved(
        "One case by its id, asked of its own system 单件查询.",
        directives=guards("Query", "case"),
    )
    def case(
        self,
        id: Annotated[strawberry.ID, argument(description="Such as JT-PERMIT:JT2017-000123 办件标识.")],  # noqa: A002
        freshness: HowFresh = None,
    ) -> Case | None:
        connector_answers()

    @resolved(
        "Where is my case: asks every system that may know the number 办件进度查询.",
        directives=guards("Query", "caseProgress"),
    )
    def case_progress(
        self,
        number: Annotated[str, argument(description="Case number as on the receipt 办件编号.")],
        deadline_ms: DeadlineMs = None,
        freshness: HowFresh = None,
    ) -> CaseProgress | None:
        connector_answers()

    @resolved(
        "Cases of all systems that match, merged, newest first 办件列表查询.",
        directives=guards("Query", "cases"),
    )
    def cases(
        self,
        applicant: Annotated[
            ApplicantInput | None, argument(description="Only this applicant's 申请人.")
        ] = None,
        states: States = None,
        department: Annotated[Uscc | None, argument(description="Only this department's 办理部门.")] = None,
        region: Annotated[RegionCode | None, argument(description="Only of this division 区划.")] = None,
        include_descendants: Annotated[
            bool | None, argument(description="And of the divisions below it 是否含下级.")
        ] = True,
        systems: Annotated[
            list[strawberry.ID] | None, argument(description="Ask only these systems 系统编码.")
        ] = None,
        from_: Annotated[
            Date | None, argument(name="from", description="Applied for on this day or later 起始日期.")
        ] = None,
        to: Annotated[
            Date | None, argument(description="Applied for on this day or earlier 截止日期.")
        ] = None,
        first: First = 20,
        after: After = None,
        deadline_ms: DeadlineMs = None,
        freshness: HowFresh = None,
    ) -> CaseConnection | None:
        connector_answers()

    @resolved(
        "The caller's own cases, by the number in the token 我的办件.",
        directives=guards("Query", "myCases", authenticated=True),
    )
    def my_cases(
        self,
        states: States = None,
        first: First = 20,
        after: After = None,
        deadline_ms: DeadlineMs = None,
        freshness: HowFresh = None,
    ) -> CaseConnection | None:
        connector_answers()
