"""`quanyu harvest`: how far it has come, a run at once, and what could not be read."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.build import Loaded, Surroundings, build_source
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.problems import DeclarationError
from adapters.source import Source
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from gateway.cli.database import with_database
from gateway.cli.screen import POOR, WARN, put_json, put_table, say, screen, stop
from gateway.cli.serve import START_ERRORS, load_first
from gateway.database import Database, DatabaseError, open_database, prepare_tables
from gateway.directory import read_registry
from gateway.generation import system_namespace
from gateway.harvest.history import HistoryHarvester
from gateway.harvest.model import HarvestReport, harvested_by
from gateway.harvest.push import Intake
from gateway.harvest.run import Harvester
from gateway.harvest.store import HarvestState, HarvestStore, Pushed
from gateway.harvesting import (
    TrackingFiles,
    build_case_files,
    build_harvester,
    build_historian,
    build_intake,
)
from gateway.ledger.errors import KeyInvalid
from gateway.ledger.writer import now_us
from gateway.records import build_ledger, read_ledger_keys
from gateway.settings import Settings, SettingsError, load_settings
from gateway.telemetry.logs import configure_logging
from gateway.telemetry.metrics import Metrics

__all__ = [
    "HarvestTools",
    "harvest",
    "harvest_settings",
    "refuse_unknown",
    "registry_dir_option",
    "systems_dir_option",
    "with_harvest_tools",
]

T = TypeVar("T")
_as_json = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
systems_dir_option = click.option(
    "--systems", "systems_dir", type=click.Path(path_type=Path), help="Folder of declarations."
)
registry_dir_option = click.option(
    "--registry", "registry_dir", type=click.Path(path_type=Path), help="Folder of registry files."
)


@click.group()
def harvest() -> None:
    """What systems tell of their cases: status, run, quarantine. Which database: setting `database_url`."""


@harvest.command()
@click.argument("systems", nargs=-1)
@_as_json
def status(systems: Sequence[str], as_json: bool) -> None:
    """Say how far the harvest of each system has come. Exit status 1 if one has a fault."""

    async def read(database: Database) -> list[dict[str, Any]]:
        store = HarvestStore(database)
        states, quarantined = await store.states(), await store.quarantined_each()
        pushed = await store.pushed_each()
        known = sorted(states.keys() | quarantined.keys() | pushed.keys())
        return [
            _status(
                states.get(code, HarvestState(code)), quarantined.get(code, 0), pushed.get(code, Pushed())
            )
            for code in known
            if not systems or code in systems
        ]

    rows = with_database(read)
    if as_json:
        put_json(rows)
    else:
        styles = {at: POOR if row["fault"] else WARN for at, row in enumerate(rows) if _worth_a_look(row)}
        names = (
            "system",
            "lastRunAt",
            "watermark",
            "lagS",
            "events",
            "repeated",
            "quarantined",
            "pushedAt",
            "fault",
        )
        cells = [["" if row[name] is None else str(row[name]) for name in names] for row in rows]
        put_table("harvest 归集", names, cells, styles)
    raise SystemExit(1 if any(row["fault"] for row in rows) else 0)


@harvest.command()
@click.argument("systems", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every system that can be harvested.")
@systems_dir_option
@registry_dir_option
@_as_json
def run(
    systems: Sequence[str],
    everything: bool,
    systems_dir: Path | None,
    registry_dir: Path | None,
    as_json: bool,
) -> None:
    """Harvest systems now, to the end of what they have. Exit status 1 if one has a fault or another process is at it."""
    if bool(systems) is everything:
        raise click.UsageError("name systems, or give --all")
    settings = harvest_settings(systems_dir, registry_dir)

    async def work(tools: HarvestTools) -> list[HarvestReport]:
        wanted = list(systems) or [code for code, one in tools.sources.items() if harvested_by(one)]
        refuse_unknown(wanted, tools.sources)
        with _progress(tools, wanted) as harvester:
            return [await _to_the_end(harvester, code) for code in wanted]

    reports = with_harvest_tools(settings, work)
    if as_json:
        put_json([asdict(one) for one in reports])
    else:
        names = ("system", "events", "repeated", "rejected", "cases", "pages", "fault")
        cells = [[*(str(getattr(one, name)) for name in names[:-1]), _fault_of(one)] for one in reports]
        put_table(
            "harvested 归集", names, cells, {at: POOR for at, one in enumerate(reports) if _fault_of(one)}
        )
    raise SystemExit(1 if any(_fault_of(one) for one in reports) else 0)


@harvest.command()
@click.argument("system", required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many."
)
@click.option(
    "--retry", is_flag=True, help="Ask for them again, and read what was pushed, with the mapping of now."
)
@systems_dir_option
@registry_dir_option
@_as_json
def quarantine(
    system: str | None,
    limit: int,
    retry: bool,
    systems_dir: Path | None,
    registry_dir: Path | None,
    as_json: bool,
) -> None:
    """Show records that could not be read, without anything personal. Exit status 1 if some are left after --retry."""
    if retry:
        _retry(harvest_settings(systems_dir, registry_dir), system)
    rows = with_database(lambda database: HarvestStore(database).list_quarantined(system, limit))
    shown = [
        {
            "system": row["system"],
            "verb": row["verb"],
            "reason": row["reason"],
            "raw": row["raw"],
            "seenAt": _time(row["seen_us"]),
            "triedAt": _time(row["tried_us"]),
            "attempts": row["attempts"],
        }
        for row in rows
    ]
    if as_json:
        put_json(shown)
    else:
        names = ("system", "verb", "seenAt", "attempts", "reason", "raw")
        put_table("quarantine 隔离", names, [[str(row[name])[:400] for name in names] for row in shown])
    raise SystemExit(1 if retry and rows else 0)


def _retry(settings: Settings, system: str | None) -> None:
    async def work(tools: HarvestTools) -> None:
        counts = await tools.store.quarantined_each()
        wanted = [code for code in ([system] if system else sorted(counts)) if code in tools.sources]
        with _progress(tools, wanted) as harvester:
            for code in wanted:
                await tools.intake.again(code)
                if harvested_by(tools.sources[code]) is None:
                    continue
                if not await tools.store.ask_again(code):
                    say(f"{code}: another process harvests it now; try again in a minute", WARN, err=True)
                    continue
                await _to_the_end(harvester, code)

    with_harvest_tools(settings, work)


# --- what a run needs ---


@dataclass(frozen=True, slots=True)
class HarvestTools:
    sources: Mapping[str, Source]
    store: HarvestStore
    intake: Intake
    harvester: Callable[[Callable[[HarvestReport], None]], Harvester]
    historian: Callable[[Callable[[HarvestReport], None]], HistoryHarvester]
    database: Database


def harvest_settings(systems_dir: Path | None, registry_dir: Path | None) -> Settings:
    try:
        settings = load_settings(os.environ, systems_dir=systems_dir, registry_dir=registry_dir)
    except SettingsError as error:
        stop(list(error.problems), status=2)
    configure_logging(level="error", log_format="console")
    return settings


def with_harvest_tools(settings: Settings, work: Callable[[HarvestTools], Any]) -> Any:
    try:
        declared = load_first(settings)

        async def run_it() -> Any:
            async with _tools(settings, declared.systems) as tools:
                return await work(tools)

        return asyncio.run(run_it())
    except DeclarationError as error:
        stop([str(problem) for problem in error.problems], status=2)
    except DatabaseError as error:
        stop([f"{error.code}: {error}"], status=2)
    except (*START_ERRORS, KeyInvalid) as error:
        stop([str(error)], status=2)


@asynccontextmanager
async def _tools(settings: Settings, loaded: Loaded) -> AsyncIterator[HarvestTools]:
    database = open_database(settings.database_url.get_secret_value(), settings.data_dir)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await prepare_tables(database)
        ledger = build_ledger(settings, database, read_ledger_keys(settings), Metrics())
        ledger.start()
        stack.push_async_callback(ledger.stop)
        registry = read_registry(settings.registry_dir, needed=settings.supergraph is None)
        sources = _sources(loaded)
        for source in sources.values():
            stack.push_async_callback(source.close)

        def lend() -> contextlib.AbstractContextManager[Mapping[str, Source]]:
            return contextlib.nullcontext(sources)

        files = build_case_files(database, ledger, registry, TrackingFiles(settings), lend)
        yield HarvestTools(
            sources,
            HarvestStore(database),
            build_intake(settings, ledger, files, lend),
            lambda told: build_harvester(settings, ledger, files, lend, on_progress=told),
            lambda told: build_historian(settings, ledger, files, lend, on_progress=told),
            database,
        )


def _sources(loaded: Loaded) -> dict[str, Source]:
    around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"harvest")
    return {
        one.system.code: build_source(
            one, loaded.services.get(one.system.code), replace(around, namespace=system_namespace(one))
        )
        for one in loaded.declarations
        if one.system.code not in loaded.absent
    }


def refuse_unknown(wanted: Sequence[str], sources: Mapping[str, Source]) -> None:
    unknown = [code for code in wanted if code not in sources]
    if unknown:
        stop(
            [f"no system {code} answers; there are {', '.join(sorted(sources))}" for code in unknown],
            status=2,
        )


async def _to_the_end(harvester: Harvester, system: str) -> HarvestReport:
    """Run after run, until one comes to the end of the list or to a fault."""
    whole = HarvestReport(system)
    while True:
        one = await harvester.run(system)
        whole = replace(
            one,
            **{
                name: getattr(whole, name) + getattr(one, name)
                for name in ("events", "repeated", "rejected", "cases", "pages")
            },
        )
        if not one.more or one.fault_code is not None or one.skipped:
            return whole


@contextmanager
def _progress(tools: HarvestTools, systems: Sequence[str]) -> Iterator[Harvester]:
    """A line a system on a terminal, nothing elsewhere."""
    console = screen(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[system]:<16}"),
        BarColumn(bar_width=16),
        TextColumn("{task.completed} pages  {task.fields[events]} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        lines = {code: bars.add_task("", total=None, system=code, events=0) for code in systems}

        def told(report: HarvestReport) -> None:
            bars.update(lines[report.system], completed=report.pages, events=report.events)

        yield tools.harvester(told)


# --- what is shown ---


def _status(state: HarvestState, quarantined: int, pushed: Pushed) -> dict[str, Any]:
    lag_s = round((now_us() - state.good_us) / 1_000_000, 1) if state.good_us is not None else None
    return {
        "system": state.system,
        "lastRunAt": _time(state.ended_us),
        "lastGoodAt": _time(state.good_us),
        "runningSince": _time(state.started_us) if state.interrupted else None,
        "watermark": state.watermark,
        "lagS": lag_s,
        "events": state.events + pushed.events,
        "repeated": state.repeated + pushed.repeated,
        "quarantined": quarantined,
        "pushedAt": _time(pushed.last_us),
        "more": state.unfinished,
        "failures": state.failures,
        "faultCode": state.fault_code,
        "fault": f"{state.fault_code}: {state.fault}" if state.fault_code else None,
    }


def _worth_a_look(row: Mapping[str, Any]) -> bool:
    return bool(row["fault"] or row["quarantined"])


def _fault_of(report: HarvestReport) -> str:
    if report.skipped:
        return "another process harvests it now"
    return f"{report.fault_code}: {report.fault}" if report.fault_code else ""


def _time(us: int | None) -> str | None:
    if not us:
        return None
    return datetime.fromtimestamp(us / 1_000_000, NETWORK_OFFSET).isoformat(timespec="seconds")
