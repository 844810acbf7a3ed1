"""Vendored descriptions compared with what their sources say now: which files, what in them, which mapping lines."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.soap.wsdl import SoapService, WsdlError, load_wsdl
from adapters.vendoring.closure import Bad, OnDocument
from adapters.vendoring.documents import is_url
from adapters.vendoring.manifest import Manifest, VendoredFile, changed_by_hand
from adapters.vendoring.openapi import bundled
from adapters.vendoring.openapi_outline import openapi_outline
from adapters.vendoring.outline import Change, Outline, compare
from adapters.vendoring.store import ImportRefused, Wanted, fetch, write_closure
from adapters.vendoring.touched import Touch, touched_by_openapi, touched_by_wsdl
from adapters.vendoring.wsdl_outline import wsdl_outline

__all__ = ["Declared", "Drift", "FileChange", "compare_versions", "drift_of", "outline_of", "source_of"]

Declared = tuple[Document, Declaration]


@dataclass(frozen=True, slots=True)
class FileChange:
    what: Literal["added", "removed", "changed"]
    file: str
    source: str


@dataclass(slots=True)
class Drift:
    """Of one vendored description. failed: why it could not be compared; edited: files changed here by hand."""

    folder: Path
    manifest: Manifest
    systems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    files: list[FileChange] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def breaks(self) -> bool:
        return any(one.effect == "breaks" for one in self.touches)


async def drift_of(
    folder: Path,
    declared: Sequence[Declared],
    on_document: OnDocument = lambda _location, _known: None,
) -> Drift:
    """declared: the declarations that use it. Raises ManifestError; a source that fails is `failed`."""
    manifest = Manifest.read(folder)
    drift = Drift(folder, manifest, tuple(one.system.code for _, one in declared))
    drift.edited = tuple(changed_by_hand(folder, manifest))
    given = {_located(source, folder): path for source, path in manifest.given(folder).items()}
    wanted = Wanted(
        manifest.kind,
        source_of(manifest, folder),
        manifest.hosts,
        given=given,
        system=manifest.system,
        aliases={one.file: _located(one.source, folder) for one in manifest.files},
    )
    try:
        closure = await fetch(wanted, on_document)
    except ImportRefused as error:
        drift.failed = error.problems
        return drift
    with tempfile.TemporaryDirectory(prefix="quanyu-drift-") as temporary:
        now = write_closure(closure, wanted, Path(temporary), manifest.root, datetime.now(UTC))
        sources = {_located(one.source, Path(temporary)): one for one in now.files}
        _compare_files(drift, sources)
        if drift.files or drift.edited:
            compare_versions(drift, Path(temporary), now, declared)
    return drift


def source_of(manifest: Manifest, folder: Path) -> str:
    return _located(manifest.source, folder)


def _located(source: str, folder: Path) -> str:
    if is_url(source) or ":" in source.split("/")[0]:
        return source
    return str((folder / source).resolve())


def _compare_files(drift: Drift, now: Mapping[str, VendoredFile]) -> None:
    before = {_located(one.source, drift.folder): one for one in drift.manifest.files}
    for source, file in now.items():
        old = before.get(source)
        if old is None:
            drift.files.append(FileChange("added", file.file, source))
        elif old.sha256 != file.sha256:
            drift.files.append(FileChange("changed", old.file, source))
    drift.files += [
        FileChange("removed", one.file, source) for source, one in before.items() if source not in now
    ]


def compare_versions(drift: Drift, folder: Path, now: Manifest, declared: Sequence[Declared]) -> None:
    """Adds what is said differently in `folder`, and what of the declarations that touches."""
    try:
        old, new = outline_of(drift.folder, drift.manifest), outline_of(folder, now)
    except (Bad, OSError) as error:
        drift.failed = (*drift.failed, f"cannot be compared: {error}")
        return
    drift.changes = compare(old, new)
    if not drift.changes:
        drift.notes.append("only text changed: comments, order or spelling")
        return
    if drift.manifest.kind == "openapi":
        for document, declaration in declared:
            drift.touches += touched_by_openapi(document, declaration, old, new)
        return
    for document, declaration in declared:
        _touch_wsdl(drift, folder, now, document, declaration)


def _touch_wsdl(
    drift: Drift, folder: Path, now: Manifest, document: Document, declaration: Declaration
) -> None:
    soap = declaration.source.soap
    if soap is None:
        return
    services: list[SoapService] = []
    for where, root in ((drift.folder, drift.manifest.root), (folder, now.root)):
        try:
            services.append(load_wsdl(str(where / root), service=soap.service, port=soap.port))
        except WsdlError as error:
            if where == drift.folder:
                drift.notes.append(f"the vendored WSDL does not load, so no mapping was compared: {error}")
                return
            line, column = document.where(("source", "soap", "wsdl"))
            message = f"the WSDL as it is now does not load: {str(error).replace(str(folder), '')}"
            drift.touches.append(Touch(document.path, line, column, "breaks", "source.soap.wsdl", message))
            return
    drift.touches += touched_by_wsdl(document, declaration, services[0], services[1], drift.changes)


def outline_of(folder: Path, manifest: Manifest) -> Outline:
    """Raises Bad, OSError."""
    if manifest.kind == "openapi":
        return openapi_outline(bundled(folder, manifest.root), manifest.root)
    return wsdl_outline({one.file: (folder / one.file).read_bytes() for one in manifest.files})
