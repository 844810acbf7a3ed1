"""Everything that one description names, followed to its end: documents by location, what is missing, names to keep
them under. Knows neither XML nor OpenAPI: it is given how references are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from adapters.vendoring.documents import Documents, Unreadable, is_url, joined

__all__ = ["Bad", "Closure", "Fetched", "Missing", "Reference", "collect", "shown_location", "stored_names"]

FindReferences = Callable[[bytes], Sequence["Reference"]]
OnDocument = Callable[[str, int], None]
"""Told of each document before it is read, with how many are known by then."""


class Bad(Exception):
    """A document is not what it must be."""

    def __init__(self, reason: str, *, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Reference:
    """What a document names. kind: as people call it, e.g. xs:include. line: where, from 1."""

    kind: str
    location: str | None
    namespace: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A reference that leads nowhere. file: of which document; remedy: what to do."""

    file: str
    line: int
    kind: str
    location: str
    namespace: str | None
    reason: str
    remedy: str

    def __str__(self) -> str:
        namespace = f" (namespace {self.namespace})" if self.namespace else ""
        return f"{self.file}:{self.line}: {self.kind} of {self.location}{namespace}: {self.reason}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """given: the file was named by hand for this location."""

    location: str
    content: bytes = field(repr=False)
    given: bool = False


@dataclass(slots=True)
class Closure:
    """documents: by location, the root first, then in the order of first mention."""

    root: str
    documents: dict[str, Fetched] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    unlocated: list[tuple[str, Reference]] = field(default_factory=list)
    """References by namespace alone, with the document that holds each: nothing says where to look."""


async def collect(
    documents: Documents,
    find: FindReferences,
    *,
    builtin: Callable[[Reference], tuple[str, bytes] | None] = lambda _: None,
    aliases: Mapping[str, str] | None = None,
    on_document: OnDocument = lambda _location, _known: None,
) -> Closure:
    """Reads the root and all that follows from it. builtin: location and bytes of what need not be fetched.

    aliases: what given documents call others -> their locations; those of an earlier import name files of its folder.

    Raises Unreadable or Bad for the root alone; all else that cannot be had is listed in `missing`.
    """
    closure = Closure(documents.root)
    on_document(documents.root, 1)
    content = await documents.read(documents.root)
    closure.documents[documents.root] = Fetched(documents.root, content)
    todo = [(documents.root, one) for one in find(content)]
    failed: set[str] = set()
    while todo:
        by, reference = todo.pop(0)
        own = builtin(reference)
        if own is not None:
            location = own[0]
        elif reference.location is not None:
            alias = (aliases or {}).get(reference.location) if closure.documents[by].given else None
            location = alias or joined(by, reference.location)
        elif reference.namespace in documents.given:
            location = str(reference.namespace)
        else:
            closure.unlocated.append((by, reference))
            continue
        if location in closure.documents or (location in failed and own is None):
            continue
        on_document(location, len(closure.documents) + 1)
        try:
            fetched = await _fetched(documents, reference, location, by, own)
            todo += [(location, one) for one in find(fetched.content)]
        except (Unreadable, Bad) as error:
            failed.add(location)
            closure.missing.append(_missing(by, reference, location, error))
            continue
        closure.documents[location] = fetched
    return closure


async def _fetched(
    documents: Documents, reference: Reference, location: str, by: str, own: tuple[str, bytes] | None
) -> Fetched:
    for key in (location, reference.location, reference.namespace):
        if key and key in documents.given:
            path = documents.given[key]
            try:
                return Fetched(location, path.read_bytes(), given=True)
            except OSError as error:
                raise Unreadable(f"{path}: {error.strerror}") from error
    if own is not None:
        return Fetched(location, own[1], given=True)
    return Fetched(location, await documents.read(location, by=by))


def _missing(by: str, reference: Reference, location: str, error: Unreadable | Bad) -> Missing:
    shown = reference.location or location
    give = f"give it: --map {shown}=FILE"
    remedy = getattr(error, "remedy", "")
    return Missing(
        shown_location(by),
        reference.line,
        reference.kind,
        shown,
        reference.namespace,
        str(error),
        f"{remedy}, or {give}" if remedy else give,
    )


def shown_location(location: str) -> str:
    """For people: an address whole, a file as seen from here."""
    if is_url(location):
        return location
    try:
        return str(Path(location).relative_to(Path.cwd()))
    except ValueError:
        return location


def stored_names(closure: Closure, root_name: str, suffix: str) -> dict[str, str]:
    """Location -> name in one folder: the last part of the path, and of a query what tells it apart; where two
    documents of unlike folders have one name, the folder's stands before it. Compared without case, as some disks do."""
    names = {closure.root: root_name}
    taken = {root_name.lower()}
    for location in closure.documents:
        if location in names:
            continue
        candidates = _candidates(location, suffix)
        name = next((one for one in candidates if one.lower() not in taken), None)
        number = 2
        while name is None:
            stem, dot, end = candidates[0].rpartition(".")
            tried = f"{stem}-{number}{dot}{end}"
            name = tried if tried.lower() not in taken else None
            number += 1
        names[location] = name
        taken.add(name.lower())
    return names


def _candidates(location: str, suffix: str) -> list[str]:
    parts = urlsplit(location) if is_url(location) else None
    path = PurePosixPath(unquote(parts.path) if parts is not None else location.replace("\\", "/"))
    stem, end = path.stem or "document", path.suffix.lower()
    if parts is not None and parts.query:  # …?xsd=xsd0
        named = PurePosixPath(parts.query.rpartition("=")[2])
        has_name = named.suffix.lower() in (".wsdl", ".xsd")
        stem = named.stem if has_name else f"{path.name or stem}-{parts.query}"
        end = named.suffix.lower() if has_name else ""
    end = end if end in (".wsdl", ".xsd", ".xml", ".json", ".yaml", ".yml") else suffix
    plain = _plain(stem) + end
    folders = [_plain(one) for one in path.parts[:-1] if one.strip("/")]
    return [plain, *("-".join([*folders[-depth:], plain]) for depth in range(1, min(len(folders), 4) + 1))]


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "document"
