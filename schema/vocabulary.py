"""The government vocabulary: every enum of the canonical model, each value with its Chinese term.

Plain Python enums whose members are strings (`CaseState.CLOSED == "CLOSED"`), so that mapping code can compare
them with text, and Strawberry enums at the same time, so that the published schema carries the descriptions.
A value named UNKNOWN exists only where a legacy system's own value may fail to map: it is never guessed.

Sources: domain.md 2.3, 2.5 and 4.3; the power sources and case types are those of the national exchange set.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from schema.errors import UnknownEnumError

__all__ = [
    "ENUMS",
    "AcceptScope",
    "AccessPurpose",
    "ApplicantKind",
    "AvailabilityReason",
    "BreakerState",
    "Capability",
    "CaseEventKind",
    "CaseState",
    "CaseType",
    "Channel",
    "ClockState",
    "ClockStopKind",
    "DeadlineKind",
    "DecisionKind",
    "Disclosure",
    "HarvestMode",
    "HealthState",
    "IdType",
    "ItemState",
    "MaterialForm",
    "MaterialSource",
    "PowerSource",
    "PowerType",
    "Protocol",
    "ProvisionalReason",
    "RegionArea",
    "RegionKind",
    "RegionLevel",
    "Requirement",
    "SourceStatus",
    "SpecialProcedureKind",
    "SubmissionMode",
    "SubmissionOperation",
    "SubmissionState",
    "SystemLifecycle",
    "Term",
    "TimeUnit",
    "WaitsFor",
    "WarningDecision",
    "WarningLevel",
    "WarningState",
    "WarningSubject",
    "WorklistOrder",
    "values",
]


class Term(str, Enum):  # noqa: UP042  (StrEnum has no room for the description)
    """A word of the vocabulary: its name is its value, `description` holds meaning and Chinese term."""

    description: str

    def __new__(cls, value: str, description: str = "") -> Term:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member

    def __str__(self) -> str:
        return str(self.value)


T = TypeVar("T", bound=Term)


def _published(description: str) -> Callable[[type[T]], type[T]]:
    """Register the enum with Strawberry and hand its members' descriptions over."""

    def register(cls: type[T]) -> type[T]:
        published = strawberry.enum(cls, description=description)
        definition: StrawberryEnumDefinition = published.__strawberry_definition__  # type: ignore[attr-defined]  # set by the decorator
        for value in definition.values:
            value.description = cls[value.name].description
        return published

    return register


# --- directory 区划、部门、系统 ---


@_published("Tier of government 行政层级.")
class RegionLevel(Term):
    MUNICIPALITY = "MUNICIPALITY", "Municipality 市."
    DISTRICT = "DISTRICT", "District or county 区县."
    TOWNSHIP = "TOWNSHIP", "Town or subdistrict 乡镇街道."
    VILLAGE = "VILLAGE", "Village or community 村社区."


@_published("Kind of administrative division 区划类型.")
class RegionKind(Term):
    MUNICIPALITY = "MUNICIPALITY", "Municipality under the central government 直辖市."
    DISTRICT = "DISTRICT", "District 市辖区."
    COUNTY = "COUNTY", "County 县."
    AUTONOMOUS_COUNTY = "AUTONOMOUS_COUNTY", "Autonomous county 自治县."
    DEVELOPMENT_ZONE = "DEVELOPMENT_ZONE", "Development zone, no division of GB/T 2260 开发区."
    TOWN = "TOWN", "Town 镇."
    SUBDISTRICT = "SUBDISTRICT", "Subdistrict 街道."
    VILLAGE = "VILLAGE", "Village 村."
    COMMUNITY = "COMMUNITY", "Urban community 社区."


@_published("Part of the municipality 片区.")
class RegionArea(Term):
    CORE = "CORE", "Core city 主城区."
    WEST = "WEST", "Western Chongqing 渝西."
    NORTHEAST = "NORTHEAST", "North-eastern Chongqing 渝东北."
    SOUTHEAST = "SOUTHEAST", "South-eastern Chongqing 渝东南."


@_published("How a legacy system is spoken to 接入协议.")
class Protocol(Term):
    SOAP_11 = "SOAP_11", "SOAP 1.1 网络服务(SOAP 1.1)."
    SOAP_12 = "SOAP_12", "SOAP 1.2 网络服务(SOAP 1.2)."
    REST_JSON = "REST_JSON", "HTTP with JSON 接口(JSON)."
    REST_XML = "REST_XML", "HTTP with XML 接口(XML)."
    GRAPHQL = "GRAPHQL", "Native GraphQL 原生GraphQL."
    DB_STAGING = "DB_STAGING", "Staging database 前置库."
    FILE = "FILE", "File exchange 文件交换."


@_published("Where a legacy system stands on its way out 系统生命周期.")
class SystemLifecycle(Term):
    DISCOVERED = "DISCOVERED", "Known, not connected 已发现."
    CONNECTED = "CONNECTED", "Answers queries and takes cases 已接入."
    READ_ONLY = "READ_ONLY", "Answers queries only 只读."
    FROZEN = "FROZEN", "Takes no new cases 停止新增."
    MERGED = "MERGED", "Merged into another system 已整合."
    RETIRED = "RETIRED", "Shut down 已关停."


@_published("What a legacy system can be asked to do 系统能力.")
class Capability(Term):
    GET_CASE = "GET_CASE", "One case by its number 单件查询."
    LIST_CASES = "LIST_CASES", "Cases by filter 列表查询."
    LIST_ITEMS = "LIST_ITEMS", "Items that it handles 事项查询."
    LIST_EVENTS = "LIST_EVENTS", "Steps of a case 过程查询."
    CHANGES_SINCE = "CHANGES_SINCE", "Changes since a moment 增量查询."
    SUBMIT = "SUBMIT", "Take an application 申办."
    SUPPLEMENT = "SUPPLEMENT", "Take what was missing 补正."
    WITHDRAW = "WITHDRAW", "Withdraw an application 撤件."
    UPLOAD = "UPLOAD", "Take a document 材料上传."
    BOOK = "BOOK", "Book an appointment 预约."
    CERTIFICATE = "CERTIFICATE", "Hand out a certificate 证照."


@_published("How one system answered one question 数据源应答状态.")
class SourceStatus(Term):
    OK = "OK", "Answered live 正常."
    CACHED = "CACHED", "Fresh answer from the gateway's cache 缓存."
    STALE = "STALE", "The system did not answer; an older answer is given 过期数据."
    LEDGER = "LEDGER", "From the case file, without asking the system 台账."
    TIMEOUT = "TIMEOUT", "Did not answer within the deadline 超时."
    UNAVAILABLE = "UNAVAILABLE", "Could not be reached or answered with an error 不可用."
    BAD_DATA = "BAD_DATA", "Answered with something unreadable 数据异常."
    OVERLOADED = "OVERLOADED", "Its share of concurrent calls or of calls a second is used up 过载."
    CIRCUIT_OPEN = "CIRCUIT_OPEN", "Failed too often of late and is left in peace for a while 熔断."
    MAINTENANCE = "MAINTENANCE", "In a maintenance window of its declaration; it is not asked then 维护时段."
    REFUSED = "REFUSED", "Refused the gateway's credentials or the question 拒绝."
    UNSUPPORTED = "UNSUPPORTED", "Cannot be asked this question 不支持."


@_published("How fresh an answer must be 时效要求.")
class FreshnessMode(Term):
    LIVE = "LIVE", "The system is asked, whatever is kept 实时."
    MAX_AGE = "MAX_AGE", "The system is asked only where all that is kept is older than `seconds` 限定时效."
    LEDGER = "LEDGER", "From the case file; the system is not asked 台账."


@_published("Circuit breaker of a system 熔断器状态.")
class BreakerState(Term):
    CLOSED = "CLOSED", "Calls pass 闭合."
    OPEN = "OPEN", "Calls are refused at once 断开."
    HALF_OPEN = "HALF_OPEN", "A few trial calls pass 半开."


@_published("How a system is doing, by its latest calls 系统健康状态.")
class HealthState(Term):
    UP = "UP", "Answers 正常."
    DEGRADED = "DEGRADED", "Answers, but slowly or not always 降级."
    DOWN = "DOWN", "Does not answer 不可用."
    UNTRIED = "UNTRIED", "Not called since the gateway started 未调用."


@_published("How the gateway learns what happened in a system 采集方式.")
class HarvestMode(Term):
    CHANGES = "CHANGES", "Its changes since a time 变更."
    CASES = "CASES", "Its list of cases, and the open ones again 办件列表."
    NONE = "NONE", "It is not asked 不轮询."


# --- catalogue 事项目录 ---


@_published("Kind of administrative power 权力类型.")
class PowerType(Term):
    LICENSE = "LICENSE", "Administrative licence 行政许可."
    PENALTY = "PENALTY", "Administrative penalty 行政处罚."
    COERCION = "COERCION", "Administrative coercion 行政强制."
    LEVY = "LEVY", "Administrative levy 行政征收."
    BENEFIT = "BENEFIT", "Administrative benefit 行政给付."
    INSPECTION = "INSPECTION", "Administrative inspection 行政检查."
    CONFIRMATION = "CONFIRMATION", "Administrative confirmation 行政确认."
    REWARD = "REWARD", "Administrative reward 行政奖励."
    ADJUDICATION = "ADJUDICATION", "Administrative adjudication 行政裁决."
    OTHER = "OTHER", "Other administrative power 其他行政权力."
    PUBLIC_SERVICE = "PUBLIC_SERVICE", "Public service 公共服务."


@_published("Where the power to decide comes from 权力来源.")
class PowerSource(Term):
    STATUTORY_OWN = "STATUTORY_OWN", "Own by law 法定本级行使."
    DELEGATED_DOWN = "DELEGATED_DOWN", "Delegated from the tier above 上级下放."
    AUTHORISED_BY_SUPERIOR = "AUTHORISED_BY_SUPERIOR", "Authorised by the tier above 上级授权."
    AUTHORISED_BY_PEER = "AUTHORISED_BY_PEER", "Authorised by a body of the same tier 同级授权."
    ENTRUSTED_BY_SUPERIOR = "ENTRUSTED_BY_SUPERIOR", "Entrusted by the tier above 上级委托."
    ENTRUSTED_BY_PEER = "ENTRUSTED_BY_PEER", "Entrusted by a body of the same tier 同级委托."


@_published("State of an item in the catalogue 事项状态.")
class ItemState(Term):
    DRAFT = "DRAFT", "Draft 草稿."
    PUBLISHED = "PUBLISHED", "In force 在用."
    SUSPENDED = "SUSPENDED", "Suspended 暂停."
    CANCELLED = "CANCELLED", "Cancelled 取消."


@_published("Unit of a time limit 时限单位.")
class TimeUnit(Term):
    HOUR = "HOUR", "Hour 小时."
    WORKDAY = "WORKDAY", "Working day 工作日."
    CALENDAR_DAY = "CALENDAR_DAY", "Calendar day 自然日."
    MONTH = "MONTH", "Month 月."


@_published("From where an implementation takes applications 通办范围.")
class AcceptScope(Term):
    CITY_WIDE = "CITY_WIDE", "From anywhere in the municipality 全市通办."
    CROSS_DISTRICT = "CROSS_DISTRICT", "From neighbouring districts too 跨区县."
    DISTRICT = "DISTRICT", "From its own district 本区县."
    CROSS_PROVINCE = "CROSS_PROVINCE", "From other provinces too 跨省通办."
    LOCAL_ONLY = "LOCAL_ONLY", "At its own window only 仅本地."


@_published("Whether a material must be handed in 材料必要性.")
class Requirement(Term):
    REQUIRED = "REQUIRED", "Required 必要."
    OPTIONAL = "OPTIONAL", "Not required 非必要."
    ON_DEFECT = "ON_DEFECT", "May follow later 容缺后补."


@_published("Form in which a material is handed in 材料形式.")
class MaterialForm(Term):
    PAPER = "PAPER", "On paper 纸质."
    ELECTRONIC = "ELECTRONIC", "Electronic 电子."
    BOTH = "BOTH", "Paper or electronic, as the applicant likes 纸质或电子."


@_published("Who issues a material 材料来源.")
class MaterialSource(Term):
    APPLICANT = "APPLICANT", "The applicant 申请人自备."
    GOVERNMENT = "GOVERNMENT", "A government body 政府部门核发."
    INTERMEDIARY = "INTERMEDIARY", "An intermediary service 中介机构."
    FETCHED = "FETCHED", "Fetched from its issuer by the gateway 数据共享获取."
    OTHER = "OTHER", "Anyone else 其他."


@_published("A procedure whose time does not count 特别程序类型.")
class SpecialProcedureKind(Term):
    HEARING = "HEARING", "Hearing 听证."
    TENDER = "TENDER", "Tender 招标."
    AUCTION = "AUCTION", "Auction 拍卖."
    INSPECTION = "INSPECTION", "Inspection 检验."
    TESTING = "TESTING", "Testing 检测."
    INSPECTION_TEST = "INSPECTION_TEST", "Inspection and testing 检验检测."
    QUARANTINE = "QUARANTINE", "Quarantine 检疫."
    APPRAISAL = "APPRAISAL", "Appraisal 鉴定."
    EXPERT_REVIEW = "EXPERT_REVIEW", "Expert review 专家评审."
    EXAM = "EXAM", "Examination 考试."
    PUBLIC_NOTICE = "PUBLIC_NOTICE", "Public notice 公示公告."
    SITE_VISIT = "SITE_VISIT", "Site visit 现场踏勘."
    ROUTE_SURVEY = "ROUTE_SURVEY", "Survey of a route 路线勘验."
    JOINT_DRAWING_REVIEW = "JOINT_DRAWING_REVIEW", "Joint review of drawings 多图联审."
    HOUSEHOLD_SURVEY = "HOUSEHOLD_SURVEY", "Household survey 入户调查."
    OTHER = "OTHER", "Another one 其他."


@_published("Why an item can or cannot be applied for in a region 可办原因.")
class AvailabilityReason(Term):
    HERE = "HERE", "Handled in the region itself 本地办理."
    AT_SUPERIOR = "AT_SUPERIOR", "Handled by a tier above the region 由上级办理."
    ACCEPTED_ELSEWHERE = "ACCEPTED_ELSEWHERE", "Another place accepts it for the whole city 异地通办."
    AT_SUBORDINATE = "AT_SUBORDINATE", "Only tiers below the region handle it: ask there 由下级办理."
    NOT_IN_FORCE = "NOT_IN_FORCE", "Handled here at another time, not on this date 该日期未生效."
    NOT_OFFERED = "NOT_OFFERED", "Nobody handles it for this region 未开办."
    ITEM_NOT_IN_USE = "ITEM_NOT_IN_USE", "The item is not in force 事项不在用."


# --- cases 办件 ---


@_published("Kind of handling 办件类型.")
class CaseType(Term):
    INSTANT = "INSTANT", "Settled on the spot 即办件."
    COMMITTED = "COMMITTED", "Settled within a promised time 承诺件."
    REPORTED_UP = "REPORTED_UP", "Reported to the tier above 上报件."
    TRANSFERRED = "TRANSFERRED", "Passed on 转报件."
    JOINT = "JOINT", "Handled jointly by several departments 联办件."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


@_published("Canonical state of a case; the system's own word is in rawStatus 办件状态.")
class CaseState(Term):
    DRAFT = "DRAFT", "Being written 草稿."
    SUBMITTED = "SUBMITTED", "Submitted 已申报."
    PRE_ACCEPTED = "PRE_ACCEPTED", "Passed the online pre-check 预受理."
    RECEIVED = "RECEIVED", "Papers received 收件."
    CORRECTION_REQUIRED = "CORRECTION_REQUIRED", "The applicant must correct or add papers 补正."
    ACCEPTED = "ACCEPTED", "Accepted; the clock runs 受理."
    NOT_ACCEPTED = "NOT_ACCEPTED", "Not accepted 不予受理."
    UNDER_REVIEW = "UNDER_REVIEW", "Under review 审查."
    SPECIAL_PROCEDURE = "SPECIAL_PROCEDURE", "In a special procedure; the clock stands 特别程序."
    SUSPENDED = "SUSPENDED", "Suspended 挂起."
    DECIDED = "DECIDED", "Decided 决定."
    CLOSED = "CLOSED", "Closed 办结."
    DELIVERED = "DELIVERED", "Result handed over 送达."
    WITHDRAWN = "WITHDRAWN", "Withdrawn by the applicant 撤件."
    VOIDED = "VOIDED", "Voided 作废."
    TRANSFERRED = "TRANSFERRED", "Passed on 转报."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


@_published("What happened to a case 业务动作.")
class CaseEventKind(Term):
    SUBMIT = "SUBMIT", "Submitted 申办."
    PRE_ACCEPT = "PRE_ACCEPT", "Pre-accepted online 预受理."
    RECEIVE = "RECEIVE", "Papers received 收件."
    REQUEST_CORRECTION = "REQUEST_CORRECTION", "Correction asked for 补正告知."
    CORRECTION_RECEIVED = "CORRECTION_RECEIVED", "Correction received 补正受理."
    ACCEPT = "ACCEPT", "Accepted 受理."
    REFUSE_ACCEPTANCE = "REFUSE_ACCEPTANCE", "Not accepted 不予受理."
    STEP_START = "STEP_START", "A step began 环节开始."
    STEP_END = "STEP_END", "A step ended 环节结束."
    SPECIAL_START = "SPECIAL_START", "Special procedure began 特别程序申请."
    SPECIAL_END = "SPECIAL_END", "Special procedure ended 特别程序结果."
    SUSPEND = "SUSPEND", "Suspended 挂起."
    RESUME = "RESUME", "Resumed 恢复."
    EXTEND = "EXTEND", "Time limit extended 延期."
    HAND_OFF = "HAND_OFF", "Handed to another office 转办."
    DECIDE = "DECIDE", "Decided 决定."
    CLOSE = "CLOSE", "Closed 办结."
    DELIVER = "DELIVER", "Result handed over 送达."
    WITHDRAW = "WITHDRAW", "Withdrawn 撤件."
    VOID = "VOID", "Voided 作废."
    RATE = "RATE", "Rated by the applicant 评价."
    URGE = "URGE", "Urged by supervision 督办."
    CORRECT_RECORD = "CORRECT_RECORD", "Record corrected 更正."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


@_published("Kind of applicant 申请人类型.")
class ApplicantKind(Term):
    NATURAL = "NATURAL", "Natural person 自然人."
    LEGAL = "LEGAL", "Legal person 法人."
    OTHER_ORG = "OTHER_ORG", "Another organisation 其他组织."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


@_published("Kind of identity document 证件类型.")
class IdType(Term):
    RESIDENT_ID = "RESIDENT_ID", "Resident identity card, GB 11643 居民身份证."
    PASSPORT = "PASSPORT", "Passport 护照."
    HK_MACAO = "HK_MACAO", "Permit for Hong Kong and Macao residents 港澳居民来往内地通行证."
    TAIWAN = "TAIWAN", "Permit for Taiwan residents 台湾居民来往大陆通行证."
    USCC = "USCC", "Unified social credit code, GB 32100 统一社会信用代码."
    ORG_CODE = "ORG_CODE", "Organisation code, GB 11714 组织机构代码."
    OTHER = "OTHER", "Another document 其他证件."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


@_published("Why someone looks at a case or a person 查阅目的.")
class AccessPurpose(Term):
    HANDLE_CASE = "HANDLE_CASE", "To handle the case 办理."
    OWN_DATA = "OWN_DATA", "One's own data 本人查询."
    SUPERVISION = "SUPERVISION", "Supervision 监察."
    AUDIT = "AUDIT", "Audit 审计."
    COMPLAINT = "COMPLAINT", "A complaint 投诉处理."
    STATISTICS = "STATISTICS", "Statistics 统计."
    MIGRATION = "MIGRATION", "Migration of a system 系统迁移."
    SUPPORT = "SUPPORT", "Technical support 技术支持."


@_published("How an application was handed in 申办渠道.")
class Channel(Term):
    ONLINE = "ONLINE", "Web portal 网上."
    MOBILE = "MOBILE", "Mobile app 移动端."
    WINDOW = "WINDOW", "Service window 窗口."
    TERMINAL = "TERMINAL", "Self-service terminal 自助终端."
    POST = "POST", "Post 邮寄."
    HOTLINE = "HOTLINE", "Hotline 热线."
    PROXY = "PROXY", "By a village or community helper 代办."
    UNKNOWN = "UNKNOWN", "The system's own value is unmapped, never guessed 未映射."


# --- clocks and warnings 时限与预警 ---


@_published("What must be done by when 时限类型.")
class DeadlineKind(Term):
    STATUTORY = "STATUTORY", "Decision, by law 法定时限."
    PROMISED = "PROMISED", "Settlement, as promised 承诺时限."
    STEP = "STEP", "One step of the handling 环节时限."
    ACCEPTANCE = "ACCEPTANCE", "Decision on acceptance, 5 working days from receipt 受理时限."
    CORRECTION = "CORRECTION", "The applicant's corrected papers 补正时限."
    SPECIAL_PROCEDURE = "SPECIAL_PROCEDURE", "A special procedure's own stated time 特别程序时限."
    SUSPENSION = "SUSPENSION", "How long a case may be suspended 挂起时限."
    ISSUE = "ISSUE", "Handing over of the licence, 10 working days from the decision 送达时限."
    CALLBACK = "CALLBACK", "A promised call 回电时限."


@_published("Where a clock stands 计时状态.")
class ClockState(Term):
    NOT_STARTED = "NOT_STARTED", "What it starts with has not happened 未开始."
    RUNNING = "RUNNING", "Running, in time 计时中."
    STOPPED = "STOPPED", "Standing, while a stop is open 停止计时."
    MET = "MET", "Ended in time 按时."
    MISSED = "MISSED", "The due time passed, or the end came after it 超时."
    ENDED = "ENDED", "Ended, and the system does not tell when 已结束(时间不详)."


@_published("Why a clock stood 停止计时原因.")
class ClockStopKind(Term):
    SPECIAL_PROCEDURE = "SPECIAL_PROCEDURE", "A special procedure 特别程序."
    CORRECTION = "CORRECTION", "Waiting for the applicant's papers 补正."
    SUSPENSION = "SUSPENSION", "Suspended 挂起."


@_published("Why a due time may still change 时限暂定原因.")
class ProvisionalReason(Term):
    CALENDAR = "CALENDAR", "It needs days whose holidays are not published 日历未公布."
    STOP_OPEN = "STOP_OPEN", "The clock stands, and nobody knows until when 停止计时中."


@_published("What was decided 决定类型.")
class DecisionKind(Term):
    APPROVED = "APPROVED", "Approved 准予."
    PARTLY = "PARTLY", "Approved in part 部分准予."
    REFUSED = "REFUSED", "Refused 不予."
    CONDITIONAL = "CONDITIONAL", "Approved with conditions 附条件准予."
    TERMINATED = "TERMINATED", "Ended without a decision 终止."


@_published("How grave a warning is 预警级别.")
class WarningLevel(Term):
    NOTICE = "NOTICE", "Notice 预警."
    YELLOW = "YELLOW", "Yellow card 黄牌."
    RED = "RED", "Red card 红牌."


@_published("What became of a warning 预警状态.")
class WarningState(Term):
    PENDING = "PENDING", "To be looked at before it is issued 待发."
    ISSUED = "ISSUED", "Issued 已发."
    APPEALED = "APPEALED", "The department has appealed 申诉中."
    UPHELD = "UPHELD", "Upheld against an appeal 维持."
    REVOKED = "REVOKED", "Revoked; it stays in the history 撤销."
    CANCELLED = "CANCELLED", "Never issued, its ground fell away 取消."
    ESCALATED = "ESCALATED", "Under supervision 督办."
    RESOLVED = "RESOLVED", "Put right 已整改."


@_published("What a warning is about 预警对象.")
class WarningSubject(Term):
    CASE = "CASE", "A case 办件."
    STEP = "STEP", "A step of a case 环节."
    SPECIAL_PROCEDURE = "SPECIAL_PROCEDURE", "A special procedure 特别程序."
    COMPLAINT = "COMPLAINT", "A complaint 投诉."
    CONSULTATION = "CONSULTATION", "A consultation 咨询."
    APPOINTMENT = "APPOINTMENT", "An appointment 预约."
    DATA_QUALITY = "DATA_QUALITY", "The data of a case 数据质量."
    SYSTEM = "SYSTEM", "A legacy system 存量系统."


# --- submissions 申报 ---


@_published("What a submission does 申报类型.")
class SubmissionOperation(Term):
    SUBMIT = "SUBMIT", "Files an application 申报."
    SUPPLEMENT = "SUPPLEMENT", "Hands in what was missing 补正."
    WITHDRAW = "WITHDRAW", "Takes an application back 撤回."
    APPOINTMENT = "APPOINTMENT", "Books an appointment 预约."


@_published("How far a submission is 申报状态.")
class SubmissionState(Term):
    RECORDED = "RECORDED", "Kept by the gateway, not sent yet 已登记."
    DISPATCHING = "DISPATCHING", "Being sent 发送中."
    TAKEN = "TAKEN", "The system has taken it and will give its number later 已收待编号."
    FILED = "FILED", "Filed in the system 已入库."
    REFUSED = "REFUSED", "Certainly not filed: the system refused it 被拒绝."
    UNKNOWN = "UNKNOWN", "Sent, and no answer that can be relied on came; it is looked for 结果未知."
    RECONCILING = "RECONCILING", "Being looked for in the system 核对中."
    NOT_FILED = "NOT_FILED", "Looked for and certainly not there; it will be sent again 未入库."
    NEEDS_PERSON = (
        "NEEDS_PERSON",
        "Nobody but a person can tell; the operators have it on their list 待人工核实.",
    )


@_published("When a system gives the number of a case 编号方式.")
class SubmissionMode(Term):
    IMMEDIATE = "IMMEDIATE", "With its answer 即时."
    LATER = "LATER", "Some time after it has taken the application 延后."
    NEVER = "NEVER", "Not at all 不提供."


@_published("Who has to act before a case goes on 待办方.")
class WaitsFor(Term):
    DEPARTMENT = "DEPARTMENT", "The department that handles it 办理部门."
    APPLICANT = "APPLICANT", "The applicant: papers to correct or add 申请人."
    PROCEDURE = "PROCEDURE", "A special procedure or a suspension; the clock stands 特别程序或挂起."
    OTHER_DEPARTMENT = "OTHER_DEPARTMENT", "Another department, to which it was passed on 其他部门."


@_published("Order of a worklist; what has no such time comes last 排序.")
class WorklistOrder(Term):
    DUE_SOONEST = "DUE_SOONEST", "Due first 最先到期."
    DUE_LATEST = "DUE_LATEST", "Due last 最后到期."
    LONGEST_WITHOUT_STEP = "LONGEST_WITHOUT_STEP", "Longest without a step 停滞最久."
    CHANGED_LATEST = "CHANGED_LATEST", "What the gateway learnt of last 最近更新."


@_published("What becomes of an appeal against a warning 申诉处理.")
class WarningDecision(Term):
    UPHOLD = "UPHOLD", "The card stands 维持."
    REVOKE = "REVOKE", "The card is revoked; it stays in the history 撤销."
    SEND_BACK = "SEND_BACK", "To be looked at again before it is issued 退回."
    ESCALATE = "ESCALATE", "Under supervision 督办."
    RESOLVE = "RESOLVE", "What it was about has been put right 已整改."
    ISSUE = "ISSUE", "A card that waited to be looked at is issued 签发."
    CANCEL = "CANCEL", "A card that waited to be looked at is not issued 取消."


@_published("When the person looked at is told of a look 公开方式.")
class Disclosure(Term):
    IMMEDIATE = "IMMEDIATE", "At once 即时公开."
    DELAYED = "DELAYED", "From a later day on, so as not to warn those under investigation 延迟公开."
    WITHHELD = "WITHHELD", "Not 不公开."


ENUMS: dict[str, type[Term]] = {
    enum.__name__: enum
    for enum in (
        AcceptScope,
        AccessPurpose,
        ApplicantKind,
        AvailabilityReason,
        BreakerState,
        Capability,
        CaseEventKind,
        CaseState,
        CaseType,
        Channel,
        ClockState,
        ClockStopKind,
        DeadlineKind,
        DecisionKind,
        Disclosure,
        HarvestMode,
        HealthState,
        IdType,
        ItemState,
        MaterialForm,
        MaterialSource,
        PowerSource,
        PowerType,
        Protocol,
        ProvisionalReason,
        RegionArea,
        RegionKind,
        RegionLevel,
        Requirement,
        SourceStatus,
        SpecialProcedureKind,
        SubmissionMode,
        SubmissionOperation,
        SubmissionState,
        SystemLifecycle,
        TimeUnit,
        WaitsFor,
        WarningDecision,
        WarningLevel,
        WarningState,
        WarningSubject,
        WorklistOrder,
    )
}
"""Enum name as in `schema.canonical` (`enum:NAME`) and in the published schema -> the enum."""


def values(name: str) -> frozenset[str]:
    """The values of the enum called `name`. Raises UnknownEnumError."""
    try:
        return frozenset(str(member) for member in ENUMS[name])
    except KeyError:
        raise UnknownEnumError(name, tuple(ENUMS)) from None
