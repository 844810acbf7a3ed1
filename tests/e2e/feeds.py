"""A system that tells changes over HTTP, page by page, and may be made to misbehave while a test runs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.e2e.stubs import Request

__all__ = ["Feed", "change", "feed_declaration"]

HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
STATES = ("SUBMITTED", "ACCEPTED", "CLOSED")


def change(number: int, *, day: int = 1, **more: Any) -> dict[str, Any]:
    """Three of one case after each other, one a minute."""
    return {
        "id": f"E{number}",
        "no": f"C{number // 3}",
        "kind": ("SUBMIT", "ACCEPT", "CLOSE")[number % 3],
        "status": STATES[number % 3],
        "at": f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00+08:00",
        **more,
    }


@dataclass(slots=True)
class Feed:
    """`behave` of a stub. body: in place of what it would answer. endless: never says that a page is the last."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    size: int = 100
    body: bytes | None = None
    repeats: bool = False
    count: int = 0
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.asked.append(request.target)
        text = self.body if self.body is not None else self._answer(request.target)
        writer.write(HEAD.format(len(text)).encode() + text)

    def _answer(self, target: str) -> bytes:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/case/"):
            number = parts.path.rpartition("/")[2]
            told = [one for one in self.changes if one["no"] == number]
            found = self._case(told[-1]) if told else {"missing": True}
            return json.dumps(found).encode()
        start = 0 if self.repeats else int(query.get("offset", 0))
        if self.count:  # a flood: made as it is asked for
            page = [change(at) for at in range(start, min(start + self.size, self.count))]
            more = start + self.size < self.count
        else:
            wanted = [one for one in self.changes if one["at"] >= query["since"]]
            page = wanted[start : start + self.size]
            more = self.repeats or start + self.size < len(wanted)
        return json.dumps({"changes": page, "next": start + self.size if more else None}).encode()

    def _case(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"no": told["no"], "title": "case", "status": told["status"], "at": told["at"]}


def feed_declaration(code: str, url: str, *, every_s: float = 1, case: bool = False, more: str = "") -> str:
    """more: further lines at the top level."""
    single = """
  case:
    path: /case/{$args.number}
    failure: {notFound: missing == true}
    map: {localNo: no, title: title, state: 'status | table("status")', appliedAt: at}"""
    return f"""
system: {{code: {code}, name: {code}, owner: "115000000090001627"}}
source: {{rest: {{baseUrl: "{url}"}}}}
traffic: {{timeoutMs: 5000, retries: 0}}
tables:
  status: {{SUBMITTED: SUBMITTED, ACCEPTED: ACCEPTED, CLOSED: CLOSED}}
  kind: {{SUBMIT: SUBMIT, ACCEPT: ACCEPT, CLOSE: CLOSE}}
connectors:{single if case else ""}
  changes:
    path: /changes
    query: {{since: $args.since, offset: $page.cursor}}
    paging: {{style: cursor, size: 100, next: next}}
    records: changes
    map: {{id: id, localNo: no, kind: 'kind | table("kind")', state: 'status | table("status")', occurredAt: at}}
harvest: {{everyS: {every_s}}}
{more}
"""
