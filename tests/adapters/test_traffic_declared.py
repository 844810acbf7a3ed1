"""What a declaration says of traffic, seen by a real server."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adapters.traffic.errors import SourceMaintenance
from tests.adapters.doubles import (
    MINIMAL_MAP,
    ask,
    case_row,
    json_response,
    problems,
    rest_yaml,
    serving,
    source_of,
)

CASE = f"case: {{path: '/c/{{$args.number}}', map: {MINIMAL_MAP}}}"


def answer(_request: Request, _body: bytes) -> Response:
    return json_response(case_row("N1"))


async def test_the_system_is_told_how_long_its_answer_is_waited_for() -> None:
    async with serving(answer) as (origin, log):
        text = rest_yaml(CASE, base=origin, head="traffic: {deadlineHeader: X-Deadline-Ms, timeoutMs: 1500}")
        one = source_of(text)
        await ask(one, "case", {"number": "N1"})
        await one.ask(
            "case",
            {"number": "N2"},
            fields=("localNo",),
            deadline=asyncio.get_running_loop().time() + 0.9,
        )
        await one.close()
    told = [int(request.headers["x-deadline-ms"]) for request in log.requests]
    assert told[0] == 1500  # its own limit, the caller has ten seconds
    assert 1 <= told[1] <= 900


async def test_an_answer_past_its_freshness_is_given_at_once_and_renewed_behind() -> None:
    count = 0
    asked = asyncio.Event()

    def counted(_request: Request, _body: bytes) -> Response:
        nonlocal count
        count += 1
        if count > 1:
            asked.set()
        return json_response(case_row("N1", title=f"answer {count}"))

    async with serving(counted) as (origin, _):
        connector = CASE.replace("localNo: no,", "localNo: no, title: title,")
        text = rest_yaml(
            connector, base=origin, head="traffic: {cache: {ttlS: 0, staleWhileRevalidateS: 60}}"
        )
        one = source_of(text)
        first = await ask(one, "case", {"number": "N1"})
        second = await ask(one, "case", {"number": "N1"})
        assert [page.records[0]["title"] for page in (first, second)] == ["answer 1", "answer 1"]
        assert (first.status, second.status) == ("FRESH", "CACHED")
        async with asyncio.timeout(10):
            await asked.wait()
            title = "answer 1"
            while title == "answer 1":
                await asyncio.sleep(
                    0
                )  # kept answers come without a turn of the loop, in which the renewal would run
                title = (await ask(one, "case", {"number": "N1"})).records[0]["title"]
        await one.close()


async def test_a_system_in_its_maintenance_window_is_not_asked() -> None:
    now = datetime.now()
    start, end = (
        (now - timedelta(days=2)).isoformat(timespec="minutes"),
        (now + timedelta(days=2)).isoformat(timespec="minutes"),
    )
    async with serving(answer) as (origin, log):
        head = f"traffic: {{maintenance: [{{start: '{start}', end: '{end}'}}]}}"
        one = source_of(rest_yaml(CASE, base=origin, head=head))
        with pytest.raises(SourceMaintenance):
            await ask(one, "case", {"number": "N1"})
        await one.close()
    assert log.requests == []


async def test_a_slow_read_is_asked_a_second_time_where_that_is_declared() -> None:
    release = asyncio.Event()
    count = 0

    async def slow(_request: Request, _body: bytes) -> Response:
        nonlocal count
        count += 1
        if count == 1:
            await release.wait()
        return json_response(case_row("N1"))

    async with serving(slow) as (origin, log):
        one = source_of(rest_yaml(CASE, base=origin, head="traffic: {hedgeAfterMs: 20, timeoutMs: 9000}"))
        page = await ask(one, "case", {"number": "N1"})
        release.set()
        await one.close()
    assert (len(page.records), len(log.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("{from: '22:00'}", "either `from` and `to`"),
        ("{from: '22:00', to: '23:00', start: 2026-01-01T00:00, end: 2026-01-02T00:00}", "either `from`"),
        ("{from: '25:00', to: '23:00'}", "HH:mm"),
        ("{start: 2026-01-02T00:00, end: 2026-01-01T00:00}", "after"),
        ("{days: [sat], start: 2026-01-01T00:00, end: 2026-01-02T00:00}", "belongs to"),
        ("{days: [someday], from: '22:00', to: '23:00'}", "mon"),
        ("{start: '2026-13-01T00:00', end: 2026-01-02T00:00}", "month"),
    ],
)
def test_a_window_that_cannot_be_is_told(window: str, said: str) -> None:
    found = problems(rest_yaml(CASE, head=f"traffic: {{maintenance: [{window}]}}"))
    assert [one.code for one in found] == ["BAD_VALUE"]
    assert said in found[0].message
