"""Warning rules as data: when a rule speaks, at which level, in which words. No I/O; files: `rule_file`.

The JSON Schema for editors is generated from these models, so descriptions here are what people see on hover.
"""

# No `from __future__ import annotations` here: pydantic reads the annotations at run time.

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from gateway.tracking.clocks.findings import FINDINGS, ORDER
from gateway.tracking.clocks.limits import LONGEST
from schema.registry import TimeLimitRow
from schema.vocabulary import DeadlineKind, TimeUnit, WarningLevel, WarningSubject

__all__ = ["PLACEHOLDERS", "Rule", "RuleSet", "When", "rules_schema"]

PLACEHOLDERS = ("case", "subject", "due", "used", "total", "left", "percent", "unit", "events", "detail")
"""What stands in braces in a rule's texts."""

_LIMIT = re.compile(r"(\d{1,5}) (HOUR|WORKDAY|CALENDAR_DAY|MONTH)", re.ASCII)


def _limit(value: object) -> object:
    if isinstance(value, TimeLimitRow):
        return value
    match = _LIMIT.fullmatch(str(value))
    if match is None or int(match[1]) > LONGEST[TimeUnit(match[2])]:
        raise ValueError("must be a number and HOUR, WORKDAY, CALENDAR_DAY or MONTH, as `1 WORKDAY`")
    return TimeLimitRow(int(match[1]), TimeUnit(match[2]))


Limit = Annotated[
    TimeLimitRow,
    BeforeValidator(_limit, json_schema_input_type=str),
    PlainSerializer(lambda limit: f"{limit.amount} {limit.unit}", return_type=str),
]


def _known_codes(value: object) -> object:
    codes = [value] if isinstance(value, str) else value
    for code in codes if isinstance(codes, list | tuple) else ():
        if code not in FINDINGS and code != "ORDER":
            raise ValueError(
                f"no finding {code!r}; there are ORDER (all about the order) and the codes of the page"
            )
    return codes


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class When(_Model):
    """The condition: of a clock, of findings, of late arrival, or of a silent system. One of the four."""

    clock: Annotated[
        tuple[DeadlineKind, ...],
        BeforeValidator(_listed, json_schema_input_type=DeadlineKind | tuple[DeadlineKind, ...]),
    ] = Field(
        default=(), max_length=9, description="Clocks of these kinds; with percent, left or passed 时钟."
    )
    percent: int | None = Field(
        default=None, ge=1, le=100, description="So many percent of the time are used; today counts 已用比例."
    )
    left: Limit | None = Field(
        default=None,
        description="Or only so much is left, in the clock's own unit, and some has been used 剩余时间.",
    )
    passed: bool = Field(default=False, description="The due time has passed 已超时.")
    after: Limit | None = Field(default=None, description="With passed: so long after it 超时后.")
    deemed: bool = Field(
        default=False, description="With ACCEPTANCE: only where the law deems the case accepted 视为受理."
    )
    finding: Annotated[
        tuple[str, ...], BeforeValidator(_known_codes, json_schema_input_type=str | tuple[str, ...])
    ] = Field(
        default=(),
        max_length=50,
        description="Findings with one of these codes; ORDER is all about the order.",
    )
    late_by: Limit | None = Field(
        default=None, alias="lateBy", description="An event arrived so long after it happened 迟到."
    )
    silent_for: Limit | None = Field(
        default=None, alias="silentFor", description="A system has told nothing for so long 系统静默."
    )

    @model_validator(mode="after")
    def _one_condition(self) -> "When":
        given = [bool(self.clock), bool(self.finding), self.late_by is not None, self.silent_for is not None]
        if sum(given) != 1:
            raise ValueError("give one of clock, finding, lateBy and silentFor")
        reached = self.percent is not None or self.left is not None
        if self.clock and reached == self.passed:
            raise ValueError("with clock give percent or left (or both), or passed")
        if not self.clock and (reached or self.passed or self.deemed):
            raise ValueError("percent, left, passed and deemed belong to clock")
        if self.after is not None and not self.passed:
            raise ValueError("after belongs to passed")
        if self.deemed and self.clock != (DeadlineKind.ACCEPTANCE,):
            raise ValueError("deemed belongs to clock: ACCEPTANCE")
        for limit in (self.late_by, self.silent_for):
            if limit is not None and limit.unit is not TimeUnit.HOUR:
                raise ValueError("lateBy and silentFor are in HOUR")
        return self

    @property
    def findings(self) -> frozenset[str]:
        return frozenset(self.finding) | (ORDER if "ORDER" in self.finding else frozenset())


class Text(_Model):
    """Words of a card. In braces: case, subject, due, used, total, left, percent, unit, events, detail."""

    en: str = Field(min_length=1, max_length=500, description="English.")
    zh: str = Field(min_length=1, max_length=500, description="Chinese 中文.")

    @model_validator(mode="after")
    def _known_names(self) -> "Text":
        for text in (self.en, self.zh):
            rest = re.sub(r"\{(\w+)\}", lambda match: "" if match[1] in PLACEHOLDERS else match[0], text)
            if "{" in rest or "}" in rest:
                raise ValueError(f"braces take one of: {', '.join(PLACEHOLDERS)}")
        return self


class Rule(_Model):
    """One rule. A change of it is a new version: cards name the version that they were raised by."""

    id: str = Field(
        pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", max_length=40, description="Code of the rule 规则编号."
    )
    version: int = Field(ge=1, description="Version of the rule, from 1 版本.")
    level: WarningLevel = Field(description="NOTICE, YELLOW or RED 级别.")
    subject: WarningSubject = Field(default=WarningSubject.CASE, description="What it is about 对象.")
    when: When = Field(description="The condition 条件.")
    text: Text = Field(description="Words of the card 文本.")
    review: bool = Field(default=False, description="A person looks before the card is issued 人工审核.")
    supervision_order: bool = Field(
        default=False, alias="supervisionOrder", description="A supervision order goes with it 督办."
    )
    feedback_within: Limit | None = Field(
        default=None, alias="feedbackWithin", description="How long the department has to answer 反馈时限."
    )
    enabled: bool = Field(default=True, description="False leaves the rule out 启用.")


class RuleSet(_Model):
    """All rules of one version of the file."""

    version: str = Field(pattern=r"^[0-9A-Za-z._-]{1,40}$", description="Version of the file 版本.")
    note: str = Field(default="", max_length=1000, description="Who decided it, when 说明.")
    rules: tuple[Rule, ...] = Field(max_length=200, description="The rules, at least one 规则.")

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @property
    def active(self) -> Sequence[Rule]:
        return [rule for rule in self.rules if rule.enabled]


def rules_schema() -> Mapping[str, Any]:
    """JSON Schema of a file of warning rules."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RuleSet.model_json_schema(by_alias=True, mode="validation"),
    }
