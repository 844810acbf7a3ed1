"""`quanyu serve` and `quanyu settings`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
import structlog

from adapters.problems import DeclarationError
from gateway.app import build_gateway, file_lookup
from gateway.database import DatabaseError
from gateway.directory import known_codes, read_registry
from gateway.documents import ManifestInvalid
from gateway.labels import LabelHookError
from gateway.memory import settle
from gateway.security.identity import TokensFileError
from gateway.security.oidc.declaration import IdentityFileError
from gateway.security.policies import PolicyError
from gateway.settings import Settings, SettingsError, load_settings, settings_table
from gateway.subgraphs import Declared, kept_sdls, load_declared
from gateway.supergraph_file import load_supergraph_file
from gateway.telemetry.logs import configure_logging
from gateway.telemetry.traces import OtelMissingError
from gateway.tracking.errors import TrackingFileError
from gateway.web.server import PortTakenError, listen
from gateway.web.server import serve as run_server
from schema.errors import SchemaError

__all__ = ["START_ERRORS", "end", "load_first", "serve", "settings"]


START_ERRORS = (
    TokensFileError,
    IdentityFileError,
    ManifestInvalid,
    PolicyError,
    SettingsError,
    SchemaError,
    OtelMissingError,
    LabelHookError,
    TrackingFileError,
    DatabaseError,
    OSError,
)
"""What is wrong with what is given, and told in a line."""


@click.command()
@click.option("--host", help="Address to listen on; QUANYU_HOST.")
@click.option("--port", type=int, help="Port; 0 takes any free one; QUANYU_PORT.")
@click.option("--systems", "systems_dir", type=click.Path(path_type=Path), help="Folder of declarations.")
@click.option("--registry", "registry_dir", type=click.Path(path_type=Path), help="Folder of registry files.")
@click.option("--supergraph", type=click.Path(path_type=Path), help="Finished supergraph file to run.")
def serve(
    host: str | None,
    port: int | None,
    systems_dir: Path | None,
    registry_dir: Path | None,
    supergraph: Path | None,
) -> None:
    """Run the gateway. Settings: `quanyu settings`."""
    try:
        settings = load_settings(
            os.environ,
            host=host,
            port=port,
            systems_dir=systems_dir,
            registry_dir=registry_dir,
            supergraph=supergraph,
        )
    except SettingsError as error:
        end(error.problems)
    configure_logging(level=settings.log_level, log_format=settings.log_format)
    try:
        first = load_first(settings)
        gateway = build_gateway(settings, first=first, on_swapped=settle)
        listener = listen(settings.host, settings.port, choose_port=settings.choose_port)
    except DeclarationError as error:
        end([str(problem) for problem in error.problems])
    except (*START_ERRORS, PortTakenError) as error:
        end([str(error)])
    if listener.wanted is not None:
        click.echo(f"port {listener.wanted} is taken; listening on {listener.port}", err=True)
    log = structlog.get_logger("gateway")
    try:
        run_server(
            gateway.app,
            listener,
            lifecycle=gateway.lifecycle,
            drain_s=settings.drain_s,
            max_message_bytes=settings.max_body_bytes,
            notice_s=settings.drain_notice_s,
            head_timeout_s=settings.body_timeout_s,
            max_connections=settings.max_connections,
            admission=gateway.admission,
            on_started=lambda: log.info("listening", url=listener.url),
        )
    finally:
        listener.socket.close()
    _exit_if_not_started(settings, gateway.engine.current is not None or gateway.lifecycle.draining)


def load_first(settings: Settings) -> Declared:
    """The declarations, before the server starts, so that what is wrong is a list and no log."""
    known = known_codes(read_registry(settings.registry_dir, needed=settings.supergraph is None))
    lookup, kept = file_lookup(os.environ), kept_sdls(settings.data_dir).read
    if settings.supergraph is not None:
        loading = load_supergraph_file(settings.supergraph, settings.systems_dir, lookup, known)
    else:
        loading = load_declared(settings.systems_dir, lookup, known, kept=kept)
    declared = asyncio.run(loading)
    declared.raise_if_bad()
    return declared


def _exit_if_not_started(settings: Settings, started: bool) -> None:
    """The server has logged why; the problems of declarations are worth a plain list."""
    if not started:
        end([f"the gateway did not start; `quanyu check {settings.systems_dir}` shows what is wrong"])


@click.command()
def settings() -> None:
    """List every setting: name, variable, default, meaning."""
    click.echo(settings_table(), nl=False)


def end(problems: Sequence[str]) -> NoReturn:
    for problem in problems:
        click.echo(f"quanyu: {problem}", err=True)
    sys.exit(2)
