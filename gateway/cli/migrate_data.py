"""`quanyu migrate backfill` and `open-cases`: what of a replaced system is over, and bringing it over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.source import Source
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.cli.harvest import (
    HarvestTools,
    harvest_settings,
    refuse_unknown,
    registry_dir_option,
    systems_dir_option,
    with_harvest_tools,
)
from gateway.cli.screen import GOOD, POOR, put_json, put_table, say, screen, stop
from gateway.harvest.history import Pace
from gateway.harvest.model import HarvestReport
from gateway.migration.moved import (
    History,
    begin_anew,
    note_moved,
    open_left,
    read_history,
    some_open_left,
)
from gateway.migration.numbers import NumberMap
from gateway.migration.store import MigrationStore
from gateway.migration.told import told_time

__all__ = ["backfill", "open_cases"]

AT_ONCE = 8
BUSY_WAIT_S = 2.0
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
_RATE = click.option(
    "--rate", type=click.FloatRange(min=0.01), help="At most so many requests a second; else its own limits."
)


@click.command()
@click.argument("system")
@_RATE
@systems_dir_option
@registry_dir_option
@_JSON
def backfill(
    system: str, rate: float | None, systems_dir: Path | None, registry_dir: Path | None, as_json: bool
) -> None:
    """Read all cases and events of SYSTEM, which is being replaced, into the ledger and the case files.

    Goes on where it was stopped or killed; once it has come to the end, it begins anew. Exit status 1 if the history is
    not whole afterwards.
    """

    async def work(tools: HarvestTools) -> tuple[HarvestReport, History]:
        refuse_unknown([system], tools.sources)
        await _refuse_retired(tools, system)
        before = await read_history(tools.database, system)
        if before.listed and before.at_end and before.fault is None:
            await begin_anew(tools.database, system)
        with _bar(system, tools) as historian:
            historian.pace = Pace(rate)
            whole = HarvestReport(system)
            while True:
                one = await historian.run(system)
                if one.skipped:  # the gateway's own harvest is at it
                    await asyncio.sleep(BUSY_WAIT_S)
                    continue
                for name in ("events", "repeated", "rejected", "cases", "pages"):
                    setattr(whole, name, getattr(whole, name) + getattr(one, name))
                whole.fault_code, whole.fault = one.fault_code, one.fault
                if not one.more:
                    return whole, await read_history(tools.database, system)

    report, history = with_harvest_tools(harvest_settings(systems_dir, registry_dir), work)
    told = _told(history, report)
    if as_json:
        put_json(told)
    else:
        shown = {
            name: str(told[name]) for name in ("cases", "open", "events", "repeated", "rejected", "pages")
        }
        put_table(f"history of {system} 历史", tuple(shown), [list(shown.values())])
        if history.lacking is None:
            say(f"{system}: all {history.cases} cases are in ledger and case files", GOOD)
        else:
            say(f"{system}: {history.lacking}", POOR, err=True)
    raise SystemExit(0 if history.lacking is None else 1)


@click.command("open-cases")
@click.argument("system")
@click.option("--check", is_flag=True, help="Ask the new system for each of them first.")
@_RATE
@systems_dir_option
@registry_dir_option
@_JSON
def open_cases(
    system: str,
    check: bool,
    rate: float | None,
    systems_dir: Path | None,
    registry_dir: Path | None,
    as_json: bool,
) -> None:
    """Open cases of SYSTEM that are not known to be on the new side. Exit status 1 if there are some."""

    async def work(tools: HarvestTools) -> tuple[int | None, list[str], list[str]]:
        refuse_unknown([system], tools.sources)
        successor = next(
            (
                one
                for one in tools.sources.values()
                if one.declaration.migration is not None and one.declaration.migration.replaces == system
            ),
            None,
        )
        if successor is None or successor.declaration.migration is None:
            stop([f"no system that answers replaces {system}"], status=2)
        mapped = successor.declaration.migration.numbers == "mapped"
        faults = await _check(tools, system, successor, mapped=mapped, rate=rate) if check else []
        count = await open_left(tools.database, system, mapped=mapped)
        return count, list(await some_open_left(tools.database, system, mapped=mapped)), faults

    count, some, faults = with_harvest_tools(harvest_settings(systems_dir, registry_dir), work)
    if as_json:
        put_json({"system": system, "left": count, "numbers": some, "faults": faults})
    elif count is None:
        say(f"the case files know no case of {system}; quanyu migrate backfill reads them", POOR, err=True)
    else:
        put_table(f"open cases left of {system} 未迁在办件: {count}", ("number",), [[one] for one in some])
    for fault in faults if not as_json else ():
        say(fault, POOR, err=True)
    raise SystemExit(0 if count == 0 and not faults else 1)


async def _check(
    tools: HarvestTools, system: str, successor: Source, *, mapped: bool, rate: float | None
) -> list[str]:
    """Faults of the new system, in words, the first few."""
    numbers, pace, faults = NumberMap(tools.database), Pace(rate), []
    places = asyncio.Semaphore(AT_ONCE)

    async def shown(old: str) -> str | None:
        new = await numbers.new_number(system, old) if mapped else old
        if new is None:
            return None
        async with places:
            await pace.turn()
            until = asyncio.get_running_loop().time() + successor.traffic.policy.timeout_s
            try:
                page = await successor.ask(
                    "case", {"number": new}, fields=("localNo",), deadline=until, live=True
                )
            except SourceNotFound:
                return None
            except SourceError as error:
                faults.append(f"{old}: {error.code}: {error}")
                return None
        return old if any(str(one.get("localNo")) == new for one in page.records) else None

    after = ""
    # with numbers of its own a case that has one counts as moved; only the others are asked for by their old number
    while some := await some_open_left(tools.database, system, mapped=False, after=after):
        found = await asyncio.gather(*map(shown, some))
        await note_moved(tools.database, system, [one for one in found if one is not None])
        after = some[-1]
    return faults[:20]


async def _refuse_retired(tools: HarvestTools, system: str) -> None:
    state = await MigrationStore(tools.database).state(system)
    if state.placement.phase == "RETIRED":
        stop(
            [
                f"{system} is RETIRED and is not asked any more; "
                "`quanyu migrate rollback` first, if it still stands"
            ],
            status=1,
        )


@contextmanager
def _bar(system: str, tools: HarvestTools) -> Iterator[Any]:
    """Cases read so far, of how many, on a terminal; nothing elsewhere."""
    console = screen(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("cases  {task.fields[events]} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        line = bars.add_task(system, total=None, events=0)

        def told(report: HarvestReport) -> None:
            bars.update(line, completed=report.cases, total=historian.total, events=report.events)

        historian = tools.historian(told)
        yield historian


def _told(history: History, report: HarvestReport) -> dict[str, Any]:
    return {
        "system": history.system,
        "whole": history.lacking is None,
        "cases": history.cases,
        "open": history.open_cases,
        "unseen": history.unseen,
        "events": report.events,
        "repeated": report.repeated,
        "rejected": report.rejected,
        "pages": report.pages,
        "begunAt": told_time(history.begun_us),
        "endedAt": told_time(history.ended_us),
        "lacking": history.lacking,
    }
