"""Two gateways over one Redis: what one has learnt the other knows, and neither needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.gateways import Client, here
from tests.e2e.stubs import Stub, answering, declaration, row, stub
from tests.e2e.waiting import until
from tests.services import RedisServer, ServiceUnavailable, redis_server

QUERY = "{ cases(first: 10) { nodes { id state } sources { status asOf } } }"
GAPS = '{legacySystem(code: "AA") {mapping {gaps {table rawValue count}}}}'


@pytest.fixture
def system() -> Iterator[Stub]:
    with stub(answering([row("AA-1"), row("AA-2", status="??")])) as server:
        yield server


def pair(stack: ExitStack, tmp_path: Path, systems_dir: Path, redis: RedisServer) -> list[Client]:
    clients = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        clients.append(stack.enter_context(here(folder, systems_dir, {}, watch=False, redis_url=redis.url)))
    return clients


def test_an_answer_of_one_serves_the_other(
    shared_redis: RedisServer, system: Stub, systems_dir: Path, tmp_path: Path
) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", system.url, ttl_s=600), encoding="utf-8")
    with ExitStack() as stack:
        one, two = pair(stack, tmp_path, systems_dir, shared_redis)
        fresh = one.data(QUERY)["cases"]
        assert fresh["sources"][0]["status"] == "OK"
        kept = until(lambda: cached(two), what="the second gateway finds the answer")
        assert kept["nodes"] == fresh["nodes"]
        assert one.data(QUERY)["cases"]["sources"][0]["status"] == "CACHED"


def cached(client: Client) -> dict[str, list[dict[str, str]]] | None:
    """None while the answer is on its way into the store."""
    connection: dict[str, list[dict[str, str]]] = client.data(QUERY)["cases"]
    return connection if connection["sources"][0]["status"] == "CACHED" else None


def test_a_system_that_died_is_covered_by_the_answer_of_the_other_gateway(
    shared_redis: RedisServer, system: Stub, systems_dir: Path, tmp_path: Path
) -> None:
    text = declaration("AA", system.url, ttl_s=0, stale_s=600)
    (systems_dir / "aa.yaml").write_text(text, encoding="utf-8")
    with ExitStack() as stack:
        one, two = pair(stack, tmp_path, systems_dir, shared_redis)
        one.data(QUERY)
        system.stop()
        until(
            lambda: two.ask(QUERY).data["cases"]["sources"][0]["status"] == "STALE",
            what="the second gateway serves the first one's answer",
        )


def test_gaps_are_counted_together(
    shared_redis: RedisServer, system: Stub, systems_dir: Path, tmp_path: Path
) -> None:
    # a name of its own: the server is shared with other tests
    code = "GAPS-TOGETHER"
    (systems_dir / "aa.yaml").write_text(declaration(code, system.url), encoding="utf-8")
    gaps = GAPS.replace("AA", code)
    with ExitStack() as stack:
        one, two = pair(stack, tmp_path, systems_dir, shared_redis)
        for client in (one, two, one):
            assert client.data(QUERY)["cases"]["nodes"][0]["state"]
        for client in (one, two):
            found = until(lambda: counted(client, gaps, 3), what="three gaps are counted")  # noqa: B023
            assert found == [{"table": "status", "rawValue": "??", "count": 3}]


def counted(client: Client, query: str, count: int) -> list[dict[str, object]] | None:
    found: list[dict[str, object]] = client.data(query)["legacySystem"]["mapping"]["gaps"]
    return found if sum(int(str(gap["count"])) for gap in found) >= count else None


def test_no_query_fails_when_redis_dies(system: Stub, systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", system.url, ttl_s=600), encoding="utf-8")
    try:
        with redis_server() as redis, ExitStack() as stack:
            one, two = pair(stack, tmp_path, systems_dir, redis)
            one.data(QUERY)
            until(lambda: cached(two), what="the answer is shared")
            redis.kill()
            for client in (one, two, one, two):
                connection = client.data(QUERY)["cases"]
                assert len(connection["nodes"]) == 2
                assert connection["sources"][0]["status"] in ("OK", "CACHED")
            assert client.ready()[0] == 200
            redis.start()
            until(lambda: cached(one), what="Redis is used again")
    except ServiceUnavailable as error:
        pytest.skip(str(error))


def test_a_gateway_starts_without_its_redis(system: Stub, systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", system.url, ttl_s=600), encoding="utf-8")
    with here(tmp_path, systems_dir, {}, watch=False, redis_url="redis://127.0.0.1:9/0") as client:
        assert len(client.data(QUERY)["cases"]["nodes"]) == 2
        assert client.data(GAPS.replace("rawValue ", ""))["legacySystem"]["mapping"] is not None
