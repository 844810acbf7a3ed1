"""Systems that answer a question with a ticket, and give the result for it once they are done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adapters.source import Source
from adapters.traffic.breaker import BreakerState
from adapters.traffic.errors import SourceBadData, SourceNotReady, SourceRefused
from tests.adapters.doubles import (
    MINIMAL_MAP,
    ask,
    case_row,
    json_response,
    problems,
    rest_yaml,
    serving,
    source_of,
    walk,
)

TICKET = """
    take: {id: data.ticket}
    pending: code == "2"
    everyMs: 20
    poll: {path: '/result/{$ticket.id}', query: {page: $page.number}}
"""
CASES = f"""
cases:
  method: POST
  path: /search
  body: {{who: $args.applicant.idNumber}}
  ticket: {TICKET}
  failure: {{when: 'code == "9"'}}
  paging: {{style: page, size: 2, total: total}}
  records: rows
  map: {MINIMAL_MAP}
"""
ROWS = [case_row(f"N{number}") for number in (5, 4, 3, 2, 1)]


@dataclass
class Office:
    """POST /search gives a ticket; its result is there after `polls` polls. `forgets`: tickets it knows no more."""

    polls: int = 2
    searches: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    forgets: set[str] = field(default_factory=set)
    reply: Response | None = None

    def __call__(self, request: Request, _body: bytes) -> Response:
        if request.url.path == "/search":
            self.searches += 1
            return self.reply or json_response({"code": "0", "data": {"ticket": f"t{self.searches}"}})
        ticket = request.url.path.rpartition("/")[2]
        if ticket in self.forgets:
            return json_response({"code": "9", "msg": "no such ticket"})
        self.asked[ticket] = self.asked.get(ticket, 0) + 1
        if self.asked[ticket] <= self.polls:
            return json_response({"code": "2"})
        start = (int(request.query_params["page"]) - 1) * 2
        return json_response({"code": "0", "rows": ROWS[start : start + 2], "total": len(ROWS)})


def office_source(origin: str, head: str = "traffic: {retries: 0}") -> Source:
    return source_of(rest_yaml(CASES, base=origin, head=head))


async def test_the_result_is_polled_for_and_read() -> None:
    office = Office()
    async with serving(office) as (origin, log):
        one = office_source(origin)
        page = await ask(one, "cases")
        await one.close()
    assert [record["localNo"] for record in page.records] == ["N5", "N4"]
    assert [(request.method, request.url.path) for request in log.requests] == [
        ("POST", "/search"),
        *[("GET", "/result/t1")] * 3,
    ]


async def test_a_list_behind_tickets_is_walked_to_its_end() -> None:
    async with serving(Office(polls=1)) as (origin, _):
        one = office_source(origin)
        assert await walk(one) == [row["no"] for row in ROWS]
        await one.close()


async def test_a_result_that_is_not_ready_in_time_is_asked_for_again_with_the_same_ticket() -> None:
    office = Office(polls=10_000)
    async with serving(office) as (origin, _):
        one = office_source(origin, "traffic: {retries: 2, timeoutMs: 300}")
        for _ in range(8):
            with pytest.raises(SourceNotReady):
                await ask(one, "cases")
        assert one.traffic.snapshot().breaker_state is BreakerState.CLOSED
        office.polls = 0
        page = await ask(one, "cases")
        assert (len(page.records), office.searches, list(office.asked)) == (2, 1, ["t1"])
        await ask(one, "cases")
        assert office.searches == 2  # that ticket has had its result
        await one.close()


async def test_another_question_has_another_ticket() -> None:
    office = Office(polls=10_000)
    other = {"applicant": {"idNumber": "1"}, "states": None, "department": None, "region": None}
    async with serving(office) as (origin, _):
        one = office_source(origin, "traffic: {retries: 0, timeoutMs: 300}")
        for args in (None, {**other, "from": None, "to": None}):
            with pytest.raises(SourceNotReady):
                await ask(one, "cases", args)
        await one.close()
    assert office.searches == 2


async def test_a_ticket_that_the_system_has_forgotten_is_replaced() -> None:
    office = Office(polls=10_000)
    async with serving(office) as (origin, _):
        one = office_source(origin, "traffic: {retries: 0, timeoutMs: 300}")
        with pytest.raises(SourceNotReady):
            await ask(one, "cases")
        office.forgets.add("t1")
        office.polls = 0
        page = await ask(one, "cases")
        await one.close()
    assert (len(page.records), office.searches) == (2, 2)


async def test_a_new_ticket_that_is_refused_is_an_error_and_not_asked_for_twice() -> None:
    office = Office(forgets={"t1", "t2", "t3"})
    async with serving(office) as (origin, _):
        one = office_source(origin)
        with pytest.raises(SourceRefused):
            await ask(one, "cases")
        await one.close()
    assert office.searches == 1


@pytest.mark.parametrize("reply", [{"code": "0"}, {"code": "0", "data": {"ticket": ""}}])
async def test_a_reply_without_a_ticket_is_bad_data(reply: object) -> None:
    async with serving(Office(reply=json_response(reply))) as (origin, _):
        one = office_source(origin)
        with pytest.raises(SourceBadData, match="no ticket"):
            await ask(one, "cases")
        await one.close()


async def test_the_first_call_may_fail_by_the_same_rules() -> None:
    async with serving(Office(reply=json_response({"code": "9"}))) as (origin, _):
        one = office_source(origin)
        with pytest.raises(SourceRefused):
            await ask(one, "cases")
        await one.close()


async def test_callers_at_the_same_moment_share_one_ticket() -> None:
    office = Office(polls=3)
    async with serving(office) as (origin, _):
        one = office_source(origin)
        pages = await asyncio.gather(*(ask(one, "cases") for _ in range(20)))
        await one.close()
    assert [len(page.records) for page in pages] == [2] * 20
    assert office.searches == 1


XML = """
case:
  path: /start
  ticket:
    take: {id: ticket}
    pending: state == "working"
    everyMs: 20
    poll: {method: POST, path: /fetch, body: {Fetch: {Ticket: $ticket.id, No: $args.number}}}
  records: case
  map: {localNo: no, state: 'state | table("status")', appliedAt: at}
"""


async def test_xml_is_polled_by_post_and_pruned_replies_still_tell_that_they_are_pending() -> None:
    polls = 0
    bodies: list[bytes] = []

    def answer(request: Request, body: bytes) -> Response:
        nonlocal polls
        if request.url.path == "/start":
            return Response("<r><noise/><ticket>T&amp;1</ticket></r>", media_type="application/xml")
        bodies.append(body)
        polls += 1
        if polls < 3:
            return Response("<r><state>working</state></r>", media_type="application/xml")
        record = "<case><no>N1</no><state>A</state><at>2017-05-01T10:00:00</at></case>"
        return Response(f"<r><state>done</state>{record}</r>", media_type="application/xml")

    async with serving(answer) as (origin, _):
        one = source_of(rest_yaml(XML, base=origin, source="format: xml"))
        page = await ask(one, "case", {"number": "N1"}, fields=("localNo",))
        await one.close()
    assert [record["localNo"] for record in page.records] == ["N1"]
    assert polls == 3
    assert b"<Fetch><Ticket>T&amp;1</Ticket><No>N1</No></Fetch>" in bodies[0]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("$ticket.id", "$ticket.no", "UNKNOWN_NAME", "no $ticket.no"),
        ("take: {id: data.ticket}", "take: {}", "BAD_VALUE", "at least 1"),
        ("'/result/", "'result/", "BAD_PATH", "baseUrl"),
        ('code == "2"', "code ==", "EXPRESSION", "code =="),
        ("everyMs: 20", "everyMs: 1", "BAD_VALUE", "20"),
        ("{page: $page.number}", "{who: $args.nobody}", "UNKNOWN_NAME", "nobody"),
    ],
)
def test_what_is_wrong_with_a_ticket_is_told(old: str, new: str, code: str, said: str) -> None:
    found = problems(rest_yaml(CASES.replace(old, new, 1)))
    assert code in [one.code for one in found]
    assert any(said in one.message for one in found)
