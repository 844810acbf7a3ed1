"""One submission as the outbox keeps it. Values; whatever names a person is sealed or masked before it comes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.vocabulary import SubmissionState

__all__ = ["IN_FLIGHT", "SETTLED", "Step", "Submission"]

SETTLED = frozenset({SubmissionState.FILED, SubmissionState.REFUSED})
"""Nothing more happens."""

IN_FLIGHT = frozenset(
    {
        SubmissionState.DISPATCHING,
        SubmissionState.TAKEN,
        SubmissionState.UNKNOWN,
        SubmissionState.RECONCILING,
        SubmissionState.NEEDS_PERSON,
    }
)
"""It may stand in the system already: of one lane at most one row is in such a state (the store sees to it)."""


@dataclass(frozen=True, slots=True)
class Step:
    """at: Unix milliseconds; note: for operators, without personal data."""

    at: int
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Times are Unix milliseconds. id: position in the outbox, 0 before it is recorded; version: grows with each write.

    token: what the client holds, and the reference that is sent to the system. owner, key_hash: who sent it under which
    idempotency key, both keyed hashes. fingerprint: keyed hash of what was sent. lane: what must be done one after the
    other. follows: token of the submission whose case number this one needs. sealed: the encrypted body, None once it is
    not needed any more. echo: masked, for the receipt. known: numbers that were there before it was sent.
    sent_at: set in the same write after which the request may go out; None where nothing was sent in this attempt.
    Of a system that is being replaced: under: the code that it is known under, where `system` is who gets it; mapped:
    its successor has numbers of its own; after, before: token of the row that must be settled first, or that waits for
    this one; public: the number that it is known by, where that is not `number`.
    """

    token: str
    owner: str
    key_hash: str
    fingerprint: str
    operation: str
    system: str
    department: str
    lane: str
    recorded_at: int
    state: SubmissionState = SubmissionState.RECORDED
    item_code: str | None = None
    applicant_ref: str | None = None
    follows: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    echo: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    number: str | None = None
    ticket: str | None = None
    starts_at: str | None = None
    place: str | None = None
    code: str | None = None
    reason: str | None = field(default=None, repr=False)
    attempts: int = 0
    queries: int = 0
    first_sent_at: int | None = None
    sent_at: int | None = None
    next_at: int = 0
    settled_at: int | None = None
    lease: str | None = None
    lease_until: int = 0
    history: tuple[Step, ...] = ()
    under: str | None = None
    mapped: bool = False
    after: str | None = None
    before: str | None = None
    public: str | None = None
    version: int = 0
    id: int = 0

    @property
    def is_second(self) -> bool:
        """Whether it is for the side that does not have the word."""
        return self.after is not None and self.owner.startswith("second:")

    @property
    def settled(self) -> bool:
        return self.state in SETTLED
