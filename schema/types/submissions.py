"""Writing, in the `cases` subgraph: applications and what follows them, receipts, and the forms that systems want filled in.

Nothing here is resolved: the connector answers these fields; Strawberry only writes the SDL.
"""

# ruff: noqa: ARG002  (arguments belong to the SDL; nothing here runs)

from typing import Annotated

import strawberry

from schema.scalars import JSON, DateTime, RegionCode
from schema.types.cases import Applicant, Case, CasesQuery, LegacySystem, ServiceItem, connector_answers
from schema.types.fields import guards, resolved
from schema.vocabulary import ApplicantKind, IdType, SubmissionMode, SubmissionOperation, SubmissionState

__all__ = ["CasesMutation", "SubmissionsQuery"]

field = strawberry.field
argument = strawberry.argument

IdempotencyKey = Annotated[
    str,
    argument(
        description="Made by the client for this one submission, such as a UUID; the same key with the same body gives the "
        "same receipt and files nothing again 幂等键."
    ),
]
WaitMs = Annotated[
    int | None,
    argument(
        description="How long to wait for the system before the receipt is given, in milliseconds; 0 does not wait 等待时限(毫秒)."
    ),
]


# --- what is handed in ---


@strawberry.input(description="Who applies, in full; never shown again 申请人信息.")
class SubmittingApplicantInput:
    kind: ApplicantKind | None = field(
        default=None, description="Natural or legal person; without it by the number 申请人类型."
    )
    name: str | None = field(default=None, description="Full name 姓名/名称.")
    id_type: IdType | None = field(
        default=IdType.RESIDENT_ID, description="Kind of identity document 证件类型."
    )
    number: str = field(description="Identity number; it must follow its standard 证件号码.")
    mobile: str | None = field(default=None, description="Mobile phone 手机号.")
    legal_representative: str | None = field(default=None, description="Legal representative 法定代表人.")


@strawberry.input(description="A paper that comes with it 申报材料.")
class MaterialInput:
    code: str = field(description="Code as in the form 材料编码.")
    content: str = field(description="The file, base64 文件内容.")
    name: str | None = field(default=None, description="File name 文件名.")
    media_type: str | None = field(default=None, description="Such as application/pdf 文件类型.")


@strawberry.input(description="An application 申报.")
class SubmitCaseInput:
    item_code: strawberry.ID = field(description="Base code of the item 事项基本编码.")
    system: strawberry.ID | None = field(
        default=None, description="Needed where several systems take the item 系统编码."
    )
    task_code: strawberry.ID | None = field(default=None, description="Code of the implementation 实施编码.")
    region: RegionCode | None = field(
        default=None, description="Division that it is applied for in 区划代码."
    )
    title: str | None = field(default=None, description="What it is about 办件名称.")
    applicant: SubmittingApplicantInput = field(description="Who applies 申请人.")
    fields: JSON | None = field(default=None, description="Name -> value, as in the form 表单字段.")
    materials: list[MaterialInput] | None = field(default=None, description="Papers 申报材料.")


@strawberry.input(description="Which case: by its id, or by the receipt where it has no number yet 所属办件.")
class CaseReferenceInput:
    id: strawberry.ID | None = field(default=None, description="Id of the case 办件标识.")
    receipt: strawberry.ID | None = field(default=None, description="Token of its receipt 回执编号.")


@strawberry.input(description="What was missing 补正.")
class SupplementCaseInput:
    case: CaseReferenceInput = field(description="The case 办件.")
    note: str | None = field(default=None, description="A word to the officer 说明.")
    fields: JSON | None = field(default=None, description="Name -> value, as in the form 表单字段.")
    materials: list[MaterialInput] | None = field(default=None, description="Papers 申报材料.")


@strawberry.input(description="Taking an application back 撤回.")
class WithdrawCaseInput:
    case: CaseReferenceInput = field(description="The case 办件.")
    reason: str = field(description="Why 撤回原因.")
    fields: JSON | None = field(default=None, description="Name -> value, as in the form 表单字段.")


@strawberry.input(description="An appointment 预约.")
class BookAppointmentInput:
    system: strawberry.ID | None = field(default=None, description="Where, if it is of no case 系统编码.")
    case: CaseReferenceInput | None = field(
        default=None, description="The case that it belongs to, if there is one 办件."
    )
    item_code: strawberry.ID | None = field(default=None, description="Base code of the item 事项基本编码.")
    applicant: SubmittingApplicantInput = field(description="Who comes 预约人.")
    starts_at: DateTime = field(description="Wanted time 预约时间.")
    ends_at: DateTime | None = field(default=None, description="Its end 结束时间.")
    place: str | None = field(default=None, description="Hall or window, as the system calls it 地点.")
    fields: JSON | None = field(default=None, description="Name -> value, as in the form 表单字段.")


# --- what is given back ---


@strawberry.type(description="A paper that was received 已收材料.")
class ReceivedMaterial:
    code: str = field(description="Code 材料编码.")
    size: int = field(description="Bytes 大小.")


@strawberry.type(description="An appointment as the system confirmed it 预约结果.")
class BookedAppointment:
    number: str | None = field(description="The system's own number 预约号.")
    starts_at: DateTime | None = field(description="When 预约时间.")
    place: str | None = field(description="Where 地点.")


@strawberry.type(description="A step of a submission 申报进度.")
class SubmissionStep:
    at: DateTime = field(description="When 时间.")
    state: SubmissionState = field(description="What it became 状态.")


@strawberry.type(
    description="The gateway's receipt: given at once, the case number comes with it or later. `token` never changes 申报回执."
)
class SubmissionReceipt:
    token: strawberry.ID = field(
        description="Names the submission; the system got it as our reference 回执编号."
    )
    operation: SubmissionOperation = field(description="What was to be done 申报类型.")
    state: SubmissionState = field(description="How far it is 申报状态.")
    mode: SubmissionMode = field(description="When the system gives a number 编号方式.")
    system_code: strawberry.ID = field(description="Code of the system 系统编码.")
    system: LegacySystem = field(description="The system 系统.")
    item_code: strawberry.ID | None = field(description="Base code of the item 事项基本编码.")
    item: ServiceItem | None = field(description="The item 事项.")
    case_id: strawberry.ID | None = field(description="Id of the case, once it has a number 办件标识.")
    local_no: str | None = field(description="The system's own number of the case 办件编号.")
    case: Case | None = field(
        description="The case as its system tells it now 办件.",
        directives=guards("SubmissionReceipt", "case"),
    )
    appointment: BookedAppointment | None = field(description="The appointment, once it is booked 预约结果.")
    applicant: Applicant | None = field(description="Who applied, masked 申请人(脱敏).")
    fields: list[str] = field(description="Names of the fields that were received 已收字段.")
    materials: list[ReceivedMaterial] = field(description="Papers that were received 已收材料.")
    code: str | None = field(description="Why it was refused, as a stable code 拒绝代码.")
    reason: str | None = field(description="The system's own words, masked 系统答复(脱敏).")
    recorded_at: DateTime = field(description="When the gateway kept it: the moment of application 登记时间.")
    sent_at: DateTime | None = field(description="When it was sent last 发送时间.")
    settled_at: DateTime | None = field(description="When its outcome was known 完成时间.")
    attempts: int = field(description="How often it was taken up for sending 发送次数.")
    steps: list[SubmissionStep] = field(description="All that happened to it 申报进度.")


@strawberry.type(description="Answer to submitCase 申报结果.")
class SubmitCasePayload:
    receipt: SubmissionReceipt = field(description="The receipt 回执.")


@strawberry.type(description="Answer to supplementCase 补正结果.")
class SupplementCasePayload:
    receipt: SubmissionReceipt = field(description="The receipt 回执.")


@strawberry.type(description="Answer to withdrawCase 撤回结果.")
class WithdrawCasePayload:
    receipt: SubmissionReceipt = field(description="The receipt 回执.")


@strawberry.type(description="Answer to bookAppointment 预约结果.")
class BookAppointmentPayload:
    receipt: SubmissionReceipt = field(description="The receipt 回执.")


# --- the forms ---


@strawberry.type(description="A value of a choice 选项.")
class FormChoice:
    value: str = field(description="What is sent 值.")
    label: str = field(description="What it means 含义.")


@strawberry.type(description="One field of a form 表单字段.")
class FormField:
    name: str = field(description="Key in `fields` 字段名.")
    label: str = field(description="Its name for people 名称.")
    type: str = field(description="text, integer, decimal, boolean, date, datetime or choice 类型.")
    required: bool = field(description="Whether it must be there 必填.")
    pattern: str | None = field(description="Regular expression that a text must fit 格式.")
    max_length: int | None = field(description="Most characters of a text 最大长度.")
    least: float | None = field(description="Smallest number 最小值.")
    most: float | None = field(description="Largest number 最大值.")
    choices: list[FormChoice] = field(description="Values of a choice 可选值.")


@strawberry.type(description="One paper of a form 表单材料.")
class FormMaterial:
    code: str = field(description="Code 材料编码.")
    name: str = field(description="Its name for people 材料名称.")
    required: bool = field(description="Whether it must be there 必要.")
    max_kb: int = field(description="Largest size, in KiB 大小上限.")
    media_types: list[str] = field(description="Media types that are taken; empty takes any 文件类型.")


@strawberry.type(description="What a system wants to know of one kind of submission 申报表单.")
class ApplicationForm:
    system_code: strawberry.ID = field(description="Code of the system 系统编码.")
    system: LegacySystem = field(description="The system 系统.")
    operation: SubmissionOperation = field(description="What it is for 申报类型.")
    mode: SubmissionMode = field(description="When the system gives a number 编号方式.")
    item_codes: list[strawberry.ID] = field(description="Items it takes; empty: any 事项基本编码.")
    items: list[ServiceItem] = field(description="The items 事项.")
    applicant: list[str] = field(
        description="What must be known of the applicant beside the number 申请人信息."
    )
    fields: list[FormField] = field(description="Fields 字段.")
    materials: list[FormMaterial] = field(description="Papers 材料.")


# --- roots ---


@strawberry.type(description="Questions that can be asked 查询.")
class SubmissionsQuery(CasesQuery):
    @resolved(
        "A receipt by its token: how far the submission is, and the case number once there is one 回执查询.",
        directives=guards("Query", "receipt"),
    )
    def receipt(
        self, token: Annotated[strawberry.ID, argument(description="Token of the receipt 回执编号.")]
    ) -> SubmissionReceipt | None:
        connector_answers()

    @resolved("What can be handed in, and what each system wants to know for it 申报表单查询.")
    def application_forms(
        self,
        item_code: Annotated[
            strawberry.ID | None, argument(description="Only for this item 事项基本编码.")
        ] = None,
        system: Annotated[strawberry.ID | None, argument(description="Only of this system 系统编码.")] = None,
    ) -> list[ApplicationForm]:
        connector_answers()


@strawberry.type(name="Mutation", description="What can be done 操作.")
class CasesMutation:
    @resolved(
        "Files an application: kept durably first, sent once, and never twice for one key 申报.",
        directives=guards("Mutation", "submitCase"),
    )
    def submit_case(
        self,
        input: Annotated[SubmitCaseInput, argument(description="The application 申报内容.")],  # noqa: A002
        idempotency_key: IdempotencyKey,
        wait_ms: WaitMs = None,
    ) -> SubmitCasePayload | None:
        connector_answers()

    @resolved(
        "Hands in what was missing, after everything that was sent for this case before 补正.",
        directives=guards("Mutation", "supplementCase"),
    )
    def supplement_case(
        self,
        input: Annotated[SupplementCaseInput, argument(description="What was missing 补正内容.")],  # noqa: A002
        idempotency_key: IdempotencyKey,
        wait_ms: WaitMs = None,
    ) -> SupplementCasePayload | None:
        connector_answers()

    @resolved("Takes an application back 撤回.", directives=guards("Mutation", "withdrawCase"))
    def withdraw_case(
        self,
        input: Annotated[WithdrawCaseInput, argument(description="Which, and why 撤回内容.")],  # noqa: A002
        idempotency_key: IdempotencyKey,
        wait_ms: WaitMs = None,
    ) -> WithdrawCasePayload | None:
        connector_answers()

    @resolved("Books an appointment 预约.", directives=guards("Mutation", "bookAppointment"))
    def book_appointment(
        self,
        input: Annotated[BookAppointmentInput, argument(description="When, where and for what 预约内容.")],  # noqa: A002
        idempotency_key: IdempotencyKey,
        wait_ms: WaitMs = None,
    ) -> BookAppointmentPayload | None:
        connector_answers()
