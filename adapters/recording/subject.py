"""The system that tools work on: its declaration and, for SOAP, its WSDL; loaded without the network where that is had.

Secrets that this machine does not have are stood in for: a replay needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from adapters.build import declaration_files, wsdl_location
from adapters.declaration import Declaration
from adapters.loader import Document, load
from adapters.recording.hide import SECRET
from adapters.references import Lookup
from adapters.soap.wsdl import SoapService, WsdlError, load_wsdl
from adapters.validate import Known, check_document
from adapters.vendoring.manifest import MANIFEST, Manifest, ManifestError

__all__ = ["SPEC", "Subject", "SubjectError", "load_subject", "standing_in"]

SPEC = "spec"
"""Folder beside the cases that holds the WSDL, where the declaration names an address."""
_ADDRESS = re.compile(r"URL|URI|HOST|ADDR|BASE|ENDPOINT", re.IGNORECASE)


Systems: TypeAlias = Mapping[str, tuple[Document, Declaration | None]]


class SubjectError(Exception):
    """The system cannot be worked on; `problems`: why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Subject:
    document: Document
    declaration: Declaration
    service: SoapService | None

    @property
    def code(self) -> str:
        return self.declaration.system.code


class _StandIns(Mapping[str, str]):
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        if name in self._environment:
            return self._environment[name]
        raise KeyError(name)

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]  # never None here
        value = self._environment.get(name, default)
        if value is not None:
            return value
        return "http://recorded.example" if _ADDRESS.search(name) else SECRET

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def standing_in(environment: Mapping[str, str]) -> Lookup:
    """References that this machine cannot fill get something in their place."""

    def read_file(name: str) -> str:
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return SECRET

    return Lookup(_StandIns(environment), read_file)


def _systems_of(paths: Sequence[Path], lookup: Lookup, only: str = "") -> Systems:
    """By code, those too whose declaration does not hold: their problems are in the document. only: a text without which
    a file is not looked at; checking one takes tens of milliseconds."""
    found: dict[str, tuple[Document, Declaration | None]] = {}
    files, _ = declaration_files([path for path in paths if path.exists()])
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if only not in text:
            continue
        document = load(path, text)
        checked = check_document(document, lookup, Known())
        tree = document.tree if isinstance(document.tree, dict) else {}
        code = (tree.get("system") or {}).get("code") if isinstance(tree.get("system"), dict) else None
        if isinstance(code, str):
            found.setdefault(code, (document, checked.declaration if checked.ok else None))
    return found


def load_subject(code: str, paths: Sequence[Path], lookup: Lookup, cases: Path | None) -> Subject:
    """cases: folder whose `spec` holds the WSDL if the declaration names an address. Blocking. Raises SubjectError."""
    systems = _systems_of(paths, lookup, code)
    if code not in systems:
        systems = _systems_of(paths, lookup)
    if code not in systems:
        raise SubjectError([f"no system {code!r}; there is {', '.join(sorted(systems)) or 'none'}"])
    document, declaration = systems[code]
    if declaration is None:
        raise SubjectError([str(problem) for problem in document.problems])
    return Subject(document, declaration, _service(document, declaration, cases))


def _service(document: Document, declaration: Declaration, cases: Path | None) -> SoapService | None:
    soap = declaration.source.soap
    if soap is None:
        return None
    location = wsdl_location(soap.wsdl, document.path)
    kept = _kept(cases)
    if kept is not None and location.startswith(("http://", "https://")):
        location = str(kept)
    try:
        return load_wsdl(location, service=soap.service, port=soap.port)
    except WsdlError as error:
        raise SubjectError(
            [str(document.problem(("source", "soap", "wsdl"), error.code, str(error)))]
        ) from error


def _kept(cases: Path | None) -> Path | None:
    if cases is None:
        return None
    for folder in (cases / SPEC, cases.parent / SPEC):
        if (folder / MANIFEST).is_file():
            try:
                return folder / Manifest.read(folder).root
            except ManifestError:
                return None
    return None
