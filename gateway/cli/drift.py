"""`quanyu drift [SYSTEM]...`: what has changed in vendored descriptions, and which mapping lines that touches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from adapters.build import wsdl_location
from adapters.vendoring.documents import is_url
from adapters.vendoring.drift import Declared, Drift, drift_of
from adapters.vendoring.manifest import Manifest, ManifestError, find_manifests
from adapters.vendoring.touched import Touch
from gateway.cli.known import documents_for_cli
from gateway.cli.screen import GOOD, POOR, WARN, put_json, put_table, say, stop, working

__all__ = ["drift"]

MOST_SHOWN = 60


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option(
    "--systems",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of declarations; vendored descriptions are looked for below them.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def drift(systems: tuple[str, ...], paths: tuple[Path, ...], as_json: bool) -> None:
    """Fetch vendored descriptions again and tell what has changed, for all systems or for those named.

    Nothing is written: `quanyu import` takes what is new. Exit status 1 where a mapping breaks, 2 where a description
    could not be compared, else 0.
    """
    places = paths or (Path("systems"),)
    declared, unusable = documents_for_cli(places)
    try:
        chosen = _chosen(places, declared, systems)
    except ManifestError as error:
        stop([str(error)], as_json=as_json, status=2)
    known = {one.system.code for _, one in declared} | {
        of for _, users, of in chosen if of and users is not None
    }
    if unknown := sorted(set(systems) - known):
        stop(
            [f"no system {unknown[0]!r}; there is {', '.join(sorted(known)) or 'none'}"],
            as_json=as_json,
            status=2,
        )
    found: list[Drift] = []
    with working("comparing 比较", len(chosen)) as advance:
        for folder, users, _ in chosen:
            found.append(asyncio.run(drift_of(folder, users)))
            advance(str(folder), None)
    online = _not_vendored(declared, systems)
    if as_json:
        told = {"drift": [_as_json(one) for one in found], "notVendored": online}
        put_json({**told, "unusable": [str(path) for path in unusable]})
    else:
        for one in found:
            _show(one)
        _sum_up(found, online)
        for path in unusable:
            say(f"{path}: no declaration that could be compared; quanyu check says why", WARN, err=True)
    raise SystemExit(_status(found))


def _status(found: Sequence[Drift]) -> int:
    if any(one.breaks for one in found):
        return 1
    return 2 if any(one.failed for one in found) else 0


def _chosen(
    paths: Sequence[Path], declared: Sequence[Declared], systems: Sequence[str]
) -> list[tuple[Path, list[Declared], str | None]]:
    """Vendored folders with the declarations that use them, and the system that the import named."""
    chosen = []
    for folder in find_manifests([path for path in paths if path.exists()]):
        manifest = Manifest.read(folder)
        users = [one for one in declared if _uses(one, folder, manifest)]
        codes = {declaration.system.code for _, declaration in users} | {manifest.system}
        if not systems or codes & set(systems):
            chosen.append((folder, users, manifest.system))
    return chosen


def _uses(declared: Declared, folder: Path, manifest: Manifest) -> bool:
    document, declaration = declared
    soap = declaration.source.soap
    if declaration.system.code == manifest.system:
        return True
    if manifest.kind != "wsdl" or soap is None or is_url(soap.wsdl):
        return False
    return Path(wsdl_location(soap.wsdl, document.path)) == (folder / manifest.root).resolve()


def _not_vendored(declared: Sequence[Declared], systems: Sequence[str]) -> list[str]:
    """Systems whose WSDL is read from the network at every start."""
    return [
        declaration.system.code
        for _, declaration in declared
        if declaration.source.soap is not None
        and is_url(declaration.source.soap.wsdl)
        and (not systems or declaration.system.code in systems)
    ]


def _show(one: Drift) -> None:
    users = ", ".join(one.systems) or "no declaration 无声明"
    title = f"{one.folder} · {users} · {one.manifest.fetched_at:%Y-%m-%d %H:%M}"
    if one.failed:
        say(f"{title}\nnot compared 未比较:", POOR)
        for problem in one.failed:
            say(f"  {problem}", POOR)
    elif not one.files:
        say(f"{title}: unchanged 无变化", GOOD)
    if one.edited:
        say(
            f"changed here by hand 本地被修改: {', '.join(one.edited)} (the next import overwrites that)",
            WARN,
        )
    if one.files:
        files = [(file.what, file.file, file.source) for file in one.files]
        say(title)
        put_table("files 文件", ("What 变化", "File 文件", "Source 来源"), files)
    if one.changes:
        rows = [
            (each.what, each.kind, each.shown, each.before, each.after, f"{each.file}:{each.line}")
            for each in one.changes[:MOST_SHOWN]
        ]
        columns = ("What 变化", "Kind 类别", "Name 名称", "Was 原", "Is 现", "Where 位置")
        styles = {place: POOR if row[0] == "removed" else "" for place, row in enumerate(rows)}
        put_table("structure 结构", columns, rows, styles)
        if len(one.changes) > MOST_SHOWN:
            say(f"and {len(one.changes) - MOST_SHOWN} more; --json has all of them")
    for note in one.notes:
        say(note)
    lines: dict[tuple[Path, int, int, str], list[Touch]] = {}
    for touch in one.touches:
        lines.setdefault((touch.file, touch.line, touch.column, touch.effect), []).append(touch)
    for found in lines.values():
        also = f" (and {len(found) - 1} more on this line)" if len(found) > 1 else ""
        say(f"{found[0]}{also}", POOR if found[0].effect == "breaks" else WARN)
    if one.changes and one.systems and not one.touches and not one.failed:
        say("no mapping line is touched 未影响映射", GOOD)


def _sum_up(found: Sequence[Drift], online: Sequence[str]) -> None:
    broken = sum(each.effect == "breaks" for one in found for each in one.touches)
    touched = sum(each.effect == "touches" for one in found for each in one.touches)
    changed = sum(bool(one.files) for one in found)
    say(
        f"{len(found)} vendored, {changed} changed; mapping lines: {broken} broken, {touched} touched",
        POOR if broken else WARN if touched else GOOD,
        err=True,
    )
    if online:
        listed = ", ".join(online)
        say(f"not vendored, read from the network at every start 未留存: {listed}", WARN, err=True)
    if not found and not online:
        say("nothing is vendored yet: quanyu import wsdl|openapi SOURCE", err=True)


def _as_json(one: Drift) -> dict[str, Any]:
    return {
        "folder": str(one.folder),
        "kind": one.manifest.kind,
        "source": one.manifest.source,
        "fetchedAt": one.manifest.fetched_at.isoformat(),
        "systems": list(one.systems),
        "failed": list(one.failed),
        "editedByHand": list(one.edited),
        "files": [asdict(each) for each in one.files],
        "changes": [{**asdict(each), "shown": each.shown} for each in one.changes],
        "mappings": [{**asdict(each), "file": str(each.file)} for each in one.touches],
        "notes": list(one.notes),
        "breaks": one.breaks,
    }
