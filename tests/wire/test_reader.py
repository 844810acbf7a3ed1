"""However an answer is cut into pieces on its way, it is read as the same answer."""

from __future__ import annotations

import gzip
import itertools
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.model import WireLimits
from adapters.wire.reader import ResponseReader

ORIGIN = "http://legacy"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    data: bytes
    ends_with_connection: bool


names = st.from_regex(rb"X-[A-Za-z0-9-]{1,8}", fullmatch=True)
values = st.from_regex(rb"([!-~\x80-\xff]([ -~\x80-\xff]{0,12}[!-~\x80-\xff])?)?", fullmatch=True)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    status = draw(st.sampled_from([200, 201, 204, 302, 304, 400, 404, 500, 503]))
    headers = draw(st.lists(st.tuples(names, values), max_size=4))
    body = b"" if status in (204, 304) else draw(st.binary(max_size=400))
    coding = draw(st.sampled_from([None, b"gzip", b"deflate", b"raw-deflate"])) if body else None
    sent = body
    if coding is not None:
        sent = _pack(body, coding)
        headers = [*headers, (b"Content-Encoding", coding.removeprefix(b"raw-"))]
    framing = draw(st.sampled_from(["length", "chunked", "end"])) if status not in (204, 304) else "none"
    interim = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"])
    )
    if framing == "length":
        headers = [*headers, (b"Content-Length", str(len(sent)).encode())]
    elif framing == "chunked":
        headers = [*headers, (b"Transfer-Encoding", b"chunked")]
        sent = (
            b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _cut(sent, draw(_cuts)))
            + b"0\r\n\r\n"
        )
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
    data = interim + b"HTTP/1.1 %d Reason\r\n%b\r\n%b" % (status, lines, sent)
    return Answer(status, headers, body, data, framing == "end")


_cuts = st.lists(st.integers(0, 1000), max_size=12)


def _pack(body: bytes, coding: bytes) -> bytes:
    if coding == b"gzip":
        half = len(body) // 2
        return gzip.compress(body[:half]) + gzip.compress(body[half:])  # two members
    packer = zlib.compressobj(wbits=-15 if coding == b"raw-deflate" else 15)
    return packer.compress(body) + packer.flush()


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges) if end > begin]


@given(st.lists(answers(), min_size=1, max_size=3), _cuts)
def test_any_chunking_of_any_answers_on_one_connection_reads_the_same(
    several: list[Answer], places: list[int]
) -> None:
    reader = ResponseReader(WireLimits(), origin=ORIGIN)
    for answer in several:
        reader.expect("GET")
        for piece in _cut(answer.data, places):
            assert reader.response is None
            reader.feed(piece)
        if answer.ends_with_connection:
            reader.eof()
        response = reader.response
        assert reader.failure is None
        assert response is not None
        assert (response.status, response.headers.raw, response.body) == (
            answer.status,
            answer.headers,
            answer.body,
        )
        assert reader.reusable is not answer.ends_with_connection
        if answer.ends_with_connection:
            return


@given(answers(), st.integers(1, 1000))
def test_no_proper_beginning_of_an_answer_is_taken_for_a_whole_one(answer: Answer, place: int) -> None:
    reader = ResponseReader(WireLimits(), origin=ORIGIN)
    reader.expect("GET")
    reader.feed(answer.data[: place % len(answer.data)])
    if not answer.ends_with_connection:
        reader.eof()
        assert reader.response is None


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=20), st.sampled_from(["GET", "HEAD", "POST"]))
def test_no_bytes_make_the_reader_raise(pieces: list[bytes], method: str) -> None:
    reader = ResponseReader(WireLimits(max_body_bytes=500, max_header_bytes=200), origin=ORIGIN)
    reader.expect(method)
    for piece in [b"HTTP/1.1 200 OK\r\n", *pieces]:
        reader.feed(piece)
    reader.eof()


@pytest.mark.parametrize(("lines", "accepted"), [(10, True), (11, False)])
def test_the_header_limit_holds_for_a_head_that_comes_at_once(lines: int, accepted: bool) -> None:
    reader = ResponseReader(WireLimits(max_header_bytes=220), origin=ORIGIN)
    reader.expect("GET")
    head = b"HTTP/1.1 200 OK\r\n" + b"X-Header: abcdefghij\r\n" * lines
    reader.feed(head.replace(b"X-Header: abcdefghij", b"Content-Length: 0000", 1) + b"\r\n")
    assert (reader.failure is None) is accepted


def test_headers_compare_without_case_and_repeat() -> None:
    reader = ResponseReader(WireLimits(), origin=ORIGIN)
    reader.expect("GET")
    reader.feed(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX: \xe9 \t\r\nContent-Length: 0\r\n\r\n"
    )
    assert reader.response is not None
    headers = reader.response.headers
    assert headers.get("SET-COOKIE") == "a=1"
    assert headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert headers.get("x") == "é"
    assert headers.get("absent", "none") == "none"
    assert "content-length" in headers
    assert len(headers) == len(list(headers)) == 4
    assert "a=1" not in repr(reader.response)
