"""What commands put on a screen: tables in two languages, progress on standard error, JSON for machines."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

__all__ = ["GOOD", "POOR", "WARN", "put_json", "put_table", "say", "screen", "stop", "working"]

GOOD, WARN, POOR = "green", "yellow", "red"


def screen(*, stderr: bool = False) -> Console:
    """Colours only on a terminal (and never with NO_COLOR); wide lines are folded, not cut."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def put_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[int, str] | None = None
) -> None:
    """Cells are text, never markup. styles: style of a row by its place."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for index, row in enumerate(rows):
        table.add_row(*(escape(cell) for cell in row), style=(styles or {}).get(index))
    screen().print(table)


def say(text: str, colour: str | None = None, *, err: bool = False) -> None:
    """One line, as long as it is: people copy from it."""
    click.secho(text, fg=colour, err=err)


def put_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def stop(problems: Sequence[str], *, as_json: bool = False, status: int = 1) -> NoReturn:
    """Ends the command. Problems go to standard error; with as_json as one object to standard output."""
    if as_json:
        put_json({"ok": False, "problems": list(problems)})
    for problem in problems if not as_json else ():
        say(f"error: {problem}", POOR, err=True)
    sys.exit(status)


Advance = Callable[[str, int | None], None]


@contextlib.contextmanager
def working(what: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on a terminal, nothing elsewhere. Call the result with what is at hand and the new total."""
    progress = Progress(
        TextColumn("{task.fields[what]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim"),
        console=screen(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        task = progress.add_task("", total=total, what=what)

        def advance(at_hand: str, new_total: int | None = None) -> None:
            progress.update(task, description=escape(at_hand[-60:]), advance=1)
            if new_total is not None:
                progress.update(task, total=new_total)

        yield advance
