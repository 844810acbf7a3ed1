"""What is recorded: events of cases, looks at data, changes. From values to the canonical body that is hashed. Pure.

A record belongs to a stream: one kind, of one writer, numbered without gaps from 1. Its body names its place in it and
the hash of the record before, so that a stream is a chain. Columns of the database only repeat what the body says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from operator import itemgetter
from typing import Any

import orjson

from gateway.ledger.canonical import canonical_json
from gateway.ledger.merkle import leaf_hash

__all__ = [
    "FORMAT",
    "NO_RECORD",
    "Change",
    "Look",
    "NewEvent",
    "RecordRef",
    "Sealed",
    "Stream",
    "change_fields",
    "columns_of",
    "content_digest",
    "event_fields",
    "links_of",
    "look_fields",
    "named_by",
    "read_body",
    "write_body",
]

FORMAT = 1
NO_RECORD = "0" * 64
"""Hash before the first record of a stream."""


class Stream(IntEnum):
    """Kinds of records. The number stands in the tree's table."""

    CASE_EVENT = 1
    ACCESS_RECORD = 2
    CHANGE_RECORD = 3

    # Enum's own is written in Python, and a check looks streams up a dozen times for each record
    __hash__ = int.__hash__

    @property
    def table(self) -> str:
        return _TABLES[self]


_TABLES = ("", *(one.name.lower() for one in Stream))


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """The place of a record: its stream's kind and writer, and its number there."""

    stream: Stream
    writer: str
    seq: int

    def __str__(self) -> str:
        return f"{self.stream.table} {self.writer}/{self.seq}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body ready to be written: as a value, as bytes, and its leaf hash."""

    ref: RecordRef
    value: Mapping[str, Any]
    body: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to a case, as one system tells it.

    key: the system's own id of the event; where it has none leave it empty, and its content is its key.
    kind: `CaseEventKind`. occurred_us: microseconds since 1970, None where the system does not say.
    subject: reference of the applicant (`SubjectKey.ref`), never a number. detail: further facts in JSON values
    without fractions. personal: name -> value of what is personal, which is kept apart under the subject's key.
    """

    system: str
    case_id: str
    kind: str
    occurred_us: int | None = None
    key: str = ""
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """One query that read cases or people: who, with what, why, what, about whom, with which outcome.

    action: R (read), C, U, D or E, as in FHIR AuditEvent. fields: paths of response fields without list positions.
    subjects: references. systems: code -> status. outcome: OK, PARTIAL, DENIED, FAILED, STARTED.
    """

    actor: str
    operation: str
    operation_hash: str
    fields: Sequence[str] = ()
    action: str = "R"
    actor_subject: str | None = None
    actor_department: str | None = None
    client: str = ""
    client_version: str = ""
    purpose: str | None = None
    subjects: Sequence[str] = ()
    cases: Sequence[str] = ()
    systems: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "OK"
    trace_id: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change to the network itself: what was done, by whom, to what."""

    action: str
    actor: str = "quanyu"
    target: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def content_digest(event: NewEvent) -> str:
    """What two deliveries of one event have in common: 64 hex digits over all but the key and what is personal."""
    fields = {
        "case": event.case_id,
        "detail": event.detail,
        "kind": event.kind,
        "occurred": event.occurred_us,
        "subject": event.subject,
    }
    return sha256(canonical_json(fields)).hexdigest()


def event_fields(event: NewEvent, *, key: str, content: str, supersedes: str | None = None) -> dict[str, Any]:
    """key: of the system's or made of the content. supersedes: key of the event that this one corrects."""
    return {
        "case": event.case_id,
        "content": content,
        "detail": event.detail,
        "key": key,
        "kind": event.kind,
        "occurred": event.occurred_us,
        "subject": event.subject,
        "supersedes": supersedes,
        "system": event.system,
    }


def look_fields(look: Look) -> dict[str, Any]:
    return {
        "action": look.action,
        "actor": look.actor,
        "actorDepartment": look.actor_department,
        "actorSubject": look.actor_subject,
        "cases": sorted(set(look.cases)),
        "client": look.client,
        "clientVersion": look.client_version,
        "fields": list(look.fields),
        "operation": look.operation,
        "operationHash": look.operation_hash,
        "outcome": look.outcome,
        "purpose": look.purpose,
        "request": look.request_id,
        "subjects": sorted(set(look.subjects)),
        "systems": dict(look.systems),
        "trace": look.trace_id,
    }


def change_fields(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "actor": change.actor,
        "detail": change.detail,
        "target": change.target,
    }


def write_body(ref: RecordRef, at_us: int, previous: str, fields: Mapping[str, Any]) -> Sealed:
    """previous: leaf hash of the record before in hex, NO_RECORD for the first. Raises NotCanonicalError."""
    value = {
        "v": FORMAT,
        "stream": ref.stream.table,
        "writer": ref.writer,
        "seq": ref.seq,
        "at": at_us,
        "prev": previous,
        "record": dict(fields),
    }
    body = canonical_json(value)
    return Sealed(ref, value, body, leaf_hash(body))


def read_body(body: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no body of this format."""
    value = orjson.loads(body)
    if not isinstance(value, dict) or value.get("v") != FORMAT or not isinstance(value.get("record"), dict):
        raise ValueError("not a record of a format that is known here")
    return value


def columns_of(stream: Stream, body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat the body, so that records can be found by them."""
    record = body["record"]
    named = {column: record[name] for column, name in _COLUMNS[stream].items()}
    return {"writer": body["writer"], "seq": body["seq"], "at_us": body["at"], **named}


def named_by(stream: Stream, record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What `columns_of` gives besides writer, number and time, in the order of the table's columns."""
    return _GETTERS[stream](record)


_COLUMNS: Mapping[Stream, Mapping[str, str]] = {
    Stream.CASE_EVENT: {
        "system": "system",
        "event_key": "key",
        "case_id": "case",
        "kind": "kind",
        "occurred_us": "occurred",
        "subject": "subject",
    },
    Stream.ACCESS_RECORD: {"actor": "actor", "purpose": "purpose", "outcome": "outcome"},
    Stream.CHANGE_RECORD: {"action": "action", "actor": "actor", "target": "target"},
}


_GETTERS: Mapping[Stream, Callable[[Mapping[str, Any]], tuple[Any, ...]]] = {
    stream: itemgetter(*names.values()) for stream, names in _COLUMNS.items()
}


def links_of(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a look was about: ("case", id) and ("subject", reference), each once."""
    subjects = {*record["subjects"]}
    if record["actorSubject"]:
        subjects.add(record["actorSubject"])
    return [("case", one) for one in record["cases"]] + [("subject", one) for one in sorted(subjects)]
