"""A gateway killed at every point of a submission, and started again: one case at the system, and the receipt knows it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.gateways import Child, child_gateway
from tests.e2e.waiting import until
from tests.submission.conftest import Declare, Taker
from tests.submission.fault_proxy import Hold

SUBMIT = """mutation ($input: SubmitCaseInput!, $key: String!) {
  submitCase(input: $input, idempotencyKey: $key, waitMs: 0) { receipt { token state } }
}"""
RECEIPT = "query ($token: ID!) { receipt(token: $token) { token state localNo attempts steps { state } } }"
KEY = "a-key-of-the-crash-tests"


class World:
    """One system, one database, and a gateway that may be killed and started again."""

    def __init__(
        self, tmp: Path, systems: Path, environ: dict[str, str], database_url: str, taker: Taker, person: str
    ) -> None:
        self.tmp, self.systems, self.environ, self.database_url = tmp, systems, environ, database_url
        self.taker, self.person = taker, person

    def gateway(self) -> contextlib.AbstractContextManager[Child]:
        return child_gateway(
            self.tmp,
            self.systems,
            self.environ,
            database_url=self.database_url,
            secret_key="a key of the crash tests, 0123456789",
            outbox_poll_s="0.1",
            outbox_lease_s="0.3",
            watch="false",
        )

    def hand_in(self, gateway: Child) -> str:
        gateway.client.token = self.taker.clerk
        asked = gateway.client.ask(
            SUBMIT, {"input": self.taker.application(self.person), "key": KEY}, echoes=True
        )
        assert asked.errors == []
        return str(asked.data["submitCase"]["receipt"]["token"])

    def receipt(self, gateway: Child, token: str) -> dict[str, Any]:
        gateway.client.token = self.taker.clerk
        return dict(gateway.client.data(RECEIPT, {"token": token})["receipt"])

    def until_filed(self, gateway: Child, token: str) -> dict[str, Any]:
        def filed() -> dict[str, Any] | None:
            receipt = self.receipt(gateway, token)
            return receipt if receipt["state"] == "FILED" else None

        return until(filed, what="the receipt is FILED", timeout_s=40.0)

    def after_restart(self, token: str) -> dict[str, Any]:
        with self.gateway() as gateway:
            receipt = self.until_filed(gateway, token)
            assert self.hand_in(gateway) == token
        assert self.taker.filed(self.person) == [receipt["localNo"]]
        return receipt


# each protocol and each database; every pair of them in the test that matters most
PAIRS = [("soap", "sqlite"), ("rest", "postgresql")]
EVERY_PAIR = [*PAIRS, ("soap", "postgresql"), ("rest", "sqlite")]
pairs = pytest.mark.parametrize(("taker", "database_url"), PAIRS, indirect=True)
every_pair = pytest.mark.parametrize(("taker", "database_url"), EVERY_PAIR, indirect=True)


@pytest.fixture
def world(
    tmp_path: Path, declare: Declare, environ: dict[str, str], database_url: str, taker: Taker, person: str
) -> World:
    systems = declare(taker.code, settle_s=2, timeout_ms=700)
    return World(tmp_path, systems, environ, database_url, taker, person)


def kill(gateway: Child) -> None:
    gateway.process.kill()
    gateway.process.wait(20)


@pairs
def test_killed_before_it_was_sent(world: World) -> None:
    """The system was away all the time: what was recorded is sent once it is back."""
    with world.gateway() as gateway:
        world.taker.proxy.stop()
        token = world.hand_in(gateway)
        kill(gateway)
    world.taker.proxy.start()
    world.after_restart(token)


@pytest.mark.parametrize(("taker", "database_url"), PAIRS[1:], indirect=True)
def test_killed_while_it_was_about_to_be_sent(world: World) -> None:
    """The application itself never left: that is known, so it is sent again at once and not looked for.

    Of the REST system, which is asked for what is there before anything is sent.
    """
    hold = Hold(files_first=False)
    world.taker.proxy.once(world.taker.query, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release(drop=True)
    receipt = world.after_restart(token)
    assert "UNKNOWN" not in [step["state"] for step in receipt["steps"]]


@every_pair
def test_killed_between_sending_and_the_answer(world: World) -> None:
    """The system has it, nobody heard: it is found and not sent again."""
    hold = Hold(files_first=True)
    world.taker.proxy.once(world.taker.marker, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release()
    receipt = world.after_restart(token)
    assert world.taker.proxy.times(world.taker.marker) == 1
    assert receipt["attempts"] == 1


@pairs
def test_killed_and_filed_only_after_that(world: World) -> None:
    """The request was on its way when the gateway died, and the system files it while it is being looked for."""
    hold = Hold(files_first=False)
    world.taker.proxy.once(world.taker.marker, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release()
    world.after_restart(token)
    assert world.taker.proxy.times(world.taker.marker) == 1


@pairs
def test_killed_and_never_filed(world: World) -> None:
    """It got lost on the way: once that is certain it is sent again, and filed once."""
    hold = Hold(files_first=False)
    world.taker.proxy.once(world.taker.marker, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release(drop=True)
    receipt = world.after_restart(token)
    states = [step["state"] for step in receipt["steps"]]
    assert (
        states.index("UNKNOWN")
        < states.index("NOT_FILED")
        < len(states) - 1 - states[::-1].index("DISPATCHING")
    )


@pairs
def test_killed_after_the_answer_before_it_was_kept(world: World) -> None:
    """The answer is here, the database is not: nothing of it was kept, and it is found."""
    hold = Hold(files_first=True)
    world.taker.proxy.once(world.taker.marker, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        with locked(world.database_url):
            hold.release()
            # the answer's bytes are before these in the gateway's sockets
            assert gateway.client.http.get("/health/live").status_code == 200
            kill(gateway)
    receipt = world.after_restart(token)
    assert world.taker.proxy.times(world.taker.marker) == 1
    assert receipt["attempts"] == 1


@contextlib.contextmanager
def locked(database_url: str) -> Iterator[None]:
    """The outbox cannot be written."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        return
    with ThreadPoolExecutor(1) as thread:
        loop = asyncio.new_event_loop()

        def run(work: Callable[[], Any]) -> Any:
            return thread.submit(lambda: loop.run_until_complete(work())).result()

        opened = run(lambda: asyncpg.connect(database_url))
        run(lambda: opened.execute("BEGIN"))
        run(lambda: opened.execute("LOCK TABLE submission IN EXCLUSIVE MODE"))
        try:
            yield
        finally:
            run(lambda: opened.execute("ROLLBACK"))
            run(opened.close)
            loop.close()
