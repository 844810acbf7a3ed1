"""Cards: what a rule has raised, and what became of it. A card is never removed; every change stands in its history.

raised ---------------> ISSUED <-----------------+
  |                       | appeal               | issue
  +--(rule.review)--> PENDING <--send back-- APPEALED --revoke--> REVOKED
                          | cancel               | uphold --> UPHELD
                          v                      | escalate -> ESCALATED
                      CANCELLED
ISSUED, UPHELD, ESCALATED --resolve--> RESOLVED;  ISSUED, UPHELD --escalate--> ESCALATED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.tracking.errors import CardStateError
from schema.vocabulary import WarningLevel, WarningState, WarningSubject

__all__ = [
    "MARKS",
    "SETTLED",
    "Card",
    "CardChange",
    "appeal",
    "cancel",
    "escalate",
    "issue",
    "levels_told",
    "resolve",
    "revoke",
    "send_back",
    "uphold",
]

S = WarningState

MARKS: Mapping[WarningState, str] = {
    S.ISSUED: "Y",
    S.PENDING: "D",
    S.REVOKED: "C",
    S.CANCELLED: "Q",
    S.ESCALATED: "B",
}
"""Letters that supervision systems exchange (domain.md 2.7); the other states have none."""

SETTLED: frozenset[WarningState] = frozenset({S.REVOKED, S.CANCELLED, S.RESOLVED})
"""States that nothing leads out of."""

_ALLOWED: Mapping[WarningState, tuple[WarningState, ...]] = {
    S.PENDING: (S.ISSUED, S.CANCELLED),
    S.ISSUED: (S.APPEALED, S.ESCALATED, S.RESOLVED),
    S.APPEALED: (S.UPHELD, S.REVOKED, S.PENDING, S.ESCALATED),
    S.UPHELD: (S.ESCALATED, S.RESOLVED),
    S.ESCALATED: (S.RESOLVED, S.REVOKED),
    S.REVOKED: (),
    S.CANCELLED: (),
    S.RESOLVED: (),
}

_LEVELS = (WarningLevel.NOTICE, WarningLevel.YELLOW, WarningLevel.RED)


@dataclass(frozen=True, slots=True)
class CardChange:
    """One line of a card's history. at: moment. by: a person or office, `rule` for the machine.

    what: RAISED, GROUND_GONE, GROUND_BACK, GROUND_MOVED, or the state that it went to.
    """

    at: int
    what: str
    by: str
    state: WarningState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A warning that was raised.

    id: `CASE#RULE#SUBJECT#N`, N the `number` of the card among those of this rule and subject. subject: which clock or step; empty for the
    case as a whole. ground_at: moment at which the rule's condition came true. grounded: it is still true by what is
    known now; a card without a ground stays, until a person revokes it. evidence: JSON, figures and event ids.
    """

    id: str
    case_id: str
    rule: str
    rule_version: int
    rules_version: str
    level: WarningLevel
    about: WarningSubject
    subject: str
    ground_at: int
    raised_at: int
    state: WarningState
    text: str
    text_zh: str
    evidence: Mapping[str, Any]
    number: int = 1
    supervision_order: bool = False
    feedback_due: int | None = None
    grounded: bool = True
    history: tuple[CardChange, ...] = field(default=())

    @property
    def mark(self) -> str:
        return MARKS.get(self.state, "")

    @property
    def stands(self) -> bool:
        """It counts against somebody now."""
        return self.state not in SETTLED and self.state is not S.PENDING


def issue(card: Card, *, at: int, by: str, reason: str = "") -> Card:
    """签发. Raises CardStateError, as all below, where the card's state does not allow it."""
    return _go(card, S.ISSUED, at, by, reason)


def cancel(card: Card, *, at: int, by: str, reason: str) -> Card:
    """取消: it is never issued."""
    return _go(card, S.CANCELLED, at, by, reason)


def appeal(card: Card, *, at: int, by: str, reason: str) -> Card:
    """申诉: the department says that it is wrong."""
    return _go(card, S.APPEALED, at, by, reason)


def uphold(card: Card, *, at: int, by: str, reason: str) -> Card:
    """维持: the card stands."""
    return _go(card, S.UPHELD, at, by, reason)


def revoke(card: Card, *, at: int, by: str, reason: str) -> Card:
    """撤销: the appeal was right. The card stays in the history and is not raised again on the same ground."""
    return _go(card, S.REVOKED, at, by, reason)


def send_back(card: Card, *, at: int, by: str, reason: str) -> Card:
    """退回: to be looked at again before it is issued."""
    return _go(card, S.PENDING, at, by, reason)


def escalate(card: Card, *, at: int, by: str, reason: str) -> Card:
    """督办: under supervision."""
    return _go(card, S.ESCALATED, at, by, reason)


def resolve(card: Card, *, at: int, by: str, reason: str = "") -> Card:
    """整改: put right."""
    return _go(card, S.RESOLVED, at, by, reason)


def levels_told(level: WarningLevel) -> tuple[WarningLevel, ...]:
    """Whose people are told: a red card's also those of yellow cards and of notices."""
    return _LEVELS[: _LEVELS.index(level) + 1]


def _go(card: Card, state: WarningState, at: int, by: str, reason: str) -> Card:
    allowed = _ALLOWED[card.state]
    if state not in allowed:
        raise CardStateError(card.id, str(card.state), str(state), [str(one) for one in allowed])
    change = CardChange(at, str(state), by, state, reason)
    return replace(card, state=state, history=(*card.history, change))
