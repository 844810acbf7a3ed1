"""What must hold before a migration goes a phase further: the policy, and its gates as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from adapters.migration.placement import Phase
from gateway.migration.parity import ParityReport, SideReport
from gateway.migration.statistics import wilson
from schema.canonical import WRITES

__all__ = [
    "DAY_US",
    "Evidence",
    "Gate",
    "PhaseGates",
    "Policy",
    "PolicyError",
    "Watch",
    "gates_of",
    "load_policy",
]

DAY_US = 86_400_000_000


class PolicyError(Exception):
    """The policy file is wrong; the message says where."""

    code = "SETTINGS_INVALID"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class PhaseGates(_Model):
    """What must hold to enter one phase. None: that gate is not asked."""

    min_compared: int | None = Field(default=None, ge=0, description="Records compared, or:")
    min_days: float | None = Field(default=None, ge=0, description="days of comparing.")
    max_mismatch: float | None = Field(
        default=None, ge=0, le=1, description="Upper bound of the share that differs, of each critical field."
    )
    max_error_excess: float | None = Field(
        default=None, ge=0, le=1, description="Errors of the new side above those of the old."
    )
    max_latency_ratio: float | None = Field(
        default=None, gt=0, description="p95 of the new side by the old's."
    )
    triaged: bool = Field(default=False, description="No difference without a rule or a decision.")
    capabilities: bool = Field(default=False, description="The new side can do all that the old one can.")
    quiet_days: float | None = Field(
        default=None, ge=0, description="Days in which the old side answered nobody."
    )
    open_cases: bool = Field(default=False, description="No open case that is not on the new side.")
    history: bool = Field(
        default=False, description="The old system's cases and events are read to their end (`backfill`)."
    )
    divergences: bool = Field(
        default=False, description="Nothing was filed with one side that the other one still lacks."
    )


class Watch(_Model):
    """When a migration goes back by itself: so many windows in a row over a limit."""

    windows: int = Field(default=3, ge=1, le=60)
    min_calls: int = Field(default=20, ge=1, description="Fewer calls in a window say nothing.")
    max_error_excess: float = Field(default=0.02, ge=0, le=1)
    max_mismatch: float = Field(default=0.02, ge=0, le=1)
    max_latency_ratio: float | None = Field(default=None, gt=0)


_COMPARED = PhaseGates(
    min_compared=10_000,
    min_days=7,
    max_mismatch=0.001,
    max_error_excess=0.001,
    max_latency_ratio=1.2,
    triaged=True,
)


class Policy(_Model):
    """The gates of each phase, and the watch. Without a file these."""

    shadow: PhaseGates = PhaseGates()
    canary: PhaseGates = _COMPARED
    primary_new: PhaseGates = _COMPARED.model_copy(update={"capabilities": True})
    retired: PhaseGates = PhaseGates(
        max_mismatch=0.001, triaged=True, capabilities=True, quiet_days=30, open_cases=True, history=True
    )
    watch: Watch = Watch()

    def of(self, phase: Phase) -> PhaseGates:
        found: PhaseGates = getattr(self, phase.lower(), PhaseGates())
        return found


def load_policy(path: Path | None) -> Policy:
    """Raises PolicyError."""
    if path is None:
        return Policy()
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return Policy.model_validate(tree)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(f"{path}: {error}") from error
    except pydantic.ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise PolicyError(f"{path}: " + "; ".join(lines)) from error


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition: what was found, what is allowed, and whether it holds."""

    name: str
    ok: bool
    value: str
    threshold: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gates are judged by. missing: capabilities of the old system that the new one lacks. open_cases: that
    the case files know and the new side has not shown; None where the files know no case. history: why it is not whole.
    divergences: writes that the one side has and the other lacks; unsettled: writes to the old side, or to both, under way. now_us: microseconds since 1970; quiet_since_us: when the old side last answered."""

    parity: ParityReport
    sides: Mapping[str, SideReport]
    missing: Sequence[str] = ()
    quiet_since_us: int | None = None
    phase_since_us: int = 0
    open_cases: int | None = None
    history: str | None = None
    divergences: int = 0
    unsettled: int = 0
    now_us: int = 0
    numbers_mapped: bool = False
    notes: Sequence[str] = field(default=())


def gates_of(to: Phase, policy: Policy, found: Evidence) -> list[Gate]:
    """Every gate of a phase, in the order of the policy."""
    wanted = policy.of(to)
    gates: list[Gate] = []
    if wanted.min_compared is not None or wanted.min_days is not None:
        gates.append(_compared(wanted, found))
    if wanted.max_mismatch is not None:
        gates.append(_mismatch(wanted.max_mismatch, found.parity))
    if wanted.triaged:
        names = [one.path for one in found.parity.open]
        gates.append(Gate("differences", not names, ", ".join(names) or "none open", "none open"))
    old, new = _whole(found.sides, "old"), _whole(found.sides, "new")
    if wanted.max_error_excess is not None:
        # of few calls a share says little: what is compared is what the count still allows
        excess = wilson(new.errors + new.fell_back, new.calls).low - old.error_rate
        shown = (
            f"new {_percent(new.error_rate)} of {new.calls}, old {_percent(old.error_rate)} of {old.calls}"
        )
        gates.append(
            Gate(
                "errors",
                new.calls > 0 and excess <= wanted.max_error_excess,
                shown,
                f"at most {_percent(wanted.max_error_excess)} more",
            )
        )
    if wanted.max_latency_ratio is not None:
        gates.append(_latency(wanted.max_latency_ratio, old, new))
    if wanted.capabilities:
        gates.append(
            Gate("capabilities", not found.missing, ", ".join(found.missing) or "all there", "all there")
        )
    if wanted.quiet_days is not None:
        gates.append(_quiet(wanted.quiet_days, found))
    if wanted.open_cases:
        gates.append(_open_cases(found))
    if wanted.history:
        gates.append(Gate("history", found.history is None, found.history or "whole", "read to its end"))
    if wanted.divergences or found.divergences:  # where writes go to both sides nobody need ask for it
        shown = f"{found.divergences} writes that one side lacks"
        gates.append(Gate("divergences", not found.divergences, shown, "none"))
    if to is Phase.RETIRED:  # whatever the policy says: an old system that takes applications is not retired
        taken = sorted({*found.missing} & {*WRITES})
        under_way = [f"{found.unsettled} under way"] if found.unsettled else []
        still = [*taken, *under_way]
        gates.append(Gate("writes", not still, ", ".join(still) or "none", "the old system takes none"))
    return gates


def _compared(wanted: PhaseGates, found: Evidence) -> Gate:
    parity = found.parity
    days = (found.now_us - parity.since_us) / DAY_US if parity.since_us is not None else 0.0
    limits = []
    ok = False
    if wanted.min_compared is not None:
        ok = parity.compared >= wanted.min_compared
        limits.append(f"{wanted.min_compared} records")
    if wanted.min_days is not None:
        ok = ok or (parity.compared > 0 and days >= wanted.min_days)
        limits.append(f"{wanted.min_days:g} days")
    return Gate("compared", ok, f"{parity.compared} records in {days:.1f} days", " or ".join(limits))


def _mismatch(limit: float, parity: ParityReport) -> Gate:
    """The worst critical field. One of which nothing is known yet is as bad as its interval allows."""
    worst = max(
        (one for one in parity.fields if one.critical and one.verdict != "accepted"),
        key=lambda one: one.mismatch.high,
        default=None,
    )
    if worst is None:
        return Gate("mismatch", ok=False, value="no critical field was compared", threshold=_percent(limit))
    shown = f"{worst.path}: {worst.different} of {worst.compared}, up to {_percent(worst.mismatch.high)}"
    return Gate("mismatch", worst.mismatch.high <= limit, shown, f"up to {_percent(limit)}")


def _latency(limit: float, old: SideReport, new: SideReport) -> Gate:
    if old.p95_ms is None or new.p95_ms is None:
        return Gate("latency", ok=False, value="not measured", threshold=f"{limit:g} times the old p95")
    return Gate(
        "latency",
        new.p95_ms <= old.p95_ms * limit,
        f"new {new.p95_ms:g} ms, old {old.p95_ms:g} ms",
        f"{limit:g} times the old p95",
    )


def _quiet(days: float, found: Evidence) -> Gate:
    since = max(found.quiet_since_us or 0, found.phase_since_us)
    quiet = (found.now_us - since) / DAY_US
    return Gate("callers", quiet >= days, f"quiet for {quiet:.2f} days", f"{days:g} days")


def _open_cases(found: Evidence) -> Gate:
    lost = next((one for one in found.parity.fields if one.path == "exists"), None)
    missing = lost.different if lost is not None else 0
    shown = f"{missing} compared cases are on one side only"
    if found.open_cases is not None:
        shown += f", {found.open_cases} open ones not known to be on the new side"
    return Gate("openCases", missing == 0 and not found.open_cases, shown, "none")


def _whole(sides: Mapping[str, SideReport], name: str) -> SideReport:
    """A side as callers and comparisons met it; the latency of the one that has more calls."""
    found = [sides[scope] for scope in (f"side:{name}", f"shadow:{name}") if scope in sides]
    if not found:
        return SideReport(0, 0, 0, None, None)
    most = max(found, key=lambda one: one.calls)
    return SideReport(
        sum(one.calls for one in found),
        sum(one.errors for one in found),
        sum(one.fell_back for one in found),
        most.p50_ms,
        most.p95_ms,
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"
