"""Declarations written for the farm pass the gateway's own check, and its systems answer through them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.build import Loaded, Surroundings, build_source, load_declarations
from adapters.references import Lookup
from adapters.traffic.errors import SourceNotFound
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from gateway.directory import known_codes, read_registry
from samples.farm import running_farm
from samples.farm_declarations import FarmAddress, declaration_texts, write_declarations
from samples.registry import DATA, load_registry

ROOT = Path(__file__).parents[2]
APPLICANT = next(person for person in load_registry().applicants if person.sample)
CASE_FIELDS = ("localNo", "title", "state", "appliedAt", "applicant", "departmentCode", "events")


@pytest.fixture(scope="module")
def farm() -> Iterator[list[FarmAddress]]:
    with running_farm(20, processes=1, latency_ms=1) as addresses:
        yield addresses


async def _loaded(folder: Path) -> Loaded:
    known = known_codes(read_registry(DATA))
    return await load_declarations([folder], Lookup({}, lambda _path: ""), known)


async def test_every_declaration_passes_the_check_with_the_registry_and_its_wsdl(
    farm: list[FarmAddress], tmp_path: Path
) -> None:
    written = write_declarations(farm, tmp_path / "farm")
    loaded = await _loaded(tmp_path / "farm")
    assert [str(problem) for problem in loaded.problems] == []
    assert [path.stem.upper() for path in written] == [address.code for address in farm]
    assert [one.system.code for one in loaded.declarations] == [address.code for address in farm]
    assert {one.traffic.concurrency for one in loaded.declarations} == {16}
    assert {one.traffic.cache.ttl_s for one in loaded.declarations} == {0}


def test_owners_go_round_all_departments() -> None:
    addresses = [FarmAddress(f"FARM-{index:03d}", "rest", "http://127.0.0.1:1") for index in range(1, 69)]
    owners = [
        text.partition('owner: "')[2].partition('"')[0] for text in declaration_texts(addresses).values()
    ]
    assert owners == [*load_registry().departments.values()] * 2


async def test_each_kind_lists_an_applicants_cases_finds_one_and_knows_no_other(
    farm: list[FarmAddress], tmp_path: Path
) -> None:
    write_declarations(farm, tmp_path)
    loaded = await _loaded(tmp_path)
    around = Surroundings(EmbeddedStore(), SingleFlight(), None, secret=b"test")
    deadline = asyncio.get_running_loop().time() + 10
    args = {"applicant": {"idNumber": APPLICANT.id_number}}
    kinds = {address.code: address.kind for address in farm}
    asked = set()
    for declaration in loaded.declarations:
        code = declaration.system.code
        source = build_source(declaration, loaded.services.get(code), around)
        listed = await source.ask("cases", args, fields=CASE_FIELDS, deadline=deadline)
        assert listed.total == len(listed.records)
        assert 2 <= len(listed.records) <= 4
        assert listed.troubles == ()
        assert {one["applicant"]["idNumber"] for one in listed.records} == {APPLICANT.id_number}
        assert "UNKNOWN" not in {one["state"] for one in listed.records if one["title"] is not None}
        number = listed.records[0]["localNo"]
        single = await source.ask("case", {"number": number}, fields=CASE_FIELDS, deadline=deadline)
        assert len(single.records[0]["events"]) >= 3
        assert {event["kind"] for event in single.records[0]["events"]}.isdisjoint({"UNKNOWN", None})
        with pytest.raises(SourceNotFound):
            await source.ask("case", {"number": f"{number}9"}, fields=CASE_FIELDS, deadline=deadline)
        await source.wire.close()
        asked.add(kinds[code])
    assert asked == {"rest", "xml", "soap"}


def test_farm_command_writes_them_before_it_says_that_it_is_ready(tmp_path: Path) -> None:
    folder = tmp_path / "declarations"
    arguments = ("farm", "--systems", "2", "--processes", "1", "--declarations", str(folder))
    command = [sys.executable, "-m", "samples", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as farm:
        assert farm.stdout is not None
        code, _kind, url = json.loads(farm.stdout.readline())
        text = (folder / f"{code.lower()}.yaml").read_text(encoding="utf-8")
        farm.send_signal(signal.SIGTERM)
    assert code == "FARM-001"
    assert url in text
