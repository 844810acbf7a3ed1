"""A remote subgraph as the executor meets it, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adapters.fetch import Caller, FetchResult
from adapters.remote.sdl import SdlUnavailable, ask_for_sdl
from tests.remote.servers import Reply, Seen, answer, context, operation, scripted, subgraph

LIFT = "{ lift(code: 1) { code make } }"
GOOD = {"data": {"lift": {"code": "1", "make": "三菱"}}}


def codes(result: FetchResult) -> list[Any]:
    return [error.extensions.get("code") for error in result.errors]


async def test_sends_text_variables_and_name_and_gives_the_data() -> None:
    text = "query One($code: ID) { lift(code: $code) { code } }"
    async with scripted(answer(GOOD)) as server, subgraph(server.url) as remote:
        fetch = remote.prepare(operation(text, name="One"))
        result = await fetch({"code": "渝"}, context())
    assert result == FetchResult(GOOD["data"])
    [seen] = server.seen
    assert seen.json == {"query": text, "variables": {"code": "渝"}, "operationName": "One"}
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept"].startswith("application/graphql-response+json")


async def test_partial_data_comes_with_its_errors() -> None:
    said = {
        "message": "无此电梯",
        "path": ["lifts", 1, "make"],
        "locations": [{"line": 1, "column": 3}],
        "extensions": {"code": "LIFT_GONE", "since": 2017, "stacktrace": ["at secret.py"]},
    }
    body = {"data": {"lifts": [{"code": "1", "make": "a"}, {"code": "2", "make": None}]}, "errors": [said]}
    async with scripted(answer(body)) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation("{ lifts { code make } }"))({}, context())
    assert result.data == body["data"]
    [error] = result.errors
    assert (error.message, error.path) == ("无此电梯", ("lifts", 1, "make"))
    assert error.extensions == {"code": "LIFT_GONE", "since": 2017}
    assert len(server.seen) == 1


REFUSED = {"errors": [{"message": "no", "extensions": {"code": "BAD"}}]}
HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    ("reply", "code", "calls"),
    [
        (Reply(200, HTML, "text/html"), "SOURCE_BAD_DATA", 1),
        (Reply(200, b'{"data": {', "application/json"), "SOURCE_BAD_DATA", 1),
        (Reply(200, b"", "application/json"), "SOURCE_BAD_DATA", 1),
        (Reply(204), "SOURCE_BAD_DATA", 1),
        (Reply(200, b"\xff\xfe", "application/json"), "SOURCE_BAD_DATA", 1),
        (answer([1, 2]), "SOURCE_BAD_DATA", 1),
        (answer({}), "SOURCE_BAD_DATA", 1),
        (answer({"data": "text"}), "SOURCE_BAD_DATA", 1),
        (answer({"data": None}), "SOURCE_BAD_DATA", 1),
        (answer({"data": {}, "errors": "text"}), "SOURCE_BAD_DATA", 1),
        (Reply(502, HTML, "text/html"), "SOURCE_UNAVAILABLE", 3),
        (Reply(503, b"", headers=(("Retry-After", "0"),)), "SOURCE_UNAVAILABLE", 3),
        (Reply(429, b"slow down", "text/plain"), "SOURCE_UNAVAILABLE", 3),
        (Reply(401), "SOURCE_REFUSED", 1),
        (Reply(404, HTML, "text/html"), "SOURCE_REFUSED", 1),
        (Reply(301, b"", headers=(("Location", "http://127.0.0.1:1/"),)), "SOURCE_REFUSED", 1),
        (answer(GOOD, status=404), "SOURCE_REFUSED", 1),
        (answer(REFUSED, status=400), "BAD", 1),
        (answer(REFUSED), "BAD", 1),
        (answer(REFUSED, status=500, content_type="application/json"), "BAD", 3),
    ],
)
async def test_what_is_no_answer_has_a_stable_code(reply: Reply, code: str, calls: int) -> None:
    async with scripted(reply) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation(LIFT))({}, context())
    assert (result.data, codes(result)) == (None, [code])
    assert len(server.seen) == calls
    assert "127.0.0.1" not in result.errors[0].message


@pytest.mark.parametrize(
    "error",
    [
        "text",
        None,
        {},
        {"message": ""},
        {"message": 1, "path": "lift"},
        {"path": [True, {}], "extensions": []},
    ],
)
async def test_errors_that_are_not_as_specified_are_still_errors(error: Any) -> None:
    async with scripted(answer({"data": None, "errors": [error]})) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation(LIFT))({}, context())
    assert [(one.path, one.extensions) for one in result.errors] == [((), {})]
    assert result.errors[0].message


@pytest.mark.parametrize(
    ("text", "data", "where"),
    [
        ("{ lifts { code } }", {"lifts": {"code": "1"}}, "lifts"),
        ("{ lifts { code } }", {"lifts": "abc"}, "lifts"),
        ("{ lifts { code } }", {"lifts": [{"code": "1"}, 2]}, "lifts.1"),
        ("{ own: lift { case { id } } }", {"own": {"case": []}}, "own.case"),
        ("{ deep { code } }", {"deep": [[{"code": "1"}], {}]}, "deep.1"),
        ("{ ...F } fragment F on Query { lift { code } }", {"lift": [1]}, "lift"),
    ],
)
async def test_an_answer_of_another_shape_is_the_subgraphs_fault(text: str, data: Any, where: str) -> None:
    async with scripted(answer({"data": data})) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation(text))({}, context())
    assert (result.data, codes(result)) == (None, ["SOURCE_BAD_DATA"])
    assert f"at {where}." in result.errors[0].message


ENTITIES = """query ($representations: [_Any!]!) { _entities(representations: $representations) {
  __typename ... on Case { lifts { code } } ... on Lift { case { id } } } }"""


@pytest.mark.parametrize(
    ("entities", "good"),
    [
        (
            [{"__typename": "Case", "lifts": [{"code": "1"}]}, None, {"__typename": "Lift", "case": None}],
            True,
        ),
        ([{"__typename": "Lift", "lifts": "not asked of a Lift"}], True),
        ([{"__typename": "Case", "lifts": {"code": "1"}}], False),
        ("nothing", False),
        ([1], False),
    ],
)
async def test_entities_are_looked_at_by_their_type(entities: Any, good: bool) -> None:
    async with scripted(answer({"data": {"_entities": entities}})) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation(ENTITIES))({"representations": []}, context())
    assert (result.data is not None) is good


async def test_a_query_is_tried_again_and_a_mutation_is_not() -> None:
    async with scripted(Reply(503)) as server, subgraph(server.url) as remote:

        async def behave(_seen: Seen) -> Reply:
            return answer(GOOD) if len(server.seen) == 3 else Reply(503)

        server.behave = behave
        assert (await remote.prepare(operation(LIFT))({}, context())).data == GOOD["data"]
        assert len(server.seen) == 3
        server.seen.clear()
        book = operation("mutation { book(code: 1) { code } }", "mutation")
        result = await remote.prepare(book)({}, context())
    assert codes(result) == ["SOURCE_UNAVAILABLE"]
    assert len(server.seen) == 1


class Gate:
    """Answers when it is opened, and knows how many wait."""

    def __init__(self) -> None:
        self.open, self.waiting, self.arrived = asyncio.Event(), 0, asyncio.Condition()

    async def __call__(self, _seen: Seen) -> Reply:
        async with self.arrived:
            self.waiting += 1
            self.arrived.notify_all()
        await self.open.wait()
        return answer(GOOD)

    async def wait_for(self, number: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: self.waiting >= number)


async def test_identical_queries_at_once_are_one_call_and_each_caller_owns_its_data() -> None:
    gate = Gate()
    async with scripted(gate) as server, subgraph(server.url) as remote:
        fetch = remote.prepare(operation(LIFT))
        asking = [asyncio.create_task(fetch({}, context())) for _ in range(3)]
        await gate.wait_for(1)
        gate.open.set()
        first, *others = await asyncio.gather(*asking)
    assert first.data is not None
    first.data["lift"]["make"] = "changed by the executor"
    assert [one.data for one in others] == [GOOD["data"]] * 2
    assert len(server.seen) == 1


async def test_errors_are_shared_and_owned_too() -> None:
    gate = Gate()
    async with scripted(gate) as server, subgraph(server.url) as remote:

        async def behave(seen: Seen) -> Reply:
            await gate(seen)
            return answer(GOOD | REFUSED)

        server.behave = behave
        fetch = remote.prepare(operation(LIFT))
        asking = [asyncio.create_task(fetch({}, context())) for _ in range(2)]
        await gate.wait_for(1)
        gate.open.set()
        first, other = await asyncio.gather(*asking)
    assert first == other == FetchResult(GOOD["data"], first.errors)
    assert first.data is not other.data
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "others",
    [
        {"variables": {"x": 1}},
        {"headers": {"x-tenant": "b"}},
        {"caller": Caller("somebody")},
        {"caller": Caller(subject="500229197001010010")},
        {"caller": Caller(scopes=frozenset({"cases:read"}))},
    ],
)
async def test_what_the_subgraph_or_the_caller_tells_apart_is_not_shared(others: dict[str, Any]) -> None:
    gate = Gate()
    variables = others.pop("variables", {})
    rules = {"propagate": ["X-Tenant"]}
    async with scripted(gate) as server, subgraph(server.url, headers=rules) as remote:
        fetch = remote.prepare(operation(LIFT))
        asking = [
            asyncio.create_task(fetch({}, context(headers={"x-tenant": "a"}))),
            asyncio.create_task(fetch(variables, context(**({"headers": {"x-tenant": "a"}} | others)))),
        ]
        await gate.wait_for(2)
        gate.open.set()
        await asyncio.gather(*asking)
    assert len(server.seen) == 2


async def test_a_header_that_is_not_sent_on_makes_no_difference() -> None:
    gate = Gate()
    async with scripted(gate) as server, subgraph(server.url) as remote:
        fetch = remote.prepare(operation(LIFT))
        asking = [asyncio.create_task(fetch({}, context(headers={"x-tenant": name}))) for name in ("a", "b")]
        await gate.wait_for(1)
        gate.open.set()
        await asyncio.gather(*asking)
    assert len(server.seen) == 1


async def test_identical_mutations_at_once_are_each_sent() -> None:
    gate = Gate()
    async with scripted(gate) as server, subgraph(server.url) as remote:
        fetch = remote.prepare(operation("mutation { book(code: 1) { code } }", "mutation"))
        asking = [asyncio.create_task(fetch({}, context())) for _ in range(2)]
        await gate.wait_for(2)
        gate.open.set()
        await asyncio.gather(*asking)
    assert len(server.seen) == 2


async def test_sends_on_what_the_rules_name_and_nothing_else() -> None:
    rules = {
        "propagate": [
            "Accept-Language",
            {"name": "X-Tenant", "sendAs": "X-Dept", "default": "none"},
            "x-flow",
        ],
        "static": {"X-Channel": "quanyu"},
    }
    client = {"authorization": "Bearer secret", "cookie": "a=b", "accept-language": "en", "x-other": "1"}
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, headers=rules) as remote:
        await remote.prepare(operation(LIFT))({}, context(headers=client, trace_headers=trace))
    [seen] = server.seen
    sent = {
        name: value for name, value in seen.headers.items() if name.startswith(("x-", "accept-l", "trace"))
    }
    assert sent == {"accept-language": "en", "x-dept": "none", "x-channel": "quanyu", **trace}
    assert not {"authorization", "cookie"} & set(seen.headers)


async def test_authorization_is_sent_on_only_where_a_rule_names_it() -> None:
    rules = {"propagate": ["Authorization"]}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, headers=rules) as remote:
        await remote.prepare(operation(LIFT))({}, context(headers={"authorization": "Bearer of the client"}))
    assert server.seen[0].headers["authorization"] == "Bearer of the client"


async def test_a_header_that_would_break_the_message_is_refused_before_anything_is_sent() -> None:
    rules = {"propagate": ["X-Tenant"]}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, headers=rules) as remote:
        result = await remote.prepare(operation(LIFT))({}, context(headers={"x-tenant": "a\r\nX-Evil: 1"}))
    assert codes(result) == ["SOURCE_REFUSED"]
    assert server.seen == []


def oauth(server_url: str) -> dict[str, Any]:
    url = server_url.replace("/graphql", "/token")
    return {"oauth2": {"tokenUrl": url, "clientId": "quanyu", "clientSecret": "s"}}


async def test_new_credentials_are_fetched_where_the_old_are_refused() -> None:
    """For a query, which is then sent again; a mutation is answered with the refusal, and the next one is right."""
    tokens = iter(range(10))
    accepted = "Bearer t1"

    async def behave(seen: Seen) -> Reply:
        if seen.target == "/token":
            return Reply(200, json.dumps({"access_token": f"t{next(tokens)}"}).encode(), "application/json")
        return answer(GOOD) if seen.headers["authorization"] == accepted else Reply(401)

    async with scripted(behave) as server, subgraph(server.url, auth=oauth(server.url)) as remote:
        assert (await remote.prepare(operation(LIFT))({}, context())).data == GOOD["data"]
        accepted = "Bearer t2"
        book = remote.prepare(operation("mutation { book(code: 1) { code } }", "mutation"))
        assert codes(await book({}, context())) == ["SOURCE_REFUSED"]
        assert (await book({}, context())).errors == ()
    assert [one.target for one in server.seen].count("/graphql") == 4


async def test_nobody_listening_is_unavailable() -> None:
    async with scripted(answer(GOOD)) as server:
        url = server.url
    async with subgraph(url) as remote:
        result = await remote.prepare(operation(LIFT))({}, context())
    assert codes(result) == ["SOURCE_UNAVAILABLE"]


async def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    gate = Gate()
    async with (
        scripted(gate) as server,
        subgraph(server.url, traffic={"timeoutMs": 50, "retries": 0}) as remote,
    ):
        result = await remote.prepare(operation(LIFT))({}, context())
        gate.open.set()
    assert codes(result) == ["SOURCE_TIMEOUT"]


async def test_a_subgraph_that_keeps_failing_is_left_alone() -> None:
    async with scripted(Reply(500)) as server, subgraph(server.url, traffic={"retries": 0}) as remote:
        fetch = remote.prepare(operation(LIFT))
        results = [await fetch({}, context()) for _ in range(12)]
    assert codes(results[-1]) == ["SOURCE_CIRCUIT_OPEN"]
    assert len(server.seen) < 12


async def test_errors_of_fields_do_not_open_the_circuit() -> None:
    async with scripted(answer(GOOD | REFUSED)) as server, subgraph(server.url) as remote:
        fetch = remote.prepare(operation(LIFT))
        results = [await fetch({}, context()) for _ in range(12)]
    assert {tuple(codes(one)) for one in results} == {("BAD",)}
    assert len(server.seen) == 12


async def test_kept_answers_are_served_but_never_ones_with_errors() -> None:
    cache = {"cache": {"ttlS": 60}}
    async with scripted(answer(GOOD | REFUSED)) as server, subgraph(server.url, traffic=cache) as remote:
        fetch = remote.prepare(operation(LIFT))
        assert codes(await fetch({}, context())) == ["BAD"]

        async def behave(_seen: Seen) -> Reply:
            return answer(GOOD)

        server.behave = behave
        results = [await fetch({}, context()) for _ in range(3)]
    assert results == [FetchResult(GOOD["data"])] * 3
    assert len({id(one.data) for one in results}) == 3
    assert len(server.seen) == 2


async def test_an_older_answer_in_place_of_a_failure_says_so() -> None:
    cache = {"cache": {"ttlS": 0, "staleIfErrorS": 60}, "retries": 0}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, traffic=cache) as remote:
        fetch = remote.prepare(operation(LIFT))
        await fetch({}, context())

        async def behave(_seen: Seen) -> Reply:
            return Reply(503)

        server.behave = behave
        result = await fetch({}, context())
    assert result.data == GOOD["data"]
    assert [error.extensions for error in result.errors] == [{"code": "SOURCE_UNAVAILABLE", "stale": True}]


async def test_variables_that_json_cannot_hold_are_the_clients_fault() -> None:
    async with scripted(answer(GOOD)) as server, subgraph(server.url) as remote:
        result = await remote.prepare(operation(LIFT))({"code": 2**70}, context())
    assert codes(result) == ["BAD_USER_INPUT"]
    assert server.seen == []


async def test_the_service_tells_its_sdl() -> None:
    told = answer({"data": {"_service": {"sdl": "type Query { a: Int }"}}})
    async with scripted(told) as server, subgraph(server.url) as remote:
        assert await ask_for_sdl(remote, timeout_s=2) == "type Query { a: Int }"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer({"errors": [{"message": "Cannot query field _service"}]}, status=400), "Cannot query field"),
        (answer({"data": {"_service": {"sdl": ""}}}), "is it a federation subgraph?"),
        (answer({"data": {"_service": []}}), "is it a federation subgraph?"),
        (Reply(200, HTML, "text/html"), "page of HTML"),
        (Reply(503), "cannot serve now"),
    ],
)
async def test_a_service_that_does_not_tell_its_sdl_says_why(reply: Reply, said: str) -> None:
    async with scripted(reply) as server, subgraph(server.url) as remote:
        with pytest.raises(SdlUnavailable) as caught:
            await ask_for_sdl(remote, timeout_s=2)
    assert said in caught.value.reason
