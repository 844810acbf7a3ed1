"""Identical queries under way are run once, and never for someone else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from adapters.fetch import Caller, RequestContext
from gateway.request import GraphQLAnswer, GraphQLRequest
from gateway.sharing import SharedQueries, sharing_key
from gateway.web.messages import JSON, encode

CLERK = Caller("clerk", frozenset({"cases:read"}), "11010119900101001X", "115", "500000")
ASKED = GraphQLRequest("{ a }", {"n": 1, "m": [2]})
CONTEXT = RequestContext(10.0, CLERK, headers={"x-tenant": "city", "accept": "application/json"})


def key(
    request: GraphQLRequest = ASKED, context: RequestContext = CONTEXT, operation: object = ASKED
) -> object:
    return sharing_key(operation, request, context, ("x-tenant",))


def test_the_order_of_variables_and_headers_that_nobody_sees_make_no_difference() -> None:
    assert key() == key(GraphQLRequest("{ a }", {"m": [2], "n": 1}))
    assert key() == key(
        context=replace(CONTEXT, headers={"x-tenant": "city", "accept": "*/*"}, request_id="2")
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(CLERK, name="other"),
        replace(CLERK, scopes=frozenset()),
        replace(CLERK, scopes=frozenset({"cases:read", "persons:full"})),
        replace(CLERK, subject=None),
        replace(CLERK, department="116"),
        replace(CLERK, region="110000"),
    ],
)
def test_whoever_differs_in_anything_shares_nothing(other: Caller) -> None:
    assert key() != key(context=replace(CONTEXT, caller=other))


def test_other_variables_headers_or_operations_share_nothing() -> None:
    assert key() != key(replace(ASKED, variables={"n": 2, "m": [2]}))
    assert key() != key(context=replace(CONTEXT, headers={"x-tenant": "county"}))
    assert key() != key(context=replace(CONTEXT, headers={}))
    assert key() != key(operation=CONTEXT)
    assert key(replace(ASKED, variables={"n": 2**70})) is None


class Running:
    """A query that waits until it is told how it ends."""

    def __init__(self) -> None:
        self.started = 0
        self.ends: list[asyncio.Future[GraphQLAnswer]] = []

    async def __call__(self) -> GraphQLAnswer:
        self.started += 1
        self.ends.append(asyncio.get_running_loop().create_future())
        return await self.ends[-1]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def ask(
    shared: SharedQueries, make: Callable[[], Awaitable[GraphQLAnswer]], deadline: float = 10.0
) -> asyncio.Task[GraphQLAnswer]:
    return asyncio.ensure_future(shared.run("k", deadline, make))


async def test_one_run_answers_all_who_ask_meanwhile_with_the_same_bytes() -> None:
    joined: list[None] = []
    shared, running = SharedQueries(lambda: joined.append(None)), Running()
    asking = [ask(shared, running, 10.0 + number / 100) for number in range(5)]
    await turns()
    running.ends[0].set_result(GraphQLAnswer({"a": 1}))
    answers = await asyncio.gather(*asking)
    assert running.started == 1
    assert len(joined) == 4
    bodies = [encode(answer, JSON)[1] for answer in answers]
    assert bodies[0] == b'{"data":{"a":1}}'
    assert all(body is bodies[0] for body in bodies)


async def test_a_query_that_comes_after_the_answer_is_run_again() -> None:
    shared, running = SharedQueries(), Running()
    for number in range(2):
        asking = ask(shared, running)
        await turns()
        running.ends[number].set_result(GraphQLAnswer({"a": number}))
        assert (await asking).data == {"a": number}


@pytest.mark.parametrize("ending", ["errors", "cancelled", "raised"])
async def test_what_went_wrong_for_the_first_is_asked_again_by_the_others(ending: str) -> None:
    shared, running = SharedQueries(), Running()
    first, second, third = (ask(shared, running) for _ in range(3))
    await turns()
    if ending == "errors":
        running.ends[0].set_result(GraphQLAnswer(None, [{"message": "too late"}]))
    elif ending == "cancelled":
        first.cancel()
    else:
        running.ends[0].set_exception(RuntimeError("lost"))
    await turns()
    assert running.started == 3
    for end in running.ends[1:]:
        end.set_result(GraphQLAnswer({"a": 1}))
    assert (await second).data == (await third).data == {"a": 1}
    await asyncio.gather(first, return_exceptions=True)


async def test_a_caller_with_more_time_does_not_join_a_run_that_is_about_to_end() -> None:
    shared, running = SharedQueries(), Running()
    asking = [ask(shared, running, 10.0), ask(shared, running, 12.0)]
    await turns()
    assert running.started == 2
    for end in running.ends:
        end.set_result(GraphQLAnswer({"a": 1}))
    await asyncio.gather(*asking)
