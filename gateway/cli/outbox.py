"""`quanyu outbox`: what waits, what is unknown, what only a person can settle. Shows nothing that names a person."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from adapters.mapping.dates import NETWORK_OFFSET
from adapters.submission import states
from adapters.submission.dispatcher import wall_ms
from adapters.submission.outbox import OutboxUnavailable
from adapters.submission.row import Submission
from adapters.submission.sides import numbered
from gateway.cli.database import stop, with_database
from gateway.database import Database
from gateway.migration.numbers import NumberMap
from gateway.migration.reserving import OutboxNumbers
from gateway.outbox import SqlOutbox
from schema.vocabulary import SubmissionState

__all__ = ["outbox"]

T = TypeVar("T")
_STATES = [state.name for state in SubmissionState]
_OPEN = tuple(state for state in SubmissionState if state not in ("FILED", "REFUSED"))
_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a submission.")
_by = click.option(
    "--by", default=lambda: os.environ.get("USER", "operator"), help="Who decides; it is kept."
)


@click.group()
def outbox() -> None:
    """Submissions to legacy systems: list, show, retry, resolve. Which database: setting `database_url`."""


@outbox.command("list")
@click.option("--state", "names", multiple=True, type=click.Choice(_STATES), help="Only these states.")
@click.option("--all", "everything", is_flag=True, help="Settled ones too.")
@click.option("--system", help="Only of this system.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many."
)
@_as_json
def list_rows(names: Sequence[str], everything: bool, system: str | None, limit: int, as_json: bool) -> None:
    """List what is not settled, the newest first."""
    wanted = tuple(SubmissionState[name] for name in names) or (() if everything else _OPEN)
    rows = _on_outbox(lambda box: box.listed(states=wanted, system=system, limit=limit))
    if as_json:
        for row in rows:
            click.echo(json.dumps(_told(row), ensure_ascii=False))
        return
    table = Table("receipt", "system", "operation", "state", "number", "recorded", "sends", "last")
    for row in rows:
        last = row.history[-1].note if row.history else ""
        table.add_row(
            row.token,
            row.system,
            row.operation,
            _coloured(row.state),
            row.number or "",
            _time(row.recorded_at),
            str(row.attempts),
            last,
        )
    Console().print(table)


@outbox.command()
@click.argument("token")
@_as_json
def show(token: str, as_json: bool) -> None:
    """Show one submission and all that happened to it."""
    row = _on_outbox(lambda box: _found(box, token))
    if as_json:
        click.echo(json.dumps(_told(row) | {"history": _steps(row)}, ensure_ascii=False))
        return
    console = Console()
    facts = Table.grid(padding=(0, 2))
    for name, value in _told(row).items():
        if value not in (None, "", []):
            facts.add_row(name, str(value))
    console.print(facts)
    steps = Table("when", "state", "note")
    for step in row.history:
        steps.add_row(_time(step.at), _coloured(SubmissionState(step.state)), step.note)
    console.print(steps)


@outbox.command()
@click.argument("token")
@click.option("--note", default="", help="Why it is certain that nothing was filed; it is kept.")
@_by
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry(token: str, note: str, by: str, yes: bool) -> None:
    """Send a NEEDS_PERSON submission again: a person has seen that the system does not have it."""
    if not yes:
        click.confirm(f"Is it certain that the system has nothing of {token}?", abort=True)
    row = _on_outbox(lambda box: _resolve(box, token, SubmissionState.NOT_FILED, by=by, note=note))
    click.echo(f"{row.token} will be sent again")


@outbox.command()
@click.argument("token")
@click.option("--filed", "number", metavar="NUMBER", help="The system has it, under this number.")
@click.option("--refused", is_flag=True, help="The system has refused it, or the application is given up.")
@click.option("--look-again", is_flag=True, help="Let the gateway look for it once more.")
@click.option("--note", default="", help="How it is known; it is kept.")
@_by
def resolve(token: str, number: str | None, refused: bool, look_again: bool, note: str, by: str) -> None:
    """Settle a NEEDS_PERSON submission by what a person found out."""
    if sum((number is not None, refused, look_again)) != 1:
        raise click.UsageError("give one of --filed NUMBER, --refused, --look-again")
    state = (
        SubmissionState.FILED
        if number is not None
        else SubmissionState.REFUSED
        if refused
        else SubmissionState.UNKNOWN
    )
    row = _on_outbox(lambda box: _resolve(box, token, state, by=by, note=note, number=number))
    click.echo(f"{row.token} is {row.state}")


async def _found(box: SqlOutbox, token: str) -> Submission:
    row = await box.by_token(token.strip().upper())
    if row is None:
        raise click.ClickException(f"there is no submission {token}; `quanyu outbox list --all` shows them")
    return row


async def _resolve(
    box: SqlOutbox, token: str, state: SubmissionState, *, by: str, note: str, number: str | None = None
) -> Submission:
    row = await _found(box, token)
    try:
        changed = states.resolved(row, state, wall_ms(), by=by, number=number, note=note)
    except states.WrongState as error:
        raise click.ClickException(str(error)) from None
    if changed.state is SubmissionState.FILED or not changed.is_second:
        numbers = OutboxNumbers(NumberMap(box.database))
        changed = await numbered(box, numbers, row, changed, wall_ms())
        if changed.state is SubmissionState.NEEDS_PERSON:
            raise click.ClickException(changed.history[-1].note)
    swapped = await box.swap(row, changed)
    if swapped is None:
        raise click.ClickException(f"{token} was changed at this moment; look at it again")
    return swapped


def _on_outbox(work: Callable[[SqlOutbox], Awaitable[T]]) -> T:
    async def run(database: Database) -> T:
        return await work(SqlOutbox(database))

    try:
        return with_database(run)
    except OutboxUnavailable as error:
        stop(f"{error.code}: {error}; does `quanyu database status` show pending migrations?")


def _told(row: Submission) -> dict[str, Any]:
    return {
        "token": row.token,
        "system": row.system,
        "operation": row.operation,
        "state": str(row.state),
        "number": row.number,
        "ticket": row.ticket,
        "item": row.item_code,
        "follows": row.follows,
        "under": row.under,
        "after": row.after,
        "code": row.code,
        "reason": row.reason,
        "recordedAt": _time(row.recorded_at),
        "sentAt": _time(row.sent_at),
        "settledAt": _time(row.settled_at),
        "nextAt": _time(row.next_at) if not row.settled else None,
        "attempts": row.attempts,
        "queries": row.queries,
        "lease": row.lease,
        "lastNote": row.history[-1].note if row.history else "",
    }


def _steps(row: Submission) -> list[dict[str, Any]]:
    return [{"at": _time(step.at), "state": step.state, "note": step.note} for step in row.history]


def _coloured(state: SubmissionState) -> str:
    colour = {"FILED": "green", "REFUSED": "yellow", "NEEDS_PERSON": "bold red", "UNKNOWN": "red"}.get(
        state, "cyan"
    )
    return f"[{colour}]{state}[/]"


def _time(unix_ms: int | None) -> str | None:
    if unix_ms is None:
        return None
    return datetime.fromtimestamp(unix_ms / 1000, NETWORK_OFFSET).isoformat(timespec="seconds")
