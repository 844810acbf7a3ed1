"""`quanyu worker`: harvests, scans of clocks, the outbox and the trail's seals, without a web server."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click
import structlog

from adapters.problems import DeclarationError
from gateway.app import working
from gateway.cli.serve import START_ERRORS, end, load_first
from gateway.ledger.errors import KeyInvalid
from gateway.settings import Settings, SettingsError, load_settings
from gateway.subgraphs import Declared
from gateway.telemetry.logs import configure_logging

__all__ = ["worker"]


@click.command()
@click.option("--systems", "systems_dir", type=click.Path(path_type=Path), help="Folder of declarations.")
@click.option("--registry", "registry_dir", type=click.Path(path_type=Path), help="Folder of registry files.")
@click.option("--at-once", "harvest_at_once", type=int, help="Systems harvested at the same time.")
def worker(systems_dir: Path | None, registry_dir: Path | None, harvest_at_once: int | None) -> None:
    """Harvest systems, without a web server; run as many as you like. They share the work over `redis_url`, without it
    by leases in the database. Settings: `quanyu settings`."""
    try:
        settings = load_settings(
            os.environ,
            systems_dir=systems_dir,
            registry_dir=registry_dir,
            harvest_at_once=harvest_at_once,
            harvest=True,
        )
    except SettingsError as error:
        end(error.problems)
    configure_logging(level=settings.log_level, log_format=settings.log_format)
    try:
        asyncio.run(_run(settings, load_first(settings)))
    except DeclarationError as error:
        end([str(problem) for problem in error.problems])
    except (*START_ERRORS, KeyInvalid) as error:
        end([str(error)])


async def _run(settings: Settings, first: Declared) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    log = structlog.get_logger("gateway")
    async with working(settings, first=first):
        log.info("working", at_once=settings.harvest_at_once)
        await stopped.wait()
        log.info("draining")
