"""Applications filed while their system is being replaced: both sides get them once, whatever dies when."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.migration.placement import Phase
from gateway.cli import main
from gateway.database import Database, open_database
from gateway.ledger import Writer
from gateway.migration.numbers import NumberMap
from gateway.migration.operate import Operator, move
from gateway.migration.phases import ORDER, Wish
from gateway.migration.reserving import open_writes
from gateway.migration.store import MigrationStore
from tests.conftest import run_apart
from tests.e2e.gateways import Child, Client, child_gateway, here
from tests.e2e.waiting import until
from tests.migration.takers import ITEM, Pair, two_takers
from tests.submission.fault_proxy import Hold

SUBMIT = """mutation ($input: SubmitCaseInput!, $key: String!) {
  submitCase(input: $input, idempotencyKey: $key, waitMs: 0) { receipt { token state } } }"""
WITHDRAW = """mutation ($input: WithdrawCaseInput!, $key: String!) {
  withdrawCase(input: $input, idempotencyKey: $key, waitMs: 0) { receipt { token } } }"""
RECEIPT = "query ($token: ID!) { receipt(token: $token) { state caseId localNo systemCode code } }"
LINK = "query ($id: ID!) { case(id: $id) { id title state } }"
PERSON = "500229197001010010"


@dataclass
class Near:
    client: Client


class World:
    """Two takers, one database, and a gateway that may be killed and started again."""

    def __init__(self, tmp: Path, pair: Pair, database_url: str) -> None:
        self.tmp, self.pair, self.url = tmp, pair, database_url

    @property
    def settings(self) -> dict[str, str]:
        return {
            "database_url": self.url,
            "secret_key": "a key of the dual write tests, 0123456789",
            "outbox_poll_s": "0.1",
            "outbox_lease_s": "0.3",
            "migration_poll_s": "0.05",
            "access_records": "false",
            "watch": "false",
        }

    @contextlib.contextmanager
    def gateway(self) -> Iterator[Child]:
        """A process of its own, which may be killed."""
        with child_gateway(self.tmp, self.pair.systems, {}, **self.settings) as child:
            yield child

    @contextlib.contextmanager
    def near(self) -> Iterator[Near]:
        """In this process."""
        with here(self.tmp / "data", self.pair.systems, {}, **self.settings) as client:
            yield Near(client)

    def on_database(self, work: Callable[[Database], Any]) -> Any:
        found: list[Any] = []

        async def run() -> None:
            database = open_database(self.url, self.tmp)
            try:
                found.append(await work(database))
            finally:
                await database.close()

        run_apart(run)
        return found[0]

    def to(self, phase: Phase) -> None:
        """As far as that, before a gateway is started."""

        async def go(database: Database) -> None:
            writer, store = Writer(database), MigrationStore(database)
            try:
                now = (await store.state("OLD")).placement.phase
                for one in ORDER[ORDER.index(now) + 1 : ORDER.index(phase) + 1]:
                    wish = Wish("advance", percent=100 if one is Phase.CANARY else None)
                    await move(store, writer, "OLD", wish, Operator("tester", "a test"))
            finally:
                await writer.end()

        self.on_database(go)

    def hand_in(self, gateway: Child | Near, key: str = "a-key-of-the-dual-write") -> str:
        applicant = {"name": "王小明", "number": PERSON, "mobile": "13800001234"}
        given = {"itemCode": ITEM, "system": "OLD", "applicant": applicant, "fields": {"site": "江北"}}
        asked = gateway.client.ask(SUBMIT, {"input": given, "key": key}, echoes=True)
        assert asked.errors == [], asked.text
        return str(asked.data["submitCase"]["receipt"]["token"])

    def filed(self, gateway: Child | Near, token: str) -> dict[str, Any]:
        def receipt() -> dict[str, Any] | None:
            found = gateway.client.data(RECEIPT, {"token": token})["receipt"]
            return dict(found) if found["state"] == "FILED" else None

        return until(receipt, what="the receipt is FILED", timeout_s=40.0)

    def new_number(self, old: str) -> str | None:
        found = self.on_database(lambda database: NumberMap(database).new_number("OLD", old))
        return found if found is None else str(found)

    def paired(self, old: str) -> str:
        return str(until(lambda: self.new_number(old), what=f"{old} has a new number", timeout_s=40.0))

    def command(self, *words: str) -> list[dict[str, Any]]:
        env = {"QUANYU_DATABASE_URL": self.url, "QUANYU_DATA_DIR": str(self.tmp / "data"), "USER": "operator"}
        result = CliRunner().invoke(main, ["outbox", *words], env=env, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]

    def both_settled(self) -> None:
        def settled() -> bool:
            return self.on_database(lambda database: open_writes(database, "OLD")) == (0, 0)

        until(settled, what="nothing is under way", timeout_s=40.0)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    with two_takers(tmp_path) as pair:
        yield World(tmp_path, pair, database_url)


sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def kill(gateway: Child) -> None:
    gateway.process.kill()
    gateway.process.wait(20)


def test_in_canary_the_old_side_has_the_word_and_the_new_one_gets_the_same(world: World) -> None:
    world.to(Phase.CANARY)
    with world.near() as gateway:
        receipt = world.filed(gateway, world.hand_in(gateway))
        assert receipt["caseId"] == "OLD:OLD-1"
        assert world.paired("OLD-1") == "NEW-1"
        assert gateway.client.data(LINK, {"id": "OLD:OLD-1"})["case"]["title"] == "NEW NEW-1"
        withdrawal = {"case": {"id": "OLD:OLD-1"}, "reason": "moved away"}
        gateway.client.data(WITHDRAW, {"input": withdrawal, "key": "a-key-of-the-withdrawal"})
        world.both_settled()
    assert (world.pair.old.withdrawn, world.pair.new.withdrawn) == (["OLD-1"], ["NEW-1"])
    assert (world.pair.old.numbers, world.pair.new.numbers) == (["OLD-1"], ["NEW-1"])


def test_with_the_new_side_first_the_old_number_is_reserved_and_both_file_under_it(world: World) -> None:
    world.to(Phase.PRIMARY_NEW)
    with world.near() as gateway:
        receipt = world.filed(gateway, world.hand_in(gateway))
        assert (receipt["caseId"], receipt["systemCode"]) == ("OLD:OLD-1", "OLD")
        assert world.paired("OLD-1") == "NEW-1"
        world.both_settled()
        assert gateway.client.data(LINK, {"id": "OLD:OLD-1"})["case"]["title"] == "NEW NEW-1"
        withdrawal = {"case": {"id": "OLD:OLD-1"}, "reason": "moved away"}
        gateway.client.data(WITHDRAW, {"input": withdrawal, "key": "a-key-of-the-withdrawal"})
        world.both_settled()
    assert (world.pair.old.numbers, world.pair.new.numbers) == (["OLD-1"], ["NEW-1"])
    assert (world.pair.old.withdrawn, world.pair.new.withdrawn) == (["OLD-1"], ["NEW-1"])


@sqlite_only
def test_once_it_is_retired_the_old_side_gets_nothing(world: World) -> None:
    world.to(Phase.RETIRED)
    with world.near() as gateway:
        receipt = world.filed(gateway, world.hand_in(gateway))
        assert receipt["caseId"] == "OLD:NEW-1"
        assert gateway.client.data(LINK, {"id": "OLD:NEW-1"})["case"]["title"] == "NEW NEW-1"
    assert world.pair.old.calls == 0


@sqlite_only
def test_a_second_side_that_is_down_costs_the_citizen_nothing_and_gets_it_when_it_is_back(
    world: World,
) -> None:
    world.to(Phase.CANARY)
    world.pair.new_proxy.stop()
    with world.near() as gateway:
        token = world.hand_in(gateway)
        assert world.filed(gateway, token)["localNo"] == "OLD-1"
        until(
            lambda: world.on_database(lambda database: open_writes(database, "OLD"))[0] == 1,
            what="the divergence is seen",
            timeout_s=40.0,
        )
        world.pair.new_proxy.start()
        assert world.paired("OLD-1") == "NEW-1"
        world.both_settled()
    assert world.pair.new.numbers == ["NEW-1"]


@sqlite_only
def test_a_second_side_that_refuses_is_a_divergence_for_a_person(world: World) -> None:
    world.to(Phase.CANARY)
    world.pair.new.refuses = True
    with world.near() as gateway:
        assert world.filed(gateway, world.hand_in(gateway))["localNo"] == "OLD-1"
        until(
            lambda: world.on_database(lambda database: open_writes(database, "OLD"))[0] == 1,
            what="the divergence is seen",
            timeout_s=40.0,
        )
        assert world.pair.new.numbers == []
        [row] = world.command("list", "--json")
        assert (row["system"], row["state"], row["under"]) == ("NEW", "NEEDS_PERSON", "OLD")
        # a person has filed it there by hand
        world.command("resolve", row["token"], "--filed", "NEW-77")
        assert world.paired("OLD-1") == "NEW-77"
        world.both_settled()


@sqlite_only
def test_what_the_first_side_refuses_is_not_filed_with_the_second_and_its_reservation_is_given_back(
    world: World,
) -> None:
    world.to(Phase.PRIMARY_NEW)
    world.pair.new.refuses = True
    with world.near() as gateway:
        token = world.hand_in(gateway)
        until(
            lambda: gateway.client.data(RECEIPT, {"token": token})["receipt"]["state"] == "REFUSED",
            what="it is refused",
            timeout_s=40.0,
        )
        world.both_settled()
    assert len(world.pair.old.reserved) == 1
    assert world.pair.old.numbers == []
    assert world.on_database(lambda database: NumberMap(database).reserved("OLD")) == []


@pytest.mark.parametrize("files_first", [True, False])
def test_killed_between_the_two_sides(world: World, *, files_first: bool) -> None:
    """The old side has it and the gateway dies while the new one is told: each has it once."""
    world.to(Phase.CANARY)
    hold = Hold(files_first=files_first)
    world.pair.new_proxy.once(b"/submit", hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release()
    with world.near() as gateway:
        assert world.filed(gateway, token)["localNo"] == "OLD-1"
        assert world.hand_in(gateway) == token
        assert world.paired("OLD-1") == "NEW-1"
        world.both_settled()
    assert (world.pair.old.numbers, world.pair.new.numbers) == (["OLD-1"], ["NEW-1"])


@pytest.mark.parametrize("marker", [b"/reserve", b"/submit"])
@pytest.mark.parametrize("files_first", [True, False])
@sqlite_only
def test_killed_between_reservation_and_case(world: World, marker: bytes, *, files_first: bool) -> None:
    """A number was reserved, or was about to be, or the case was being filed: one number, one case on each side."""
    world.to(Phase.PRIMARY_NEW)
    hold = Hold(files_first=files_first)
    (world.pair.old_proxy if marker == b"/reserve" else world.pair.new_proxy).once(marker, hold)
    with world.gateway() as gateway:
        token = world.hand_in(gateway)
        assert hold.there.wait(20)
        kill(gateway)
    hold.release()
    with world.near() as gateway:
        assert world.filed(gateway, token)["localNo"] == "OLD-1"
        assert world.paired("OLD-1") == "NEW-1"
        world.both_settled()
    assert (world.pair.old.numbers, world.pair.new.numbers) == (["OLD-1"], ["NEW-1"])
    assert list(world.pair.old.reserved.values()) == ["OLD-1"]
    assert world.on_database(lambda database: NumberMap(database).reserved("OLD")) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_the_same_numbers_the_new_side_is_told_the_old_one(tmp_path: Path, database_url: str) -> None:
    with two_takers(tmp_path, numbers="same", reserve=False) as pair:
        world = World(tmp_path, pair, database_url)
        world.to(Phase.CANARY)
        with world.near() as gateway:
            assert world.filed(gateway, world.hand_in(gateway))["caseId"] == "OLD:OLD-1"
            world.both_settled()
        assert (pair.old.numbers, pair.new.numbers) == (["OLD-1"], ["OLD-1"])


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ({"dual": "[PRIMARY_NEW]", "reserve": False}, "declare `reserve` in OLD"),
        ({"dual": "~"}, "a system that replaces another takes no 'submit'"),
        ({"dual": "[LEGACY]"}, "Input should be 'SHADOW', 'CANARY' or 'PRIMARY_NEW'"),
        ({"dual": "[CANARY]", "reserve": False}, ""),
        ({"dual": "[]", "reserve": False}, ""),
    ],
)
def test_a_declaration_must_say_whose_number_is_which(tmp_path: Path, how: Any, wanted: str) -> None:
    with two_takers(tmp_path, **how) as pair:
        result = CliRunner().invoke(main, ["check", str(pair.systems)], catch_exceptions=False)
    assert (result.exit_code == 0) is (wanted == ""), result.output
    assert wanted in " ".join(result.output.split())
