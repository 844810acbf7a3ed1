"""`quanyu replay [SYSTEM|PATH]...`: recorded cases run again without their systems."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from adapters.recording.case import Case, CaseError, case_files, read_case
from adapters.recording.replay import Result, replay_case
from adapters.recording.subject import Subject, SubjectError, load_subject, standing_in
from gateway.cli.record import cases_folder
from gateway.cli.screen import GOOD, POOR, put_json, put_table, say, stop, working

__all__ = ["replay"]

MOST_SHOWN = 12


@click.command()
@click.argument("what", nargs=-1, metavar="[SYSTEM|PATH]...")
@click.option(
    "--systems",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of declarations; by default systems/.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def replay(what: tuple[str, ...], paths: tuple[Path, ...], as_json: bool) -> None:
    """Run recorded cases against today's declarations and compare requests and records, field by field.

    SYSTEM: its cases in systems/cases. PATH: a case, or a folder of them. Without either: all of systems/cases. No
    system is called. Exit status 1 if anything differs.
    """
    places = paths or (Path("systems"),)
    files = case_files(_named(what, places))
    if not files:
        stop(["no cases found; `quanyu record SYSTEM` makes some"], as_json=as_json)
    rows: list[tuple[Path, str, Result | None, str]] = []
    with working("replaying 回放", len(files)) as advance:
        subjects: dict[tuple[str, Path], Subject | str] = {}
        for path in files:
            rows.append(_replayed(path, places, subjects))
            advance(path.name, None)
    failed = [row for row in rows if row[2] is None or not row[2].ok]
    if as_json:
        put_json({"ok": not failed, "cases": [_as_json(row) for row in rows]})
    else:
        _show(rows)
    raise SystemExit(1 if failed else 0)


def _named(what: Sequence[str], places: Sequence[Path]) -> list[Path]:
    if not what:
        return [folder for folder in [cases_folder(places, "x").parent] if folder.is_dir()]
    named = []
    for one in what:
        path = Path(one)
        folder = cases_folder(places, one)
        if path.exists():
            named.append(path)
        elif folder.is_dir():
            named.append(folder)
        else:
            stop([f"{one}: neither a path nor a system with cases in {folder.parent}"])
    return named


def _replayed(
    path: Path, places: Sequence[Path], subjects: dict[tuple[str, Path], Subject | str]
) -> tuple[Path, str, Result | None, str]:
    """(file, system, result, why there is none)."""
    try:
        case = read_case(path)
    except CaseError as error:
        return path, "", None, str(error)
    key = (case.system, path.parent)
    if key not in subjects:
        try:
            subjects[key] = load_subject(case.system, places, standing_in(os.environ), path.parent)
        except SubjectError as error:
            subjects[key] = str(error)
    subject = subjects[key]
    if isinstance(subject, str):
        return path, case.system, None, subject
    return path, case.system, *_run(case, subject)


def _run(case: Case, subject: Subject) -> tuple[Result | None, str]:
    try:
        return asyncio.run(replay_case(case, subject)), ""
    except Exception as error:  # keys that are not here, files that are gone: said, and the next case goes on
        return None, f"{case.case}: the source cannot be built here: {type(error).__name__}: {error}"


def _show(rows: Sequence[tuple[Path, str, Result | None, str]]) -> None:
    table, styles = [], {}
    for index, (path, system, result, _) in enumerate(rows):
        if result is None:
            table.append((system, path.stem, "", "not run 未运行", "", ""))
        else:
            records = (
                str(len(result.got.records)) if result.got.records is not None else result.got.error or ""
            )
            said = "ok 一致" if result.ok else "differs 不一致"
            table.append((system, result.case, result.verb, said, records, f"{result.took_ms:.0f}"))
        styles[index] = GOOD if result is not None and result.ok else POOR
    columns = ("System 系统", "Case 用例", "Verb 动作", "Result 结果", "Records 记录", "ms 毫秒")
    put_table("replay 回放", columns, table, styles)
    for path, _, result, why in rows:
        if result is None:
            say(why, POOR)
        elif not result.ok:
            shown = [
                (one.place, _cell(one.expected), _cell(one.found)) for one in result.differences[:MOST_SHOWN]
            ]
            put_table(str(path), ("Where 位置", "Expected 应为", "Found 实为"), shown)
            if len(result.differences) > MOST_SHOWN:
                say(f"and {len(result.differences) - MOST_SHOWN} more; --json has all of them")
    good = sum(result is not None and result.ok for _, _, result, _ in rows)
    bad = len(rows) - good
    say(f"{len(rows)} cases 用例, {good} as expected 一致, {bad} not 不一致", POOR if bad else GOOD, err=True)


def _cell(value: str | None) -> str:
    return "(nothing 无)" if value is None else value


def _as_json(row: tuple[Path, str, Result | None, str]) -> dict[str, Any]:
    path, system, result, why = row
    return {
        "file": str(path),
        "system": system,
        "case": result.case if result is not None else None,
        "ok": result is not None and result.ok,
        "problem": why or None,
        "tookMs": round(result.took_ms, 1) if result is not None else None,
        "differences": [
            {"place": one.place, "expected": one.expected, "found": one.found}
            for one in (result.differences if result is not None else [])
        ],
    }
