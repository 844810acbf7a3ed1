"""Errors that clients see: those of subgraphs with their place in the whole answer, and the executor's own.

Codes
├── SUBREQUEST_FAILED         a subgraph gave nothing, and said no code of its own
├── DOWNSTREAM_SERVICE_ERROR  a subgraph reported an error for a field, without a code of its own
├── DEADLINE_EXCEEDED        the request's time was over before the fetch could start
├── INVALID_SUBGRAPH_ANSWER   an answer that the schema does not allow: unknown enum value or type, not a list ...
├── CONTEXT_VALUE_MISSING     what a field reads of an object above it (@fromContext) could not be had
├── NULL_FOR_NON_NULL         null, or nothing, where the schema says non-null
└── INTERNAL_SERVER_ERROR     a fault of the gateway; the log has the cause
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.fetch import FetchError

__all__ = ["ClientError", "Path", "answer_error", "covers", "subgraph_error"]

Path = tuple[str | int, ...]
ClientError = dict[str, Any]
"""A GraphQL error in its response form: message, path, extensions."""


def subgraph_error(error: FetchError, *, subgraph: str, path: Path, failed: bool) -> ClientError:
    """An error of a subgraph at a path of the whole answer. failed: the fetch gave no data at all."""
    extensions: dict[str, Any] = {"code": "SUBREQUEST_FAILED" if failed else "DOWNSTREAM_SERVICE_ERROR"}
    extensions |= dict(error.extensions)
    extensions["service"] = subgraph
    return _error(error.message, path, extensions)


def answer_error(message: str, path: Path, code: str) -> ClientError:
    """An error that the executor finds in merged data."""
    return _error(message, path, {"code": code})


def covers(errors: Sequence[ClientError], path: Path) -> bool:
    """Whether one of the errors already speaks of this place, of one above it, or of one below it."""
    for error in errors:
        known = tuple(error.get("path") or ())
        shorter = min(len(known), len(path))
        if known[:shorter] == path[:shorter]:
            return True
    return False


def _error(message: str, path: Path, extensions: Mapping[str, Any]) -> ClientError:
    error: ClientError = {"message": message}
    if path:
        error["path"] = list(path)
    error["extensions"] = dict(extensions)
    return error
