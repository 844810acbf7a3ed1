"""What one call may show, and how it is put into a request. Pure.

A `Grant` is taken for each attempt; `Credentials` (see `credentials.py`) gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from adapters.auth.kept import Held
from adapters.mapping.scope import Scope
from adapters.wire.model import HeaderPairs, WireRequest

__all__ = ["Edit", "Grant", "with_cookies", "with_headers", "with_query"]

Edit = Callable[[WireRequest, Scope], WireRequest]
"""Puts one credential into a request. The scope has `$session`. Raises ValueProblem."""


@dataclass(frozen=True, slots=True)
class Grant:
    """roots: what templates see (`session`). held: the token or session it came from, None for fixed credentials."""

    roots: Mapping[str, Any] = field(repr=False)
    edits: tuple[Edit, ...] = field(repr=False)
    held: Held | None = field(default=None, repr=False)

    def show(self, request: WireRequest) -> WireRequest:
        """The request with the credentials. Raises ValueProblem."""
        scope = Scope(self.roots)
        for edit in self.edits:
            request = edit(request, scope)
        return request


def with_headers(request: WireRequest, headers: HeaderPairs) -> WireRequest:
    """With these headers in place of those of the same names."""
    names = {_lower(name) for name, _ in headers}
    kept = tuple(pair for pair in request.headers if _lower(pair[0]) not in names)
    return replace(request, headers=(*kept, *headers), head=None)


def with_query(request: WireRequest, pairs: Iterable[tuple[str, str]]) -> WireRequest:
    url = request.url if isinstance(request.url, str) else request.url.origin.text + request.url.path
    url, _, fragment = url.partition("#")
    del fragment  # never sent
    joint = "&" if "?" in url else "?"
    return replace(request, url=f"{url}{joint}{urlencode(list(pairs))}", head=None)


def with_cookies(request: WireRequest, cookies: Mapping[str, str]) -> WireRequest:
    """In one Cookie header, behind what a fixed header of the declaration has (RFC 6265 section 5.4)."""
    there = [_text(value) for name, value in request.headers if _lower(name) == "cookie"]
    line = "; ".join([*there, *(f"{name}={value}" for name, value in cookies.items())])
    return with_headers(request, (("Cookie", line),))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _lower(name: str | bytes) -> str:
    return _text(name).lower()
