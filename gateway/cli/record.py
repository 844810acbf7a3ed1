"""`quanyu record SYSTEM [VERB] [NUMBER]...`: exchanges with a system as cases without personal data."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from adapters.applicant import filter_number
from adapters.case_filter import CaseFilter
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.recording.case import Ask
from adapters.recording.people import People
from adapters.recording.record import Recorded, Recorder, Take, record_cases
from adapters.recording.subject import SPEC, Subject, SubjectError, load_subject
from adapters.vendoring.documents import is_url
from adapters.vendoring.store import ImportRefused, Wanted, fetch, import_into
from gateway.app import file_lookup
from gateway.cli.screen import GOOD, POOR, WARN, put_json, put_table, say, stop, working
from schema.canonical import VERBS

__all__ = ["cases_folder", "record"]

KEY_VARIABLE = "QUANYU_SECRET_RECORDING"
DAY = click.DateTime(["%Y-%m-%d"])
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])


@click.command()
@click.argument("system")
@click.argument("verb", required=False, type=click.Choice(list(VERBS)))
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--systems", "paths", multiple=True, type=click.Path(path_type=Path), help="Files or folders.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder; by default systems/cases/SYSTEM.")
@click.option("--applicant", help="Identity number, for `cases`.")
@click.option("--from", "start", type=DAY, help="First day, YYYY-MM-DD, for `cases`.")
@click.option("--to", "end", type=DAY, help="Last day, for `cases`.")
@click.option("--since", type=MOMENT, help="Moment, ISO 8601, for `changes`; by default 30 days ago.")
@click.option("--sample", default=3, show_default=True, help="How many cases to take, if no NUMBER is given.")
@click.option("--keep-data", is_flag=True, help="Replace nobody: only for systems that hold invented data.")
@click.option("--companies", is_flag=True, help="Replace companies' names and codes too; they are public.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def record(
    system: str,
    verb: str | None,
    numbers: tuple[str, ...],
    paths: tuple[Path, ...],
    into: Path | None,
    applicant: str | None,
    start: datetime | None,
    end: datetime | None,
    since: datetime | None,
    sample: int,
    keep_data: bool,
    companies: bool,
    as_json: bool,
) -> None:
    """Ask SYSTEM and keep what was exchanged as cases that `quanyu replay` runs without it.

    Without VERB a few of each are taken. People are replaced by invented ones, the same everywhere; tokens and
    passwords are never written. What cannot be made safe is not written. Exit status 1 if any case was not.
    """
    places = paths or (Path("systems"),)
    folder = into or cases_folder(places, system)
    try:
        subject = load_subject(system, places, file_lookup(os.environ), None)
        filters = _filter(applicant, start, end)
        since_text = _since(since)
        with working("asking 查询") as advance:
            takes = asyncio.run(
                _take(
                    subject,
                    verb,
                    numbers,
                    filters,
                    since_text,
                    max(sample, 0),
                    lambda what: advance(what, None),
                )
            )
        people = None if keep_data else People(_key(), companies=companies)
        with working("replaying 回放", len(takes)) as advance:
            recorded = asyncio.run(
                record_cases(takes, people, subject, datetime.now(UTC), lambda name: advance(name, None))
            )
        files = _write(folder, subject, recorded)
    except SubjectError as error:
        stop(error.problems, as_json=as_json)
    except (ImportRefused, OSError) as error:
        stop([str(error)], as_json=as_json)
    if not takes:
        stop([f"nothing to ask: {system} lists no cases; give VERB and NUMBER"], as_json=as_json)
    counts = dict(people.counts) if people is not None else {}
    if as_json:
        put_json(_as_json(system, folder, recorded, files, counts))
    else:
        _show(system, folder, recorded, files, counts, replaced=people is not None)
    raise SystemExit(1 if any(one.refused for one in recorded) else 0)


def cases_folder(paths: Sequence[Path], system: str) -> Path:
    first = paths[0]
    return (first.parent if first.suffix in (".yaml", ".yml") else first) / "cases" / system.lower()


async def _take(
    subject: Subject,
    verb: str | None,
    numbers: Sequence[str],
    filters: Mapping[str, Any],
    since: str,
    sample: int,
    tell: Any,
) -> list[Take]:
    async with Recorder(subject) as recorder:
        can = recorder.source.connectors
        if verb is not None and verb not in can:
            raise SubjectError([f"{subject.code} declares no connector {verb!r}; it has {', '.join(can)}"])
        takes: list[Take] = []

        async def take(ask: Ask) -> Take:
            tell(f"{ask.verb} {ask.args.get('number', '')}")
            return await recorder.take(ask)

        verbs = [verb] if verb is not None else [one for one in VERBS if one in can]
        if "items" in verbs:
            takes.append(await take(Ask(verb="items")))
        wanted, of = list(numbers), dict(filters)
        if "cases" in can and ("cases" in verbs or ("case" in verbs and not wanted)):
            listed = await take(Ask(verb="cases", args=of))
            if verb is None and not of.get("applicant"):
                # a whole page holds dozens of people: the list of one of them says as much
                of = _of_one(listed) or of
                listed = await take(Ask(verb="cases", args=of)) if _of_one(listed) else listed
            if "cases" in verbs:
                takes.append(listed)
            found = listed.page.records if listed.page is not None else []
            wanted = wanted or [str(one["localNo"]) for one in found[:sample]]
        if "case" in verbs:
            takes += [await take(Ask(verb="case", args={"number": one})) for one in wanted]
        if "changes" in verbs:
            takes.append(await take(Ask(verb="changes", args={"since": since})))
        return takes


def _of_one(listed: Take) -> dict[str, Any] | None:
    """A filter for the first applicant of a list whose number is known."""
    for one in listed.page.records if listed.page is not None else []:
        applicant = one.get("applicant") or {}
        if applicant.get("idNumber"):
            id_type, number = filter_number(applicant.get("idType"), str(applicant["idNumber"]))
            return CaseFilter(id_type=id_type, number=number).args()
    return None


def _filter(applicant: str | None, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    id_type, number = filter_number(None, applicant) if applicant else (None, None)
    return CaseFilter(
        id_type=id_type,
        number=number,
        start=f"{start:%Y-%m-%d}T00:00:00+08:00" if start else None,
        end=f"{end:%Y-%m-%d}T23:59:59+08:00" if end else None,
    ).args()


def _since(since: datetime | None) -> str:
    moment = since or datetime.now(NETWORK_OFFSET).replace(hour=0, minute=0, second=0) - timedelta(days=30)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=NETWORK_OFFSET)
    return moment.isoformat(timespec="seconds")


def _key() -> bytes:
    """Of the environment, else of a file that is made once: the same people stay the same in later recordings."""
    if given := os.environ.get(KEY_VARIABLE):
        return given.encode()
    path = Path(os.environ.get("QUANYU_DATA_DIR", ".quanyu")) / "recording.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
    return path.read_bytes()


def _write(folder: Path, subject: Subject, recorded: Sequence[Recorded]) -> dict[str, Path]:
    """Case name -> file. The WSDL too, where the declaration reads it from the network."""
    files: dict[str, Path] = {}
    for one in recorded:
        if one.case is None:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{one.name}.yaml"
        path.write_text(one.case.text(), encoding="utf-8")
        files[one.name] = path
    soap = subject.declaration.source.soap
    if files and soap is not None and is_url(soap.wsdl):
        wanted = Wanted("wsdl", soap.wsdl, system=subject.code)
        closure = asyncio.run(fetch(wanted))
        import_into(closure, wanted, folder / SPEC, "service.wsdl", datetime.now(UTC))
    return files


def _show(
    system: str,
    folder: Path,
    recorded: Sequence[Recorded],
    files: Mapping[str, Path],
    counts: Mapping[str, int],
    *,
    replaced: bool,
) -> None:
    rows, styles = [], {}
    for index, one in enumerate(recorded):
        result = "written 已写入" if one.name in files else "refused 未写入"
        if one.case is not None and one.case.expect.error:
            result += f" ({one.case.expect.error})"
        rows.append((one.name, one.verb, str(one.records), result))
        styles[index] = POOR if one.refused else GOOD
    columns = ("Case 用例", "Verb 动作", "Records 记录", "Result 结果")
    put_table(f"{system} -> {folder}", columns, rows, styles)
    for one in recorded:
        if one.refused:
            say(f"{one.name}: {one.refused}", POOR)
        for note in one.notes:
            say(f"{one.name}: {note}", WARN)
    if not replaced:
        say("nobody was replaced, as --keep-data says 未替换个人信息", WARN)
    elif counts:
        places = [(what, str(number)) for what, number in sorted(counts.items())]
        put_table("replaced 已替换", ("What 内容", "Places 处"), places)
    else:
        say("no personal data was found 未发现个人信息")
    if files:
        say(f"next: quanyu replay {system}", GOOD)


def _as_json(
    system: str,
    folder: Path,
    recorded: Sequence[Recorded],
    files: Mapping[str, Path],
    counts: Mapping[str, int],
) -> dict[str, Any]:
    return {
        "system": system,
        "folder": str(folder),
        "cases": [
            {
                "case": one.name,
                "verb": one.verb,
                "records": one.records,
                "file": str(files[one.name]) if one.name in files else None,
                "refused": one.refused or None,
                "notes": one.notes,
            }
            for one in recorded
        ],
        "replaced": dict(counts),
    }
