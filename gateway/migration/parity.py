"""What comparisons have shown: per field, per side. Read from the counts of all workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select

from gateway.database import Database
from gateway.migration.statistics import Interval, percentile_ms, wilson
from gateway.migration.tables import COUNT, SAMPLE, TRIAGE

__all__ = ["FieldParity", "ParityReport", "Sample", "SideReport", "Triage", "read_parity", "read_sides"]

Verdict = Literal["same", "explained", "noise", "accepted", "different"]
"""explained: a rule says why. noise: the old system contradicts itself as often. accepted: a person lives with it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Two values of one field that differed, masked. number: of the case."""

    number: str
    outcome: str
    old: str
    new: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Triage:
    actor: str
    reason: str
    at_us: int


@dataclass(frozen=True, slots=True)
class FieldParity:
    """different: without those that are noise. mismatch: their share, with its bounds."""

    path: str
    verdict: Verdict
    compared: int
    same: int
    explained: int
    noise: int
    different: int
    mismatch: Interval
    first_us: int | None
    last_us: int | None
    critical: bool
    triage: Triage | None
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class ParityReport:
    """mapping: which declarations were compared. verdicts: of whole records. since_us: of the first comparison."""

    system: str
    mapping: str
    verdicts: Mapping[str, int]
    fields: tuple[FieldParity, ...]
    since_us: int | None
    last_us: int | None

    @property
    def compared(self) -> int:
        return sum(self.verdicts.get(name, 0) for name in ("same", "explained", "noise", "different"))

    @property
    def open(self) -> tuple[FieldParity, ...]:
        """Differences that nobody has explained, mended or accepted."""
        return tuple(one for one in self.fields if one.verdict == "different")


@dataclass(frozen=True, slots=True)
class SideReport:
    """How a side answered. p95_ms: the upper end of its bucket."""

    calls: int
    errors: int
    fell_back: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0


async def read_parity(
    database: Database, system: str, mapping: str, *, critical: Sequence[str] = ()
) -> ParityReport:
    """Of one mapping: what was compared before a declaration was mended says nothing of what is declared now."""
    counted = (
        select(
            COUNT.c.scope,
            COUNT.c.name,
            func.sum(COUNT.c.n).label("n"),
            func.min(COUNT.c.first_us).label("first_us"),
            func.max(COUNT.c.last_us).label("last_us"),
        )
        .where(COUNT.c.system == system, COUNT.c.mapping == mapping)
        .group_by(COUNT.c.scope, COUNT.c.name)
    )
    sampled = select(SAMPLE).where(SAMPLE.c.system == system, SAMPLE.c.mapping == mapping)
    triaged = select(TRIAGE).where(TRIAGE.c.system == system)
    async with database.read() as connection:
        rows = (await connection.execute(counted)).all()
        samples = (await connection.execute(sampled.order_by(SAMPLE.c.at_us))).all()
        triage = {
            row.path: Triage(row.actor, row.reason, row.at_us)
            for row in (await connection.execute(triaged)).all()
        }
    by_scope: dict[str, dict[str, tuple[int, int, int]]] = {}
    for row in rows:
        by_scope.setdefault(row.scope, {})[row.name] = (int(row.n), row.first_us, row.last_us)
    shown: dict[str, list[Sample]] = {}
    for row in samples:
        shown.setdefault(row.path, []).append(Sample(row.number, row.outcome, row.old, row.new, row.at_us))
    fields = [
        _field(scope[5:], counts, critical, triage.get(scope[5:]), shown.get(scope[5:], []))
        for scope, counts in by_scope.items()
        if scope.startswith("path:")
    ]
    verdicts = by_scope.get("verdict", {})
    order = ("different", "accepted", "noise", "explained", "same")
    return ParityReport(
        system,
        mapping,
        {name: n for name, (n, _, _) in verdicts.items()},
        tuple(sorted(fields, key=lambda one: (order.index(one.verdict), -one.different, one.path))),
        min((first for _, first, _ in verdicts.values()), default=None),
        max((last for _, _, last in verdicts.values()), default=None),
    )


def _field(
    path: str,
    counts: Mapping[str, tuple[int, int, int]],
    critical: Sequence[str],
    triage: Triage | None,
    samples: Sequence[Sample],
) -> FieldParity:
    def n(name: str) -> int:
        return counts[name][0] if name in counts else 0

    different, noise = n("different"), n("noise")
    compared = n("same") + n("explained") + noise + different
    seen = [counts[name] for name in ("different", "noise", "explained") if name in counts]
    mismatch = wilson(different, compared)
    verdict: Verdict = "same"
    if different and not _is_noise(different, compared, n("noise_differs"), n("noise_asked")):
        verdict = "accepted" if triage is not None else "different"
    elif different or noise:
        verdict = "noise"
    elif n("explained"):
        verdict = "explained"
    return FieldParity(
        path,
        verdict,
        compared,
        n("same"),
        n("explained"),
        noise,
        different,
        mismatch,
        min((first for _, first, _ in seen), default=None),
        max((last for _, _, last in seen), default=None),
        path in critical,
        triage,
        tuple(samples),
    )


def _is_noise(different: int, compared: int, noise_differs: int, noise_asked: int) -> bool:
    """Whether what is left of differences is no more than the old side's own contradictions would give. Where it never
    contradicted itself, every difference is one."""
    if not noise_differs:
        return False
    return wilson(different, compared).low <= wilson(noise_differs, noise_asked).high


async def read_sides(
    database: Database, system: str, *, since_us: int = 0, until_us: int | None = None
) -> dict[str, SideReport]:
    """By scope: side:old, side:new (answered callers), shadow:old, shadow:new (asked to compare)."""
    wanted = (
        select(COUNT.c.scope, COUNT.c.name, func.sum(COUNT.c.n).label("n"))
        .where(COUNT.c.system == system, COUNT.c.mapping == "", COUNT.c.bucket_us >= since_us)
        .group_by(COUNT.c.scope, COUNT.c.name)
    )
    if until_us is not None:
        wanted = wanted.where(COUNT.c.bucket_us < until_us)
    async with database.read() as connection:
        rows = (await connection.execute(wanted)).all()
    by_scope: dict[str, dict[str, int]] = {}
    for row in rows:
        by_scope.setdefault(row.scope, {})[row.name] = int(row.n)
    return {scope: side_of(counts) for scope, counts in by_scope.items()}


def side_of(counts: Mapping[str, int]) -> SideReport:
    return SideReport(
        counts.get("calls", 0),
        counts.get("errors", 0),
        counts.get("fell_back", 0),
        percentile_ms(counts, 0.5),
        percentile_ms(counts, 0.95),
    )
