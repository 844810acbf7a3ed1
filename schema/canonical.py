"""The canonical records that every legacy system is mapped onto, as plain tables of fields.

One table a record: name, type, whether a declaration must map it, and a sentence with the Chinese term.
The adapters check mappings against these tables, the JSON Schema for editors is generated from them, and
the `cases` subgraph answers from records of exactly this shape. It holds no behaviour.

Types: `str`, `int`, `float`, `bool`, `date` (YYYY-MM-DD), `datetime` (ISO 8601 with offset), `json`;
`enum:NAME` (a value of `schema.vocabulary.NAME`); `record:NAME` and `list:NAME` (another table here).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["APPLICANT", "CASE", "CHANGE", "EVENT", "ITEM", "RECORDS", "VERBS", "WRITES", "Field", "Record"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a canonical record; `required` means that a declaration must map it."""

    name: str
    type: str
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    doc: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


APPLICANT = Record(
    "Applicant",
    "Who applies 申请人: a natural person 自然人 or a legal person 法人.",
    (
        Field("kind", "enum:ApplicantKind", "Natural or legal person 申请人类型."),
        Field(
            "name", "str", "Full name as the system holds it 姓名/名称; masked before it leaves the gateway."
        ),
        Field("idType", "enum:IdType", "Kind of identity document 证件类型."),
        Field("idNumber", "str", "Identity number 证件号码; masked before it leaves the gateway.", True),
        Field("mobile", "str", "Mobile phone 手机号; masked before it leaves the gateway."),
        Field("legalRepresentative", "str", "Legal representative 法定代表人; masked like a name."),
    ),
)

EVENT = Record(
    "CaseEvent",
    "One step of a case 过程/环节.",
    (
        Field("id", "str", "The system's own event id, where it has one 环节编号."),
        Field("kind", "enum:CaseEventKind", "What happened 业务动作."),
        Field(
            "rawKind", "str", "The system's own word for it 原始动作; taken from `kind`'s input if absent."
        ),
        Field("step", "str", "Name of the step 环节名称."),
        Field("actor", "str", "Officer who acted 经办人; masked like a name."),
        Field("departmentCode", "str", "Department that acted, as a social credit code 办理部门."),
        Field("occurredAt", "datetime", "When it happened at the source 发生时间.", True),
        Field("endedAt", "datetime", "When the step ended 结束时间."),
        Field("opinion", "str", "Opinion or note 办理意见."),
        Field("documentNo", "str", "Document number 文号."),
    ),
)

CASE = Record(
    "Case",
    "An application as one system holds it 办件.",
    (
        Field("localNo", "str", "The system's own case number 办件编号.", True),
        Field("title", "str", "What the case is about 办件名称."),
        Field("itemCode", "str", "Base code of the service item 事项基本编码."),
        Field("taskCode", "str", "Code of the implementation 事项实施编码."),
        Field("localItemCode", "str", "The system's own item code 本地事项编码."),
        Field("regionCode", "str", "Administrative division 区划代码."),
        Field("departmentCode", "str", "Responsible department, as a social credit code 办理部门."),
        Field("applicant", "record:Applicant", "Who applies 申请人."),
        Field("caseType", "enum:CaseType", "Kind of handling 办件类型."),
        Field("channel", "enum:Channel", "How it was submitted 申办渠道."),
        Field("state", "enum:CaseState", "Canonical state 办件状态.", True),
        Field("rawStatus", "str", "The system's own status 原始状态; taken from `state`'s input if absent."),
        Field("stateSince", "datetime", "Since when 状态起始时间."),
        Field("appliedAt", "datetime", "When it was applied for 申请时间; the order of every list.", True),
        Field("receivedAt", "datetime", "Received 收件时间."),
        Field("acceptedAt", "datetime", "Accepted 受理时间."),
        Field("promisedAt", "datetime", "Promised end 承诺办结时间."),
        Field("decidedAt", "datetime", "Decided 决定时间."),
        Field("closedAt", "datetime", "Closed 办结时间."),
        Field("events", "list:CaseEvent", "Steps in order of time 办理过程."),
        Field("externalRefs", "json", "Other numbers of the case, name to value 其他编号."),
        Field("deepLink", "str", "Address of the case in its own system 原系统链接."),
    ),
)

ITEM = Record(
    "SystemItem",
    "An item that a system handles, in the system's own words 系统事项.",
    (
        Field("localCode", "str", "The system's own item code 本地事项编码.", True),
        Field("name", "str", "Item name 事项名称.", True),
        Field("itemCode", "str", "Base code of the standard item 事项基本编码."),
        Field("caseType", "enum:CaseType", "Kind of handling 办件类型."),
        Field("promisedDays", "int", "Promised working days 承诺时限(工作日)."),
        Field("enabled", "bool", "In use 是否启用."),
    ),
)

CHANGE = Record(
    "CaseChange",
    "A change that a system reports 变更.",
    (
        Field("id", "str", "The system's own change id 变更编号."),
        Field("localNo", "str", "The case changed 办件编号.", True),
        Field("kind", "enum:CaseEventKind", "What happened 业务动作."),
        Field("rawKind", "str", "The system's own word for it 原始动作."),
        Field("state", "enum:CaseState", "State after it 变更后状态."),
        Field("rawStatus", "str", "The system's own status 原始状态."),
        Field("occurredAt", "datetime", "When it happened 发生时间.", True),
    ),
)

RECORDS: dict[str, Record] = {record.name: record for record in (APPLICANT, EVENT, CASE, ITEM, CHANGE)}

VERBS: dict[str, Record] = {"items": ITEM, "case": CASE, "cases": CASE, "changes": CHANGE}
"""Canonical verb of a connector -> the record that it answers with."""

WRITES: tuple[str, ...] = ("submit", "supplement", "withdraw", "appointment")
"""What a system can be told, by the name of its connector."""
