"""Answers in parts, read off the wire as they come."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from tests.e2e.gateways import Client

__all__ = ["ACCEPT", "Parts", "asked_in_parts"]

ACCEPT = "multipart/mixed;deferSpec=20220824, application/json"
HEAD = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"


class Parts:
    """Iterates over the parts; each is given as soon as its end is on the wire."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response

    def __iter__(self) -> Iterator[dict[str, Any]]:
        received = b""
        boundary = b"\r\n--graphql"
        for chunk in self.response.iter_raw():
            received += chunk
            while (end := received.find(boundary, 1)) >= 0:
                part, received = received[:end], received[end:]
                assert part.startswith(boundary + HEAD), part
                yield json.loads(part.removeprefix(boundary + HEAD))
        assert received == boundary + b"--\r\n", received


@contextlib.contextmanager
def asked_in_parts(
    client: Client,
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    accept: str = ACCEPT,
    token: str | None = "",
) -> Iterator[Parts]:
    """token: "" is the client's own."""
    bearer = client.token if token == "" else token
    headers = {"accept": accept} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    body = {"query": query, "variables": dict(variables or {})}
    with client.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        yield Parts(response)
