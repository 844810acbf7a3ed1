"""Where secrets stand below `auth` and `security`: they must be references there. `*` is any key. And what their values
are, for whoever shows requests to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape  # nosec B406: it writes text and reads none

import orjson
from pydantic import BaseModel

__all__ = ["AUTH_SECRETS", "SECURITY_SECRETS", "secret_forms", "secret_values"]

SHORTEST_SHOWN = 4
"""Shorter texts stand everywhere by chance."""

AUTH_SECRETS: tuple[tuple[str, ...], ...] = (
    ("basic", "password"),
    ("bearer",),
    ("apiKey", "value"),
    ("headers", "*"),
    ("hmac", "key"),
    ("oauth2", "clientSecret"),
    ("session", "secrets", "*"),
    ("tls", "password"),
)
SECURITY_SECRETS: tuple[tuple[str, ...], ...] = (
    ("usernameToken", "password"),
    ("signature", "password"),
)


def secret_values(model: BaseModel) -> Iterator[str]:
    """Values of every field that no repr shows, at any depth."""
    for name, info in type(model).model_fields.items():
        yield from _texts(getattr(model, name), secret=not info.repr)


def _texts(value: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from secret_values(value)
    elif isinstance(value, Mapping | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one, secret=secret)
    elif secret and isinstance(value, str):
        yield value


def secret_forms(value: str) -> set[str]:
    """A secret as it may stand in an address, a form, JSON or XML; nothing for one too short to be told apart."""
    if len(value) < SHORTEST_SHOWN:
        return set()
    return {
        value,
        quote(value, safe=""),
        quote_plus(value),
        escape(value),
        orjson.dumps(value).decode()[1:-1],
    }
