"""A system that gives the same page again and again, or goes round in a circle, costs neither time nor doubled records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.requests import Request

from adapters.cursor import ListCursor, Mark
from adapters.fanout import Question, merge_lists
from adapters.network import Network
from tests.adapters.doubles import MINIMAL_MAP, case_row, json_response, rest_yaml, serving, source_of
from tests.traffic.doubles import in_s

ROWS = [case_row(f"N{number:03d}", at=f"2017-05-{number:02d}T10:00:00") for number in range(20, 0, -1)]
FIELDS = ("localNo", "state", "appliedAt")


class NoGaps:
    def note(self, system: str, gaps: object) -> None:
        """Nothing to keep."""


async def walked(origin: str, paging: str, *, order: str = "newest-first") -> tuple[list[str], list[str]]:
    """Numbers of the whole merged list, page by page of the answer, and what was said of paging."""
    connector = (
        f"cases: {{path: /l, query: {{page: $page.number, offset: $page.offset}}, paging: {paging}, order: {order}, "
        f"records: rows, map: {MINIMAL_MAP}}}"
    )
    one = source_of(rest_yaml(connector, base=origin))
    question = Question({}, FIELDS, lambda _source: None)
    numbers: list[str] = []
    said: list[str] = []
    after = ListCursor({}, frozenset())
    for _ in range(30):
        merged = await merge_lists([one], question, first=7, after=after, deadline=in_s(20))
        numbers += [found.record["localNo"] for found in merged.found]
        said += [trouble.message for outcome in merged.outcomes for trouble in outcome.troubles]
        after = merged.end
        if not merged.has_more:
            break
    else:
        raise AssertionError("the list does not end")
    await one.close()
    return numbers, said


STYLES = ["{style: page, size: 10}", "{style: offset, size: 10}", "{style: page, size: 10, total: total}"]


@pytest.mark.parametrize("paging", STYLES)
@pytest.mark.parametrize("order", ["newest-first", "any"])
async def test_a_system_that_does_not_heed_the_page_ends_after_one_repeat(paging: str, order: str) -> None:
    async with serving(lambda _request, _body: json_response({"rows": ROWS[:10], "total": 400})) as (
        origin,
        log,
    ):
        numbers, said = await walked(origin, paging, order=order)
    assert numbers == [row["no"] for row in ROWS[:10]]
    assert any("same page again" in one for one in said)
    assert len(log.requests) <= 6


@pytest.mark.parametrize("order", ["newest-first", "any"])
async def test_a_last_page_that_is_given_for_every_later_one_is_taken_once(order: str) -> None:
    def answer(request: Request, _body: bytes) -> object:
        start = min((int(request.query_params["page"]) - 1) * 10, 10)
        return json_response({"rows": ROWS[start : start + 10]})

    async with serving(answer) as (origin, log):  # type: ignore[arg-type]
        numbers, said = await walked(origin, "{style: page, size: 10}", order=order)
    assert numbers == [row["no"] for row in ROWS]
    assert any("same page again" in one for one in said)
    assert len(log.requests) <= 9


async def test_a_reply_that_holds_the_time_of_day_is_known_again_all_the_same() -> None:
    count = 0

    def answer(_request: Request, _body: bytes) -> object:
        nonlocal count
        count += 1
        return json_response({"rows": ROWS[:10], "servedAt": count})

    async with serving(answer) as (origin, _):  # type: ignore[arg-type]
        numbers, said = await walked(origin, "{style: page, size: 10}", order="any")
    assert numbers == [row["no"] for row in ROWS[:10]]
    assert any("same page again" in one for one in said)
    assert count <= 4


def circle(links: dict[str, str]) -> Callable[[Request, bytes], object]:
    def answer(request: Request, _body: bytes) -> object:
        here = request.query_params.get("at", "a")
        start = {"a": 0, "b": 10}[here]
        return json_response({"rows": ROWS[start : start + 10], "next": links[here]})

    return answer


async def test_links_that_go_round_in_a_circle_end() -> None:
    async with serving(circle({"a": "/l?at=b", "b": "/l?at=a"})) as (origin, log):  # type: ignore[arg-type]
        numbers, _ = await walked(origin, "{style: link, next: next}")
    assert numbers[:20] == [row["no"] for row in ROWS]
    assert len(numbers) == 20
    assert len(log.requests) < 15


CHANGES = (
    "changes: {path: /q, query: {page: $page.number}, paging: {style: page, size: 2}, records: rows, "
    "map: {localNo: no, occurredAt: at}}"
)


async def test_a_list_that_is_not_merged_ends_at_a_repeated_page_too() -> None:
    same = {"rows": [{"no": "N1", "at": "2017-05-01T00:00:00"}, {"no": "N1", "at": "2017-05-02T00:00:00"}]}
    async with serving(lambda _request, _body: json_response(same)) as (origin, log):
        one = source_of(rest_yaml(CHANGES, base=origin))
        network = Network({"T-ONE": one}, NoGaps())
        outcome, rows, mark = await network.system_list(
            "T-ONE", "changes", {"since": None}, ("localNo",), first=50, start=Mark(), deadline=in_s(20)
        )
        await one.close()
    assert (len(rows), mark, len(log.requests)) == (2, None, 2)
    assert "same page again" in outcome.troubles[0].message


async def test_pages_that_are_alike_in_the_selected_fields_are_not_taken_for_one() -> None:
    def answer(request: Request, _body: bytes) -> object:
        page = int(request.query_params["page"])
        rows = [{"no": "N1", "at": f"2017-05-0{page}T0{hour}:00:00"} for hour in range(2 if page < 4 else 1)]
        return json_response({"rows": rows})

    async with serving(answer) as (origin, _):  # type: ignore[arg-type]
        one = source_of(rest_yaml(CHANGES, base=origin))
        network = Network({"T-ONE": one}, NoGaps())
        outcome, rows, _ = await network.system_list(
            "T-ONE", "changes", {"since": None}, ("localNo",), first=50, start=Mark(), deadline=in_s(20)
        )
        await one.close()
    assert (len(rows), outcome.troubles) == (7, [])
