"""`quanyu database`: makes and brings up to date the tables of the records."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import click

from gateway.database import (
    Database,
    DatabaseError,
    DatabaseUnavailable,
    MigrationState,
    migration_state,
    open_database,
)
from gateway.database import upgrade as upgrade_tables
from gateway.settings import SettingsError, load_settings

__all__ = ["database", "stop", "with_database"]

T = TypeVar("T")


@click.group()
def database() -> None:
    """The tables of the records: status, upgrade. Which database: setting `database_url`."""


@database.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(as_json: bool) -> None:
    """Say which migrations have run. Exit status 1 if some are pending."""
    shown, state = with_database(_status)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "database": shown,
                    "applied": state.applied,
                    "pending": state.pending,
                    "unknown": state.unknown,
                }
            )
        )
    else:
        click.echo(shown)
        for word, names in (
            ("applied", state.applied),
            ("pending", state.pending),
            ("unknown", state.unknown),
        ):
            click.echo("".join(f"  {word}  {name}\n" for name in names), nl=False)
    sys.exit(0 if state.current else 1)


@database.command()
def upgrade() -> None:
    """Run what is pending, all or nothing. Safe beside others that do the same."""
    shown, before = with_database(_upgrade)
    for name in before.pending:
        click.echo(f"applied {name}", err=True)
    click.echo(f"{shown} is up to date")


async def _status(opened: Database) -> tuple[str, MigrationState]:
    if opened.address.file is not None and not opened.address.file.exists():
        raise DatabaseUnavailable(
            f"{opened.address.shown}: no such file yet; `quanyu database upgrade` makes it"
        )
    return opened.address.shown, await migration_state(opened)


async def _upgrade(opened: Database) -> tuple[str, MigrationState]:
    return opened.address.shown, await upgrade_tables(opened)


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """The result of `work` on the database of the settings. What is wrong is told and ends the program with status 2."""

    async def run() -> T:
        opened = open_database(settings.database_url.get_secret_value(), settings.data_dir)
        try:
            return await work(opened)
        finally:
            await opened.close()

    try:
        settings = load_settings(os.environ)
        return asyncio.run(run())
    except SettingsError as error:
        stop(*error.problems)
    except DatabaseError as error:
        stop(f"{error.code}: {error}")


def stop(*problems: str) -> NoReturn:
    for problem in problems:
        click.echo(f"quanyu: {problem}", err=True)
    sys.exit(2)
