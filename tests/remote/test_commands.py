"""`quanyu compose`, `plan`, `check` and `schema` over subgraph files, asking nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from graphql import parse

from gateway.cli import main
from schema.compose import SubgraphSchema, compose
from tests.remote.test_load import NOBODY, declare

ROOT = Path(__file__).parents[2]
LIFT = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"])
type Query { lift: Lift }
type Lift @key(fields: "code") { code: ID! region: Region }
type Region @key(fields: "code", resolvable: false) { code: RegionCode! }
scalar RegionCode
type Case @key(fields: "id") { id: ID! lifts: [Lift] }
"""


@pytest.fixture(autouse=True)
def _no_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("QUANYU_REGISTRY_DIR", str(ROOT / "samples/data"))


@pytest.fixture
def systems(tmp_path: Path) -> Path:
    declare(tmp_path, NOBODY, sdl=LIFT)
    return tmp_path


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), input=stdin)


def test_compose_prints_the_supergraph(systems: Path) -> None:
    result = run("compose", systems)
    assert result.exit_code == 0, result.stderr
    assert '@join__graph(name: "lift"' in result.stdout
    assert parse(result.stdout)


def test_compose_for_machines_is_one_object(systems: Path) -> None:
    told = json.loads(run("compose", systems, "--json").stdout)
    assert (told["ok"], told["errors"]) == (True, [])
    assert told["supergraph"] == run("compose", systems).stdout
    (systems / "subgraphs" / "lift.graphql").write_text(
        LIFT.replace("lifts: [Lift]", "lifts: [Nope]"), "utf-8"
    )
    failed = run("compose", systems, "--json")
    told = json.loads(failed.stdout)
    assert (failed.exit_code, told["ok"], told["supergraph"]) == (1, False, None)
    assert {"file", "line", "column", "code", "message"} <= told["errors"][0].keys()


def test_compose_writes_a_file_and_check_prints_nothing(systems: Path) -> None:
    output = systems / "super.graphql"
    assert run("compose", systems, "--output", output).stdout == ""
    assert output.read_text(encoding="utf-8") == run("compose", systems).stdout
    checked = run("compose", "--check", systems)
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert "0 errors" in checked.stderr


def test_compose_names_every_error_with_its_line(systems: Path) -> None:
    bad = LIFT + 'type Boat @key(fields: "no") { name: Int }\ntype Ship @key(fields: "no") { name: Int }\n'
    declare(systems, NOBODY, sdl=bad)
    result = run("compose", systems)
    assert (result.exit_code, result.stdout) == (1, "")
    path = systems / "subgraphs/lift.graphql"
    assert f"error: {path}:7:1: KEY_INVALID_FIELDS: " in result.stderr
    assert f"error: {path}:8:1: KEY_INVALID_FIELDS: " in result.stderr
    assert "Boat" in result.stderr


def test_compose_of_a_file_that_cannot_be_read_says_where(systems: Path) -> None:
    (systems / "subgraphs/lift.yaml").write_text("subgraph: {name: lift}", encoding="utf-8")
    result = run("compose", systems)
    assert result.exit_code == 1
    assert f"{systems}/subgraphs/lift.yaml:1:1: MISSING_KEY: 'url' is missing" in result.stderr


def test_compose_takes_plain_sdl_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("type Query { a: Int }", encoding="utf-8")
    (tmp_path / "b.graphql").write_text("type Query { b: Int }", encoding="utf-8")
    result = run("compose", tmp_path / "a.graphql", tmp_path / "b.graphql")
    assert result.exit_code == 0, result.stderr
    assert '@join__graph(name: "b"' in result.stdout
    assert "house" not in result.stdout
    (tmp_path / "b.graphql").write_text("type Query {\n  b: Into\n}", encoding="utf-8")
    result = run("compose", tmp_path / "a.graphql", tmp_path / "b.graphql")
    assert result.exit_code == 1
    assert f"error: {tmp_path}/b.graphql:2:1: " in result.stderr


QUERY = '{ case(id: "A:1") { title lifts { code region { name } } } }'


def test_plan_is_a_tree_over_the_subgraphs(systems: Path) -> None:
    result = run("plan", QUERY, "--systems", systems)
    assert result.exit_code == 0, result.stderr
    heads = [line.strip() for line in result.stdout.splitlines() if "service:" in line or "Flatten" in line]
    assert heads == [
        'Fetch(service: "cases") {',
        'Flatten(path: "case") {',
        'Fetch(service: "lift") {',
        'Flatten(path: "case.lifts.@.region") {',
        'Fetch(service: "house") {',
    ]
    assert "3 fetches, 3 deep: cases, house, lift" in result.stderr


def test_plan_as_json_is_apollos_form(systems: Path) -> None:
    made = json.loads(run("plan", QUERY, "--systems", systems, "--json").stdout)
    assert (made["kind"], made["node"]["kind"]) == ("QueryPlan", "Sequence")
    first, second, _ = made["node"]["nodes"]
    assert (first["kind"], first["serviceName"], first["operationKind"]) == ("Fetch", "cases", "query")
    assert (second["kind"], second["path"], second["node"]["serviceName"]) == ("Flatten", ["case"], "lift")
    assert second["node"]["requires"][0]["typeCondition"] == "Case"


def test_plan_decides_conditions_by_variables(systems: Path) -> None:
    query = 'query ($w: Boolean!) { case(id: "A:1") { id lifts @include(if: $w) { code } } }'
    assert "Include(if: $w)" in run("plan", query, "--systems", systems).stdout
    for given, asked in ((True, "cases, lift"), (False, "cases")):
        result = run("plan", query, "--systems", systems, "--variables", json.dumps({"w": given}))
        assert "Include" not in result.stdout
        assert result.stderr.rstrip().endswith(f": {asked}")


def test_plan_reads_a_file_or_standard_input(systems: Path) -> None:
    file = systems / "q.graphql"
    file.write_text("query A { lift { code } } query B { regions { totalCount } }", encoding="utf-8")
    assert 'service: "house"' in run("plan", file, "--systems", systems, "--operation", "B").stdout
    assert 'service: "lift"' in run("plan", "-", "--systems", systems, stdin="{ lift { code } }").stdout


@pytest.mark.parametrize(
    ("query", "more", "said"),
    [
        ("{ lift { nothing } }", [], "1:10: Cannot query field 'nothing' on type 'Lift'"),
        ("{ lift { ", [], "Syntax Error"),
        ("query A { lift { code } }", ["--operation", "B"], "no operation B"),
        (
            "query ($w: Int!) { lift { code @skip(if: true) x: code } regions(first: $w) { totalCount } }",
            ["--variables", "{}"],
            "'$w'",
        ),
    ],
)
def test_plan_refuses_what_is_wrong(systems: Path, query: str, more: list[str], said: str) -> None:
    result = run("plan", query, "--systems", systems, *more)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_check_counts_remote_subgraphs_and_composes(systems: Path) -> None:
    result = run("check", "--offline", systems / "subgraphs")
    assert result.exit_code == 0, result.output
    assert "0 systems and 1 remote subgraph ready, 0 problems" in result.stderr
    declare(systems, NOBODY, sdl=LIFT + "type Department { code: Int }\n")
    result = run("check", "--offline", "--json", systems / "subgraphs/lift.yaml")
    assert result.exit_code == 1
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows
    assert {one["severity"] for one in rows} == {"error"}


def test_check_says_when_the_service_is_down(systems: Path) -> None:
    result = run("check", systems / "subgraphs")
    assert result.exit_code == 0
    assert "warning: " in result.stdout
    assert "SDL_UNAVAILABLE" in result.stdout


def test_the_sample_citys_declarations_are_right_as_they_stand() -> None:
    result = run("compose", "--check", ROOT / "systems")
    assert result.exit_code == 0, result.stderr
    assert "0 errors" in result.stderr


def test_schema_prints_the_editors_schema_of_a_subgraph_file() -> None:
    printed = json.loads(run("schema", "subgraph").stdout)
    assert printed["title"] == "Quanyu declaration of a remote subgraph"


def test_plan_gives_its_reasons_as_a_tree_of_a_hundred_columns(systems: Path) -> None:
    result = run("plan", QUERY, "--systems", systems, "--why")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "QueryPlan"
    assert any("1 Fetch " in line for line in lines)
    assert any("no other subgraph resolves it" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_plan_gives_its_reasons_beside_apollos_form(systems: Path) -> None:
    with_why = json.loads(run("plan", QUERY, "--systems", systems, "--json", "--why").stdout)
    why = with_why.pop("extensions")["why"]
    assert with_why == json.loads(run("plan", QUERY, "--systems", systems, "--json").stdout)
    assert [one["fetch"] for one in why] == list(range(1, len(why) + 1))
    assert all(field["codes"] for one in why for field in one["fields"])


def test_plan_reads_a_finished_supergraph(tmp_path: Path) -> None:
    made = compose(
        [
            SubgraphSchema(
                "a", "http://a.example/", 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int }'
            ),
            SubgraphSchema(
                "b",
                "http://b.example/",
                'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"]) '
                'type T @key(fields: "id") { id: ID! x: Int @override(from: "a", label: "moved") }',
            ),
        ]
    )
    file = tmp_path / "s.graphql"
    file.write_text(made.supergraph_sdl, encoding="utf-8")
    assert "1 fetch, 1 deep: a" in run("plan", "{ t { x } }", "--supergraph", file).stderr
    assert (
        "2 fetches, 2 deep: a, b"
        in run("plan", "{ t { x } }", "--supergraph", file, "--label", "moved").stderr
    )
    wrong = run("plan", "{ t { x } }", "--supergraph", file, "--label", "moove")
    assert "did you mean 'moved'" in wrong.stderr
    file.write_text("type Query {", encoding="utf-8")
    bad = run("plan", "{ t { x } }", "--supergraph", file)
    assert bad.exit_code == 1
    assert f"{file}:1:1: INVALID_GRAPHQL" in bad.stderr
    assert run("plan", "{ t { x } }", "--supergraph", file, "--systems", tmp_path).exit_code == 2
