"""Cards as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.tracking.warnings.cards import Card, CardChange
from schema.vocabulary import WarningLevel, WarningState, WarningSubject

__all__ = ["LEVELS", "card_json", "card_of", "gravest"]

LEVELS = {WarningLevel.NOTICE: 1, WarningLevel.YELLOW: 2, WarningLevel.RED: 3}


def gravest(cards: tuple[Card, ...]) -> int:
    """Of those that stand: 0 none, 1 notice, 2 yellow, 3 red."""
    return max((LEVELS[card.level] for card in cards if card.stands), default=0)


def card_json(card: Card) -> dict[str, Any]:
    return {
        "id": card.id,
        "caseId": card.case_id,
        "rule": card.rule,
        "ruleVersion": card.rule_version,
        "rulesVersion": card.rules_version,
        "level": str(card.level),
        "about": str(card.about),
        "subject": card.subject,
        "groundAt": card.ground_at,
        "raisedAt": card.raised_at,
        "state": str(card.state),
        "text": card.text,
        "textZh": card.text_zh,
        "evidence": dict(card.evidence),
        "number": card.number,
        "supervisionOrder": card.supervision_order,
        "feedbackDue": card.feedback_due,
        "grounded": card.grounded,
        "history": [
            {"at": one.at, "what": one.what, "by": one.by, "state": str(one.state), "reason": one.reason}
            for one in card.history
        ],
    }


def card_of(kept: Mapping[str, Any]) -> Card:
    return Card(
        id=kept["id"],
        case_id=kept["caseId"],
        rule=kept["rule"],
        rule_version=kept["ruleVersion"],
        rules_version=kept["rulesVersion"],
        level=WarningLevel(kept["level"]),
        about=WarningSubject(kept["about"]),
        subject=kept["subject"],
        ground_at=kept["groundAt"],
        raised_at=kept["raisedAt"],
        state=WarningState(kept["state"]),
        text=kept["text"],
        text_zh=kept["textZh"],
        evidence=kept["evidence"],
        number=kept.get("number", 1),
        supervision_order=kept["supervisionOrder"],
        feedback_due=kept["feedbackDue"],
        grounded=kept["grounded"],
        history=tuple(
            CardChange(one["at"], one["what"], one["by"], WarningState(one["state"]), one["reason"])
            for one in kept["history"]
        ),
    )
