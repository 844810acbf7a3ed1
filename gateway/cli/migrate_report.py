"""`quanyu migrate parity` and `usage`: what comparing has shown, and who still asks."""

from __future__ import annotations

import sys

import click

from gateway.cli.migrating import BY, JSON, REASON, on_database, policy, recording, shown_time
from gateway.cli.screen import POOR, put_json, put_table, say
from gateway.database import Database
from gateway.migration.declared import declared_of, read_declared
from gateway.migration.parity import FieldParity, ParityReport
from gateway.migration.readiness import Readiness
from gateway.migration.told import told_parity
from gateway.migration.triage import accept_difference
from gateway.migration.usage import UsageRow, read_usage

__all__ = ["parity", "usage"]


@click.group()
def parity() -> None:
    """What comparing has shown: report, accept."""


@parity.command()
@click.argument("system")
@click.option("--all", "everything", is_flag=True, help="Fields that are the same, too.")
@JSON
def report(system: str, everything: bool, as_json: bool) -> None:
    """Each field of SYSTEM: how often it was compared, and how it differed. Exit status 1 if a difference is open."""

    async def work(database: Database) -> ParityReport:
        declared = declared_of(await read_declared(database), system)
        return await Readiness(database, policy()).parity(declared)

    found = on_database(work)
    if as_json:
        put_json(told_parity(found))
        sys.exit(1 if found.open else 0)
    verdicts = ", ".join(f"{name} {n}" for name, n in sorted(found.verdicts.items())) or "nothing yet"
    say(f"{system}, mapping {found.mapping}: {found.compared} records compared ({verdicts})")
    rows = [one for one in found.fields if everything or one.verdict != "same"]
    put_table(
        f"Fields of {system} 字段比对",
        (
            "field 字段",
            "verdict 结论",
            "compared",
            "differ 不同",
            "95 % 区间",
            "noise",
            "explained",
            "last 最近",
            "old → new 样例",
        ),
        [_field_row(one) for one in rows],
        {index: POOR for index, one in enumerate(rows) if one.verdict == "different"},
    )
    sys.exit(1 if found.open else 0)


@parity.command()
@click.argument("system")
@click.argument("field")
@BY
@REASON
def accept(system: str, field: str, by: str, reason: str) -> None:
    """Decide to live with a difference of FIELD; gates pass it from then on."""

    async def work(database: Database) -> None:
        declared_of(await read_declared(database), system)
        await recording(database, lambda writer: accept_difference(writer, system, field, by, reason))

    on_database(work)
    say(f"{system}: differences of {field} are accepted: {reason}")


@click.command()
@click.argument("system", required=False)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3660), help="How far back.")
@click.option("--field", help="Only this field, such as Case.title.")
@JSON
def usage(system: str | None, days: int, field: str | None, as_json: bool) -> None:
    """Who still asks: by client, operation and system; or by field of the graph."""

    async def work(database: Database) -> list[UsageRow]:
        return await read_usage(database, system=system, field=field, days=days)

    rows = on_database(work)
    if as_json:
        put_json([one.told() for one in rows])
        return
    put_table(
        f"Usage, last {days} days 使用情况",
        (
            "system 系统",
            "field 字段",
            "client 客户端",
            "version",
            "operation 操作",
            "calls",
            "errors",
            "last 最近",
        ),
        [
            (
                one.system,
                one.field,
                one.client,
                one.version,
                one.operation,
                str(one.calls),
                str(one.errors),
                shown_time(one.last_us) or "",
            )
            for one in rows
        ],
    )


def _field_row(one: FieldParity) -> tuple[str, ...]:
    sample = one.samples[-1] if one.samples else None
    note = f"accepted by {one.triage.actor}: {one.triage.reason}" if one.triage else ""
    return (
        one.path + (" *" if one.critical else ""),
        one.verdict,
        str(one.compared),
        f"{one.different} ({one.mismatch.share * 100:.2f} %)",
        f"{one.mismatch.low * 100:.2f} – {one.mismatch.high * 100:.2f} %",
        str(one.noise),
        str(one.explained),
        shown_time(one.last_us) or "",
        note or (f"{sample.old} → {sample.new} ({sample.number})" if sample else ""),
    )
