"""A system and its successor behind one code, through a real gateway: who answers, and that nobody notices."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.migration.placement import Phase
from gateway.database import Database, open_database
from gateway.ledger import Writer
from gateway.migration.numbers import NumberMap
from gateway.migration.operate import Operator, move
from gateway.migration.phases import Wish
from gateway.migration.store import MigrationStore, State
from tests.conftest import run_apart
from tests.e2e.gateways import Client, here
from tests.e2e.stubs import Stub, answering, declaration, http, row, silent, stub
from tests.e2e.waiting import until

CASE = "query One($id: ID!) { case(id: $id) { id title state } }"
LIST = 'query All { cases(systems: ["OLD"], first: 100) { nodes { id title } sources { system status } } }'
NUMBERS = [f"OLD-{number}" for number in range(120)]


@dataclass(slots=True)
class World:
    """Two systems that hold the same cases under other titles, and a gateway before them."""

    old: Stub
    new: Stub
    client: Client
    data: Path

    def move(self, wish: Wish, *, system: str = "OLD", wait: bool = True) -> State:
        state = operate(self.data, system, wish)
        if wait:
            self.settle(state)
        return state

    def settle(self, state: State) -> None:
        """Until the gateway has seen the step: it writes down where it stands."""

        def seen() -> bool:
            kept = self.data / "migrations.json"
            places = json.loads(kept.read_text()) if kept.exists() else []
            return any(one["version"] == state.version for one in places)

        until(seen, what=f"the gateway has seen version {state.version}")

    def new_share(self) -> float:
        titles = [self.title(number) for number in NUMBERS[:30]]
        return sum(title.startswith("new") for title in titles) / len(titles) * 100

    def title(self, number: str) -> str:
        return str(self.client.data(CASE, {"id": f"OLD:{number}"})["case"]["title"])


def operate(data: Path, system: str, wish: Wish, *, actor: str = "tester") -> State:
    found: list[State] = []

    async def run() -> None:
        database = open_database("", data)
        writer = Writer(database)
        try:
            found.append(
                await move(MigrationStore(database), writer, system, wish, Operator(actor, "a test"))
            )
        finally:
            await writer.end()
            await database.close()

    run_apart(run)
    return found[0]


def on_database(data: Path, work: Callable[[Database], Any]) -> Any:
    found: list[Any] = []

    async def run() -> None:
        database = open_database("", data)
        try:
            found.append(await work(database))
        finally:
            await database.close()

    run_apart(run)
    return found[0]


def rows(side: str) -> list[dict[str, Any]]:
    return [
        row(number, applied=f"2017-06-01T{index // 60:02d}:{index % 60:02d}:00+08:00")
        | {"title": f"{side} {number}"}
        for index, number in enumerate(NUMBERS)
    ]


def new_declaration(url: str, *, extra: str = "", numbers: str = r"OLD-\d+", **how: Any) -> str:
    text = declaration("NEW", url, **how).replace(r"numbers: 'NEW-\d+'", f"numbers: '{numbers}'")
    return f"{text}migration:\n  replaces: OLD\n{extra}"


@contextmanager
def world(tmp: Path, *, extra: str = "", takes: str = "", **settings: Any) -> Iterator[World]:
    """takes: connectors of the old system for what it takes."""
    systems = tmp / "systems"
    systems.mkdir(exist_ok=True)
    with stub(answering(rows("old"))) as old, stub(answering(rows("new"))) as new:
        (systems / "old.yaml").write_text(declaration("OLD", old.url) + takes, encoding="utf-8")
        (systems / "new.yaml").write_text(new_declaration(new.url, extra=extra), encoding="utf-8")
        given = {"migration_poll_s": 0.02, "access_records": False} | settings
        with here(tmp / "data", systems, {}, **given) as client:
            yield World(old, new, client, tmp / "data")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


def test_until_a_migration_is_moved_only_the_old_system_is_asked(pair: World) -> None:
    assert pair.new_share() == 0
    nodes = pair.client.data(LIST)["cases"]["nodes"]
    assert len(nodes) == 100
    assert all(node["title"].startswith("old") for node in nodes)
    assert pair.new.calls == 0


def test_a_list_over_all_systems_has_each_case_once_in_every_phase(pair: World) -> None:
    query = "{ cases(first: 100) { nodes { id } sources { system } } }"
    for wish in (None, Wish("advance"), Wish("advance", percent=50), Wish("advance"), Wish("advance")):
        if wish is not None:
            pair.move(wish)
        found = pair.client.data(query)["cases"]
        ids = [node["id"] for node in found["nodes"]]
        assert len(set(ids)) == 100
        assert {one["system"] for one in found["sources"]} == {"OLD"}
        assert all(one.startswith("OLD:") for one in ids)


def test_cases_go_over_by_percent_and_stay_over(pair: World) -> None:
    pair.move(Wish("advance"))
    before: set[str] = set()
    for wish in (Wish("advance", percent=20), Wish("percent", percent=60), Wish("advance")):
        state = pair.move(wish)
        over = {number for number in NUMBERS if pair.title(number).startswith("new")}
        assert before <= over
        assert abs(len(over) / len(NUMBERS) * 100 - state.placement.share) < 15
        assert {number for number in NUMBERS if pair.title(number).startswith("new")} == over
        before = over
    assert before == set(NUMBERS)


def test_a_failing_new_side_costs_no_answer_while_the_old_one_stands(pair: World) -> None:
    pair.move(Wish("advance"))
    pair.move(Wish("advance", percent=100))
    pair.move(Wish("advance"))
    for broken in (http(b"oops", status="500 Broken"), http(b"no json at all"), http(b'{"missing": true}')):
        pair.new.behave = broken
        assert pair.title("OLD-7") == "old OLD-7"
    pair.new.behave = http(b"oops", status="500 Broken")
    found = pair.client.data(LIST)["cases"]
    assert [node["title"][:3] for node in found["nodes"]] == ["old"] * 100
    assert found["sources"] == [{"system": "OLD", "status": "OK"}]


def test_a_hanging_new_side_leaves_the_old_one_time_to_answer(pair: World) -> None:
    pair.move(Wish("advance"))
    pair.move(Wish("advance", percent=100))
    pair.new.behave = silent
    query = 'query { cases(systems: ["OLD"], first: 5, deadlineMs: 1000) { nodes { title } } }'
    assert pair.client.data(query)["cases"]["nodes"][0]["title"].startswith("old")


def test_the_old_system_is_never_asked_once_it_is_retired(pair: World) -> None:
    for wish in (Wish("advance"), Wish("advance", percent=100), Wish("advance"), Wish("advance")):
        state = pair.move(wish)
    assert state.placement.phase is Phase.RETIRED
    pair.old.stop()
    assert pair.new_share() == 100
    assert len(pair.client.data(LIST)["cases"]["nodes"]) == 100
    pair.new.behave = http(b"oops", status="500 Broken")
    assert pair.client.ask(CASE, {"id": "OLD:OLD-7"}).codes == ["SOURCE_UNAVAILABLE"]


def test_a_list_that_was_begun_on_one_side_goes_on_there_and_after_a_rollback_loses_nothing(
    pair: World,
) -> None:
    page = (
        'query Page($after: String) { cases(systems: ["OLD"], first: 30, after: $after) '
        "{ nodes { id title } pageInfo { endCursor hasNextPage } } }"
    )
    pair.move(Wish("advance"))
    pair.move(Wish("advance", percent=100))
    seen: list[dict[str, Any]] = []
    after = None
    for turn in range(20):
        if turn == 3:
            pair.move(Wish("rollback", Phase.LEGACY))
        found = pair.client.data(page, {"after": after})["cases"]
        seen += found["nodes"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len({node["id"] for node in seen}) == len(NUMBERS)
    assert {node["title"][:3] for node in seen} == {"old", "new"}


def test_a_rollback_under_load_is_in_force_at_once_and_no_request_fails(pair: World) -> None:
    pair.move(Wish("advance"))
    pair.move(Wish("advance", percent=100))
    stop, failures, answered = threading.Event(), [], []

    def load() -> None:
        client = Client(pair.client.url)
        index = 0
        while not stop.is_set():
            asked = client.ask(CASE, {"id": f"OLD:{NUMBERS[index % len(NUMBERS)]}"})
            answered.append(asked.status)
            if asked.status != 200 or asked.errors:
                failures.append(asked.text)
            index += 1
        client.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for wish in (
            Wish("rollback", Phase.SHADOW),
            Wish("advance", percent=50),
            Wish("rollback", Phase.LEGACY),
        ):
            pair.move(wish)
            enough = len(answered) + 20
            until(lambda enough=enough: len(answered) > enough, what="20 more answers")
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert failures == []
    assert set(answered) == {200}


@pytest.mark.parametrize("steps", range(5))
def test_a_restart_finds_every_phase_as_it_was_also_without_its_database(tmp_path: Path, steps: int) -> None:
    wishes = [Wish("advance"), Wish("advance", percent=50), Wish("advance"), Wish("advance")][:steps]
    with world(tmp_path) as first:
        state = State("OLD")
        for wish in wishes:
            state = first.move(wish)
        before = [first.title(number) for number in NUMBERS[:40]]
    with world(tmp_path) as again:
        assert [again.title(number) for number in NUMBERS[:40]] == before
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with world(tmp_path, database_url=nowhere) as alone:
        assert [alone.title(number) for number in NUMBERS[:40]] == before
    # a database that cannot be reached: the place is what the process before has written down
    with world(
        tmp_path, database_url="postgresql://nobody:x@127.0.0.1:1/none", access_records=False
    ) as without:
        assert [without.title(number) for number in NUMBERS[:40]] == before
        assert abs(without.new_share() - state.placement.share) < 25


def test_a_number_of_the_new_system_is_known_by_the_old_one_in_ids_and_lists(tmp_path: Path) -> None:
    async def bind(database: Database) -> None:
        await NumberMap(database).bind_all("OLD", [(f"OLD-{n}", f"T{n}") for n in range(100)])

    systems = tmp_path / "systems"
    systems.mkdir()
    renamed = [one | {"no": one["no"].replace("OLD-", "T")} for one in rows("new")[:100]]
    born = row("T999", applied="2018-01-01T09:00:00+08:00") | {"title": "new T999"}
    with stub(answering(rows("old")[:100])) as old, stub(answering([*renamed, born])) as new:
        (systems / "old.yaml").write_text(declaration("OLD", old.url), encoding="utf-8")
        text = new_declaration(new.url, extra="  numbers: mapped\n", numbers=r"T\d+")
        (systems / "new.yaml").write_text(text, encoding="utf-8")
        with here(tmp_path / "data", systems, {}, migration_poll_s=0.02) as client:
            on_database(tmp_path / "data", bind)
            pair = World(old, new, client, tmp_path / "data")
            pair.move(Wish("advance"))
            pair.move(Wish("advance", percent=100))
            pair.move(Wish("advance"))
            assert pair.title("OLD-7") == "new OLD-7"
            found = client.data("{ cases(first: 100) { nodes { id } } }")["cases"]["nodes"]
            # a case that was born in the new system bears its number, under the code that clients know
            assert found[0]["id"] == "OLD:T999"
            assert {node["id"] for node in found[1:]} <= {f"OLD:OLD-{n}" for n in range(100)}
