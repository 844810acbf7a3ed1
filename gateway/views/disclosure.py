"""When the person looked at is told of a look 公开: at once, later, or not. Pure.

A look for audit or complaint may be part of an investigation that its subject must not be warned of; it is told of after
a delay. Purposes may be withheld altogether where a law says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, not_, or_

from schema.vocabulary import AccessPurpose, Disclosure

__all__ = ["DisclosureRules", "purposes_of"]

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """delay_us: of looks for the purposes in `delayed`."""

    delay_us: int = 90 * DAY_US
    delayed: frozenset[str] = frozenset({"AUDIT", "COMPLAINT"})
    withheld: frozenset[str] = frozenset()

    def of(self, fields: Mapping[str, Any], at_us: int) -> tuple[Disclosure, int | None]:
        """Of a look, and from when on (microseconds since 1970); None for never."""
        purposes = {str(one) for one in purposes_of(fields)}
        if purposes & self.withheld:
            return Disclosure.WITHHELD, None
        if purposes & self.delayed:
            return Disclosure.DELAYED, at_us + self.delay_us
        return Disclosure.IMMEDIATE, at_us

    def told_by(
        self, purpose: Column[Any], at_us: Column[Any] | ColumnElement[int], now_us: int
    ) -> ColumnElement[bool]:
        """The same as a condition on records: those that their subject is told of by `now_us`."""
        told = [
            not_(purpose.contains(name))
            if name in self.withheld
            else or_(not_(purpose.contains(name)), at_us <= now_us - self.delay_us)
            for name in sorted(self.withheld | self.delayed)
        ]
        return or_(purpose.is_(None), and_(*told))


def purposes_of(fields: Mapping[str, Any]) -> list[AccessPurpose]:
    """A record holds several with commas between; what is none of the vocabulary is left out."""
    known = {str(member): member for member in AccessPurpose}
    return [known[one] for one in str(fields["purpose"] or "").split(",") if one in known]
