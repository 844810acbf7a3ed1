"""What is known of one HTTP request while it passes the web: set by the boundary, completed by the endpoint, logged at the end."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

__all__ = ["Exchange", "clean_client_name", "clean_request_id", "exchange_of"]

_SCOPE_KEY = "quanyu.exchange"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_CLIENT_NAME = re.compile(r"[A-Za-z0-9._/ -]{1,64}")


@dataclass(slots=True)
class Exchange:
    """request_id: the caller's or a new one; facts: what the log line tells beside method, route, status and time."""

    request_id: str
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def attach(self, scope: Scope) -> None:
        scope[_SCOPE_KEY] = self


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of a request; a new one where the boundary was left out."""
    found = scope.get(_SCOPE_KEY)
    return found if isinstance(found, Exchange) else Exchange(clean_request_id(None))


def clean_request_id(given: str | None) -> str:
    """The caller's `x-request-id` where it is harmless (8 to 64 of A-Z a-z 0-9 . _ -), else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def clean_client_name(given: str | None) -> str:
    """`graphql-client-name` where it is a name, else empty."""
    return given if given and _CLIENT_NAME.fullmatch(given) else ""
