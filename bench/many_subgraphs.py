"""Subgraphs that cost next to nothing: one process, `/sN` answers its one thing, `/rows` as many rows as are asked for.

    python -m bench.many_subgraphs

Prints its address. Answers are made once and kept, so that only the gateway's work grows with them.
"""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import orjson
import uvloop

__all__ = ["ROW_BYTES", "declare_rows", "declare_things"]

_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'
_TRAFFIC = "traffic: {concurrency: 64, timeoutMs: 15000}\n"
ROW_BYTES = 100
"""Of one row in the answer, about."""


def declare_things(folder: Path, url: str, count: int) -> None:
    """`thing1` to `thingN`, each a type of its own in a subgraph of its own."""
    for number in range(1, count + 1):
        sdl = (
            f"{_LINK}type Query {{ thing{number}(salt: Int): Thing{number} }}\n"
            f'type Thing{number} @key(fields: "id") {{ id: ID! name: String }}\n'
        )
        _declare(folder, f"s{number}", f"{url}/s{number}", sdl)


def declare_rows(folder: Path, url: str) -> None:
    sdl = (
        f"{_LINK}type Query {{ rows(count: Int!, salt: Int): [Row!] }}\n"
        "type Row { no: Int! title: String state: String at: String }\n"
    )
    _declare(folder, "rows", f"{url}/rows", sdl)


def _declare(folder: Path, name: str, url: str, sdl: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.graphql").write_text(sdl, encoding="utf-8")
    text = f"subgraph: {{name: {name}, url: '{url}', sdl: {{file: {name}.graphql}}}}\n{_TRAFFIC}"
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


class _Server(asyncio.Protocol):
    """HTTP/1.1 as the gateway's client speaks it: a head with a length, then so many bytes."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = self._got[:end]
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._got) < end + 4 + length:
                return
            body, self._got = self._got[end + 4 : end + 4 + length], self._got[end + 4 + length :]
            self._transport.write(_answer(head.split(b" ", 2)[1].decode(), body))


def _answer(path: str, body: bytes) -> bytes:
    if path != "/rows":
        return _thing(path[2:])
    variables = orjson.loads(body).get("variables") or {}
    if "count" not in variables:  # asked for its SDL, which stands beside its declaration
        return _http({})
    return _rows(variables["count"])


@functools.cache
def _thing(number: str) -> bytes:
    return _http({f"thing{number}": {"id": number, "name": f"thing {number}"}})


@functools.cache
def _rows(count: int) -> bytes:
    rows = [
        {"no": number, "title": f"施工许可 {number:08d} of a street", "state": "ACCEPTED", "at": "2026-11-24"}
        for number in range(count)
    ]
    return _http({"rows": rows})


def _http(data: object) -> bytes:
    body = orjson.dumps({"data": data})
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
