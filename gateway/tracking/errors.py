"""What can go wrong in tracking. Bad data of a case is none of it: that gives findings.

TrackingError
+-- TrackingFileError   a calendar or a file of warning rules cannot be used
+-- CardStateError      a card cannot go from its state to the one asked for
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.problems import Problem

__all__ = ["CardStateError", "TrackingError", "TrackingFileError"]


class TrackingError(Exception):
    """Base of all below; never raised itself."""

    code = "TRACKING_ERROR"

    @property
    def extensions(self) -> dict[str, object]:
        """Read by graphql-core when it wraps the exception."""
        return {"code": self.code}


class TrackingFileError(TrackingError):
    """A file cannot be used; `problems` has everything that is wrong with it, in order of place."""

    code = "TRACKING_FILE_INVALID"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CardStateError(TrackingError):
    """A card cannot go from its state to the one asked for."""

    code = "CARD_STATE_INVALID"

    def __init__(self, card: str, state: str, wanted: str, allowed: Sequence[str]) -> None:
        listed = ", ".join(allowed) or "nothing: it is settled"
        super().__init__(f"card {card} is {state} and cannot be {wanted}; allowed: {listed}")
        self.card = card
