"""Queues that are pulled from the last record's moment on: boundary records come again, and must come out once."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.source import Source
from adapters.wire.model import WireRequest, WireResponse
from tests.adapters.doubles import MemoryWire, json_response, reply, rest_yaml, source_of
from tests.adapters.subgraphs import Asked, subgraph_of

Change = tuple[str, str, str]
"""(moment, case number, change id)"""


def queue(changes: list[Change], size: int, fails: set[int] | None = None) -> Source:
    calls = 0

    def answer(request: WireRequest) -> WireResponse:
        nonlocal calls
        calls += 1
        if calls in (fails or ()):
            return reply(b"{}", status=503)
        since = parse_qs(urlsplit(str(request.url)).query)["c"][0]
        rest = [one for one in sorted(changes) if one[0] >= since]
        rows = [{"at": at, "no": number, "id": id_} for at, number, id_ in rest[:size]]
        return reply(json_response({"rows": rows, "more": len(rest) > size}).body)

    connector = (
        "changes: {path: /q, query: {c: '$page.cursor ?? ($args.since | format(\"yyyy-MM-ddTHH:mm:ss\"))'}, "
        f"paging: {{style: pull, size: {size}, next: at, more: more}}, records: rows, "
        "map: {id: id, localNo: no, occurredAt: at}}"
    )
    return source_of(rest_yaml(connector, code="Q"), MemoryWire(answer))


async def pulled(asked: Asked, first: int, names: str) -> list[dict[str, Any]]:
    text = f"""query ($r: [_Any!]!, $after: String) {{ _entities(representations: $r) {{ ... on LegacySystem {{
        changes(since: "2017-01-01T00:00:00+08:00", first: {first}, after: $after) {{
            nodes {{ {names} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"""
    seen: list[dict[str, Any]] = []
    after = None
    for _ in range(100):
        given_ = [{"__typename": "LegacySystem", "code": "Q"}]
        result = await asked.fetch(text, r=given_, after=after)
        assert result.data is not None
        page = result.data["_entities"][0]["changes"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"] or after
        if not page["pageInfo"]["hasNextPage"]:
            return seen
    raise AssertionError("the queue does not end")


@st.composite
def queues(draw: st.DrawFn) -> tuple[list[Change], int]:
    """Changes with ties, never more of one moment than a page holds less one: such a queue cannot be pulled."""
    size = draw(st.integers(3, 5))
    days = draw(st.lists(st.integers(1, 9), max_size=12))
    kept = [day for index, day in enumerate(days) if days[:index].count(day) < size - 1]
    return [
        (f"2017-05-0{day}T00:00:00", f"N{index % 3}", f"C{index:02d}") for index, day in enumerate(kept)
    ], size


@settings(max_examples=40)
@given(queues(), st.integers(1, 7))
async def test_every_change_comes_out_once(given_: tuple[list[Change], int], first: int) -> None:
    changes, size = given_
    seen = await pulled(subgraph_of(queue(changes, size)), first, "id")
    assert sorted(one["id"] for one in seen) == sorted(id_ for _, _, id_ in changes)


async def test_two_changes_of_one_case_are_two_whatever_is_selected() -> None:
    changes = [(f"2017-05-0{day}T00:00:00", "N1", f"C{day}") for day in range(1, 8)]
    seen = await pulled(subgraph_of(queue(changes, 3)), 50, "localNo")
    assert seen == [{"localNo": "N1"}] * 7


async def test_more_changes_of_one_moment_than_a_page_holds_are_not_lost_in_silence() -> None:
    changes = [("2017-05-01T00:00:00", f"N{n}", f"C{n}") for n in range(6)]
    asked = subgraph_of(queue([*changes, ("2017-05-02T00:00:00", "N9", "C9")], 3))
    text = """query ($r: [_Any!]!) { _entities(representations: $r) { ... on LegacySystem {
        changes(since: "2017-01-01T00:00:00+08:00", first: 50) { nodes { id } pageInfo { hasNextPage } } } } }"""
    result = await asked.fetch(text, r=[{"__typename": "LegacySystem", "code": "Q"}])
    assert result.data is not None
    page = result.data["_entities"][0]["changes"]
    assert len(page["nodes"]) == 7 or page["pageInfo"]["hasNextPage"] or result.errors


async def test_a_pull_that_fails_goes_on_without_repeat() -> None:
    changes = [(f"2017-05-0{1 + n // 2}T00:00:00", f"N{n}", f"C{n}") for n in range(12)]
    seen = await pulled(subgraph_of(queue(changes, 3, fails={3})), 50, "id")
    assert sorted(one["id"] for one in seen) == sorted(id_ for _, _, id_ in changes)
