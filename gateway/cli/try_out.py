"""`quanyu try SYSTEM VERB`: one call to one system, shown as request, raw answer and mapped record side by side."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson
from lxml import etree
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from adapters.applicant import filter_number
from adapters.auth.secrets import secret_forms, secret_values
from adapters.build import Loaded, Surroundings, build_source
from adapters.case_fields import ALWAYS
from adapters.case_filter import CaseFilter
from adapters.declaration import Declaration
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.mapping.scope import Gap
from adapters.own.once import NotAsked, Question, own_names, own_question
from adapters.recording.wires import ListeningWire
from adapters.reply import RawReply, decode_text, python_charset
from adapters.source import Page, Source
from adapters.traffic.errors import SourceError
from adapters.wire.guard import UrlGuard
from adapters.wire.model import WireLimits, WireRequest, WireResponse
from adapters.wire.wire import Wire
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from gateway.cli.check import load_for_cli
from gateway.cli.dry_run import show_write
from gateway.telemetry.logs import mask_personal_data
from schema.canonical import VERBS, WRITES

__all__ = ["try_out"]

DEADLINE_S = 30.0
_SECRETS = re.compile(
    r"""((?:client_secret|password|refresh_token|access_token|id_token|api_?key|secret)["']?\s*[=:]\s*["']?)[^"'&\s,}<]+"""
    r"""|(<(?:\w+:)?(?:Password|BinarySecurityToken|Nonce)\b[^>]*>)[^<]*""",
    re.IGNORECASE,
)
SHOWN_CHARACTERS = 6000


_DAY = click.DateTime(["%Y-%m-%d"])
_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])


@click.command("try")
@click.argument("system")
@click.argument("verb", metavar="VERB|FIELD")
@click.argument("number", required=False)
@click.option("--systems", "paths", multiple=True, type=click.Path(path_type=Path), help="Files or folders.")
@click.option("--arg", "given", multiple=True, metavar="NAME=VALUE", help="Argument of an own field.")
@click.option("--applicant", help="Identity number, for `cases`.")
@click.option("--from", "start", type=_DAY, help="First day, YYYY-MM-DD, for `cases`.")
@click.option("--to", "end", type=_DAY, help="Last day, for `cases`.")
@click.option("--since", type=_MOMENT, help="Moment, ISO 8601, for `changes`.")
@click.option("--dry-run", is_flag=True, help="For a write: show the request, send nothing.")
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="For a write: JSON of the mutation's `input`.",
)
@click.option("--unmasked", is_flag=True, help="Show identity numbers and mobiles as they are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def try_out(
    system: str,
    verb: str,
    number: str | None,
    paths: tuple[Path, ...],
    given: tuple[str, ...],
    applicant: str | None,
    start: datetime | None,
    end: datetime | None,
    since: datetime | None,
    dry_run: bool,
    input_file: Path | None,
    unmasked: bool,
    as_json: bool,
) -> None:
    """Ask SYSTEM once: `quanyu try JT-PERMIT case JT2017-000123`, `quanyu try JT-PERMIT cases --applicant ...`.

    Fields of its own types too: `quanyu try JT-PERMIT oversizeRoutes --arg tier=TIER_2`; what stands in an object takes
    the object's key: `quanyu try JT-PERMIT Case.oversizeRoute JT-PERMIT:JT2018-000092`.
    """
    loaded = load_for_cli(paths or (Path("systems"),), None)
    source_problems = [
        one for one in loaded.problems if system not in {d.system.code for d in loaded.declarations}
    ]
    if system not in {one.system.code for one in loaded.declarations}:
        known = ", ".join(sorted(one.system.code for one in loaded.declarations)) or "none"
        listed = "\n".join(str(problem) for problem in source_problems)
        raise click.ClickException(f"no usable system {system!r}; there is {known}\n{listed}".rstrip())
    if verb in WRITES:
        if not dry_run:
            raise click.UsageError(f"`{verb}` changes something: it is only shown, with --dry-run")
        sys.exit(0 if show_write(loaded, system, verb, input_file, number, unmasked=unmasked) else 1)
    if verb == "case" and not number:
        raise click.UsageError("`case` needs a NUMBER")
    declaration = next(one for one in loaded.declarations if one.system.code == system)
    question = _own_question(declaration, verb, number, given)
    if question is None:
        fields = frozenset(field.name for field in VERBS[verb].fields) | frozenset(ALWAYS)
        question = Question(verb, _arguments(verb, number, applicant, start, end, since), {}, fields)
    ok = asyncio.run(_try(loaded, declaration, question, unmasked=unmasked, as_json=as_json))
    sys.exit(0 if ok else 1)


def _own_question(
    declaration: Declaration, name: str, key: str | None, given: Sequence[str]
) -> Question | None:
    """None for a canonical verb."""
    if name in VERBS:
        if given:
            raise click.UsageError(f"--arg is for fields of own types; {name} has options of its own")
        return None
    arguments = {one.partition("=")[0]: one.partition("=")[2] for one in given if "=" in one}
    if len(arguments) < len(given):
        raise click.UsageError("--arg takes NAME=VALUE, each name once")
    try:
        question = own_question(declaration, name, key, arguments)
    except NotAsked as error:
        raise click.UsageError(str(error)) from None
    if question is None:
        known = ", ".join([*VERBS, *own_names(declaration)])
        raise click.UsageError(f"{declaration.system.code} has no {name!r}; there is {known}")
    return question


def _arguments(
    verb: str,
    number: str | None,
    applicant: str | None,
    start: datetime | None,
    end: datetime | None,
    since: datetime | None,
) -> dict[str, Any]:
    match verb:
        case "case":
            return {"number": number}
        case "changes":
            moment = since or datetime(2017, 11, 1)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=NETWORK_OFFSET)
            return {"since": moment.isoformat(timespec="seconds")}
        case "cases":
            id_type, normal = filter_number(None, applicant) if applicant else (None, None)
            return CaseFilter(
                id_type=id_type,
                number=normal,
                start=f"{start:%Y-%m-%d}T00:00:00+08:00" if start else None,
                end=f"{end:%Y-%m-%d}T23:59:59+08:00" if end else None,
            ).args()
    return {}


async def _try(
    loaded: Loaded, declaration: Declaration, question: Question, *, unmasked: bool, as_json: bool
) -> bool:
    wires: list[ListeningWire] = []

    def wire_for(limits: WireLimits, guard: UrlGuard, tls: ssl.SSLContext | None) -> Wire:
        wires.append(ListeningWire(limits, guard, tls))
        return wires[-1]

    around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"try", wire_for=wire_for)
    system = declaration.system.code
    source = build_source(declaration, loaded.services.get(system), around)
    if not source.can(question.coordinate):
        raise click.ClickException(
            f"{system} declares no connector {question.coordinate!r}; it has {', '.join(source.connectors)}"
        )
    gaps: list[Gap] = []
    page, error = None, None
    try:
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        page = await source.ask(
            question.coordinate,
            question.args,
            fields=question.fields,
            deadline=deadline,
            gaps=gaps,
            roots=question.roots,
        )
    except SourceError as caught:
        error = caught
    finally:
        hidden = _secrets_of(source)
        await source.close()
    calls = [(one.request, one.response) for one in wires[0].taken]
    put = _put if as_json else _show
    put(source, calls, page, error, gaps, hidden=hidden, unmasked=unmasked)
    return error is None


def _put(
    source: Source,
    calls: list[tuple[WireRequest, WireResponse | None]],
    page: Page | None,
    error: SourceError | None,
    gaps: list[Gap],
    *,
    hidden: Sequence[str],
    unmasked: bool,
) -> None:
    """As `_show`, for machines; every record, texts whole."""

    def shown(text: str) -> str:
        text = _without_secrets(hidden, text)
        return text if unmasked else mask_personal_data(text)

    told = {
        "system": source.code,
        "ok": error is None,
        "calls": [
            {
                "request": shown(_request_text(source, request, whole=True)),
                "answer": shown(_response_text(source, response, whole=True))
                if response is not None
                else None,
            }
            for request, response in calls
        ],
        "records": page.records if page is not None else None,
        "total": page.total if page is not None else None,
        "next": page.next if page is not None else None,
        "gaps": [
            {"table": table, "raw": raw} for table, raw in sorted({(one.table, one.raw) for one in gaps})
        ],
        "troubles": [
            {"field": one.field, "message": one.message}
            for one in (page.troubles if page is not None else ())
        ],
        "error": {"code": error.code, "message": str(error)} if error is not None else None,
    }
    click.echo(shown(json.dumps(told, ensure_ascii=False, indent=2)))


def _show(
    source: Source,
    calls: list[tuple[WireRequest, WireResponse | None]],
    page: Page | None,
    error: SourceError | None,
    gaps: list[Gap],
    *,
    hidden: Sequence[str],
    unmasked: bool,
) -> None:
    console = Console()

    def shown(text: str) -> str:
        text = _without_secrets(hidden, text)
        return text if unmasked else mask_personal_data(text)

    panels = []
    for index, (request, response) in enumerate(calls, 1):
        panels.append(Panel(_code(shown(_request_text(source, request))), title=f"request {index}"))
        if response is not None:
            panels.append(Panel(_code(shown(_response_text(source, response))), title=f"answer {index}"))
    if page is not None:
        records = json.dumps(page.records[:3], ensure_ascii=False, indent=2)
        more = f" (3 of {len(page.records)})" if len(page.records) > 3 else ""
        panels.append(Panel(_code(shown(records), "json"), title=f"mapped{more}"))
    if console.width >= 150 and len(panels) == 3:
        side_by_side = Table.grid(expand=True)
        for _ in panels:
            side_by_side.add_column(ratio=1)
        side_by_side.add_row(*panels)
        console.print(side_by_side)
    else:
        for panel in panels:
            console.print(panel)
    if error is not None:
        cause = f"\n{shown(str(error.__cause__))}" if error.__cause__ is not None else ""
        console.print(Panel(f"{error.code}: {error}{cause}", title="failed", style="red"))
    if page is not None:
        _show_findings(console, page, gaps)


def _secrets_of(source: Source) -> list[str]:
    """What the declaration hides, and the token or session at hand, in every form they are sent; the longest first."""
    values = [*secret_values(source.declaration.source), *source.credentials.held_values()]
    return sorted({form for value in values for form in secret_forms(value)}, key=len, reverse=True)


def _without_secrets(hidden: Sequence[str], text: str) -> str:
    """Passwords and tokens are never shown, whoever asks: the screen ends up in tickets."""
    for value in hidden:
        text = text.replace(value, "(secret)")
    return _SECRETS.sub(lambda found: (found.group(1) or found.group(2)) + "(secret)", text)


def _show_findings(console: Console, page: Page, gaps: list[Gap]) -> None:
    table = Table("what", "where", "found", title="to look at", title_justify="left")
    for gap in sorted({(one.table, one.raw) for one in gaps}):
        table.add_row("code not in table", gap[0], gap[1])
    for trouble in page.troubles:
        table.add_row("value does not fit", trouble.field, trouble.message)
    if page.records:
        empty = [name for name in page.records[0] if all(one.get(name) in (None, []) for one in page.records)]
        if empty:
            table.add_row("always empty", ", ".join(empty), "")
    if table.row_count:
        console.print(table)
    total = f" of {page.total}" if page.total is not None else ""
    console.print(
        f"{len(page.records)} record(s){total}; next page: {page.next if page.next is not None else 'none'}"
    )


def _request_text(source: Source, request: WireRequest, *, whole: bool = False) -> str:
    head = f"{request.method} {request.url}\n"
    for name, value in request.headers:
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        key = name.decode("latin-1") if isinstance(name, bytes) else name
        secret = key.lower() in ("authorization", "cookie") or "key" in key.lower()
        head += f"{key}: {'(secret)' if secret else text}\n"
    charset = python_charset(getattr(source.exchange, "charset", None) or "utf-8") or "utf-8"
    return head + "\n" + _pretty(request.body.decode(charset, "backslashreplace"), whole=whole)


def _response_text(source: Source, response: WireResponse, *, whole: bool = False) -> str:
    content_type = response.headers.get("content-type") or ""
    reply = RawReply(response.status, content_type, response.body)
    declared = getattr(source.exchange, "charset", None)
    try:
        text = decode_text(source.code, reply, declared)
    except SourceError as error:
        text = f"({error})\n" + response.body[:2000].decode("latin-1")
    return f"HTTP {response.status}\nContent-Type: {content_type}\n\n" + _pretty(text, whole=whole)


def _pretty(text: str, *, whole: bool) -> str:
    """Indented if it is JSON or XML, cut to what a screen takes."""
    if whole:
        return text
    stripped = text.lstrip("\ufeff \r\n")
    try:
        if stripped.startswith(("{", "[")):
            text = orjson.dumps(orjson.loads(stripped), option=orjson.OPT_INDENT_2).decode()
        elif stripped.startswith("<") and "<html" not in stripped[:300].lower():
            body = stripped.partition("?>")[2] if stripped.startswith("<?xml") else stripped
            parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
            text = etree.tostring(
                etree.fromstring(body.encode(), parser), pretty_print=True, encoding="unicode"
            )
    except (orjson.JSONDecodeError, etree.XMLSyntaxError):
        pass
    return (
        text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + f"\n… ({len(text)} characters)"
    )


def _code(text: str, language: str = "xml") -> Syntax:
    return Syntax(text, language, word_wrap=True, background_color="default")
