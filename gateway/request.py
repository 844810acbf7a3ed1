"""One GraphQL request and its answer, as the web hands them to the engine and back: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["AnswerPart", "Encoded", "FileRefused", "GraphQLAnswer", "GraphQLRequest", "LaterAnswer"]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One well-formed request. read_only: it came by GET, so anything but a query is refused with status 405.

    query: empty where the document is named by `document_id` only, until it is looked up.
    """

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    read_only: bool = False
    document_id: str | None = None


@dataclass(slots=True)
class Encoded:
    """The bytes of an answer that several requests get, made by the first of them."""

    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """A response in JSON-ready values (orjson encodes it as it is).

    status_hint: 200 where execution began: `data` is then in the body, null too. Anything else is a request error
    without `data`: 400 could not be parsed, validated or coerced; 405 a mutation by GET; 403, 413, 429, 503, 504 ...
    operation: query, mutation or subscription, where it is known; for metrics and the log. encoded: where other
    requests get the same answer.
    headers: HTTP headers that belong to it, in lower case.
    """

    data: Mapping[str, Any] | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    status_hint: int = 200
    operation: str = "unknown"
    operation_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    encoded: Encoded | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LaterAnswer:
    """What a deferred fragment adds to the object at `path` of the answer. data: None where it could not be had."""

    path: Sequence[str | int]
    data: Mapping[str, Any] | None
    label: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """What is answered at one time: first an answer, then what is added to it. has_next: more follows."""

    answer: GraphQLAnswer | None = None
    later: Sequence[LaterAnswer] = ()
    has_next: bool = False


class FileRefused(Exception):
    """A document is not given: code, message and headers (when to come again) are for the client."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.code, self.message, self.headers = code, message, headers or {}
        super().__init__(message)
