"""Which phase may follow which, and what a step is. Pure.

LEGACY -> SHADOW -> CANARY -> PRIMARY_NEW -> RETIRED      advance: one step, gates permitting
CANARY -> CANARY                                          percent: up or down within the phase
SHADOW | CANARY | PRIMARY_NEW -> any earlier phase        rollback: always allowed, also while frozen
RETIRED -> PRIMARY_NEW                                    rollback, where the old system still stands
any <-> frozen                                            freeze, thaw: what answers stays as it is
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from adapters.migration.placement import Phase, Placement
from gateway.migration.errors import TransitionRefused

__all__ = ["DEFAULT_SAMPLE", "FIRST_PERCENT", "ORDER", "Kind", "Wish", "next_phase", "step"]

Kind = Literal["advance", "percent", "sample", "rollback", "freeze", "thaw"]

ORDER = (Phase.LEGACY, Phase.SHADOW, Phase.CANARY, Phase.PRIMARY_NEW, Phase.RETIRED)
DEFAULT_SAMPLE = 100.0
FIRST_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for. to: of an advance, the phase that must come next (None: whichever it is); of a
    rollback, how far back (None: one phase). percent: of the canary; sample: of what is compared."""

    kind: Kind
    to: Phase | None = None
    percent: float | None = None
    sample: float | None = None


def next_phase(phase: Phase) -> Phase | None:
    at = ORDER.index(phase)
    return ORDER[at + 1] if at + 1 < len(ORDER) else None


def step(now: Placement, wish: Wish) -> Placement:
    """The placement after a wish. Raises TransitionRefused with what is allowed."""
    _check_number("percent", wish.percent, low=0.01)
    _check_number("sample", wish.sample, low=0)
    if now.frozen and wish.kind not in ("thaw", "rollback"):
        raise TransitionRefused(f"It is frozen at {now.phase}; thaw it first, or roll it back.")
    return _STEPS[wish.kind](now, wish)


def _advance(now: Placement, wish: Wish) -> Placement:
    to = next_phase(now.phase)
    if to is None:
        raise TransitionRefused("It is RETIRED: there is no further phase.")
    if wish.to is not None and wish.to is not to:
        raise TransitionRefused(f"{wish.to} does not follow on {now.phase}; {to} does.")
    if wish.percent is not None and to is not Phase.CANARY:
        raise TransitionRefused(f"{to} has no percent; only CANARY has.")
    sample = wish.sample if wish.sample is not None else now.sample
    if to is Phase.SHADOW:
        return Placement(to, 0.0, DEFAULT_SAMPLE if wish.sample is None else sample)
    if to is Phase.CANARY:
        return Placement(to, wish.percent or FIRST_PERCENT, sample)
    if to is Phase.PRIMARY_NEW:
        return Placement(to, 100.0, sample)
    return Placement(to, 100.0, 0.0)


def _percent(now: Placement, wish: Wish) -> Placement:
    if now.phase is not Phase.CANARY:
        raise TransitionRefused(f"A percent can be set in CANARY; it is {now.phase}.")
    if wish.percent is None:
        raise TransitionRefused("Which percent? Above 0, up to 100.")
    return replace(now, percent=wish.percent)


def _sample(now: Placement, wish: Wish) -> Placement:
    if now.phase not in (Phase.SHADOW, Phase.CANARY, Phase.PRIMARY_NEW):
        raise TransitionRefused(f"Nothing is compared in {now.phase}.")
    if wish.sample is None:
        raise TransitionRefused("Which sample? 0 to 100 percent of the questions.")
    return replace(now, sample=wish.sample)


def _rollback(now: Placement, wish: Wish) -> Placement:
    at = ORDER.index(now.phase)
    to = wish.to if wish.to is not None else ORDER[max(0, at - 1)]
    if ORDER.index(to) >= at:
        earlier = ", ".join(ORDER[:at]) or "nothing"
        raise TransitionRefused(f"{to} is no way back from {now.phase}; earlier is {earlier}.")
    if now.phase is Phase.RETIRED and to is not Phase.PRIMARY_NEW:
        raise TransitionRefused("RETIRED goes back to PRIMARY_NEW first, where the old system answers again.")
    percent = (
        (wish.percent or FIRST_PERCENT) if to is Phase.CANARY else 100.0 if to is Phase.PRIMARY_NEW else 0.0
    )
    sample = now.sample if to is not Phase.LEGACY else 0.0
    return Placement(to, percent, sample, frozen=now.frozen)


def _freeze(now: Placement, _wish: Wish) -> Placement:
    return replace(now, frozen=True)


def _thaw(now: Placement, _wish: Wish) -> Placement:
    if not now.frozen:
        raise TransitionRefused(f"It is not frozen; it is {now.phase}.")
    return replace(now, frozen=False)


_STEPS: Mapping[Kind, Callable[[Placement, Wish], Placement]] = {
    "advance": _advance,
    "percent": _percent,
    "sample": _sample,
    "rollback": _rollback,
    "freeze": _freeze,
    "thaw": _thaw,
}


def _check_number(name: str, value: float | None, *, low: float) -> None:
    if value is not None and not low <= value <= 100:
        raise TransitionRefused(f"{name} is {value:g}; {low:g} to 100 is allowed.")
