"""`quanyu mock`: a system that is not there, in its own protocol; the gateway's own code reads what it answers."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from gateway.cli import main
from samples.catalogue import SYSTEMS
from tests.cli.conftest import Run
from tests.cli.test_drift import OPENAPI
from tests.cli.test_record_replay import SESSION
from tests.e2e.gateways import ROOT, child_gateway, clean_environment
from tests.e2e.stubs import declaration
from tests.vendoring.hosts import hosting

NUMBERS = {
    "JT-PERMIT": "JT2017-999999",
    "FGW-INVEST": "20175999999999",
    "GSJ-LICENSE": "GS20170009999",
    "MZJ-CIVIL": "渝民〔2017〕9999号",
    "GA-ENTRY": "GA-2017-99999",
    "GHJ-PLAN": "GH2017Z99999",
    "SLJ-WATER": "SL.2017.99999",
    "RSJ-SOCIAL": "RS2017999999",
}


@contextlib.contextmanager
def mocking(*words: str | Path) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A running `quanyu mock`; what it says when it listens."""
    command = [sys.executable, "-m", "quanyu", "mock", *map(str, words), "--json"]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def of(folder: Path, code: str) -> Path:
    """The one declaration: checking all of them takes most of a command's time."""
    return folder / f"{code.lower()}.yaml"


@pytest.fixture(scope="module")
def recorded(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Declarations with one recorded case each of the sample city, and the WSDLs."""
    folder = tmp_path_factory.mktemp("mocked")
    for path in (ROOT / "systems").glob("*.yaml"):
        shutil.copy(path, folder)
    environ = city_environ | {"QUANYU_SECRET_RECORDING": "key"}
    for code in SYSTEMS:
        words = ["record", code, "case", "--sample", "1", "--systems", str(of(folder, code))]
        made = CliRunner().invoke(main, words, env=environ)
        assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(scope="module")
def city(recorded: Path) -> Iterator[dict[str, str]]:
    """Environment that leads the declarations to mocks of all systems."""
    with mocking(*SYSTEMS, "--systems", recorded) as (told, _):
        environ: dict[str, str] = {}
        for one in told["systems"]:
            environ |= one["variables"]
        assert len(environ) == len(SYSTEMS)
        yield environ


def recorded_case(folder: Path, code: str) -> tuple[str, dict[str, Any]]:
    path = next((folder / "cases" / code.lower()).glob("case-*.yaml"))
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree["ask"]["args"]["number"], tree["expect"]["records"][0]


@pytest.mark.parametrize("code", list(SYSTEMS))
def test_what_was_recorded_is_answered_as_recorded(
    run: Run, city: dict[str, str], recorded: Path, code: str
) -> None:
    number, expected = recorded_case(recorded, code)
    result = run(
        "try", code, "case", number, "--systems", of(recorded, code), "--unmasked", "--json", environ=city
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["records"] == [expected]


@pytest.mark.parametrize("code", list(SYSTEMS))
def test_a_number_that_nobody_recorded_gets_a_case_made_up_from_the_declaration(
    run: Run, city: dict[str, str], recorded: Path, code: str
) -> None:
    result = run("try", code, "case", NUMBERS[code], "--systems", of(recorded, code), "--json", environ=city)
    told = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    (one,) = told["records"]
    assert one["localNo"] == NUMBERS[code]
    assert one["state"] not in (None, "UNKNOWN")
    assert one["appliedAt"] == "2018-01-02T09:30:00+08:00"
    assert told["troubles"] == []
    assert [gap for gap in told["gaps"] if gap["raw"] != "示例"] == []
    assert one["events"]


@pytest.mark.parametrize("code", list(SYSTEMS))
def test_lists_are_made_up_of_the_applicant_that_is_asked_for(
    run: Run, city: dict[str, str], recorded: Path, code: str
) -> None:
    number = "500241198808151235"
    words = ("cases", "--applicant", number, "--unmasked", "--json", "--systems", of(recorded, code))
    told = json.loads(run("try", code, *words, environ=city).stdout)
    assert told["ok"], told
    assert len(told["records"]) == 2
    assert {one["applicant"]["idNumber"] for one in told["records"]} == {number}
    assert len({one["localNo"] for one in told["records"]}) == 2
    assert told["next"] is None


@pytest.mark.parametrize("code", ["JT-PERMIT", "FGW-INVEST"])
def test_the_wsdl_is_handed_out_with_the_mocks_own_address(
    run: Run, city: dict[str, str], recorded: Path, tmp_path: Path, code: str
) -> None:
    url = city[f"QUANYU_SAMPLE_{code.replace('-', '_')}_URL"]
    path = {"JT-PERMIT": "/services/PermitService?wsdl", "FGW-INVEST": "/tzxm/InvestProjectService?wsdl"}[
        code
    ]
    result = run("import", "wsdl", url + path, "--into", tmp_path / "kept", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["found"]["address 地址"].startswith(url)


def test_a_gateway_on_mocks_answers_over_all_systems(
    city: dict[str, str], recorded: Path, tmp_path: Path
) -> None:
    """One recorded case, and the list of an applicant whom no system knows."""
    number, expected = recorded_case(recorded, "GSJ-LICENSE")
    query = """query ($id: ID!, $who: String!) {
        case(id: $id) { title state }
        cases(applicant: {number: $who}, first: 50) { nodes { id } sources { system status count } }
    }"""
    asked = {"id": f"GSJ-LICENSE:{number}", "who": "500241198808151235"}
    with child_gateway(tmp_path, recorded, city) as gateway:
        data = gateway.client.data(query, asked)
    assert data["case"] == {"title": expected["title"], "state": expected["state"]}
    assert {
        one["system"]: (one["status"], one["count"]) for one in data["cases"]["sources"]
    } == dict.fromkeys(SYSTEMS, ("OK", 2))


def test_with_only_recorded_nothing_is_made_up_and_requests_are_told(run: Run, recorded: Path) -> None:
    number, _ = recorded_case(recorded, "GHJ-PLAN")
    with mocking("GHJ-PLAN", "--systems", of(recorded, "GHJ-PLAN"), "--only-recorded") as (told, process):
        (system,) = told["systems"]
        assert {one["verb"]: (one["recorded"], one["madeUp"]) for one in system["answers"]}["case"] == (
            1,
            False,
        )
        known = httpx.get(f"{system['url']}/ghgl/api/projects/{number}", trust_env=False)
        unknown = httpx.get(f"{system['url']}/ghgl/api/projects/GH2017Z99999", trust_env=False)
        foreign = httpx.get(f"{system['url']}/nothing/here", trust_env=False)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert known.status_code == 200
    assert unknown.status_code == 404
    assert "no recorded case" in unknown.text
    assert foreign.status_code == 404
    assert "GET /ghgl/api/projects/{number}" in foreign.text
    assert [one["status"] for one in lines] == [200, 404, 404]


def test_a_login_that_nobody_recorded_is_answered(run: Run, tmp_path: Path) -> None:
    text = declaration("AA", "URL").replace('rest: {baseUrl: "URL"}', SESSION)
    (tmp_path / "aa.yaml").write_text(text.replace("URL", "http://127.0.0.1:9"), encoding="utf-8")
    with mocking("AA", "--systems", tmp_path) as (told, process):
        url = told["systems"][0]["url"]
        (tmp_path / "aa.yaml").write_text(text.replace("URL", url), encoding="utf-8")
        result = run(
            "try", "AA", "case", "AA-7", "--systems", tmp_path, "--json", environ={"AA_WORD": "x-word"}
        )
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert json.loads(result.stdout)["records"][0]["localNo"] == "AA-7"
    assert [one["request"] for one in lines] == ["POST /login", "GET /case/AA-7"]


def test_without_cases_all_is_made_up(run: Run, tmp_path: Path) -> None:
    (tmp_path / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9/api"), encoding="utf-8")
    with mocking("AA", "--systems", tmp_path) as (told, _):
        (system,) = told["systems"]
        text = declaration("AA", f"{system['url']}/api")
        (tmp_path / "aa.yaml").write_text(text, encoding="utf-8")
        result = run("try", "AA", "case", "AA-7", "--systems", tmp_path, "--json")
    (one,) = json.loads(result.stdout)["records"]
    assert (one["localNo"], one["state"]) == ("AA-7", "ACCEPTED")


def test_what_the_declaration_does_not_read_comes_from_the_openapi_document(run: Run, tmp_path: Path) -> None:
    described = OPENAPI.replace(
        "no: {type: string}", "no: {type: string}\n                  fee: {type: number}"
    )
    text = declaration("BB", "http://127.0.0.1:9/api").replace("path: /case/", "path: /cases/")
    (tmp_path / "bb.yaml").write_text(text, encoding="utf-8")
    with hosting({"/api.yaml": described}) as host:
        made = run("import", "openapi", f"{host.url}/api.yaml", "--system", "BB", "--systems", tmp_path)
        assert made.exit_code == 0, made.output
    with mocking("BB", "--systems", tmp_path) as (told, _):
        answer = httpx.get(f"{told['systems'][0]['url']}/api/cases/BB-1", trust_env=False).json()
    assert answer["no"] == "BB-1"
    assert answer["fee"] == 1.0


def test_wrong_words_are_told(run: Run, recorded: Path) -> None:
    assert run("mock").exit_code == 2
    unknown = run("mock", "NOPE", "--systems", recorded)
    assert unknown.exit_code == 1
    assert "JT-PERMIT" in unknown.stderr
