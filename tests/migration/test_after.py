"""Old cases after a system is gone: read into ledger and case files before, answered under their old ids ever after."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.migration.numbers import NumberMap
from gateway.migration.phases import Wish
from tests.e2e.gateways import ROOT, clean_environment, here
from tests.e2e.stubs import (
    Behaviour,
    Gate,
    Request,
    Writer,
    answering,
    declaration,
    http,
    row,
    stub,
)
from tests.e2e.waiting import until
from tests.migration.test_routing import World, new_declaration, on_database

OLD_ROWS = [
    row(f"OLD-{at}", status="BJ" if at % 3 else "SL", applied=f"2017-06-01T00:{at:02d}:00+08:00")
    | {"title": f"old OLD-{at}"}
    for at in range(30)
]
NEW_ROWS = [one | {"title": one["title"].replace("old", "new")} for one in OLD_ROWS if one["no"] != "OLD-7"]
LINK = """query Link($id: ID!) { case(id: $id) { id localNo title source { asOf freshness } } }"""
PROGRESS = """query Progress($number: String!) {
  caseProgress(number: $number) { cases { id title source { freshness } } sources { system status count } } }"""
POLICY = "primaryNew: {}\nretired: {history: true, openCases: true}\n"


class Left(World):
    """With the command line of the same data."""

    systems: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "QUANYU_DATA_DIR": str(self.data),
            "QUANYU_SYSTEMS_DIR": str(self.systems),
            "QUANYU_REGISTRY_DIR": str(ROOT / "samples/data"),
            "QUANYU_SECRET_KEY": "an e2e key of no other use, 0123456789",
            "QUANYU_MIGRATION_POLICY": str(self.systems.parent / "policy.yaml"),
            "USER": "operator",
        }

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["migrate", *words], env=self.env, catch_exceptions=False)

    def told(self, *words: str, status: int = 0) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == status, result.output
        return json.JSONDecoder().raw_decode(result.stdout[result.stdout.index("{\n") :])[0]

    def link(self, number: str) -> Any:
        return self.client.data(LINK, {"id": f"OLD:{number}"})["case"]

    def retire(self) -> None:
        for wish in (Wish("advance"), Wish("advance", percent=100), Wish("advance"), Wish("advance")):
            self.move(wish)


def left_in(tmp: Path, *, extra: str = "", new_rows: list[dict[str, Any]] = NEW_ROWS) -> Iterator[Left]:
    systems = tmp / "systems"
    systems.mkdir(exist_ok=True)
    (tmp / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with stub(answering(OLD_ROWS)) as old, stub(answering(new_rows)) as new:
        old_text = declaration("OLD", old.url, numbers=r"OLD-\d+")
        (systems / "old.yaml").write_text(old_text, encoding="utf-8")
        numbers = r"NEW-\d+" if extra else r"OLD-\d+"
        (systems / "new.yaml").write_text(
            new_declaration(new.url, extra=extra, numbers=numbers), encoding="utf-8"
        )
        with here(tmp / "data", systems, {}, migration_poll_s=0.02, access_records=False) as client:
            found = Left(old, new, client, tmp / "data")
            found.systems = systems
            until(lambda: found.told("status")["migrations"], what="the gateway has told what it declares")
            yield found


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    yield from left_in(tmp_path)


def test_a_case_that_was_not_moved_is_answered_by_its_file_once_the_old_system_is_gone(left: Left) -> None:
    told = left.told("backfill", "OLD")
    assert (told["whole"], told["cases"], told["open"], told["events"]) == (True, 30, 10, 30)
    left.retire()
    left.old.stop()
    asked = left.old.calls
    kept = left.link("OLD-7")
    assert (kept["title"], kept["source"]["freshness"]) == ("old OLD-7", "LEDGER")
    assert kept["source"]["asOf"] is not None
    assert left.link("OLD-8")["title"] == "new OLD-8"
    assert left.client.ask(LINK, {"id": "OLD:OLD-99"}).codes == ["CASE_NOT_FOUND"]
    found = left.client.data(PROGRESS, {"number": "OLD-7"})["caseProgress"]
    assert [one["source"]["freshness"] for one in found["cases"]] == ["LEDGER"]
    assert found["sources"] == [{"system": "OLD", "status": "LEDGER", "count": 1}]
    assert left.old.calls == asked


def test_a_new_side_that_fails_is_not_taken_for_one_that_lacks_the_case(left: Left) -> None:
    left.told("backfill", "OLD")
    left.retire()
    left.new.behave = http(b"oops", status="500 Broken")
    assert left.client.ask(LINK, {"id": "OLD:OLD-7"}).codes == ["SOURCE_UNAVAILABLE"]


def test_links_with_old_numbers_work_in_every_phase_and_after_a_restart_in_each(tmp_path: Path) -> None:
    worlds = left_in(tmp_path)
    left = next(worlds)
    left.told("backfill", "OLD")
    wishes = [
        None,
        Wish("advance"),
        Wish("advance", percent=50),
        Wish("advance"),
        Wish("rollback"),
        Wish("advance"),
        Wish("advance"),
    ]
    for wish in wishes:
        if wish is not None:
            left.move(wish)
        with here(
            tmp_path / "data", left.systems, {}, migration_poll_s=0.02, access_records=False
        ) as started:
            for number in ("OLD-3", "OLD-7", "OLD-8"):
                for client in (left.client, started):
                    case = client.data(LINK, {"id": f"OLD:{number}"})["case"]
                    assert (case["id"], case["localNo"]) == (f"OLD:{number}", number)
    worlds.close()


def test_with_numbers_of_its_own_old_links_go_to_the_new_numbers_and_new_cases_keep_theirs(
    tmp_path: Path,
) -> None:
    renamed = [one | {"no": one["no"].replace("OLD", "NEW")} for one in NEW_ROWS]
    renamed.append(renamed[0] | {"no": "NEW-900", "title": "new NEW-900"})
    worlds = left_in(tmp_path, extra="  numbers: mapped\n", new_rows=renamed)
    left = next(worlds)
    left.told("backfill", "OLD")
    pairs = [(one["no"], one["no"].replace("OLD", "NEW")) for one in NEW_ROWS]
    on_database(left.data, lambda database: NumberMap(database).bind_all("OLD", pairs))
    left.retire()
    assert left.link("OLD-8") | {"source": None} == {
        "id": "OLD:OLD-8",
        "localNo": "OLD-8",
        "title": "new OLD-8",
        "source": None,
    }
    assert left.link("OLD-7")["source"]["freshness"] == "LEDGER"
    assert left.link("NEW-900")["title"] == "new NEW-900"
    # the number of a case that has an old one is no second name of it
    assert left.client.ask(LINK, {"id": "OLD:NEW-8"}).codes == ["CASE_NOT_FOUND"]
    worlds.close()


def test_the_gates_ask_case_files_and_the_new_side_for_open_cases_and_for_history(left: Left) -> None:
    for wish in (Wish("advance"), Wish("advance", percent=100), Wish("advance")):
        left.move(wish)

    def shut() -> dict[str, str]:
        found = left.told("gates", "OLD", status=1)["gates"]
        return {one["name"]: one["value"] for one in found if not one["ok"]}

    assert shut()["history"].startswith("never read")
    left.told("backfill", "OLD")
    assert "10 open ones" in shut()["openCases"]
    assert "history" not in shut()
    told = left.told("open-cases", "OLD", "--check")
    assert told == {"system": "OLD", "left": 0, "numbers": [], "faults": []}
    left.told("gates", "OLD")


def test_an_open_case_that_the_new_side_lacks_keeps_the_gate_shut(tmp_path: Path) -> None:
    worlds = left_in(tmp_path, new_rows=[one for one in NEW_ROWS if one["no"] != "OLD-6"])
    left = next(worlds)
    left.told("backfill", "OLD")
    told = left.told("open-cases", "OLD", "--check", status=1)
    assert (told["left"], told["numbers"]) == (1, ["OLD-6"])
    worlds.close()


def test_a_retired_system_is_not_read_any_more(left: Left) -> None:
    left.retire()
    asked = left.old.calls
    refused = left.run("backfill", "OLD")
    assert (refused.exit_code, "is RETIRED" in refused.output) == (1, True)
    assert left.old.calls == asked


def test_a_backfill_that_is_run_again_repeats_everything_and_adds_nothing(left: Left) -> None:
    left.told("backfill", "OLD")
    told = left.told("backfill", "OLD", "--rate", "1000")
    assert (told["whole"], told["cases"], told["events"], told["repeated"]) == (True, 30, 0, 30)


def test_a_backfill_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed while the last page was asked for: the pages before it are not asked for again."""
    worlds = left_in(tmp_path)
    left = next(worlds)
    pages: list[str] = []
    gate = Gate(paged(10, pages))
    left.old.behave = lambda request, writer: (
        gate(request, writer) if "page=3" in request.target else paged(10, pages)(request, writer)
    )
    text = (left.systems / "old.yaml").read_text(encoding="utf-8")
    (left.systems / "old.yaml").write_text(text.replace("size: 50", "size: 10"), encoding="utf-8")
    words = [sys.executable, "-m", "quanyu", "migrate", "backfill", "OLD", "--json"]
    env = clean_environment() | left.env | {"QUANYU_HARVEST_LEASE_S": "2"}
    process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        until(lambda: gate.held == 1, what="the last page is asked for", timeout_s=60.0)
    finally:
        process.kill()
        process.wait(20)
    gate.open()
    asked = [one for one in pages if one in ("1", "2")]
    told = left.told("backfill", "OLD")
    assert (told["whole"], told["cases"]) == (True, 30)
    assert [one for one in pages if one in ("1", "2")] == asked == ["1", "2"]
    worlds.close()


def paged(size: int, pages: list[str]) -> Behaviour:
    """The list in pages; each case by its number."""

    async def behave(request: Request, writer: Writer) -> None:
        if request.target.startswith("/case/"):
            await answering(OLD_ROWS)(request, writer)
            return
        page = parse_qs(urlsplit(request.target).query)["page"][0]
        pages.append(page)
        start = (int(page) - 1) * size
        newest = list(reversed(OLD_ROWS))
        body = {"total": len(newest), "rows": newest[start : start + size]}
        await http(json.dumps(body, ensure_ascii=False).encode())(request, writer)

    return behave
