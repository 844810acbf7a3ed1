"""Files of the documents that clients were built with, in the two formats that their tools write.

Apollo (`@apollo/generate-persisted-query-manifest`): {"format": "apollo-persisted-query-manifest", "version": 1,
"operations": [{"id", "name", "type", "body"}]}. Relay (`persistConfig.file`): {id: text}.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from graphql import GraphQLSyntaxError, parse

from gateway.documents.errors import ManifestInvalid

__all__ = ["APOLLO", "Manifest", "TrustedDocument", "read_manifest"]

APOLLO: Final = "apollo-persisted-query-manifest"
_LARGEST_FILE: Final = 64 * 1024 * 1024
_MOST_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """name: of the operation in it, where the manifest says so."""

    id: str
    text: str = field(repr=False)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """by_id: document; texts: all of them, for clients that send the text."""

    by_id: Mapping[str, TrustedDocument] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.by_id)


def read_manifest(paths: Iterable[Path]) -> Manifest:
    """All files as one. Raises ManifestInvalid with every problem."""
    problems: list[str] = []
    found: dict[str, TrustedDocument] = {}
    for path in paths:
        for document in _documents(path, problems):
            known = found.setdefault(document.id, document)
            if known.text != document.text:
                problems.append(f"{path}: id {document.id[:80]!r} stands for two documents")
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise ManifestInvalid(problems[:_MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else []))
    return Manifest(found, frozenset(one.text for one in found.values()))


def _documents(path: Path, problems: list[str]) -> Iterator[TrustedDocument]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            problems.append(f"{path}: larger than {_LARGEST_FILE >> 20} MiB")
            return
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return
    for identifier, text, name in _entries(path, content, problems):
        if not isinstance(identifier, str) or not identifier or not isinstance(text, str):
            problems.append(f"{path}: an entry needs an id and a text; found {str(identifier)[:80]!r}")
            continue
        try:
            parse(text, no_location=True)
        except GraphQLSyntaxError as error:
            where = error.locations[0] if error.locations else None
            at = f" at line {where.line}, column {where.column}" if where else ""
            problems.append(f"{path}: document {identifier[:80]!r}: {error.message}{at}")
            continue
        yield TrustedDocument(identifier, text, name if isinstance(name, str) else None)


def _entries(path: Path, content: Any, problems: list[str]) -> Iterator[tuple[Any, Any, Any]]:
    if not isinstance(content, dict):
        problems.append(
            f"{path}: it must be a JSON object: Apollo's manifest, or ids with texts as Relay writes them"
        )
        return
    if "format" not in content:
        yield from ((key, value, None) for key, value in content.items())
        return
    operations = content.get("operations")
    if content["format"] != APOLLO or content.get("version") != 1 or not isinstance(operations, list):
        problems.append(f'{path}: expected "format": "{APOLLO}", "version": 1 and a list of "operations"')
        return
    for one in operations:
        if isinstance(one, dict):
            yield one.get("id"), one.get("body"), one.get("name")
        else:
            problems.append(f"{path}: an operation is {type(one).__name__}, and must be an object")
