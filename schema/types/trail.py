"""The trail 留痕: what the ledger recorded, for auditors and for the people it is about."""

from typing import Annotated

import strawberry

from schema.errors import RecordsUnavailableError
from schema.records_port import RecordsPort
from schema.scalars import JSON, DateTime, Uscc
from schema.types.connections import Connection
from schema.types.directory import Department, HouseInfo, department_of
from schema.types.fields import resolved
from schema.vocabulary import AccessPurpose, CaseEventKind, CaseState, Disclosure

__all__ = [
    "AccessRecord",
    "AccessRecordConnection",
    "ChainCheck",
    "ChainFinding",
    "ChangeRecord",
    "DisclosedAccess",
    "DisclosedAccessConnection",
    "LedgerEvent",
    "LedgerEventConnection",
    "TrailRecord",
    "TrailRecordConnection",
    "records_of",
]

field = strawberry.field


def records_of(info: HouseInfo) -> RecordsPort:
    """Raises RecordsUnavailableError where this graph runs without a store."""
    records = info.context.records
    if records is None:
        raise RecordsUnavailableError
    return records


@strawberry.type(description="What every record of the sealed trail has 台账记录.")
class Recorded:
    id: strawberry.ID = field(
        description="Stream, writer and number: case_event 0af7…/12. Never changes 记录标识."
    )
    recorded_at: DateTime = field(description="When it was recorded here 记录时间.")
    leaf_hash: str = field(description="Its hash in the sealed tree, hex 记录哈希.")


@strawberry.type(description="Something that happened to a case, as one system told it 办件事件.")
class LedgerEvent(Recorded):
    case_id: strawberry.ID = field(description="Id of the case 办件标识.")
    system_code: strawberry.ID = field(description="Code of the system that told it 系统编码.")
    kind: CaseEventKind = field(description="What happened 业务动作.")
    raw_kind: str | None = field(description="The system's own word for it 原始动作.")
    step: str | None = field(description="Name of the step 环节名称.")
    state: CaseState | None = field(description="State after it, where the system said so 变更后状态.")
    raw_status: str | None = field(description="The system's own status after it 原始状态.")
    actor: str | None = field(description="Officer who acted, masked 经办人(脱敏).")
    department_code: Uscc | None = field(description="Code of the department that acted 办理部门代码.")
    occurred_at: DateTime | None = field(description="When it happened, as the system says 发生时间.")
    ended_at: str | None = field(description="When the step ended, as the system wrote it 结束时间(原文).")
    document_no: str | None = field(description="Document number 文号.")
    opinion_given: bool = field(
        description="Whether an opinion was given; its text is kept apart 是否有意见."
    )
    supersedes: str | None = field(
        description="The system's key of the event that it tells otherwise 更正的事件."
    )

    @resolved("Department that acted 办理部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.department_code) if self.department_code else None
        return department_of(row) if row else None


@strawberry.type(description="Events of a case, one page 办件事件列表.")
class LedgerEventConnection(Connection[LedgerEvent]):
    pass


@strawberry.type(description="A look at cases or people 查阅记录.")
class AccessRecord(Recorded):
    actor: str | None = field(description="Account that looked; always there 查阅账号.")
    actor_department_code: Uscc | None = field(description="Department of the account 查阅部门代码.")
    client: str = field(description="Program that asked 客户端.")
    client_version: str = field(description="Its version 客户端版本.")
    purposes: list[AccessPurpose] = field(description="Why; empty if nobody said 查阅目的.")
    action: str = field(description="R (read), C, U, D or E 操作.")
    operation: str = field(description="Name of the operation, or its root fields 操作名.")
    operation_hash: str = field(description="SHA-256 of its text, hex 操作哈希.")
    fields: list[str] = field(description="What of cases and people was asked for 查阅字段.")
    case_ids: list[strawberry.ID] = field(description="Cases that were shown 涉及办件.")
    subject_refs: list[strawberry.ID] = field(description="References of people, never numbers 涉及主体.")
    systems: JSON = field(description="Systems that were asked, and how each answered 涉及系统.")
    outcome: str = field(description="OK, PARTIAL, DENIED, FAILED or STARTED 结果.")
    trace_id: str = field(description="Of the request's trace 追踪标识.")
    request_id: str = field(description="Of the request 请求标识.")
    disclosure: Disclosure = field(description="When the person is told of it 公开方式.")
    disclosed_from: DateTime | None = field(description="From then on; null for never 公开时间.")

    @resolved("Department of the account 查阅部门.")
    def actor_department(self, info: HouseInfo) -> Department | None:
        code = self.actor_department_code
        row = info.context.registry.department(code) if code else None
        return department_of(row) if row else None


@strawberry.type(description="Looks, one page 查阅记录列表.")
class AccessRecordConnection(Connection[AccessRecord]):
    pass


@strawberry.type(description="A change to the network itself, or to a card 变更记录.")
class ChangeRecord(Recorded):
    action: str = field(description="What was done, such as card.changed 操作.")
    actor: str | None = field(description="Who did it, always there; rule or quanyu for the machine 操作人.")
    target: str = field(description="To what 对象.")
    detail: JSON = field(description="Particulars 明细.")


TrailRecord = Annotated[
    LedgerEvent | AccessRecord | ChangeRecord,
    strawberry.union("TrailRecord", description="A record of the sealed trail 台账记录."),
]
"""No interface: whoever comes to one of its types would come to all of them in introspection."""


@strawberry.type(description="Records of all kinds in one order, one page 台账记录列表.")
class TrailRecordConnection(Connection[TrailRecord]):
    pass


@strawberry.type(description="Something in the trail that does not fit 核验发现.")
class ChainFinding:
    kind: str = field(description="ALTERED, REMOVED, INSERTED, REORDERED, FORGED or ROLLED_BACK 类型.")
    what: str = field(description="Which record or row 对象.")
    reason: str = field(description="What does not fit 原因.")
    leaf: int | None = field(description="Its place in the sealed tree 叶序号.")


@strawberry.type(description="Whether a stretch of the trail is as it was sealed 链校验结果.")
class ChainCheck:
    intact: bool = field(description="Nothing was found that does not fit 是否完整.")
    complete: bool = field(
        description="The whole stretch was checked; else go on with `from: checkedUntil` 是否全部核验."
    )
    first_leaf: int = field(description="The first place that was checked 起始叶序号.")
    leaves: int = field(description="How many were checked 核验条数.")
    dropped: int = field(description="Records of them that retention took; their hashes hold 已按期删除.")
    size: int = field(description="Leaves under the newest checkpoint 检查点大小.")
    root: str | None = field(description="Root under its signature, hex 根哈希.")
    signed_by: str = field(description="Name of the key that signed it 签名者.")
    checked_until: DateTime | None = field(description="Moment up to which the trail was checked 核验至.")
    findings: list[ChainFinding] = field(description="What does not fit, the earliest in front 发现.")


@strawberry.type(description="A look at the caller's own data 对本人数据的查阅.")
class DisclosedAccess:
    at: DateTime = field(description="When 查阅时间.")
    by_myself: bool = field(description="The caller's own look 是否本人.")
    department_code: Uscc | None = field(description="Department that looked 查阅部门代码.")
    client: str = field(description="Program that asked 客户端.")
    purposes: list[AccessPurpose] = field(description="Why; empty if nobody said 查阅目的.")
    action: str = field(description="R (read), C, U, D or E 操作.")
    fields: list[str] = field(description="What was asked for 查阅字段.")
    case_ids: list[strawberry.ID] = field(
        description="The caller's own cases among those shown 涉及本人办件."
    )
    outcome: str = field(description="OK, PARTIAL, DENIED, FAILED or STARTED 结果.")
    disclosure: Disclosure = field(description="Whether it was told at once, or later 公开方式.")

    @resolved("Department that looked 查阅部门.")
    def department(self, info: HouseInfo) -> Department | None:
        row = info.context.registry.department(self.department_code) if self.department_code else None
        return department_of(row) if row else None


@strawberry.type(description="Looks at the caller's own data, one page 对本人数据的查阅列表.")
class DisclosedAccessConnection(Connection[DisclosedAccess]):
    pass
