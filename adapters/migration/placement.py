"""Where a system stands on its way to its successor, and which side a case is on. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LEGACY_ONLY", "Phase", "Placement", "share_of_lot"]

_WHOLE = 2**48


class Phase(StrEnum):
    """LEGACY: the old system answers. SHADOW: it answers, the new one is asked beside it and compared. CANARY: the new
    one answers for a share of the cases. PRIMARY_NEW: it answers for all, the old one where it fails. RETIRED: the old
    one is never asked."""

    LEGACY = "LEGACY"
    SHADOW = "SHADOW"
    CANARY = "CANARY"
    PRIMARY_NEW = "PRIMARY_NEW"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class Placement:
    """percent: share of cases on the new side in CANARY; sample: percent of questions that are compared, 0 to 100.

    frozen: nothing may be moved further; what answers stays as it is.
    """

    phase: Phase = Phase.LEGACY
    percent: float = 0.0
    sample: float = 0.0
    frozen: bool = False

    @property
    def share(self) -> float:
        """Percent of all cases that the new side answers for."""
        if self.phase is Phase.CANARY:
            return self.percent
        return 100.0 if self.phase in (Phase.PRIMARY_NEW, Phase.RETIRED) else 0.0

    def is_new(self, lot: float) -> bool:
        """lot: of `share_of_lot`. Whoever is over at 5 % is over at 20 % too."""
        return lot < self.share

    @property
    def compares(self) -> bool:
        return self.sample > 0 and self.phase in (Phase.SHADOW, Phase.CANARY, Phase.PRIMARY_NEW)


LEGACY_ONLY = Placement()


def share_of_lot(key: bytes, system: str, lot: str) -> float:
    """A place in [0, 100) of a case, the same in every process that has the key.

    Keyed, so that nobody outside can choose their side, and by system, so that two migrations draw different cases.
    """
    # by name: given as a function, hashing takes the slow way through Python
    digest = hmac.digest(key, f"{system}\0{lot}".encode(), "sha256")
    return int.from_bytes(digest[:6]) * 100 / _WHOLE
