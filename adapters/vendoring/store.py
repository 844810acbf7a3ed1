"""A closure written to a folder, whole or not at all, with its manifest; and read again from where it came."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from os.path import relpath
from pathlib import Path
from typing import Literal

from adapters.vendoring import openapi, wsdl
from adapters.vendoring.closure import (
    Bad,
    Closure,
    Missing,
    OnDocument,
    collect,
    shown_location,
    stored_names,
)
from adapters.vendoring.documents import Documents, Limits, Unreadable, is_url
from adapters.vendoring.manifest import MANIFEST, Manifest, VendoredFile, sha256

__all__ = ["ImportRefused", "Kind", "Wanted", "fetch", "import_into", "unlocated", "write_closure"]

Kind = Literal["wsdl", "openapi"]
WELL_KNOWN = frozenset(
    {
        "http://schemas.xmlsoap.org/soap/encoding/",
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://schemas.xmlsoap.org/wsdl/",
        "http://www.w3.org/2001/XMLSchema",
    }
)
"""Namespaces that readers of WSDLs bring along."""


class ImportRefused(Exception):
    """Nothing was written. `problems`: all that is missing, or the one thing that is wrong."""

    def __init__(self, problems: Iterable[str], *, passing: bool = False) -> None:
        """passing: it may succeed at another time."""
        self.problems = tuple(problems)
        self.passing = passing
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import. source: address or path. given: location or namespace -> file. aliases: see `collect`."""

    kind: Kind
    source: str
    hosts: tuple[str, ...] = ()
    given: Mapping[str, Path] = field(default_factory=dict)
    system: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


async def fetch(wanted: Wanted, on_document: OnDocument = lambda _location, _known: None) -> Closure:
    """Raises ImportRefused, with everything that is missing at once."""
    source = _absolute(wanted.source)
    module = wsdl if wanted.kind == "wsdl" else openapi
    try:
        documents = Documents(
            source, module.SUFFIXES, hosts=wanted.hosts, given=wanted.given, limits=wanted.limits
        )
    except Unreadable as error:
        shown = "the address" if "@" in wanted.source else wanted.source  # a password may stand in it
        raise ImportRefused([f"{shown}: {error}"]) from error
    try:
        closure = await collect(
            documents,
            module.references,
            builtin=module.builtin,
            aliases=wanted.aliases,
            on_document=on_document,
        )
    except Unreadable as error:
        raise ImportRefused([f"{shown_location(source)}: {error}"], passing=error.passing) from error
    except Bad as error:
        raise ImportRefused([f"{shown_location(source)}:{error.line}: {error}"]) from error
    finally:
        await documents.close()
    if closure.missing:
        raise ImportRefused(str(one) for one in closure.missing)
    return closure


def _absolute(source: str) -> str:
    return source if is_url(source) else str(Path(source).resolve())


def unlocated(closure: Closure) -> list[Missing]:
    """Namespaces that schemas refer to and that no document has: of no harm if nothing of them is used."""
    if not closure.unlocated:
        return []
    there = wsdl.target_namespaces({one: doc.content for one, doc in closure.documents.items()})
    return [
        Missing(
            shown_location(by),
            one.line,
            one.kind,
            str(one.namespace),
            None,
            "no document has this namespace, and nothing says where it is",
            f"if it is needed, give it: --map {one.namespace}=FILE",
        )
        for by, one in closure.unlocated
        if one.namespace and one.namespace not in there | WELL_KNOWN
    ]


def write_closure(closure: Closure, wanted: Wanted, folder: Path, root_name: str, now: datetime) -> Manifest:
    """Into a folder that is there and empty. `folder` is also what paths in the manifest count from."""
    return _write(closure, wanted, folder, folder, root_name, now)


def import_into(
    closure: Closure,
    wanted: Wanted,
    folder: Path,
    root_name: str,
    now: datetime,
    check: Callable[[Path], None] = lambda _root: None,
) -> Manifest:
    """Replaces the folder by what was fetched, if `check` of the written root raises nothing.

    A folder without a manifest of ours is never replaced: raises ImportRefused.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise ImportRefused([f"{folder} is there and holds no {MANIFEST}; choose another with --into"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        manifest = _write(closure, wanted, made, folder, root_name, now)
        check(made / manifest.root)
        made.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
            folder.rename(old / "it")
            made.rename(folder)
            shutil.rmtree(old)
        else:
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return manifest


def _write(
    closure: Closure, wanted: Wanted, target: Path, folder: Path, root_name: str, now: datetime
) -> Manifest:
    module = wsdl if wanted.kind == "wsdl" else openapi
    names = stored_names(closure, root_name, module.SUFFIXES[1])
    files: list[VendoredFile] = []
    for location, fetched in closure.documents.items():
        stored = module.rewritten(fetched.content, location, names.get)
        (target / names[location]).write_bytes(stored)
        files.append(
            VendoredFile(
                file=names[location],
                source=_source(location, folder),
                sha256=sha256(fetched.content),
                stored=sha256(stored),
                size=len(stored),
                given=fetched.given,
            )
        )
    manifest = Manifest(
        kind=wanted.kind,
        root=root_name,
        source=_source(closure.root, folder),
        system=wanted.system,
        fetched_at=now,
        hosts=tuple(wanted.hosts),
        files=tuple(files),
    )
    manifest.write(target)
    return manifest


def _source(location: str, folder: Path) -> str:
    """A path counts from the folder, so that a repository may lie anywhere."""
    return (
        relpath(location, folder.resolve()).replace("\\", "/") if Path(location).is_absolute() else location
    )
