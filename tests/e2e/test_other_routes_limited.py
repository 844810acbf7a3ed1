"""What is no GraphQL but costs all the same: files and pushed events have their caller's budgets, by the same counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.feeds import Feed, feed_declaration
from tests.e2e.gateways import CITIZEN, CLERK, Client, here
from tests.e2e.stubs import declaration, stub
from tests.e2e.test_files import FILES, paper_office
from tests.e2e.test_push import ENVIRON, declared, event, send
from tests.services import RedisServer

FILE = "/files?case=PAPER:PAPER-1&kind=result"
TOLD = {"ratelimit", "ratelimit-policy"}


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["errors"][0]["extensions"]["code"]


def get(client: Client, token: str | None, url: str = FILE) -> httpx.Response:
    return client.http.get(url, headers={"authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def systems(systems_dir: Path) -> Iterator[Path]:
    with stub(paper_office()) as papers, stub(Feed()) as feed:
        text = declaration("PAPER", papers.url, timeout_ms=3000)
        (systems_dir / "paper.yaml").write_text(text + FILES, "utf-8")
        (systems_dir / "aa.yaml").write_text(declared(feed), encoding="utf-8")
        (systems_dir / "bb.yaml").write_text(feed_declaration("BB", feed.url), encoding="utf-8")
        yield systems_dir


def test_files_count_as_requests_of_their_caller(systems: Path, tmp_path: Path) -> None:
    with here(tmp_path, systems, ENVIRON, rate_per_caller=3) as client:
        first = get(client, CLERK)
        assert first.status_code == 200
        assert first.headers.keys() >= TOLD
        assert client.ask("{ regions(first: 1) { nodes { name } } }").status == 200
        assert get(client, CLERK).status_code == 200
        refused = get(client, CLERK)
        assert code_of(refused) == (429, "RATE_LIMITED")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.ask("{ regions(first: 1) { nodes { name } } }").codes == ["RATE_LIMITED"]
        assert get(client, CITIZEN).status_code != 429


def test_files_cost_what_the_question_for_their_case_does(systems: Path, tmp_path: Path) -> None:
    with here(tmp_path, systems, ENVIRON, cost_per_caller=8) as client:
        assert get(client, CLERK).status_code == 200
        refused = get(client, CLERK)
        assert code_of(refused) == (429, "COST_BUDGET_EXHAUSTED")
        assert int(refused.headers["retry-after"]) >= 1


def test_strangers_at_files_are_their_network_address(systems: Path, tmp_path: Path) -> None:
    with here(tmp_path, systems, ENVIRON, rate_per_address=2, trusted_proxies=("127.0.0.1",)) as client:
        codes = [code_of(get(client, token)) for token in (None, "wrong", None, "wrong")]
        assert [status for status, _ in codes[2:]] == [429, 429]
        assert codes[1] == (401, "UNAUTHENTICATED")
        elsewhere = client.http.get(FILE, headers={"x-forwarded-for": "203.0.113.7"})
        assert elsewhere.status_code != 429
        assert get(client, CLERK).status_code == 200


def test_a_system_that_pushes_has_a_budget_of_its_own_and_is_told_it(systems: Path, tmp_path: Path) -> None:
    with here(tmp_path, systems, ENVIRON, rate_per_caller=2) as client:
        asked = client.http.options("/events/AA", headers={"webhook-request-origin": "aa.example"})
        assert asked.headers["webhook-allowed-rate"] == "2"
        replies = [send(client, event(number)) for number in range(3)]
        assert [one.status_code for one in replies] == [202, 202, 429]
        assert code_of(replies[2]) == (429, "RATE_LIMITED")
        assert int(replies[2].headers["retry-after"]) >= 1
        assert replies[0].headers.keys() >= TOLD
        assert client.ask("{ regions(first: 1) { nodes { name } } }").status == 200


def test_wrong_signatures_and_systems_that_are_not_there_count_against_the_address(
    systems: Path, tmp_path: Path
) -> None:
    with here(tmp_path, systems, ENVIRON, rate_per_address=3) as client:
        wrong = [send(client, event(number), secret="a guess of somebody else") for number in range(2)]
        assert [code_of(one)[0] for one in wrong] == [401, 401]
        assert code_of(send(client, event(0), system="NONE"))[0] == 404
        assert code_of(send(client, event(0), system="NONE")) == (429, "RATE_LIMITED")
        assert code_of(send(client, event(0), secret="another guess")) == (429, "RATE_LIMITED")
        assert send(client, event(0)).status_code == 202  # the system itself does not pay for them


def test_two_gateways_count_one_systems_events_together(
    systems: Path, tmp_path: Path, shared_redis: RedisServer
) -> None:
    settings = {"redis_url": shared_redis.url, "rate_per_caller": 2}
    with (
        here(tmp_path / "one", systems, ENVIRON, **settings) as one,
        here(tmp_path / "two", systems, ENVIRON, **settings) as two,
    ):
        replies = [send(gateway, event(number)) for number, gateway in enumerate((one, two, one))]
        assert [reply.status_code for reply in replies] == [202, 202, 429]
