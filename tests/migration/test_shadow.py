"""The other side asked beside the answer: what is found, what is not reported, and that nobody waits for it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.migration.placement import Phase
from adapters.migration.shadow import SHADOWS_AT_ONCE
from gateway.database import Database
from gateway.migration.declared import read_declared
from gateway.migration.gates import Evidence, Policy
from gateway.migration.parity import ParityReport, read_parity
from gateway.migration.phases import Wish
from gateway.migration.readiness import Readiness
from gateway.migration.store import MigrationStore
from gateway.migration.tables import COUNT
from tests.e2e.stubs import Behaviour, Gate, Request, Writer, answering, http
from tests.e2e.waiting import until
from tests.migration.test_routing import NUMBERS, World, on_database, rows, world


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, migration_window_s=0.5, migration_policy=str(policy(tmp_path))) as found:
        yield found


def policy(folder: Path) -> Path:
    file = folder / "policy.yaml"
    file.write_text("watch: {windows: 2, minCalls: 3}\n", encoding="utf-8")
    return file


def parity(pair: World) -> ParityReport:
    async def read(database: Database) -> ParityReport:
        [declared] = (await read_declared(database)).values()
        return await read_parity(database, "OLD", declared.mapping, critical=declared.critical)

    until(lambda: on_database(pair.data, read_declared), what="what is declared is told to the database")
    return on_database(pair.data, read)  # type: ignore[no-any-return]


def ask_until(pair: World, enough: Callable[[ParityReport], bool]) -> ParityReport:
    found: list[ParityReport] = []

    def asked() -> bool:
        for number in NUMBERS[:15]:
            pair.title(number)
        found.append(parity(pair))
        return enough(found[-1])

    until(asked, what="enough is compared", timeout_s=60)
    return found[-1]


def changing(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Behaviour:
    """Every case by its number, changed anew with each question."""
    by_number = {one["no"]: one for one in rows("old")}

    async def behave(request: Request, writer: Writer) -> None:
        number = request.target.rpartition("/")[2]
        body = json.dumps(change(dict(by_number[number])), ensure_ascii=False).encode()
        await http(body)(request, writer)

    return behave


def test_both_sides_alike_are_compared_and_nothing_is_reported(pair: World) -> None:
    pair.new.behave = answering(rows("old"))
    pair.move(Wish("advance"))
    report = ask_until(pair, lambda one: one.compared >= 30)
    assert report.open == ()
    assert set(report.verdicts) == {"same"}


def test_what_the_old_side_says_differently_each_time_is_noise_and_one_case_in_a_hundred_is_not(
    pair: World,
) -> None:
    clock = itertools.count()
    pair.old.behave = changing(lambda one: one | {"title": f"asked {next(clock)}"})
    # the title changes with each question on both sides; the state of a few cases is really another
    wrong = set(NUMBERS[::12])
    pair.new.behave = changing(
        lambda one: one | {"title": f"new {next(clock)}", "status": "BJ" if one["no"] in wrong else "SL"}
    )
    pair.move(Wish("advance"))
    report = ask_until(pair, lambda one: one.compared >= 60)
    assert [one.path for one in report.open] == ["rawStatus", "state"] or [
        one.path for one in report.open
    ] == ["state"]
    [title] = [one for one in report.fields if one.path == "title"]
    assert (title.verdict, title.different) == ("noise", 0)
    state = next(one for one in report.fields if one.path == "state")
    assert 0 < state.different < state.compared
    assert state.critical


def test_a_case_that_the_new_side_lacks_is_a_difference(pair: World) -> None:
    pair.new.behave = http(b'{"missing": true}')
    pair.move(Wish("advance"))
    report = ask_until(pair, lambda one: one.compared >= 10)
    assert [one.path for one in report.open] == ["exists"]


def test_a_hanging_new_side_changes_no_answer_and_takes_no_more_than_its_places(pair: World) -> None:
    gate = Gate(answering(rows("new")))
    pair.new.behave = gate
    pair.move(Wish("advance"))
    until(lambda: pair.title(NUMBERS[0]) and gate.held, what="the new side is asked and hangs")
    titles = []
    for number in NUMBERS[:30]:
        titles.append(pair.title(number))
        assert gate.held >= 1, "the answer came after the new side had been let go"
    assert titles == [f"old {number}" for number in NUMBERS[:30]]
    assert gate.held <= SHADOWS_AT_ONCE
    gate.open()


def test_the_new_side_is_asked_nothing_that_is_not_sampled(pair: World) -> None:
    pair.move(Wish("advance", sample=0))
    for number in NUMBERS[:10]:
        pair.title(number)
    assert pair.new.calls == 0


def test_a_new_side_that_fails_under_load_is_rolled_back_by_itself_and_no_request_fails(pair: World) -> None:
    pair.new.behave = answering(rows("old"))
    pair.move(Wish("advance"))
    pair.move(Wish("advance", percent=100))
    pair.new.behave = http(b"broken", status="500 Broken")

    def rolled_back() -> bool:
        for number in NUMBERS[:6]:
            assert pair.title(number) == f"old {number}"
        places = json.loads((pair.data / "migrations.json").read_text())
        return bool(places[0]["phase"] == Phase.SHADOW)

    until(rolled_back, what="the watch has rolled it back", timeout_s=60)
    history = pair.client.data(
        '{ legacySystem(code: "OLD") { migration { history { kind actor reason } } } }',
        token="demo-migration",
    )["legacySystem"]["migration"]["history"]
    assert (history[-1]["kind"], history[-1]["actor"]) == ("rollback", "quanyu")
    assert "failed on the new side" in history[-1]["reason"]


def test_what_an_open_breaker_keeps_from_the_new_side_is_told_apart_from_its_errors(pair: World) -> None:
    pair.new.behave = http(b"broken", status="500 Broken")
    pair.move(Wish("advance"))

    def counted(scope: str, name: str) -> int:
        wanted = select(func.coalesce(func.sum(COUNT.c.n), 0)).where(
            COUNT.c.system == "OLD", COUNT.c.scope == scope, COUNT.c.name == name
        )

        async def read(database: Database) -> Any:
            async with database.read() as connection:
                return await connection.scalar(wanted)

        return int(on_database(pair.data, read))

    ask_until(pair, lambda _report: counted("dropped", "circuit") > 0)
    assert counted("shadow:new", "errors") == counted("shadow:new", "calls") == pair.new.calls
    assert counted("shadow:new", "code:SOURCE_CIRCUIT_OPEN") == 0


def test_errors_of_a_trial_that_was_rolled_back_do_not_count_in_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("watch: {windows: 60}\n", encoding="utf-8")  # a person is to be faster here
    with world(tmp_path, migration_window_s=0.5, migration_policy=str(file)) as pair:
        pair.new.behave = answering(rows("old"))
        pair.move(Wish("advance"))
        ask_until(pair, lambda report: report.compared >= 10)
        pair.move(Wish("advance", percent=100))

        def errors() -> int:
            async def read(database: Database) -> Evidence:
                [declared] = (await read_declared(database)).values()
                state = await MigrationStore(database).state("OLD")
                return await Readiness(database, Policy()).evidence(declared, state)

            found: Evidence = on_database(pair.data, read)
            return found.sides["side:new"].errors if "side:new" in found.sides else 0

        pair.new.behave = http(b"broken", status="500 Broken")
        ask_until(pair, lambda _report: errors() > 0)
        pair.new.behave = answering(rows("old"))
        pair.move(Wish("rollback", Phase.LEGACY))
        pair.move(Wish("advance"))
        pair.move(Wish("advance", percent=100))
        assert errors() == 0
