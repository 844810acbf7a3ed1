"""`quanyu migrate replay`: what was asked before, asked of both sides and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.mapping.dates import NETWORK_OFFSET
from adapters.source import Source
from gateway.cli.harvest import (
    HarvestTools,
    harvest_settings,
    registry_dir_option,
    systems_dir_option,
    with_harvest_tools,
)
from gateway.cli.screen import GOOD, POOR, put_json, put_table, say, screen, stop
from gateway.harvest.history import Pace
from gateway.migration.build import build_migrations
from gateway.migration.replay import AT_ONCE, Replayed, Replayer, count_looked_at, looked_at
from gateway.settings import Settings

__all__ = ["replay"]


@click.command()
@click.option(
    "--to", "to", required=True, metavar="SYSTEM", help="The new system, or the code that it replaces."
)
@click.option(
    "--from",
    "begin",
    type=click.Choice(["audit"]),
    default="audit",
    show_default=True,
    help="audit: cases that the trail's records of looks name.",
)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Looks from this day on; without it all there are."
)
@click.option(
    "--most", type=click.IntRange(min=1), help="Stop after so many cases; the next run goes on there."
)
@click.option("--rate", type=click.FloatRange(min=0.01), help="At most so many cases a second.")
@click.option("--anew", is_flag=True, help="From the first case, not where the last run ended.")
@systems_dir_option
@registry_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def replay(
    to: str,
    begin: str,  # noqa: ARG001 - there is one place yet; naming it keeps the word for others
    since: datetime | None,
    most: int | None,
    rate: float | None,
    anew: bool,
    systems_dir: Path | None,
    registry_dir: Path | None,
    as_json: bool,
) -> None:
    """Ask both sides for the cases that were looked at, and compare as in SHADOW.

    Reads only. Each case is asked for once, however often it was looked at. What is found stands in `quanyu migrate
    parity report`. Goes on where it was stopped or killed. Exit status 1 if something differs or could not be compared.
    """
    settings = harvest_settings(systems_dir, registry_dir)
    since_us = round(since.replace(tzinfo=NETWORK_OFFSET).timestamp() * 1_000_000) if since else 0

    async def work(tools: HarvestTools) -> tuple[str, Replayed]:
        old, new = _sides(tools, to)
        migrations = build_migrations(settings, tools.database)
        replayer = Replayer(old, new, migrations)
        place = _Place(settings, old.code, {"mapping": replayer.mapping, "sinceUs": since_us})
        after, found, pace = "" if anew else place.read(), Replayed(), Pace(rate)
        total = await count_looked_at(tools.database, old.code, since_us=since_us, after=after)
        try:
            with _bar(old.code, min(total, most or total)) as advance:
                size = 1 if rate else AT_ONCE
                numbers = looked_at(tools.database, old.code, since_us=since_us, after=after, at_once=size)
                async with aclosing(numbers):
                    async for some in numbers:
                        chosen = some[: most - found.cases] if most else some
                        await pace.turn()
                        await replayer.replay(chosen, found)
                        await migrations.tally.flush()
                        place.keep(chosen[-1])
                        advance(len(chosen))
                        if most and found.cases >= most:
                            return old.code, found
            place.forget()
        finally:
            await replayer.close()
        return old.code, found

    system, found = with_harvest_tools(settings, work)
    sound = found.verdicts.total() > 0 and not (
        found.verdicts.keys() - {"same", "explained", "noise"} or found.old_faults or found.left_out
    )
    if as_json:
        put_json(_told(system, found, sound=sound))
    elif not found.cases:
        say(f"nothing (further) to replay: no look at a case of {system} is on the trail", POOR, err=True)
    else:
        rows = [[name, str(n)] for name, n in sorted(found.verdicts.items())]
        rows += [[f"old: {name}", str(n)] for name, n in sorted(found.old_faults.items())]
        rows += [[f"left out: {name}", str(n)] for name, n in sorted(found.left_out.items())]
        put_table(f"{system}: {found.cases} cases replayed 重放比对", ("outcome", "n"), rows)
        say(f"quanyu migrate parity report {system} has the fields", GOOD if sound else POOR)
    raise SystemExit(0 if sound else 1)


def _sides(tools: HarvestTools, code: str) -> tuple[Source, Source]:
    found = [
        (one, one.declaration.migration.replaces)
        for one in tools.sources.values()
        if one.declaration.migration is not None and code in (one.code, one.declaration.migration.replaces)
    ]
    if not found:
        stop(
            [f"{code} neither replaces a system nor is replaced by one, or its successor does not answer"],
            status=2,
        )
    new, replaced = found[0]
    old = tools.sources.get(replaced)
    if old is None:
        stop([f"{replaced} does not answer: there is nothing to compare with"], status=2)
    if not (old.can("case") and new.can("case")):
        stop([f"{old.code} and {new.code} must both declare connectors.case"], status=2)
    return old, new


class _Place:
    """Where the last run ended: a file, kept for the same mapping and the same looks."""

    def __init__(self, settings: Settings, system: str, of: dict[str, Any]) -> None:
        self._path, self._of = settings.data_dir / f"replay-{system}.json", of

    def read(self) -> str:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        after = kept.pop("after", "") if isinstance(kept, dict) else ""
        return after if kept == self._of and isinstance(after, str) else ""

    def keep(self, after: str) -> None:
        whole = self._path.with_suffix(".part")
        whole.write_text(json.dumps(self._of | {"after": after}), encoding="utf-8")
        whole.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


@contextmanager
def _bar(system: str, total: int) -> Iterator[Any]:
    console = screen(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        line = bars.add_task(system, total=total)
        yield lambda n: bars.advance(line, n)


def _told(system: str, found: Replayed, *, sound: bool) -> dict[str, Any]:
    return {
        "system": system,
        "sound": sound,
        "cases": found.cases,
        "verdicts": dict(sorted(found.verdicts.items())),
        "oldFaults": dict(sorted(found.old_faults.items())),
        "leftOut": dict(sorted(found.left_out.items())),
    }
