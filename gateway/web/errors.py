"""Requests that never reach the engine.

HttpRequestError     the request is not GraphQL over HTTP; `status` says how (400, 405, 406, 413, 415, 403)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["HttpRequestError", "error_body"]


class HttpRequestError(Exception):
    """The request is not one that the gateway can read; the message says what to send instead."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}


def error_body(code: str, message: str, **extensions: Any) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """A GraphQL response with one request error and no `data`."""
    return {"errors": ({"message": message, "extensions": {"code": code, **extensions}},)}
