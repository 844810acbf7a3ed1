"""`quanyu trail`: check, export and keep in order the sealed trail of events, looks and changes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.database import stop, with_database
from gateway.database import Database, require_current
from gateway.ledger import LedgerError, Stream, Writer
from gateway.ledger.checkpoint import CheckpointError, Signer, Verifier
from gateway.ledger.export import export_trail, verify_export
from gateway.ledger.findings import Found
from gateway.ledger.parquet import is_parquet, verify_parquet, write_parquet
from gateway.ledger.personal import Vault
from gateway.ledger.retention import apply_retention, erase_subject
from gateway.ledger.verify import Progress as Told
from gateway.ledger.verify import verify_store
from gateway.ledger.witness import notes_in_file
from gateway.memory import settle
from gateway.records import read_ledger_keys, witness_signer
from gateway.settings import Settings, SettingsError, load_settings

__all__ = ["trail"]

T = TypeVar("T")
_HELD = click.option(
    "--hold", "held", multiple=True, metavar="CASE", help="Case under a legal hold; several times."
)
_KEY = click.option("--key", help="Verifier key of the trail, as `quanyu trail key` prints it.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
_ACTOR = click.option("--actor", required=True, help="Who does it; recorded.")
_REASON = click.option("--reason", required=True, help="By which rule or decision; recorded.")


@click.group()
def trail() -> None:
    """The sealed trail 留痕: verify, export, key, retain, erase."""


@trail.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_KEY
@click.option(
    "--witness",
    "witness_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of a witness: what it has seen must be in the trail.",
)
@click.option(
    "--witness-key", "witness_keys", multiple=True, help="Verifier key of a witness; several times."
)
@click.option("--max-age", type=float, metavar="SECONDS", help="Longest silence at the end of the trail.")
@_JSON
def verify(
    file: Path | None,
    key: str | None,
    witness_file: Path | None,
    witness_keys: tuple[str, ...],
    max_age: float | None,
    as_json: bool,
) -> None:
    """Check the whole trail of the database, or an export in FILE, offline.

    Exit status 0 if it is whole, 1 if it was tampered with (the first record is named), 2 if it cannot be read to its
    end.
    """
    try:
        settle()  # the program's own objects need not be looked through again while millions of records pass
        verifier = Verifier.parse(key) if key else None
        witnesses = [Verifier.parse(one) for one in witness_keys]
        witnessed = list(notes_in_file(witness_file)) if witness_file else []
        with _progress("verify", quiet=as_json) as told:
            if file is not None:
                found = _verify_file(file, verifier, told)
            else:
                found = _verify_store(verifier, witnessed, witnesses, told)
    except (CheckpointError, LedgerError, OSError) as error:
        stop(_coded(error))
    status = _status(found, max_age)
    if as_json:
        click.echo(json.dumps(_report(found, status), ensure_ascii=False))
    else:
        _tell(found, status, max_age)
    sys.exit(status)


def _verify_file(file: Path, verifier: Verifier | None, told: Told) -> Found:
    if is_parquet(file):
        return verify_parquet(file, verifier, progress=told)
    with file.open("rb") as lines:
        return verify_export(lines, verifier, progress=told)


def _verify_store(
    verifier: Verifier | None, witnessed: list[str], witnesses: list[Verifier], told: Told
) -> Found:
    async def work(database: Database) -> Found:
        await require_current(database)
        return await verify_store(
            database, verifier or own, witnessed=witnessed, witnesses=witnesses, progress=told
        )

    own = verifier or _own_verifier()
    return with_database(work)


@trail.command()
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write."
)
@click.option("--from", "first", type=int, default=0, help="First leaf.")
@click.option("--to", "last", type=int, help="Last leaf; without it the newest.")
@click.option(
    "--case", "case_id", help="Only the events of this case and the looks at it, each with its proof."
)
def export(output: Path, first: int, last: int | None, case_id: str | None) -> None:
    """Write sealed records with all that checking them offline needs: as Parquet where the file's name ends in
    .parquet (this needs quanyu[parquet]), else as JSON lines."""
    verifier = _own_verifier()

    async def work(database: Database) -> int:
        await require_current(database)
        with _progress("export") as told:
            lines = export_trail(database, verifier, first=first, last=last, case_id=case_id, progress=told)
            if output.suffix == ".parquet":
                return await write_parquet(lines, output)
            return await _write_lines(lines, output)

    try:
        count = with_database(work)
    except (LedgerError, ValueError, OSError) as error:
        stop(_coded(error))
    click.echo(f"{count} records in {output}; key {verifier.text()}")


async def _write_lines(lines: AsyncIterator[bytes], output: Path) -> int:
    count = -1  # the header is no record
    with output.open("wb") as file:
        async for line in lines:
            file.write(line)
            count += 1
    return count


@trail.command()
def key() -> None:
    """Print the verifier keys of the trail and of its file witness."""
    settings = _settings()
    click.echo(_own_verifier().text())
    if settings.witness_file:
        click.echo(_witness(settings).verifier.text(witness=True))


@trail.command()
@click.argument("stream", type=click.Choice([one.table for one in Stream if one is not Stream.CHANGE_RECORD]))
@click.option("--before", type=click.DateTime(), required=True, help="Older records go; UTC.")
@_HELD
@_REASON
@_ACTOR
@click.option("--dry-run", is_flag=True, help="Count only.")
def retain(
    stream: str, before: datetime, held: tuple[str, ...], reason: str, actor: str, dry_run: bool
) -> None:
    """Delete old records' bodies; their leaves stay, so that every proof still holds."""
    before_us = int(before.replace(tzinfo=UTC).timestamp()) * 1_000_000

    async def work(writer: Writer) -> int:
        return await apply_retention(
            writer,
            Stream[stream.upper()],
            before_us,
            reason=reason,
            actor=actor,
            held_cases=held,
            dry_run=dry_run,
        )

    count = _as_writer(work)
    click.echo(f"{count} records {'would go' if dry_run else 'gone; their leaves stay'}")


@trail.command()
@click.argument("subject")
@_REASON
@_ACTOR
def erase(subject: str, reason: str, actor: str) -> None:
    """Destroy the key of SUBJECT (an applicant's `ref`): what was kept of the person cannot be read again."""

    async def work(writer: Writer) -> str:
        vault = Vault(read_ledger_keys(_settings()).master)
        return str(await erase_subject(writer, vault, subject, reason=reason, actor=actor))

    click.echo(f"erased; recorded as {_as_writer(work)}")


def _as_writer(work: Callable[[Writer], Awaitable[T]]) -> T:
    """In a writer of its own, whose records a running gateway seals."""

    async def run(database: Database) -> T:
        await require_current(database)
        writer = Writer(database)
        try:
            return await work(writer)
        finally:
            await writer.end()

    return with_database(run)


# --- what is told ---


def _status(found: Found, max_age: float | None) -> int:
    if not found.intact:
        return 1
    return 2 if max_age is not None and _age_s(found) > max_age else 0


def _age_s(found: Found) -> float:
    return float("inf") if found.last_at_us is None else time.time() - found.last_at_us / 1_000_000


def _report(found: Found, status: int) -> dict[str, object]:
    return {
        "status": {0: "intact", 1: "tampered", 2: "incomplete"}[status],
        "sealed": found.size,
        "records": found.records,
        "unsealed": found.unsealed,
        "dropped": found.dropped,
        "lastAt": found.last_at_us,
        "root": found.checkpoint.root.hex() if found.checkpoint else None,
        "findings": [
            {"kind": one.kind, "what": one.what, "leaf": one.leaf, "reason": one.reason}
            for one in found.findings
        ],
    }


def _tell(found: Found, status: int, max_age: float | None) -> None:
    for number, finding in enumerate(found.findings):
        click.echo(f"{'first: ' if number == 0 else '       '}{finding}")
    counts = f"{found.records} records, {found.size} sealed, {found.unsealed} not yet"
    if found.dropped:
        counts += f", {found.dropped} without body"
    if status == 1:
        click.echo(f"TAMPERED 已被篡改: {len(found.findings)} findings; {counts}")
    elif status == 2:
        click.echo(f"INCOMPLETE 不完整: no record within the last {max_age:g} s; {counts}")
    else:
        click.echo(f"intact 完整: {counts}")


@contextmanager
def _progress(what: str, *, quiet: bool = False) -> Iterator[Told]:
    """On standard error, where that is a screen."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


# --- settings ---


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        stop(*error.problems)


def _own_verifier() -> Verifier:
    """Of the key that this machine has; none is made for a check."""
    settings = _settings()
    for name in ("ledger_key", "subject_key"):
        if not getattr(settings, name).get_secret_value() and not (settings.data_dir / name).exists():
            stop(
                f"no {name} in the settings or in {settings.data_dir}; give --key, or the gateway's settings"
            )
    try:
        return read_ledger_keys(settings).signer.verifier
    except (LedgerError, OSError) as error:
        stop(_coded(error))


def _witness(settings: Settings) -> Signer:
    return witness_signer(settings, Path(settings.witness_file))


def _coded(error: Exception) -> str:
    code = getattr(error, "code", None)
    return f"{code}: {error}" if code else str(error)
