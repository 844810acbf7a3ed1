"""Which labels of progressive @override hold for a request: "percent(n)" by a sticky hash, others by a hook.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/entities/migrate-fields
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

__all__ = ["Labels", "override_labels", "percent_of", "share_of"]

Labels = Callable[[str], bool]
"""Whether a label holds."""

_PERCENT = re.compile(r"percent\((\d{1,3}(?:\.\d{1,8})?)\)")


def override_labels(sticky: str, custom: Labels | None = None) -> Labels:
    """The labels that hold for a caller or a case.

    sticky: what the decision hangs on; the same text is always on the same side, and whoever is over at percent(5) is
    over at percent(50) too, for every field. Where nobody is known, a request's id gives each request its own lot.
    custom: asked for labels that are no percentage; without it they do not hold.
    """
    share = share_of(sticky)

    def holds(label: str) -> bool:
        percent = percent_of(label)
        if percent is not None:
            return share < percent
        return custom is not None and custom(label)

    return holds


def percent_of(label: str) -> float | None:
    """12.5 of "percent(12.5)"; None for any other label."""
    found = _PERCENT.fullmatch(label)
    return float(found[1]) if found else None


def share_of(sticky: str) -> float:
    """A place in [0, 100) that depends on the text alone, on every machine."""
    number = int.from_bytes(hashlib.sha256(sticky.encode()).digest()[:6])
    return number * 100 / 2**48
