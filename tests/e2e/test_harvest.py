"""The harvest as operators see it: gateways over systems that tell what has changed, well and badly."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.feeds import Feed, change, feed_declaration
from tests.e2e.gateways import ROOT, Client, here
from tests.e2e.stubs import Stub, stub
from tests.e2e.waiting import until
from tests.services import redis_server

HARVEST = """
query ($code: ID!) { legacySystem(code: $code) { harvest {
  mode pushes everyS lastRunAt lastGoodAt watermark lagS more fault { code message runs } quarantined eventsTotal repeatedTotal
} } }
"""
RUNNING = {"harvest": True, "watch": True}


def harvest(client: Client, code: str = "AA") -> dict[str, Any]:
    found = client.data(HARVEST, {"code": code})["legacySystem"]
    return dict(found["harvest"]) if found is not None else {}


def fault(client: Client, code: str = "AA") -> str | None:
    found = harvest(client, code).get("fault")
    return found["code"] if found else None


def ledger(tmp_path: Path) -> list[str]:
    """Keys of all events in the database."""
    with contextlib.closing(sqlite3.connect(f"file:{tmp_path / 'quanyu.db'}?mode=ro", uri=True)) as database:
        return [key for (key,) in database.execute("SELECT event_key FROM case_event ORDER BY occurred_us")]


@pytest.fixture
def feed() -> Feed:
    return Feed([change(number) for number in range(6)])


@pytest.fixture
def system(feed: Feed) -> Iterator[Stub]:
    with stub(feed) as server:
        yield server


@pytest.fixture
def gateway(system: Stub, systems_dir: Path, tmp_path: Path) -> Iterator[Client]:
    (systems_dir / "aa.yaml").write_text(feed_declaration("AA", system.url), encoding="utf-8")
    with here(tmp_path, systems_dir, {}, **RUNNING) as client:
        yield client


def test_the_sample_city_is_harvested_by_itself(city_environ: dict[str, str], tmp_path: Path) -> None:
    with here(tmp_path, ROOT / "systems", city_environ, **RUNNING) as client:
        query = "{ legacySystems(first: 20) { nodes { code harvest { mode eventsTotal lastGoodAt fault { code } } } } }"

        def all_done() -> list[dict[str, Any]]:
            found = [(one["code"], one["harvest"]) for one in client.data(query)["legacySystems"]["nodes"]]
            return found if all(one["lastGoodAt"] for _, one in found) else []

        done = dict(until(all_done, what="every system was harvested", timeout_s=120))
        assert len(done) == 8
        assert {one["fault"] and one["fault"]["code"] for one in done.values()} == {None}
        assert min(one["eventsTotal"] for one in done.values()) > 200
        # it tells no changes and lists no steps: they are asked for case by case
        water = done["SLJ-WATER"]
        assert (water["mode"], water["eventsTotal"] > 1000) == ("CASES", True)


def test_what_a_system_tells_is_counted_and_asked_for_again(
    gateway: Client, feed: Feed, tmp_path: Path
) -> None:
    first = until(lambda: (found := harvest(gateway))["lastGoodAt"] and found, what="a run has ended")
    assert (first["mode"], first["eventsTotal"], first["fault"], first["more"]) == ("CHANGES", 6, None, False)
    assert (first["pushes"], first["everyS"], first["watermark"]) == (False, 1, "2026-01-02T00:05:00+08:00")
    assert first["lagS"] < 60
    feed.changes.append(change(6))
    until(lambda: harvest(gateway)["eventsTotal"] == 7, what="the later change is there")
    assert ledger(tmp_path) == [f"E{number}" for number in range(7)]
    counted = 'quanyu_harvest_records_total{result="appended",system="AA"}'
    until(lambda: gateway.metric(counted) == 7, what="the run that brought it has ended")
    assert gateway.ready()[1]["harvest"] == {"status": "up"}


def test_systems_come_and_go_while_it_runs(
    gateway: Client, system: Stub, systems_dir: Path, feed: Feed
) -> None:
    (systems_dir / "bb.yaml").write_text(feed_declaration("BB", system.url), encoding="utf-8")
    until(lambda: harvest(gateway, "BB").get("eventsTotal") == 6, what="the new system is harvested")
    (systems_dir / "bb.yaml").unlink()
    until(lambda: harvest(gateway, "BB") == {}, what="it is gone")
    feed.changes.append(change(6))
    until(lambda: harvest(gateway)["eventsTotal"] == 7, what="the others go on")


def test_a_mapping_fix_brings_in_what_could_not_be_read(
    gateway: Client, system: Stub, systems_dir: Path, feed: Feed, tmp_path: Path
) -> None:
    feed.changes.append(change(6, at=None, when="2026-01-02T09:00:00+08:00"))
    feed.changes[-1]["at"] = "2026-01-02 morning"
    until(lambda: harvest(gateway)["quarantined"] == 1, what="it is in quarantine")
    assert fault(gateway) is None
    fixed = feed_declaration("AA", system.url).replace("occurredAt: at", "occurredAt: when ?? at")
    (systems_dir / "aa.yaml").write_text(fixed, encoding="utf-8")
    until(lambda: harvest(gateway)["eventsTotal"] == 7, what="it is in the ledger")
    until(lambda: harvest(gateway)["quarantined"] == 0, what="it has left quarantine")
    assert "E6" in ledger(tmp_path)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>Login please</html>", "SOURCE_BAD_DATA"),
        (b'{"changes": 7', "SOURCE_BAD_DATA"),
        (b"\x00\xff" * 100, "SOURCE_BAD_DATA"),
        (b"[" * 100_000, "SOURCE_BAD_DATA"),
    ],
)
def test_nonsense_is_a_fault_with_its_name_and_it_recovers(
    gateway: Client, feed: Feed, body: bytes, code: str
) -> None:
    until(lambda: harvest(gateway)["eventsTotal"] == 6, what="the first changes are there")
    feed.body = body
    until(lambda: fault(gateway) == code, what="the fault is named")
    assert harvest(gateway)["eventsTotal"] == 6
    feed.body = None
    feed.changes.append(change(6))
    until(lambda: harvest(gateway)["eventsTotal"] == 7, what="it goes on")
    until(lambda: fault(gateway) is None, what="the fault is gone")


def test_a_page_that_comes_for_ever_ends_and_is_named(gateway: Client, feed: Feed, tmp_path: Path) -> None:
    feed.repeats = True
    until(lambda: fault(gateway) == "HARVEST_REPEATS", what="the fault is named")
    asked = len(feed.asked)
    assert asked < 50
    feed.repeats = False
    feed.changes.append(change(6))
    until(lambda: "E6" in ledger(tmp_path), what="it goes on")


def test_a_system_that_went_back_in_time_is_named_and_its_new_changes_are_found(
    system: Stub, systems_dir: Path, tmp_path: Path, feed: Feed
) -> None:
    def at(days: float) -> str:
        moment = datetime.now().astimezone() - timedelta(days=days)
        return moment.isoformat(timespec="seconds")

    feed.changes = [change(0, at=at(1))]
    text = feed_declaration("AA", system.url).replace("harvest: {", "harvest: {overlapH: 1, ")
    (systems_dir / "aa.yaml").write_text(text, encoding="utf-8")
    with here(tmp_path, systems_dir, {}, **RUNNING) as client:
        until(lambda: harvest(client)["eventsTotal"] == 1, what="the first change is there")
        feed.changes = [change(1, at=at(8))]  # restored from a backup, its clock with it
        until(lambda: fault(client) == "HARVEST_WENT_BACK", what="the fault is named")
        until(lambda: harvest(client)["eventsTotal"] == 2, what="its new changes are found", timeout_s=60)


def test_a_flood_is_taken_in_parts_while_queries_go_on(
    system: Stub, systems_dir: Path, tmp_path: Path, feed: Feed
) -> None:
    feed.count, feed.size = 4_000, 2_000
    text = feed_declaration("AA", system.url).replace("size: 100", "size: 1000")
    (systems_dir / "aa.yaml").write_text(text, encoding="utf-8")
    with here(tmp_path, systems_dir, {}, **RUNNING) as client:
        until(lambda: harvest(client)["eventsTotal"] == 4_000, what="all of it is there", timeout_s=120)
        assert fault(client) is None
    assert len(set(ledger(tmp_path))) == 4_000


def test_an_answer_without_end_is_cut_off_and_named(
    system: Stub, systems_dir: Path, tmp_path: Path, feed: Feed
) -> None:
    text = feed_declaration("AA", system.url).replace("traffic: {", "traffic: {maxBodyMb: 0.1, ")
    (systems_dir / "aa.yaml").write_text(text, encoding="utf-8")
    feed.count, feed.size = 1_000_000, 5_000
    with here(tmp_path, systems_dir, {}, **RUNNING) as client:
        until(lambda: fault(client) is not None, what="the fault is named")
        assert str(fault(client)).startswith("SOURCE_")
        feed.size = 100  # now in pages that it may have
        until(lambda: harvest(client)["eventsTotal"] >= 300, what="it gets on", timeout_s=60)


def test_without_redis_the_harvest_pauses_and_says_so_and_queries_go_on(
    system: Stub, systems_dir: Path, tmp_path: Path, feed: Feed
) -> None:
    (systems_dir / "aa.yaml").write_text(feed_declaration("AA", system.url), encoding="utf-8")
    with redis_server() as redis, here(tmp_path, systems_dir, {}, redis_url=redis.url, **RUNNING) as client:
        until(lambda: harvest(client)["eventsTotal"] == 6, what="the first changes are there")
        redis.kill()
        until(
            lambda: client.ready()[1]["harvest"].get("code") == "HARVEST_PAUSED",
            what="it says that it pauses",
        )
        assert client.ready()[1]["status"] == "degraded"
        asked = len(feed.asked)
        feed.changes.append(change(6))
        assert harvest(client)["eventsTotal"] == 6  # queries do not need it
        assert len(feed.asked) == asked
        redis.start()
        until(lambda: harvest(client)["eventsTotal"] == 7, what="it goes on", timeout_s=60)
        until(lambda: client.ready()[1]["harvest"] == {"status": "up"}, what="it says so")
