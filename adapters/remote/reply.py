"""What a subgraph's HTTP reply is: an answer, an answer with errors, or the SourceError that it stands for. Pure.

GraphQL over HTTP (draft): a body of `application/graphql-response+json` is an answer whatever the status; one of
`application/json` is with status 2xx. In practice servers send errors as plain JSON with 4xx and 5xx too, so a body
that is well-formed as an answer is read as one wherever it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.fetch import FetchError, FetchResult
from adapters.reply import RawReply, looks_like_html
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceUnavailable

__all__ = [
    "AnsweredWithErrors",
    "FailedWithErrors",
    "answer_of",
    "check_reply",
    "errors_of",
    "read_answer",
]

_UNAVAILABLE = frozenset({408, 425, 429})
_NEVER_SHOWN = frozenset({"exception", "stacktrace", "stackTrace", "debugMessage", "trace"})
"""Members of `extensions` in which servers are known to put stack traces."""
_LONGEST_WAIT_S = 60.0


class AnsweredWithErrors(SourceRefused):
    """The subgraph answered, with errors beside its data or in place of it.

    Not a failure of the service; raised so that it is shared by all who wait for the same answer but never kept.
    body: the answer, for `read_answer`.
    """

    def __init__(self, system: str, body: bytes) -> None:
        super().__init__(system, "The subgraph answered with errors.")
        self.body = body


class FailedWithErrors(SourceUnavailable):
    """The same with a status that says that the service itself failed: counted, tried again, then read."""

    def __init__(self, system: str, body: bytes, *, retry_after_s: float | None = None) -> None:
        super().__init__(system, "The subgraph failed with errors.", retry_after_s=retry_after_s)
        self.body = body


def check_reply(system: str, reply: RawReply, retry_after: str | None = None) -> FetchResult:
    """The answer, if it has no errors. Raises AnsweredWithErrors, FailedWithErrors or another SourceError.

    retry_after: the header of that name.
    """
    answer = _as_answer(reply.body)
    status = reply.status
    failed = status >= 500 or status in _UNAVAILABLE
    if answer is not None:
        if failed and answer.errors:
            raise FailedWithErrors(system, reply.body, retry_after_s=_seconds(retry_after))
        if answer.errors:
            raise AnsweredWithErrors(system, reply.body)
        if status < 300:
            return answer
    raise _refusal(system, reply, answered=answer is not None, failed=failed, retry_after=retry_after)


def read_answer(system: str, body: bytes) -> FetchResult:
    """A body that `check_reply` has let pass or carried on, as values that are the caller's own."""
    answer = _as_answer(body)
    if answer is None:
        raise SourceBadData(system)  # kept by another version of the gateway
    return answer


def _refusal(
    system: str, reply: RawReply, *, answered: bool, failed: bool, retry_after: str | None
) -> SourceError:
    status = reply.status
    if failed:
        message = f"The subgraph answered that it cannot serve now (HTTP status {status})."
        return SourceUnavailable(system, message, retry_after_s=_seconds(retry_after))
    if status in (401, 403):
        return SourceRefused(
            system, f"The subgraph refused the gateway's credentials (HTTP status {status})."
        )
    if 300 <= status < 400:
        message = f"The subgraph redirects (HTTP status {status}); set `url` to where it really is."
        return SourceRefused(system, message)
    if status >= 400:
        return SourceRefused(system, f"The subgraph refused the request (HTTP status {status}).")
    if looks_like_html(reply.body):
        return SourceBadData(system, "The subgraph sent a page of HTML in place of a GraphQL answer.")
    if answered or not reply.body:
        return SourceBadData(system, f"The subgraph sent no answer (HTTP status {status}).")
    return SourceBadData(system, "The subgraph sent something that is no GraphQL answer.")


def _as_answer(body: bytes) -> FetchResult | None:
    """GraphQL specification, section 7.1: a map with `data` (map or null), `errors` (list, not empty), or both."""
    try:
        found = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    return answer_of(found)


def answer_of(found: Any) -> FetchResult | None:
    """A response as JSON values; None for what is none."""
    if not isinstance(found, dict):
        return None
    data, errors = found.get("data"), found.get("errors") or []
    if not isinstance(errors, list) or not (data is None or isinstance(data, dict)):
        return None
    if data is None and not errors:
        return None
    return FetchResult(data, tuple(map(_error, errors)))


def errors_of(found: Any) -> tuple[FetchError, ...]:
    """The members of a list of errors as JSON values; empty for what is no list."""
    return tuple(map(_error, found)) if isinstance(found, list) else ()


def _error(found: Any) -> FetchError:
    """One of `errors`; whatever of it is not as specified is left out."""
    if not isinstance(found, dict):
        return FetchError("The subgraph reported an error without a message.")
    message, path = found.get("message"), found.get("path")
    if not isinstance(message, str) or not message:
        message = "The subgraph reported an error without a message."
    steps = path if isinstance(path, list) else []
    if not all(isinstance(step, str | int) and not isinstance(step, bool) for step in steps):
        steps = []
    return FetchError(message, tuple(steps), _extensions(found.get("extensions")))


def _extensions(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        return {}
    kept = {name: value for name, value in found.items() if name not in _NEVER_SHOWN}
    if "code" in kept and not isinstance(kept["code"], str):
        kept["code"] = str(kept["code"])
    return kept


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110 section 10.2.3; a date is not read: a pause that long is no use to anyone who waits."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return min(float(retry_after), _LONGEST_WAIT_S)
