"""Which names of a reply a connector looks at, for a set of canonical fields: what the XML reader is pruned to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from adapters.declaration import Connector
from adapters.mapping.compiler import RAW_OF, raw_source
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.tree import Wanted, add_container, add_path
from schema.canonical import RECORDS, Field, Record

__all__ = ["paths_from_roots", "reply_paths", "root_paths", "wanted_names"]

Steps = tuple[str | int, ...]


def wanted_names(
    connector: Connector,
    record_map: Mapping[str, Any],
    record: Record,
    fields: Collection[str] | None,
    *,
    records: Mapping[str, Record] = RECORDS,
) -> Wanted | None:
    """Names by level, from the reply's root; None where all of it is. `fields`: of the record that are read; None
    means all."""
    wanted: Wanted = {}
    for place, steps in reply_paths(connector, record_map, record, fields, records=records):
        if place[-1] in ("records", "each", "at"):
            add_container(wanted, steps)
        elif not any(isinstance(step, str) for step in steps):
            return None  # the whole reply
        else:
            add_path(wanted, steps)
    return wanted


def reply_paths(
    connector: Connector,
    record_map: Mapping[str, Any],
    record: Record,
    fields: Collection[str] | None = None,
    *,
    records: Mapping[str, Record] = RECORDS,
) -> Iterator[tuple[tuple[str, ...], Steps]]:
    """(place in the declaration, path from the reply's root) of everything that is read from a reply.

    Places that end in `records`, `each` or `at` hold records; `records`: those that types of fields name. Where an expression looks in several places, each counts.
    """
    paging, failure = connector.paging, connector.failure
    bases = _bases_of(connector.records, [()])
    for place, text in (
        (("failure", "when"), failure.when),
        (("failure", "notFound"), failure.not_found),
        (("failure", "unavailable"), failure.unavailable),
        (("failure", "message"), failure.message),
        (("paging", "total"), paging.total),
        (("paging", "more"), paging.more),
        (("paging", "next"), paging.next),
    ):
        # the next of a pull queue is read from its last record
        starts = bases if place[-1] == "next" and paging.style == "pull" else [()]
        for path in _of_text(text):
            yield from _from_root(place, starts, path)
    if connector.records is not None:
        for base in bases:
            yield ("records",), base
    elif not record_map:
        return
    yield from _map_paths(("map",), record_map, record, bases, fields, records)


def paths_from_roots(
    connector: Connector, record_map: Mapping[str, Any], roots: Collection[str]
) -> Iterator[tuple[tuple[str, ...], Path]]:
    """(place in the declaration, path) of everything read from other roots than the reply, such as `$fault`."""
    failure, paging = connector.failure, connector.paging
    texts: list[tuple[tuple[str, ...], Any]] = [
        (("records",), connector.records),
        (("failure", "when"), failure.when),
        (("failure", "notFound"), failure.not_found),
        (("failure", "unavailable"), failure.unavailable),
        (("failure", "message"), failure.message),
        (("paging", "total"), paging.total),
        (("paging", "more"), paging.more),
        (("paging", "next"), paging.next),
        *_map_texts(("map",), record_map),
    ]
    for place, text in texts:
        for path in _of_text(text):
            if path.root in roots:
                yield place, path


def _map_texts(place: tuple[str, ...], map_: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in map_.items():
        if isinstance(value, Mapping):
            yield from _map_texts((*place, name), value)
        else:
            yield (*place, name), value


def _map_paths(
    place: tuple[str, ...],
    map_: Mapping[str, Any],
    record: Record,
    bases: Sequence[Steps],
    fields: Collection[str] | None,
    records: Mapping[str, Record],
) -> Iterator[tuple[tuple[str, ...], Steps]]:
    for field in record.fields:
        if fields is not None and field.name not in fields:
            continue
        value, here = map_.get(field.name), (*place, field.name)
        if value is None:
            source = RAW_OF.get(field.name)
            raw = raw_source(map_[source]) if source and isinstance(map_.get(source), str) else None
            for path in paths_of(raw) if raw is not None else []:
                yield from _from_root((*place, str(source)), bases, path)
        else:
            yield from _field_paths(here, value, field, bases, records)


def _field_paths(
    here: tuple[str, ...], value: Any, field: Field, bases: Sequence[Steps], records: Mapping[str, Record]
) -> Iterator[tuple[tuple[str, ...], Steps]]:
    kind, _, target = field.type.partition(":")
    if kind == "record" and isinstance(value, Mapping):
        inner = bases
        if "at" in value:
            inner = _bases_of(str(value["at"]), bases)
            for steps in inner:
                yield (*here, "at"), steps
        rest = {name: one for name, one in value.items() if name != "at"}
        yield from _map_paths(here, rest, records[target], inner, None, records)
    elif kind == "list" and isinstance(value, Mapping):
        inner = _bases_of(str(value.get("each", ".")), bases)
        for steps in inner:
            yield (*here, "each"), steps
        rest = {name: one for name, one in value.items() if name != "each"}
        yield from _map_paths(here, rest, records[target], inner, None, records)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            for path in _of_text(one):
                yield from _from_root((*here, name), bases, path)
    else:
        for path in _of_text(value):
            yield from _from_root(here, bases, path)


def root_paths(text: str) -> list[Steps]:
    """Paths from the reply's root that an expression over the reply looks at; none for one that does not parse."""
    try:
        return [path.steps for path in _of_text(text) if path.root in ("", "reply") and path.steps]
    except ExpressionError:
        return []


def _of_text(text: Any) -> list[Path]:
    return paths_of(parse(text)) if isinstance(text, str) and text else []


def _from_root(
    place: tuple[str, ...], bases: Sequence[Steps], path: Path
) -> Iterator[tuple[tuple[str, ...], Steps]]:
    if path.root == "reply":
        yield place, path.steps
    elif not path.root:
        for base in bases:
            yield place, (*base, *path.steps)


def _bases_of(text: str | None, around: Sequence[Steps]) -> list[Steps]:
    """Steps from the reply's root to where records stand: one for each path of the expression, below each of the
    places around; what starts at `$reply` stands where it says."""
    found: list[Steps] = []
    for path in _of_text(text):
        if path.root == "reply":
            found.append(path.steps)
        elif not path.root:
            found.extend((*base, *path.steps) for base in around)
    return found or list(around)
