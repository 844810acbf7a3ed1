"""What the commands of a migration share: their options, the database and the ledger's writer, refusals as exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import click

from adapters.mapping.dates import NETWORK_OFFSET
from gateway.cli.database import stop, with_database
from gateway.cli.screen import POOR, WARN, say
from gateway.database import Database, require_current
from gateway.ledger import Writer
from gateway.migration.build import policy_of
from gateway.migration.errors import MigrationError, SecondPersonNeeded
from gateway.migration.gates import Policy, PolicyError
from gateway.settings import Settings, SettingsError, load_settings

__all__ = ["BY", "JSON", "PART", "REASON", "on_database", "policy", "recording", "settings", "shown_time"]

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
BY = click.option("--by", default=lambda: os.environ.get("USER", "operator"), help="Who does it; recorded.")
REASON = click.option("--reason", required=True, help="Why; recorded for good.")
PART = click.option(
    "--part", default="", metavar="CAPABILITY", help="Only `case`, `cases`, `items` or `changes` of it."
)


async def recording(database: Database, work: Callable[[Writer], Awaitable[T]]) -> T:
    """With a writer of the ledger that lives as long as the command."""
    writer = Writer(database)
    try:
        return await work(writer)
    finally:
        await writer.end()


def on_database(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run(database: Database) -> T:
        await require_current(database)
        return await work(database)

    try:
        return with_database(run)
    except SecondPersonNeeded as error:
        say(f"waits 待复核: {error}", WARN, err=True)
    except MigrationError as error:
        say(f"{error.code}: {error}", POOR, err=True)
    sys.exit(1)


def policy() -> Policy:
    try:
        return policy_of(settings())
    except PolicyError as error:
        stop(str(error))


def settings() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        stop(*error.problems)


def shown_time(at_us: int | None) -> str | None:
    if not at_us:
        return None
    return datetime.fromtimestamp(at_us / 1_000_000, NETWORK_OFFSET).isoformat(timespec="seconds")
