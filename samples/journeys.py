"""How a case may go, as sequences of canonical event kinds (`schema.vocabulary.CaseEventKind`). Pure."""

from __future__ import annotations

import random

__all__ = ["OPINIONS", "STATE_AFTER", "STEP_NAMES", "journey"]

STATE_AFTER = {
    "SUBMIT": "SUBMITTED",
    "PRE_ACCEPT": "PRE_ACCEPTED",
    "RECEIVE": "RECEIVED",
    "REQUEST_CORRECTION": "CORRECTION_REQUIRED",
    "CORRECTION_RECEIVED": "RECEIVED",
    "ACCEPT": "ACCEPTED",
    "REFUSE_ACCEPTANCE": "NOT_ACCEPTED",
    "STEP_START": "UNDER_REVIEW",
    "SPECIAL_START": "SPECIAL_PROCEDURE",
    "SPECIAL_END": "UNDER_REVIEW",
    "SUSPEND": "SUSPENDED",
    "RESUME": "UNDER_REVIEW",
    "DECIDE": "DECIDED",
    "CLOSE": "CLOSED",
    "DELIVER": "DELIVERED",
    "WITHDRAW": "WITHDRAWN",
    "VOID": "VOIDED",
}
STEP_NAMES = {
    "SUBMIT": "申办",
    "PRE_ACCEPT": "网上预受理",
    "RECEIVE": "收件",
    "REQUEST_CORRECTION": "补正告知",
    "CORRECTION_RECEIVED": "补正受理",
    "ACCEPT": "受理",
    "REFUSE_ACCEPTANCE": "不予受理",
    "STEP_START": "审查",
    "SPECIAL_START": "特别程序申请",
    "SPECIAL_END": "特别程序结果",
    "SUSPEND": "挂起",
    "RESUME": "恢复",
    "DECIDE": "决定",
    "CLOSE": "办结",
    "DELIVER": "领取登记",
    "WITHDRAW": "撤件",
    "VOID": "作废",
}
OPINIONS = {
    "SUBMIT": "",
    "PRE_ACCEPT": "网上预审通过，请携带原件到窗口",
    "RECEIVE": "材料已收，共4份",
    "REQUEST_CORRECTION": "材料不齐全，请补正授权委托书",
    "CORRECTION_RECEIVED": "补正材料已收",
    "ACCEPT": "材料齐全，符合法定形式，予以受理",
    "REFUSE_ACCEPTANCE": "不属于本机关职权范围，不予受理",
    "STEP_START": "审查中",
    "SPECIAL_START": "需组织现场踏勘及专家评审，已书面告知申请人",
    "SPECIAL_END": "踏勘评审通过",
    "SUSPEND": "等待申请人确认",
    "RESUME": "恢复办理",
    "DECIDE": "经审查，拟准予许可",
    "CLOSE": "准予许可",
    "DELIVER": "申请人已领取证件",
    "WITHDRAW": "申请人主动撤回",
    "VOID": "重复申报，作废",
}

_HEAD = ("SUBMIT", "PRE_ACCEPT", "RECEIVE")
_CORRECTION = ("REQUEST_CORRECTION", "CORRECTION_RECEIVED")
_END = ("DECIDE", "CLOSE", "DELIVER")
_DROP_FIRST = ("PRE_ACCEPT", "DELIVER", "DECIDE", "STEP_START")
FEWEST, MOST = 3, 8


def journey(rng: random.Random, kinds: frozenset[str], *, finish: float, special: bool) -> list[str]:
    """3 to 8 kinds in order of time, all within `kinds`; `finish` is the chance that the case is through.

    kinds must let the main road have three steps: SUBMIT or RECEIVE, ACCEPT, STEP_START and CLOSE at least.
    """
    middle = list(_CORRECTION) if rng.random() < 0.18 else []
    review = ["STEP_START"]
    if special and rng.random() < 0.45:
        review += ["SPECIAL_START", "SPECIAL_END"]
    elif rng.random() < 0.1:
        review += ["SUSPEND", "RESUME"]
    road = [*_HEAD, *middle, "ACCEPT", *review, *_END]
    short = _cut_short(rng, middle)
    steps = [kind for kind in (short or road) if kind in kinds]
    if len(steps) < FEWEST or (short and short[-1] not in kinds):
        steps = [kind for kind in road if kind in kinds]
        short = []
    steps = _within_most(steps)
    if short or rng.random() < finish:
        return steps[:-1] if steps[-1] == "DELIVER" and len(steps) > FEWEST and rng.random() < 0.45 else steps
    return steps[: rng.randint(FEWEST, len(steps))]


def _cut_short(rng: random.Random, middle: list[str]) -> list[str]:
    """The road of a case that ends early, or nothing for the main road."""
    chance = rng.random()
    if chance < 0.05:
        return [*_HEAD, "REFUSE_ACCEPTANCE"]
    if chance < 0.09:
        return [*_HEAD, *middle, "ACCEPT", "STEP_START", "WITHDRAW"]
    if chance < 0.11:
        return [*_HEAD, "ACCEPT", "VOID"]
    return []


def _within_most(steps: list[str]) -> list[str]:
    for kind in _DROP_FIRST:
        if len(steps) <= MOST:
            break
        steps = [step for step in steps if step != kind]
    return steps[:MOST]
