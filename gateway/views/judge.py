"""What people decide about cards: kept in the card, in its case's file and in the trail, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.cards import card_json, card_of, gravest
from gateway.casefile.files import card_change
from gateway.casefile.tables import CARD, CASE_FILE
from gateway.ledger import Change, Writer
from gateway.tracking.warnings import cards
from gateway.tracking.warnings.cards import Card
from schema.errors import NotFoundError
from schema.vocabulary import WarningDecision

__all__ = ["Act", "act_of", "judge"]

Act = Callable[[Card], Card]

D = WarningDecision
_ACTS: dict[WarningDecision, Callable[..., Card]] = {
    D.UPHOLD: cards.uphold,
    D.REVOKE: cards.revoke,
    D.SEND_BACK: cards.send_back,
    D.ESCALATE: cards.escalate,
    D.RESOLVE: cards.resolve,
    D.ISSUE: cards.issue,
    D.CANCEL: cards.cancel,
}


def act_of(decision: WarningDecision, *, at: int, by: str, reason: str) -> Act:
    return lambda card: _ACTS[decision](card, at=at, by=by, reason=reason)


async def judge(
    writer: Writer, card_id: str, act: Act, conditions: Sequence[ColumnElement[bool]] = ()
) -> Card:
    """The card after it. conditions: on `card`, that the caller may; one that they may not is as if it were not there.

    Raises NotFoundError, CardStateError, DatabaseUnavailable: then nothing has changed."""
    made: list[Card] = []

    async def work(connection: AsyncConnection) -> Change:
        made.clear()
        query = select(CARD).where(CARD.c.card_id == card_id, *conditions).with_for_update()
        row = (await connection.execute(query)).first()
        if row is None:
            raise NotFoundError("warning", card_id, "warnings")
        card = act(card_of(row.card))
        made.append(card)
        await connection.execute(
            update(CARD).where(CARD.c.card_id == card_id).values(state=str(card.state), card=card_json(card))
        )
        await _show_gravest(connection, row.case_id)
        return card_change(card)

    await writer.append_with(work)
    return made[0]


async def _show_gravest(connection: AsyncConnection, case_id: str) -> None:
    kept = await connection.scalars(select(CARD.c.card).where(CARD.c.case_id == case_id))
    level = gravest(tuple(card_of(one) for one in kept))
    await connection.execute(update(CASE_FILE).where(CASE_FILE.c.case_id == case_id).values(level=level))
