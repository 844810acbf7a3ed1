"""MZJ-CIVIL, 市民政局: XML over POST in GB18030, while the declaration says GB2312, as such systems do.

One address; `trancode` in the head says what is asked. Statuses are Chinese words, times `2017年11月20日 10时05分`,
paging by `start` (0-based) and `rows`. Failures are `retcode` other than 0000 with HTTP status 200.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Event, served_items
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry
from samples.soap import tag

__all__ = ["DIALECT", "PATH", "build"]

SYSTEM = "MZJ-CIVIL"
PATH = "/mzyw/service.do"
FILTER_DATE = "%Y%m%d"
LARGEST_PAGE = 200
CHANGES_AT_ONCE = 200
DECLARATION = '<?xml version="1.0" encoding="GB2312"?>'

DIALECT = Dialect(
    events={
        "SUBMIT": "申请",
        "RECEIVE": "收件",
        "REQUEST_CORRECTION": "补正告知",
        "CORRECTION_RECEIVED": "补正收件",
        "ACCEPT": "受理",
        "REFUSE_ACCEPTANCE": "不予受理",
        "STEP_START": "审查",
        "SPECIAL_START": "公示开始",
        "SPECIAL_END": "公示结束",
        "DECIDE": "审批",
        "CLOSE": "办结",
        "DELIVER": "发证",
        "WITHDRAW": "撤回",
    },
    statuses={
        "SUBMITTED": "已申请",
        "RECEIVED": "已收件",
        "CORRECTION_REQUIRED": "待补正",
        "ACCEPTED": "已受理",
        "NOT_ACCEPTED": "不予受理",
        "UNDER_REVIEW": "审查中",
        "SPECIAL_PROCEDURE": "公示中",
        "DECIDED": "已审批",
        "CLOSED": "已办结",
        "DELIVERED": "已发证",
        "WITHDRAWN": "已撤回",
    },
    case_types={"INSTANT": "即办件", "COMMITTED": "承诺件"},
    channels={"ONLINE": "网上", "WINDOW": "窗口", "MOBILE": "手机", "PROXY": "代办"},
    stray="转街道核查",
)


class RefusalError(Exception):
    """The system refuses: `retcode` and `retmsg`, told with HTTP status 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def build(seed: int, environment: Mapping[str, str]) -> Starlette:  # noqa: ARG001 - every builder takes both
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_summary, detail=_detail)
    transactions: dict[str, Callable[[dict[str, str]], str]] = {
        "AJCX": lambda given: _case(register, given),
        "AJLB": lambda given: _list(register, given),
        "SXLB": lambda _given: _items(),
        "BGLB": lambda given: _changes(register, given),
    }

    async def post(request: Request) -> Response:
        try:
            given = _read_request(await request.body())
            code = given.get("trancode", "")
            if code not in transactions:
                raise RefusalError("9002", f"交易码错误：{code}")
            text = _reply("0000", "交易成功", transactions[code](given))
        except RefusalError as problem:
            text = _reply(problem.code, problem.message, "")
        return Response(text.encode("gb18030"), headers={"Content-Type": "text/xml;charset=GB2312"})

    return Starlette(routes=[Route(PATH, post, methods=["POST"])])


def _reply(code: str, message: str, body: str) -> str:
    head = f"<head><retcode>{code}</retcode>{tag('retmsg', message)}</head>"
    return f"{DECLARATION}<response>{head}<body>{body}</body></response>"


def _read_request(body: bytes) -> dict[str, str]:
    """Local name of every leaf element -> its text; bytes are GB18030 unless declared as UTF-8."""
    declared = re.match(rb'\s*<\?xml[^>]*encoding=["\']([A-Za-z0-9_-]+)', body)
    charset = "utf-8" if declared and declared.group(1).lower() in {b"utf-8", b"utf8"} else "gb18030"
    try:
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", body.decode(charset))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(text, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError) as problem:
        raise RefusalError("9003", "报文格式错误") from problem
    return {str(node.tag): (node.text or "").strip() for node in root.iter() if len(node) == 0}


def _case(register: Register[str], given: dict[str, str]) -> str:
    number = given.get("ajbh", "")
    if number not in register.details:
        raise RefusalError("9001", f"案件不存在：{number}")
    return register.details[number]


def _list(register: Register[str], given: dict[str, str]) -> str:
    start, size = _whole(given, "start", 0), _whole(given, "rows", 20)
    if not 1 <= size <= LARGEST_PAGE:
        raise RefusalError("9004", f"rows超出范围（1-{LARGEST_PAGE}）")
    until = _read_date(given, "jsrq")
    selection = register.select(
        start=start,
        size=size,
        applicant=given.get("sfzh", ""),
        since=_read_date(given, "ksrq"),
        until=until + timedelta(days=1, microseconds=-1) if until else None,
    )
    return f"<count>{selection.total}</count><list>{''.join(selection.rows)}</list>"


def _items() -> str:
    rows = "".join(
        f"<sx><sxdm>MZ{index:03d}</sxdm>{tag('sxmc', item.name)}{tag('jbbm', item.base_code)}"
        f"{tag('bjlx', DIALECT.case_types[item.case_type])}{tag('cnr', item.promised_days)}<yx>是</yx></sx>"
        for index, item in enumerate(served_items(load_registry(), "MZJ"), start=1)
    )
    return f"<list>{rows}</list>"


def _changes(register: Register[str], given: dict[str, str]) -> str:
    text = given.get("gxsj", "")
    try:
        since = datetime.strptime(text, "%Y年%m月%d日 %H时%M分").replace(tzinfo=SHANGHAI) if text else None
    except ValueError as problem:
        raise RefusalError("9005", f"gxsj格式错误：{text}") from problem
    changes, more = register.changes_since(since, _whole(given, "rows", CHANGES_AT_ONCE))
    rows = "".join(
        f"<bg>{tag('bgbh', change.id)}{tag('ajbh', change.case.number)}"
        f"{tag('dz', DIALECT.events[change.event.kind])}"
        f"{tag('zt', DIALECT.status_after('', change.event.state))}{tag('gxsj', _date(change.event.at))}</bg>"
        for change in changes
    )
    return f"<more>{'是' if more else '否'}</more><list>{rows}</list>"


def _summary(case: Case) -> str:
    return f"<aj>{_fields(case)}</aj>"


def _detail(case: Case) -> str:
    steps = "".join(_step(event) for event in case.events)
    return f"<aj>{_fields(case)}<gc>{steps}</gc></aj>"


def _fields(case: Case) -> str:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    values = {
        "ajbh": case.number,
        "ajmc": case.title,
        "jbbm": case.item.base_code,
        "ssbm": case.implementation.task_code,
        "qh": case.implementation.region,
        "sqrlb": "个人" if natural else "单位",
        "xm": person.name,
        "zjlx": "居民身份证" if natural else "统一社会信用代码",
        "sfzh": person.id_number,
        "fr": person.representative,
        "sjh": person.mobile,
        "bjlx": DIALECT.case_types[case.item.case_type],
        "ly": DIALECT.channels[case.channel],
        "zt": DIALECT.status(case),
        "sqsj": _date(case.applied_at),
        "sjsj": _date(case.time_of("RECEIVE")),
        "slsj": _date(case.time_of("ACCEPT")),
        "cnsj": _date(case.promised_at),
        "spsj": _date(case.time_of("DECIDE")),
        "bjsj": _date(case.time_of("CLOSE")),
    }
    return "".join(tag(name, value) for name, value in values.items())


def _step(event: Event) -> str:
    document = f"渝民许{event.document}" if event.document else ""
    return (
        f'<hj xh="{event.seq}" dz="{DIALECT.events[event.kind]}">{tag("mc", event.step)}{tag("jbr", event.actor)}'
        f"{tag('sj', _date(event.at))}{tag('jssj', _date(event.ended))}{tag('yj', event.opinion)}"
        f"{tag('wh', document)}</hj>"
    )


def _date(value: datetime | None) -> str:
    """Minutes are the finest that this system keeps."""
    if value is None:
        return ""
    return f"{value.year}年{value.month:02d}月{value.day:02d}日 {value.hour:02d}时{value.minute:02d}分"


def _whole(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isdigit():
        raise RefusalError("9004", f"{name}不是整数：{text}")
    return int(text)


def _read_date(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, FILTER_DATE).replace(tzinfo=SHANGHAI)
    except ValueError as problem:
        raise RefusalError("9005", f"{name}格式须为yyyyMMdd：{text}") from problem
