"""`quanyu mock SYSTEM...`: systems that are not there, each on a port of its own, in their own protocols."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from adapters.build import wsdl_location
from adapters.recording.case import Case, CaseError, case_files, read_case
from adapters.recording.mock import Mock, Told
from adapters.recording.server import serving
from adapters.recording.subject import SPEC, Subject, SubjectError, load_subject, standing_in
from adapters.vendoring.closure import Bad
from adapters.vendoring.documents import is_url
from adapters.vendoring.manifest import MANIFEST, Manifest, ManifestError, find_manifests
from adapters.vendoring.openapi import bundled
from gateway.cli.record import cases_folder
from gateway.cli.screen import GOOD, POOR, put_table, say, stop

__all__ = ["mock"]

_REFERENCE = re.compile(r"\$\{env:([A-Za-z0-9_]+)(?::-[^}]*)?\}(?=/|$)")


@click.command()
@click.argument("systems", nargs=-1, required=True, metavar="SYSTEM...")
@click.option(
    "--port", default=0, show_default=True, help="Port of the first; the others follow. 0 takes free ones."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--systems",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of declarations; by default systems/.",
)
@click.option(
    "--cases",
    "folder",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of cases; by default systems/cases/SYSTEM.",
)
@click.option(
    "--only-recorded", is_flag=True, help="Answer 404 where no case has these arguments; make nothing up."
)
@click.option("--quiet", is_flag=True, help="Do not tell of each request.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object when all listen, then one a request.")
def mock(
    systems: tuple[str, ...],
    port: int,
    host: str,
    paths: tuple[Path, ...],
    folder: Path | None,
    only_recorded: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Stand in for each SYSTEM until Ctrl-C: recorded replies where a case has the same arguments, else made-up ones.

    Replies are made up from the declaration (codes of its tables, dates in its patterns) and from the types of its WSDL
    or vendored OpenAPI document. Secrets are not checked.
    """
    places = paths or (Path("systems"),)

    def tell(code: str, told: Told) -> None:
        if as_json:
            _put_line({"system": code, "request": told.request, "status": told.status, "answer": told.how})
        elif not quiet:
            say(f"{code}  {told.status}  {told.request}  <- {told.how}", POOR if told.status == 404 else None)

    mocks: list[tuple[str, Mock]] = []
    try:
        for code in systems:
            cases = folder or cases_folder(places, code)
            subject = load_subject(code, places, standing_in(os.environ), cases)
            made = Mock(
                subject,
                _cases(cases, code),
                openapi=_openapi(places, code),
                spec=_spec(subject, cases),
                only_recorded=only_recorded,
                on_answer=partial(tell, code),
            )
            mocks.append((code, made))
    except SubjectError as error:
        stop(error.problems, as_json=as_json)
    except (CaseError, ManifestError, Bad, OSError) as error:
        stop([str(error)], as_json=as_json)
    try:
        asyncio.run(_serve(mocks, host, port, as_json=as_json))
    except OSError as error:
        stop([f"port {port}: {error.strerror}"], as_json=as_json)


def _put_line(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


async def _serve(mocks: Sequence[tuple[str, Mock]], host: str, port: int, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        urls = {}
        for place, (code, made) in enumerate(mocks):
            wanted = port + place if port else 0
            taken = await stack.enter_async_context(serving(made.answer, host=host, port=wanted))
            urls[code] = f"http://{host}:{taken}"
        _show(mocks, urls, as_json=as_json)
        await stopped.wait()


def _show(mocks: Sequence[tuple[str, Mock]], urls: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        _put_line(
            {
                "systems": [
                    {
                        "system": code,
                        "url": urls[code],
                        "variables": _variables(made, urls[code]),
                        "answers": [
                            {
                                "verb": one.verb,
                                "request": one.asked,
                                "recorded": one.recorded,
                                "madeUp": one.made_up,
                            }
                            for one in made.offers()
                        ],
                    }
                    for code, made in mocks
                ]
            }
        )
        return
    rows = [
        (
            code,
            urls[code],
            one.verb,
            one.asked,
            str(one.recorded),
            "made up 示例" if one.made_up else "404",
        )
        for code, made in mocks
        for one in made.offers()
    ]
    columns = ("System 系统", "URL", "Verb 动作", "Request 请求", "Recorded 已录", "Else 其他")
    put_table("mock 模拟", columns, rows)
    for code, made in mocks:
        for name, value in _variables(made, urls[code]).items():
            say(f"export {name}={value}", GOOD)
    say("Ctrl-C stops it 按 Ctrl-C 停止", err=True)


def _variables(made: Mock, url: str) -> dict[str, str]:
    """What a gateway's environment needs so that the declaration leads here; empty if it names addresses itself."""
    source = (made.subject.document.tree or {}).get("source") or {}
    texts = [
        str(one.get(name) or "")
        for one in source.values()
        if isinstance(one, dict)
        for name in ("wsdl", "address", "baseUrl", "url")
    ]
    auth = [one.get("auth") for one in source.values() if isinstance(one, dict)]
    texts += [str((one.get("oauth2") or {}).get("tokenUrl") or "") for one in auth if isinstance(one, dict)]
    return {found.group(1): url for text in texts if (found := _REFERENCE.match(text))}


def _cases(folder: Path, code: str) -> list[Case]:
    if not folder.is_dir():
        return []
    cases = [read_case(path) for path in case_files(folder)]
    return [one for one in cases if one.system == code]


def _openapi(places: Sequence[Path], code: str) -> dict[str, object] | None:
    for folder in find_manifests([path for path in places if path.exists()]):
        manifest = Manifest.read(folder)
        if manifest.kind == "openapi" and manifest.system == code:
            return bundled(folder, manifest.root)
    return None


def _spec(subject: Subject, cases: Path) -> tuple[Path, Manifest] | None:
    """The WSDL that the mock hands out: of the recording, or the vendored one that the declaration names."""
    soap = subject.declaration.source.soap
    if soap is None:
        return None
    folders = [cases / SPEC]
    if not is_url(soap.wsdl):
        folders.insert(0, Path(wsdl_location(soap.wsdl, subject.document.path)).parent)
    folder = next((one for one in folders if (one / MANIFEST).is_file()), None)
    return (folder, Manifest.read(folder)) if folder is not None else None
