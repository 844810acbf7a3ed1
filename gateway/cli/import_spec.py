"""`quanyu import wsdl|openapi SOURCE`: a description and all that it names, kept beside the declarations."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import click

from adapters.soap.wsdl import SoapService, WsdlError, load_wsdl
from adapters.vendoring.closure import Bad
from adapters.vendoring.documents import is_url
from adapters.vendoring.drift import outline_of
from adapters.vendoring.manifest import MANIFEST, Manifest, ManifestError
from adapters.vendoring.openapi import bundled, described
from adapters.vendoring.outline import compare
from adapters.vendoring.store import ImportRefused, Kind, Wanted, fetch, import_into, unlocated
from gateway.cli.known import documents_for_cli
from gateway.cli.screen import GOOD, POOR, WARN, put_json, put_table, say, stop, working

__all__ = ["import_spec"]


@click.command("import")
@click.argument("kind", type=click.Choice(["wsdl", "openapi"]))
@click.argument("source")
@click.option(
    "--into", type=click.Path(path_type=Path), help="Folder to write; by default systems/KIND/NAME."
)
@click.option("--system", help="Code of the system that it describes, for `quanyu drift`.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="URI=FILE",
    help="File for a location or namespace that cannot be fetched; several may be given.",
)
@click.option("--host", "hosts", multiple=True, metavar="HOST[:PORT]", help="Further host that may be asked.")
@click.option(
    "--systems",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of declarations; by default systems/.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def import_spec(
    kind: str,
    source: str,
    into: Path | None,
    system: str | None,
    mapped: tuple[str, ...],
    hosts: tuple[str, ...],
    paths: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Keep the description at SOURCE (an address or a file) and all that it imports beside the declarations.

    Afterwards nobody is asked for it. Asked are the host of SOURCE and those named by --host, nobody else. Nothing is
    written if anything is missing. Exit status 1 then, or if what was written cannot be used.
    """
    given = _given(mapped)
    wanted = Wanted(cast(Kind, kind), source, hosts, given=given, system=system)
    systems = paths or (Path("systems"),)
    folder = into or _folder(systems[0], kind, system or _stem(source))
    try:
        with working("fetching 获取") as advance:
            closure = asyncio.run(fetch(wanted, advance))
        before = Manifest.read(folder) if (folder / MANIFEST).is_file() else None
        old = outline_of(folder, before) if before is not None else None
        root = _root_name(source, kind, closure.documents[closure.root].content)
        manifest = import_into(closure, wanted, folder, root, datetime.now(UTC))
    except ImportRefused as error:
        stop(error.problems, as_json=as_json)
    except (ManifestError, Bad, OSError) as error:
        stop([str(error)], as_json=as_json)
    notes = [str(one) for one in unlocated(closure)]
    usable, told, problem = _look(folder, manifest)
    changed: list[dict[str, str]] = []
    if before is not None and old is not None:
        changed = [
            {"what": one.what, "kind": one.kind, "name": one.shown}
            for one in compare(old, outline_of(folder, manifest))
        ]
    next_steps = _next_steps(folder, manifest, systems, system)
    if as_json:
        put_json(
            {
                "ok": usable,
                "folder": str(folder),
                "manifest": manifest.model_dump(mode="json", by_alias=True, exclude_none=True),
                "found": told,
                "problems": [problem] if problem else [],
                "notes": notes,
                "changed": changed,
                "next": next_steps,
            }
        )
    else:
        _show(folder, manifest, told, problem, notes, changed, next_steps)
    raise SystemExit(0 if usable else 1)


def _show(
    folder: Path,
    manifest: Manifest,
    told: Mapping[str, Any],
    problem: str,
    notes: list[str],
    changed: list[dict[str, str]],
    next_steps: list[str],
) -> None:
    rows = [
        (one.file, "given by hand 手工提供" if one.given else one.source, f"{one.size:,}", one.sha256[:12])
        for one in manifest.files
    ]
    put_table(str(folder), ("File 文件", "From 来源", "Bytes 字节", "SHA-256"), rows)
    for name, value in told.items():
        say(f"{name}: {value}")
    if changed:
        news = [(one["what"], one["kind"], one["name"]) for one in changed[:40]]
        put_table("since the last import 与上次相比", ("What 变化", "Kind 类别", "Name 名称"), news)
        if len(changed) > 40:
            say(f"and {len(changed) - 40} more")
    for note in notes:
        say(f"note: {note}", WARN)
    if problem:
        say(f"error: {problem}", POOR)
    for step in next_steps:
        say(f"next: {step}", GOOD)


def _given(mapped: tuple[str, ...]) -> dict[str, Path]:
    given: dict[str, Path] = {}
    for one in mapped:
        uri, equals, file = one.rpartition("=")
        if not equals or not uri or not Path(file).is_file():
            what = f"{file} is no file" if equals and uri else "URI=FILE is needed"
            raise click.BadParameter(f"{one}: {what}", param_hint="--map")
        given[uri] = Path(file)
    return given


def _stem(source: str) -> str:
    path = unquote(urlsplit(source).path) if is_url(source) else source.replace("\\", "/")
    return PurePosixPath(path).stem or "service"


def _folder(systems: Path, kind: str, name: str) -> Path:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.").lower() or "service"
    return (systems if systems.suffix == "" else systems.parent) / kind / plain


def _root_name(source: str, kind: str, content: bytes) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _stem(source)).strip("-.") or "service"
    if kind == "wsdl":
        return f"{plain}.wsdl"
    return f"{plain}.{'json' if content.lstrip()[:1] == b'{' else 'yaml'}"


def _look(folder: Path, manifest: Manifest) -> tuple[bool, dict[str, Any], str]:
    """Whether what was written can be used, what is in it, and what is wrong."""
    root = folder / manifest.root
    if manifest.kind == "openapi":
        try:
            tree = bundled(folder, manifest.root)
        except (Bad, OSError) as error:
            return False, {}, f"{root}: {error}"
        outline = outline_of(folder, manifest)
        return True, {"description 描述": described(tree), "operations 操作": len(outline.components)}, ""
    try:
        service = load_wsdl(str(root))
    except WsdlError as error:
        # several services or none are no fault of the file: the declaration chooses
        chosen_later = "several services" in str(error)
        return chosen_later, {}, "" if chosen_later else str(error)
    told: dict[str, Any] = {
        "service 服务": f"{service.service} ({service.port}), SOAP {service.version}",
        "operations 操作": _listed(service),
        "address 地址": service.address,
    }
    source_host = urlsplit(manifest.source).netloc
    if source_host and urlsplit(service.address).netloc != source_host:
        told["mind 注意"] = (
            "calls go to that address, another host than the WSDL's; if it is not right, declare `address`"
        )
    return True, told, ""


def _listed(service: SoapService) -> str:
    names = sorted(service.operations)
    return ", ".join(names[:12]) + (f", and {len(names) - 12} more" if len(names) > 12 else "")


def _next_steps(folder: Path, manifest: Manifest, paths: tuple[Path, ...], system: str | None) -> list[str]:
    """Which line of which declaration shall name the file."""
    root = folder / manifest.root
    steps: list[str] = []
    for document, declaration in documents_for_cli(paths)[0]:
        if declaration.system.code != system:
            continue
        soap = declaration.source.soap
        if manifest.kind != "wsdl" or soap is None:
            steps.append(f"quanyu drift {system}")
            continue
        relative = _relative(root, document.path.parent)
        written = document.tree["source"]["soap"]["wsdl"]
        if written == relative:
            steps.append(f"quanyu check {document.path}")
        else:
            line, _ = document.where(("source", "soap", "wsdl"))
            steps.append(f"{document.path}:{line}: set wsdl: {relative} (it is {written})")
    if not steps:
        option = "--wsdl" if manifest.kind == "wsdl" else "--openapi"
        steps.append(f"quanyu init {option} {root} --code {system or 'XX-SYSTEM'}")
    return steps


def _relative(path: Path, start: Path) -> str:
    return relpath(path.resolve(), start.resolve()).replace("\\", "/")
