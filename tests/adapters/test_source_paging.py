"""Lists are walked to their end in every style of paging, against a real server that holds the whole set."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adapters.paging import next_link
from adapters.traffic.errors import SourceRefused
from tests.adapters.doubles import (
    MINIMAL_MAP,
    ask,
    case_row,
    json_response,
    rest_yaml,
    serving,
    source_of,
    walk,
)

SIZE = 4


def rows(count: int) -> list[dict[str, object]]:
    return [case_row(f"N{number:03d}") for number in range(count, 0, -1)]


def by_page(count: int, request: Request, first: int = 1) -> object:
    number, size = int(request.query_params["page"]) - first, int(request.query_params["size"])
    return {
        "rows": rows(count)[number * size : (number + 1) * size],
        "total": count,
        "more": (number + 1) * size < count,
    }


def by_offset(count: int, request: Request) -> object:
    start, size = int(request.query_params["offset"]), int(request.query_params["size"])
    return {"rows": rows(count)[start : start + size], "total": str(count), "more": start + size < count}


def by_row(count: int, request: Request) -> object:
    start = int(request.query_params["row"]) - 1
    return {"rows": rows(count)[start : start + SIZE]}


def by_cursor(count: int, request: Request) -> object:
    start = int(request.query_params.get("after", "c0")[1:])
    return {
        "rows": rows(count)[start : start + SIZE],
        "next": f"c{start + SIZE}" if start + SIZE < count else "",
    }


def link(prefix: Callable[[Request], str]) -> Callable[[int, Request], object]:
    def answer(count: int, request: Request) -> object:
        start = int(request.query_params.get("start", "0"))
        more = start + SIZE < count
        following = f"{prefix(request)}?start={start + SIZE}" if more else None
        return {"rows": rows(count)[start : start + SIZE], "links": {"next": following}}

    return answer


STYLES = {
    "page, total": (
        "{style: page, size: 4, total: total}",
        "{page: $page.number, size: $page.size}",
        by_page,
    ),
    "page, more": ("{style: page, size: 4, more: more}", "{page: $page.number, size: $page.size}", by_page),
    "page, until a short one": ("{style: page, size: 4}", "{page: $page.number, size: $page.size}", by_page),
    "page from 0": (
        "{style: page, first: 0, size: 4, total: total}",
        "{page: $page.number, size: $page.size}",
        lambda count, request: by_page(count, request, 0),
    ),
    "offset, total as text": (
        "{style: offset, size: 4, total: total}",
        "{offset: $page.offset, size: $page.size}",
        by_offset,
    ),
    "offset, more": (
        "{style: offset, size: 4, more: more}",
        "{offset: $page.offset, size: $page.size}",
        by_offset,
    ),
    "row": ("{style: offset, size: 4}", "{row: $page.row}", by_row),
    "cursor": ("{style: cursor, size: 4, next: next}", "{after: $page.cursor}", by_cursor),
    "absolute link": (
        "{style: link, size: 4, next: links.next}",
        "{}",
        link(lambda request: f"{request.url.scheme}://{request.url.netloc}/l"),
    ),
    "link from the root": ("{style: link, size: 4, next: links.next}", "{}", link(lambda _request: "/l")),
    "link without a slash": ("{style: link, size: 4, next: links.next}", "{}", link(lambda _request: "l")),
}


@pytest.mark.parametrize("style", STYLES)
async def test_walking_a_list_to_its_end_gives_the_whole_set(style: str) -> None:
    paging, query, answer = STYLES[style]
    connector = f"cases: {{path: /l, query: {query}, paging: {paging}, records: rows, map: {MINIMAL_MAP}}}"
    count = 0
    async with serving(lambda request, _body: json_response(answer(count, request))) as (origin, log):
        one = source_of(rest_yaml(connector, base=origin))
        for count in (0, 1, 3, 4, 5, 8, 11):  # the server looks at it
            log.requests.clear()
            assert await walk(one) == [row["no"] for row in rows(count)]
            assert len(log.requests) <= count // SIZE + 1
            assert {request.url.path for request in log.requests} == {"/l"}
        await one.wire.close()


LINKED = f"cases: {{path: /l, paging: {{style: link, next: next}}, records: rows, map: {MINIMAL_MAP}}}"


@pytest.mark.parametrize(
    "foreign",
    [
        "http://127.0.0.2:{port}/l",
        "http://127.0.0.1:1/l",
        "https://127.0.0.1:{port}/l",
        "http://localhost:{port}/l",
        "http://127.0.0.1:{port}@evil.example/l",
        "http://evil.example/l",
    ],
)
async def test_a_link_to_another_host_is_not_followed(foreign: str) -> None:
    seen: list[Request] = []

    def answer(request: Request, _body: bytes) -> Response:
        seen.append(request)
        return json_response({"rows": rows(1), "next": foreign.format(port=request.url.port)})

    async with serving(answer) as (origin, _):
        one = source_of(rest_yaml(LINKED, base=origin, source="auth: {bearer: '${env:T:-secret}'}"))
        page = await ask(one, "cases")
        assert page.next == foreign.format(port=origin.rpartition(":")[2])
        with pytest.raises(SourceRefused, match="not sent"):
            await ask(one, "cases", position=page.next)
        await one.wire.close()
    assert len(seen) == 1


@pytest.mark.parametrize(
    "near", ["//evil.example/l", "HTTP://evil.example/l", "file:///etc/passwd", "\\\\evil\\l", "javascript:1"]
)
async def test_any_other_link_stays_with_the_system(near: str) -> None:
    async with serving(lambda _request, _body: json_response({"rows": rows(1), "next": near})) as (
        origin,
        log,
    ):
        one = source_of(rest_yaml(LINKED, base=origin))
        page = await ask(one, "cases")
        try:
            await ask(one, "cases", position=page.next)
        except SourceRefused:
            assert len(log.requests) == 1
        else:
            assert len(log.requests) == 2
        await one.wire.close()
    assert {request.url.netloc for request in log.requests} == {origin.removeprefix("http://")}


@pytest.mark.parametrize("style", ["page", "offset"])
async def test_an_empty_page_ends_a_list_whatever_the_total_says(style: str) -> None:
    connector = f"cases: {{path: /l, paging: {{style: {style}, size: 4, total: total}}, records: rows, map: {MINIMAL_MAP}}}"
    async with serving(lambda _request, _body: json_response({"rows": [], "total": 99})) as (origin, _):
        one = source_of(rest_yaml(connector, base=origin))
        page = await ask(one, "cases")
        await one.wire.close()
    assert (page.records, page.next, page.total) == ([], None, 99)


async def test_a_list_without_paging_is_one_page() -> None:
    connector = f"cases: {{path: /l, records: rows, map: {MINIMAL_MAP}}}"
    async with serving(lambda _request, _body: json_response({"rows": rows(60)})) as (origin, _):
        one = source_of(rest_yaml(connector, base=origin))
        page = await ask(one, "cases")
        await one.wire.close()
    assert (len(page.records), page.next) == (60, None)


@pytest.mark.parametrize("address", ["{origin}/l?start={at}", "/l?start={at}"])
async def test_the_next_page_may_stand_in_a_link_header(address: str) -> None:
    """RFC 8288: among other links, with its relation in any case and place."""
    connector = f"cases: {{path: /l, paging: {{style: link, size: 4, next: $link.next}}, records: ., map: {MINIMAL_MAP}}}"

    def answer(request: Request, _body: bytes) -> Response:
        start = int(request.query_params.get("start", "0"))
        response = json_response(rows(10)[start : start + SIZE])
        links = ['</l?start=0>; rel="first"', '</help>; title="a, b; rel=next"; rel=help']
        if start + SIZE < 10:
            origin = f"{request.url.scheme}://{request.url.netloc}"
            links.append(f'<{address.format(origin=origin, at=start + SIZE)}>; foo="x"; REL="prev Next"')
        response.headers["link"] = ", ".join(links)
        return response

    async with serving(answer) as (origin, log):
        one = source_of(rest_yaml(connector, base=origin))
        assert await walk(one) == [row["no"] for row in rows(10)]
        await one.wire.close()
    assert len(log.requests) == 3


@pytest.mark.parametrize("style", ["page", "offset"])
@pytest.mark.parametrize("told", [0, 3, 10, 11, 12, 99, "many", None])
async def test_a_total_that_is_wrong_costs_no_record(style: str, told: object) -> None:
    """Too small, too large, no number: the pages themselves say where the list ends."""
    paging = f"{{style: {style}, size: 4, total: total}}"
    query = "{page: $page.number, size: $page.size, offset: $page.offset}"
    connector = f"cases: {{path: /l, query: {query}, paging: {paging}, records: rows, map: {MINIMAL_MAP}}}"

    def answer(request: Request, _body: bytes) -> Response:
        given = by_page(11, request) if style == "page" else by_offset(11, request)
        assert isinstance(given, dict)
        return json_response({**given, "total": told})

    async with serving(answer) as (origin, log):
        one = source_of(rest_yaml(connector, base=origin))
        assert await walk(one) == [row["no"] for row in rows(11)]
        await one.wire.close()
    assert len(log.requests) <= 4


async def test_rows_from_and_to_are_asked_for() -> None:
    paging = "{style: offset, size: 4}"
    query = "{startRow: $page.row, endRow: $page.endRow}"
    connector = f"cases: {{path: /l, query: {query}, paging: {paging}, records: rows, map: {MINIMAL_MAP}}}"

    def answer(request: Request, _body: bytes) -> Response:
        first, last = int(request.query_params["startRow"]), int(request.query_params["endRow"])
        return json_response({"rows": rows(10)[first - 1 : last]})

    async with serving(answer) as (origin, _):
        one = source_of(rest_yaml(connector, base=origin))
        assert await walk(one) == [row["no"] for row in rows(10)]
        await one.wire.close()


def test_a_hostile_link_header_is_read_in_no_time() -> None:
    """Each of these took a minute with a pattern that tries again at every sign."""
    for header in (
        "<" * 60_000,
        "<a>" + '; a="b' * 20_000,
        "<a>;b" + " " * 60_000,
        '<a>;b="' + '\\"' * 30_000,
    ):
        assert next_link(header) is None
