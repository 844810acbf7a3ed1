"""Extensions 延期: once, approved, no longer than allowed, and asked for before the limit has passed (art. 42)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.tracking.clocks.clock import Clock
from gateway.tracking.clocks.findings import CaseFinding
from gateway.tracking.clocks.in_order import Told, known_at, name_of
from schema.registry import TimeLimitRow

__all__ = ["Extension", "extend"]


@dataclass(frozen=True, slots=True)
class Extension:
    """at: moment. by: as far as it counts. counts_for: kinds of the clocks that it moved; empty if it does not count."""

    at: int
    by: TimeLimitRow | None
    approved_by: str
    event: str
    counts_for: tuple[str, ...] = ()


def extend(
    clocks: Sequence[Clock], told: Sequence[Told], *, longest: TimeLimitRow, findings: list[CaseFinding]
) -> tuple[Extension, ...]:
    """Moves the due times of `clocks`; adds to `findings` why an extension does not count, or not in full.

    told: the EXTEND events in order of time. A clock that was past its due time when the extension was made keeps it,
    though another of the same case may be moved.
    """
    extensions: list[Extension] = []
    granted = False
    for one in told:
        event = one.event
        by = event.extend_by
        refusal = _refusal(event.approved_by, by, granted=granted)
        moved: list[str] = []
        if refusal:
            _find(findings, refusal, one)
        elif by is not None:
            granted = True
            if by.unit is longest.unit and by.amount > longest.amount:
                _find(findings, "EXTENSION_TOO_LONG", one, f"{by.amount}, at most {longest.amount}")
                by = longest
            for clock in clocks:
                if one.at > clock.due:
                    _find(findings, "EXTENDED_AFTER_EXPIRY", one, subject=str(clock.kind))
                elif clock.limit is not None and clock.known_from <= one.at:
                    clock.extend(by)
                    moved.append(str(clock.kind))
        extensions.append(Extension(one.at, by, event.approved_by, name_of(event), tuple(moved)))
    return tuple(extensions)


def _refusal(approved_by: str, by: TimeLimitRow | None, *, granted: bool) -> str:
    if granted:
        return "EXTENDED_TWICE"
    if not approved_by:
        return "EXTENSION_UNAPPROVED"
    return "EXTENSION_LENGTH_MISSING" if by is None or by.amount <= 0 else ""


def _find(findings: list[CaseFinding], code: str, one: Told, detail: str = "", *, subject: str = "") -> None:
    findings.append(
        CaseFinding(code, max(one.at, known_at(one.event)), (name_of(one.event),), detail, subject)
    )
