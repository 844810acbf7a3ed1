"""`quanyu check`: all problems at once, each with its place, what was found and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.e2e.gateways import ROOT
from tests.e2e.stubs import declaration, http, stub
from tests.services import free_port

GOOD = declaration("AA", "http://127.0.0.1:9")


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def test_the_systems_of_the_city_are_right(run: Run, city_environ: dict[str, str]) -> None:
    for words in (("check",), ("check", "systems"), ("check", "systems", "--registry", "samples/data")):
        result = run(*words, environ=city_environ)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "8 systems and 1 remote subgraph ready, 0 problems\n"


def test_one_file_is_checked_by_itself(run: Run, tmp_path: Path) -> None:
    (tmp_path / "aa.yaml").write_text(GOOD, encoding="utf-8")
    result = run("check", tmp_path / "aa.yaml")
    assert (result.exit_code, result.stderr) == (0, "1 system ready, 0 problems\n")


def test_offline_asks_nobody(run: Run) -> None:
    """No city runs: only an offline check can be right."""
    result = run("check", "systems", "--offline")
    assert result.exit_code == 0
    assert "WSDLs not looked at" in result.stderr


SPOILT = [
    ("an unknown key", "traffic:", "trafic:", "UNKNOWN_KEY", "trafic", "did you mean 'traffic'"),
    ("a code that is none", "SL: ACCEPTED", "SL: ACEPTED", "BAD_CODE", "ACEPTED", "ACCEPTED"),
    ("a duplicate in a table", "{SL: ACCEPTED", "{SL: ACCEPTED, SL: CLOSED", "DUPLICATE_KEY", "'SL'", ""),
    ("an expression", "state: status |", "state: status | |", "EXPRESSION", "expected a function", ""),
    ("an unknown table", 'table("status")', 'table("stats")', "", "stats", "status"),
    ("an unknown field", "title: title", "titel: title", "", "titel", "title"),
    ("an owner that is none", "115000000090001627", "1150000", "", "1150000", ""),
    ("a timeout in words", "timeoutMs: 10000", "timeoutMs: long", "BAD_VALUE", "'long'", "integer"),
    ("a code in small letters", "code: AA", "code: aa", "BAD_VALUE", "'aa'", "A-Z"),
    ("no address", 'baseUrl: "http://127.0.0.1:9"', "format: json", "", "baseUrl", ""),
]


@pytest.mark.parametrize(
    ("found", "spoilt", "code", "word", "allowed"),
    [one[1:] for one in SPOILT],
    ids=[one[0] for one in SPOILT],
)
def test_a_mistake_is_told_with_its_line(
    run: Run, tmp_path: Path, found: str, spoilt: str, code: str, word: str, allowed: str
) -> None:
    text = GOOD.replace(found, spoilt)
    assert text != GOOD
    path = tmp_path / "aa.yaml"
    path.write_text(text, encoding="utf-8")
    result = run("check", tmp_path)
    assert result.exit_code == 1
    near = [line for line in result.stdout.splitlines() if word in line]
    assert near, result.stdout
    line = line_of(text, spoilt.partition(",")[0].partition("\n")[0])
    if spoilt != "format: json":
        assert any(one.startswith(f"{path}:{line}:") for one in near), result.stdout
    assert code in near[0]
    assert any(allowed in one for one in near)


def test_each_mistake_is_told_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "aa.yaml").write_text(GOOD.replace("SL: ACCEPTED", "SL: ACEPTED"), encoding="utf-8")
    lines = run("check", tmp_path).stdout.splitlines()
    assert len(lines) == len(set(lines)) == 1


def test_all_files_are_told_at_once_in_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("traffic:", "trafic:"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text("system: [", encoding="utf-8")
    (tmp_path / "c.yml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "d.yaml").write_bytes(b"system: \xff\xfe")
    (tmp_path / "e.yaml").write_text("", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a declaration", encoding="utf-8")
    result = run("check", tmp_path)
    files = [Path(line.partition(":")[0]).name for line in result.stdout.splitlines()]
    assert files == sorted(files)
    assert set(files) == {"a.yaml", "b.yaml", "c.yml", "d.yaml", "e.yaml"}
    assert "DUPLICATE_SYSTEM" in result.stdout
    assert result.stderr.endswith(f"{len(files)} problems\n")


def test_problems_as_json_for_editors(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "aa.yaml"
    path.write_text(GOOD.replace("traffic:", "trafic:"), encoding="utf-8")
    result = run("check", tmp_path, "--json")
    assert result.exit_code == 1
    [problem] = [json.loads(line) for line in result.stdout.splitlines()]
    assert problem["file"] == str(path)
    assert problem["line"] == line_of(path.read_text(encoding="utf-8"), "trafic:")
    assert problem["column"] == 1
    assert problem["code"] == "UNKNOWN_KEY"
    assert "traffic" in problem["allowed"]


def test_a_folder_that_is_not_there_and_one_that_is_empty(run: Run, tmp_path: Path) -> None:
    assert "FILE_MISSING" in run("check", tmp_path / "nowhere").stdout
    assert run("check", tmp_path / "nowhere").exit_code == 1
    assert "NO_DECLARATIONS" in run("check", tmp_path).stdout
    assert run("check", tmp_path).exit_code == 1


@pytest.mark.parametrize(
    ("found", "spoilt", "code", "allowed"),
    [
        ("StatusCode |", "StatusKode |", "UNKNOWN_ELEMENT", "StatusCode"),
        ("operation: QueryItems", "operation: QueryItms", "UNKNOWN_OPERATION", "QueryItems"),
        ("{caseNo: $args.number}", "{caseNumber: $args.number}", "", "caseNo"),
        ("CaseList.Case", "CaseLst.Case", "UNKNOWN_ELEMENT", "CaseList"),
    ],
)
def test_what_the_wsdl_does_not_have_is_found_before_any_call(
    run: Run, tmp_path: Path, city_environ: dict[str, str], found: str, spoilt: str, code: str, allowed: str
) -> None:
    text = (ROOT / "systems/jt-permit.yaml").read_text(encoding="utf-8").replace(found, spoilt)
    path = tmp_path / "jt.yaml"
    path.write_text(text, encoding="utf-8")
    result = run("check", tmp_path, environ=city_environ)
    assert result.exit_code == 1
    place = f"{path}:{line_of(text, spoilt)}:"
    assert any(
        line.startswith(place) and code in line and allowed in line for line in result.stdout.splitlines()
    ), result.stdout


def test_a_wsdl_that_cannot_be_fetched_or_read_is_a_problem_of_the_declaration(run: Run) -> None:
    def check(url: str) -> str:
        result = run("check", "systems/jt-permit.yaml", environ={"QUANYU_SAMPLE_JT_PERMIT_URL": url})
        assert result.exit_code == 1
        [line] = result.stdout.splitlines()
        assert line.startswith("systems/jt-permit.yaml:12:")
        return line

    assert "WSDL_UNREACHABLE" in check(f"http://127.0.0.1:{free_port()}")
    with stub(http(b"<html><body>404</body></html>", content_type="text/html")) as server:
        assert "WSDL" in check(server.url)
    with stub(http(b"gone", status="404 Not Found", content_type="text/plain")) as server:
        assert "WSDL" in check(server.url)


def test_a_missing_variable_is_named(run: Run, tmp_path: Path) -> None:
    text = GOOD.replace("http://127.0.0.1:9", "${env:NOT_SET_ANYWHERE}")
    (tmp_path / "aa.yaml").write_text(text, encoding="utf-8")
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "NOT_SET_ANYWHERE" in result.stdout


def test_a_broken_registry_is_told(run: Run, tmp_path: Path) -> None:
    result = run("check", "systems", "--offline", "--registry", tmp_path)
    assert result.exit_code == 1
    assert "regions.csv" in result.stderr


# --- own types ---

_OWN = """
types:
  sdl: |
    type Lorry {{ plate: ID! }}
    type Query {{ {field}: Lorry }}
  fields:
    Query.{field}: {{path: /x, map: {{plate: no}}}}
"""


def test_two_systems_with_one_type_are_told_with_both_places(run: Run, tmp_path: Path) -> None:
    for code in ("AA", "BB"):
        text = declaration(code, "http://127.0.0.1:1") + _OWN.format(field=f"lorry{code}")
        (tmp_path / f"{code}.yaml").write_text(text, encoding="utf-8")
    result = run("check", tmp_path)
    assert result.exit_code == 1
    line = (tmp_path / "AA.yaml").read_text(encoding="utf-8").splitlines().index(
        "    type Lorry { plate: ID! }"
    ) + 1
    assert f"AA.yaml:{line}:1: INVALID_FIELD_SHARING: " in result.stdout
    assert f"BB.yaml:{line})" in result.stdout


def test_the_commands_compose_and_plan_know_own_types(run: Run, tmp_path: Path) -> None:
    text = declaration("AA", "http://127.0.0.1:1") + _OWN.format(field="lorry")
    (tmp_path / "aa.yaml").write_text(text, encoding="utf-8")
    composed = run("compose", tmp_path)
    assert composed.exit_code == 0, composed.output
    assert "type Lorry" in composed.stdout
    plan = run("plan", "{ lorry { plate } }", "--systems", tmp_path)
    assert plan.exit_code == 0, plan.output
    assert 'service: "AA"' in plan.stdout
