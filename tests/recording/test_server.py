"""The small server of replays and mocks, over raw sockets."""

from __future__ import annotations

import asyncio

from adapters.recording.server import Answer, Received, serving


async def echo(received: Received) -> Answer:
    text = f"{received.method} {received.target} {received.header('X-A')} {received.body.decode()}"
    return Answer(200, (("X-B", "b"),), text.encode())


async def talk(*blocks: bytes, handler=echo) -> bytes:  # type: ignore[no-untyped-def]
    async with serving(handler) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for block in blocks:
            writer.write(block)
            await writer.drain()
        writer.write_eof()
        received = await reader.read()
        writer.close()
        return received


async def test_a_request_in_pieces_is_answered_whole() -> None:
    parts = (b"POST /a?b HT", b"TP/1.1\r\nHost: x\r\nx-a: 1\r\nContent-Le", b"ngth: 3\r\n\r\na", b"bc")
    answer = await talk(*parts)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nX-B: b\r\n")
    assert answer.endswith(b"\r\n\r\nPOST /a?b 1 abc")


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    one = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await talk(one % 1 + one % 2, one % 3)
    assert [answer.index(b"GET /%d" % number) for number in (1, 2, 3)] == sorted(
        answer.index(b"GET /%d" % number) for number in (1, 2, 3)
    )


async def test_chunked_bodies_are_read() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await talk(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")).endswith(b"POST /  abc")


async def test_what_is_no_http_is_refused() -> None:
    assert (await talk(b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_head_has_no_body() -> None:
    answer = await talk(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 8" in answer


async def test_a_body_beyond_the_limit_is_refused() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"
    assert (await talk(head)).startswith(b"HTTP/1.1 413")
