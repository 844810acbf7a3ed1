"""`quanyu try SYSTEM submit --dry-run`: the request that a write would send, and what its input lacks. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from adapters.auth.secrets import secret_forms, secret_values
from adapters.build import Loaded, Surroundings, build_source
from adapters.mapping.errors import ValueProblem
from adapters.reply import python_charset
from adapters.submission.compiled import mode_of
from adapters.submission.desk import new_token
from adapters.submission.form import FormProblem, applicant_args, form_args
from adapters.submission.writer import Writer, build_writer
from adapters.wire.model import WireRequest
from adapters.write_model import FormField
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from gateway.telemetry.logs import mask_personal_data

__all__ = ["show_write"]

_EXAMPLE_NUMBER = "11010519491231002X"
"""The specimen number of GB 11643."""


def show_write(
    loaded: Loaded,
    system: str,
    operation: str,
    input_file: Path | None,
    number: str | None,
    *,
    unmasked: bool,
) -> bool:
    """Whether the input holds and the request can be built. Without a file an example is made of the form."""
    writer = _writer(loaded, system, operation)
    given = _read(input_file) if input_file is not None else _example(writer, operation)
    args, problems = _arguments(writer, operation, given, number)
    console = Console()
    if problems:
        table = Table("code", "field", "what", title="the input does not hold", title_justify="left")
        for one in problems:
            table.add_row(one.code, one.field, one.message)
        console.print(table)
        return False
    try:
        request = writer.request(operation, args)
    except ValueProblem as problem:
        console.print(Panel(Text(f"The request cannot be built: {problem}"), title="failed", style="red"))
        return False
    shown = _text(writer, request)
    title = "not sent" if input_file is not None else "an example, not sent; --input FILE takes yours"
    console.print(
        Panel(Text(shown if unmasked else mask_personal_data(shown)), title=f"{operation}: {title}")
    )
    _show_rules(console, writer, operation)
    return True


def _writer(loaded: Loaded, system: str, operation: str) -> Writer:
    declaration = next(one for one in loaded.declarations if one.system.code == system)
    around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"try")
    service = loaded.services.get(system)
    writer = build_writer(build_source(declaration, service, around), service)
    if operation not in writer.writes:
        known = ", ".join(writer.writes) or "none"
        raise click.ClickException(f"{system} declares no write {operation!r}; it has {known}")
    return writer


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.ClickException(f"{path}: the mutation's `input` is an object")
    return found


def _arguments(
    writer: Writer, operation: str, given: Mapping[str, Any], number: str | None
) -> tuple[dict[str, Any], list[FormProblem]]:
    accepts = writer.writes[operation].write.accepts
    args, problems = form_args(accepts, given.get("fields"), given.get("materials"))
    if operation in ("submit", "appointment"):
        applicant, more = applicant_args(given.get("applicant") or {}, accepts)
        args["applicant"] = applicant
        problems += more
    plain = {"itemCode": "itemCode", "taskCode": "taskCode", "regionCode": "region", "title": "title"}
    args |= {name: given.get(key) for name, key in plain.items()}
    args |= {"note": given.get("note"), "reason": given.get("reason"), "reference": new_token(), "at": None}
    args["case"] = {"number": number or (given.get("case") or {}).get("id", "").partition(":")[2] or None}
    args["slot"] = {"start": given.get("startsAt"), "end": given.get("endsAt"), "place": given.get("place")}
    return args, problems


def _example(writer: Writer, operation: str) -> dict[str, Any]:
    """An input that the form takes, as far as its patterns can be guessed: the defaults of each type."""
    accepts = writer.writes[operation].write.accepts
    items = accepts.items or writer.source.declaration.system.items
    person = {"name": "张三", "number": _EXAMPLE_NUMBER, "mobile": "13800000000"}
    return {
        "itemCode": items[0] if items else "500000000000",
        "applicant": person | {"legalRepresentative": "张三"},
        "fields": {
            name: _example_value(rule)
            for name, rule in accepts.fields.items()
            if rule.required or rule.pattern is None
        },
        "materials": [
            {"code": code, "content": "5paH5Lu2", "mediaType": (rule.types or ("text/plain",))[0]}
            for code, rule in accepts.materials.items()
        ],
        "case": {"id": f"{writer.code}:NUMBER"},
        "note": "补正说明",
        "reason": "撤回原因",
        "startsAt": "2026-01-05T09:30:00+08:00",
    }


def _example_value(rule: FormField) -> Any:
    match rule.type:
        case "boolean":
            return True
        case "integer" | "decimal":
            return rule.least if rule.least is not None else rule.most if rule.most is not None else 1
        case "date":
            return "2026-01-05"
        case "datetime":
            return "2026-01-05T09:30:00+08:00"
        case "choice":
            return next(iter(rule.choices))
    return "示例"[: rule.max_length]


def _text(writer: Writer, request: WireRequest) -> str:
    """As it goes out, but for what a login adds; no secret of the declaration is shown."""
    declaration = writer.source.declaration
    head = [f"{request.method} {request.url}"]
    head += [f"{_plain(name)}: {_plain(value)}" for name, value in request.headers]
    declared = getattr(writer.source.exchange, "charset", None)
    charset = (python_charset(declared) if declared else None) or "utf-8"
    text = "\n".join([*head, "", request.body.decode(charset, "backslashreplace")])
    secrets = [form for value in secret_values(declaration.source) for form in secret_forms(value)]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    return text


def _show_rules(console: Console, writer: Writer, operation: str) -> None:
    write = writer.writes[operation].write
    rule = write.reconcile
    how = (
        "a person must find out"
        if rule is None
        else f"{rule.style}, {rule.verb}"
        if rule.style == "query"
        else rule.style
    )
    facts: Sequence[tuple[str, str]] = (
        ("number", mode_of(operation, write)),
        ("no answer", how + (f"; settles in {rule.settle_s:g} s" if rule and rule.style == "query" else "")),
    )
    for name, value in facts:
        console.print(f"{name}: {value}", markup=False)


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
