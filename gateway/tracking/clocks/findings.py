"""What is wrong or odd in the events of a case. Findings are values; the warning rules say which of them matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FINDINGS", "ORDER", "CaseFinding"]

ORDER: frozenset[str] = frozenset(
    {
        "ACCEPTED_BEFORE_APPLICATION",
        "RESULT_BEFORE_APPLICATION",
        "CLOSED_BEFORE_ACCEPTED",
        "DELIVERED_BEFORE_DECIDED",
        "CORRECTION_BEFORE_ASKED",
        "SPECIAL_END_ALONE",
        "RESUMED_ALONE",
        "STEP_END_ALONE",
        "END_BEFORE_START",
        "HANDLED_AFTER_END",
    }
)
"""Findings about an order of events that cannot be (rule D-ORDER)."""

FINDINGS: Mapping[str, tuple[str, str]] = {
    "ACCEPTED_BEFORE_APPLICATION": ("accepted before it was applied for", "受理早于申请"),
    "RESULT_BEFORE_APPLICATION": ("a result before the application", "结果早于申请"),
    "CLOSED_BEFORE_ACCEPTED": ("closed before it was accepted", "办结早于受理"),
    "DELIVERED_BEFORE_DECIDED": ("handed over before it was decided", "送达早于决定"),
    "CORRECTION_BEFORE_ASKED": ("a correction received that nobody had asked for", "补正受理早于补正告知"),
    "SPECIAL_END_ALONE": ("a special procedure ended that had not begun", "特别程序有结果无申请"),
    "RESUMED_ALONE": ("resumed without having been suspended", "恢复前未挂起"),
    "STEP_END_ALONE": ("a step ended that had not begun", "环节有结束无开始"),
    "END_BEFORE_START": ("something ended before it began", "结束早于开始"),
    "HANDLED_AFTER_END": ("handled after the case had ended", "终结后仍有办理"),
    "EVENT_WITHOUT_TIME": ("an event without a time that can be read", "环节缺少时间"),
    "TIME_OUT_OF_RANGE": ("a time that cannot be one of a case", "时间超出合理范围"),
    "EVENT_IN_FUTURE": ("an event that lies after its arrival here", "环节时间晚于接收时间"),
    "EVENT_REWRITTEN": ("an event sent again with other content; the last one counts", "环节重发且内容不同"),
    "KIND_UNKNOWN": ("an event of a kind that is not mapped", "业务动作未映射"),
    "VALUE_UNREADABLE": ("a value that cannot be read", "数据无法读取"),
    "LIMIT_UNUSABLE": ("a limit that cannot be one", "时限不合理"),
    "CORRECTION_TWICE": ("a correction asked for more than once; the law says once", "多次补正告知"),
    "DEEMED_ACCEPTED": ("not decided in time, so accepted from receipt by law", "逾期未告知,视为受理"),
    "EXTENDED_TWICE": ("extended more than once; only the first counts", "多次延期"),
    "EXTENSION_UNAPPROVED": ("an extension without an approval; it does not count", "延期未经批准"),
    "EXTENSION_LENGTH_MISSING": (
        "an extension that does not say by how much; it does not count",
        "延期缺少期限",
    ),
    "EXTENSION_TOO_LONG": ("an extension longer than allowed; it counts as far as allowed", "延期超过上限"),
    "EXTENDED_AFTER_EXPIRY": (
        "an extension after the limit had passed; it does not count",
        "时限届满后延期",
    ),
    "NOTICE_MISSING": (
        "the applicant was not told in writing how long the special procedure takes",
        "特别程序未书面告知申请人",
    ),
    "REASON_MISSING": ("refused without a reason or a document number", "不予办理未说明理由或缺文号"),
}
"""Code -> what it says, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class CaseFinding:
    """at: moment from which it is known (see `calendar.moments`). events: ids, or `KIND@time` of those without.

    detail: names, times and figures; for the English text. subject: which clock or step, where it is about one.
    """

    code: str
    at: int
    events: tuple[str, ...] = ()
    detail: str = ""
    subject: str = ""

    @property
    def text(self) -> str:
        said = FINDINGS[self.code][0]
        return f"{said}: {self.detail}" if self.detail else said

    @property
    def text_zh(self) -> str:
        return FINDINGS[self.code][1]
