"""Migrations as JSON values: for the command line, GraphQL and the page. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.mapping.dates import NETWORK_OFFSET
from adapters.migration.placement import Phase
from adapters.migration.port import Declared
from gateway.migration.gates import Gate
from gateway.migration.parity import FieldParity, ParityReport
from gateway.migration.store import State, Step

__all__ = ["told_gate", "told_parity", "told_state", "told_step", "told_time"]


def told_time(at_us: int | None) -> str | None:
    """ISO 8601 in the network's offset; None for never."""
    if not at_us:
        return None
    return datetime.fromtimestamp(at_us / 1_000_000, NETWORK_OFFSET).isoformat(timespec="milliseconds")


def told_state(state: State, declared: Declared | None = None) -> dict[str, Any]:
    at = state.placement
    return {
        "system": state.system,
        "successor": declared.successor if declared is not None else None,
        "part": state.part,
        "phase": str(at.phase),
        "percent": at.percent if at.phase is Phase.CANARY else None,
        "newShare": at.share,
        "sample": at.sample,
        "frozen": at.frozen,
        "version": state.version,
        "since": told_time(state.since_us),
        "changedAt": told_time(state.changed_us),
    }


def told_step(step: Step) -> dict[str, Any]:
    return {
        "at": told_time(step.at_us),
        "part": step.part,
        "kind": step.kind,
        "from": str(step.was),
        "to": str(step.placement.phase),
        "percent": step.placement.percent if step.placement.phase is Phase.CANARY else None,
        "sample": step.placement.sample,
        "frozen": step.placement.frozen,
        "actor": step.actor,
        "secondActor": step.second,
        "reason": step.reason,
        "forced": list(step.forced),
        "version": step.version,
    }


def told_gate(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, "ok": gate.ok, "value": gate.value, "threshold": gate.threshold}


def told_parity(report: ParityReport) -> dict[str, Any]:
    return {
        "system": report.system,
        "mapping": report.mapping,
        "compared": report.compared,
        "verdicts": dict(report.verdicts),
        "since": told_time(report.since_us),
        "last": told_time(report.last_us),
        "open": [one.path for one in report.open],
        "fields": [_told_field(one) for one in report.fields],
    }


def _told_field(one: FieldParity) -> dict[str, Any]:
    return {
        "path": one.path,
        "verdict": one.verdict,
        "critical": one.critical,
        "compared": one.compared,
        "same": one.same,
        "explained": one.explained,
        "noise": one.noise,
        "different": one.different,
        "mismatchRate": one.mismatch.share,
        "mismatchLow": one.mismatch.low,
        "mismatchHigh": one.mismatch.high,
        "firstSeen": told_time(one.first_us),
        "lastSeen": told_time(one.last_us),
        "acceptedBy": one.triage.actor if one.triage else None,
        "acceptedReason": one.triage.reason if one.triage else None,
        "samples": [
            {
                "number": each.number,
                "outcome": each.outcome,
                "old": each.old,
                "new": each.new,
                "at": told_time(each.at_us),
            }
            for each in one.samples
        ],
    }
