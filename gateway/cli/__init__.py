"""The `quanyu` command. One file a command; this one only lists them."""

from __future__ import annotations

import click

from gateway.cli.check import check
from gateway.cli.clock import clock
from gateway.cli.compose import compose
from gateway.cli.database import database
from gateway.cli.drift import drift
from gateway.cli.harvest import harvest
from gateway.cli.import_spec import import_spec
from gateway.cli.init import init
from gateway.cli.migrate import migrate
from gateway.cli.migrate_data import backfill, open_cases
from gateway.cli.migrate_replay import replay as migrate_replay
from gateway.cli.mock import mock
from gateway.cli.outbox import outbox
from gateway.cli.plan import plan
from gateway.cli.record import record
from gateway.cli.replay import replay
from gateway.cli.rules import rules
from gateway.cli.schema import schema
from gateway.cli.serve import serve, settings
from gateway.cli.token import token
from gateway.cli.trail import trail
from gateway.cli.try_out import try_out
from gateway.cli.worker import worker
from gateway.version import VERSION

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="quanyu")
def main() -> None:
    """Quanyu 全域: one GraphQL network over the systems a government already has."""


for command in (
    serve,
    worker,
    check,
    try_out,
    init,
    import_spec,
    drift,
    record,
    replay,
    mock,
    compose,
    plan,
    schema,
    settings,
    token,
    database,
    trail,
    clock,
    rules,
    outbox,
    migrate,
    harvest,
):
    main.add_command(command)
for data_command in (backfill, open_cases, migrate_replay):
    migrate.add_command(data_command)
