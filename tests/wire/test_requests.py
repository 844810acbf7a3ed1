"""What the system receives, and what is refused before anything is sent."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire import HeaderRefused, UrlGuard, UrlRefused, WireRequest, WireTransport
from adapters.wire.guard import parse_url
from tests.wire.servers import RawServer, say, wire_to


async def received(server: RawServer, request: WireRequest) -> bytes:
    async with wire_to(server.origin) as wire:
        await wire.send(request, timeout_s=5)
    return server.requests[-1]


async def test_a_post_goes_out_as_one_exact_message(raw: RawServer) -> None:
    request = WireRequest("POST", f"{raw.origin}/cases?page=1#top", (("Content-Type", "text/xml"),), b"<a/>")
    assert await received(raw, request) == (
        b"POST /cases?page=1 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"User-Agent: quanyu/test\r\n"
        b"Content-Type: text/xml\r\n"
        b"Content-Length: 4\r\n"
        b"\r\n"
        b"<a/>" % raw.port
    )


async def test_a_get_has_no_content_length_and_an_empty_post_has_one(raw: RawServer) -> None:
    assert b"Content-Length" not in await received(raw, WireRequest("GET", raw.origin))
    assert b"Content-Length: 0\r\n" in await received(raw, WireRequest("POST", raw.origin))


async def test_host_and_user_agent_of_the_caller_win(raw: RawServer) -> None:
    headers = (("host", "legacy.gov.cn"), ("USER-AGENT", "probe"))
    message = await received(raw, WireRequest("GET", raw.origin, headers))
    assert message == b"GET / HTTP/1.1\r\nhost: legacy.gov.cn\r\nUSER-AGENT: probe\r\n\r\n"


async def test_a_prepared_head_is_sent_with_the_headers_of_the_call(raw: RawServer) -> None:
    async with wire_to(raw.origin) as wire:
        head = wire.prepare(WireRequest("POST", raw.origin + "/p", (("A", "1"),)))
        await wire.send(head.request(b"x", headers=(("traceparent", "00-ab"),)), timeout_s=5)
        await wire.send(head.request(b"yz"), timeout_s=5)
        with pytest.raises(HeaderRefused):
            await wire.send(head.request(b"", headers=(("A", "1\r\nB: 2"),)), timeout_s=5)
    first, second = raw.requests
    assert b"A: 1\r\ntraceparent: 00-ab\r\nContent-Length: 1\r\n\r\nx" in first
    assert b"A: 1\r\nContent-Length: 2\r\n\r\nyz" in second


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", "1\r\nX-Evil: 2"),
        ("A", "1\nX-Evil: 2"),
        ("A", "1\0"),
        (b"A", b"1\x7f"),
        ("A\r\nB", "1"),
        ("A B", "1"),
        ("A:", "1"),
        ("", "1"),
        ("姓名", "1"),
        ("A", "张三"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
    ],
)
async def test_header_injection_and_framing_headers_are_refused(
    raw: RawServer, name: str | bytes, value: str | bytes
) -> None:
    async with wire_to(raw.origin) as wire:
        with pytest.raises(HeaderRefused) as caught:
            await wire.send(WireRequest("GET", raw.origin, ((name, value),)), timeout_s=5)
    assert raw.connections == 0
    assert "X-Evil" not in str(caught.value)


@pytest.mark.parametrize("method", ["get", "GET / HTTP/1.1\r\nX:", "", "CONNECT", "GE T"])
async def test_a_method_that_is_not_one_is_refused(raw: RawServer, method: str) -> None:
    async with wire_to(raw.origin) as wire:
        with pytest.raises(HeaderRefused):
            await wire.send(WireRequest(method, raw.origin), timeout_s=5)
    assert raw.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://legacy:80\\@evil/",
        "http://legacy@evil/",
        "http://user:pw@legacy/",
        "http://evil/",
        "http://legacy.evil/",
        "http://legacy:8080/",
        "https://legacy/",
        "ftp://legacy/",
        "file:///etc/passwd",
        "//legacy/x",
        "/x",
        "",
        "http://",
        "http:legacy/",
        "http:///legacy/",
        "http://legacy:99999/",
        "http://legacy:0/",
        "http://legacy /",
        "http://legacy/a b",
        "http://legacy/a\r\nHost: evil",
        "http://legacy/a\0",
        "http://legacy/姓名 张",
        "http://legacy/\x85名",
        "http://legacy\r\n/",
        " http://legacy/",
        "http://legacy/\n",
        "http://ｌegacy/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[legacy]/",
        "http://0x7f000001/",
    ],
)
def test_an_address_that_is_not_of_a_registered_origin_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        UrlGuard(["http://legacy"]).check(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("http://legacy", "http://legacy", "/"),
        ("HTTP://LEGACY:80/A%20b?c=d#e", "http://legacy", "/A%20b?c=d"),
        ("http://legacy:/x", "http://legacy", "/x"),
        ("http://legacy?x=//evil/@evil", "http://legacy", "/?x=//evil/@evil"),
        ("http://legacy//evil/", "http://legacy", "//evil/"),
        ("https://[::1]:8443/x", "https://[::1]:8443", "/x"),
        ("http://legacy/姓名?q=张", "http://legacy", "/%E5%A7%93%E5%90%8D?q=%E5%BC%A0"),
    ],
)
def test_a_registered_address_is_split(url: str, origin: str, path: str) -> None:
    target = UrlGuard(["http://legacy", "https://[::1]:8443"]).check(url)
    assert (target.origin.text, target.path) == (origin, path)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_no_path_makes_a_second_line_or_another_host(tail: str) -> None:
    try:
        target = parse_url("http://legacy/" + tail)
    except UrlRefused:
        return
    assert target.origin.text == "http://legacy"
    assert target.path.isascii()
    assert not any(sign <= " " or sign == "\x7f" for sign in target.path)


@pytest.mark.parametrize(
    "origin", ["http://legacy/path", "legacy", "http://legacy?x", "http://a@b", "ftp://legacy"]
)
def test_a_registered_origin_must_be_an_origin(origin: str) -> None:
    with pytest.raises(UrlRefused):
        UrlGuard([origin])


async def test_an_unregistered_origin_is_never_connected_to(raw: RawServer) -> None:
    async with RawServer() as other, wire_to(raw.origin) as wire:
        with pytest.raises(UrlRefused):
            await wire.send(WireRequest("GET", other.origin), timeout_s=5)
        async with wire_to(other.origin) as permissive:
            head = permissive.prepare(WireRequest("GET", other.origin))
        with pytest.raises(UrlRefused):
            await wire.send(head.request(), timeout_s=5)
        assert other.connections == 0


async def test_a_redirect_is_an_answer_and_httpx_cannot_be_led_away(raw: RawServer) -> None:
    async with RawServer() as other, wire_to(raw.origin) as wire:
        raw.script = say(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % other.origin.encode()
        )
        response = await wire.send(WireRequest("GET", raw.origin), timeout_s=5)
        assert (response.status, response.headers.get("location")) == (302, other.origin)
        async with httpx.AsyncClient(transport=WireTransport(wire), follow_redirects=True) as client:
            with pytest.raises(httpx.UnsupportedProtocol):
                await client.get(raw.origin)
        assert other.connections == 0
