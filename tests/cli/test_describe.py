"""`quanyu init`, `schema`, `settings` and `--version`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from graphql import build_schema, parse

from gateway.settings import Settings
from gateway.version import VERSION
from tests.cli.conftest import Run
from tests.e2e.gateways import ROOT, clean_environment

OPENAPI = """
openapi: 3.0.3
info: {title: 许可查询接口, version: "1"}
servers: [{url: "http://127.0.0.1:9/api"}]
paths:
  /permits/{no}:
    get:
      operationId: getPermit
      parameters: [{name: no, in: path, required: true, schema: {type: string}}]
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties: {permitNo: {type: string}, state: {type: string}, applyDate: {type: string}}
  /permits:
    get:
      operationId: listPermits
      parameters: [{name: page, in: query, schema: {type: integer}}]
      responses: {"200": {description: ok}}
"""


class Yaml12(yaml.SafeLoader):
    """As editors read YAML: `no` is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - its type is PyYAML's
        first: [(tag, form) for tag, form in resolvers if first in "tf" or not tag.endswith(":bool")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("QUANYU_SAMPLE_JT_PERMIT_URL", "/services/PermitService?wsdl"),
        ("QUANYU_SAMPLE_FGW_INVEST_URL", "/tzxm/InvestProjectService?wsdl"),
    ],
)
def test_a_first_declaration_from_a_wsdl(
    run: Run, city_environ: dict[str, str], tmp_path: Path, variable: str, path: str
) -> None:
    wsdl = city_environ[variable] + path
    shown = run("init", "--wsdl", wsdl, "--code", "NEW-SYSTEM")
    assert shown.exit_code == 0, shown.output
    draft = yaml.safe_load(shown.stdout)
    assert draft["system"]["code"] == "NEW-SYSTEM"
    assert draft["source"]["soap"]["wsdl"] == wsdl
    assert draft["connectors"]
    file = tmp_path / "new.yaml"
    written = run("init", "--wsdl", wsdl, "--code", "NEW-SYSTEM", "--output", file)
    assert written.exit_code == 0
    assert file.read_text(encoding="utf-8") == shown.stdout
    assert f"quanyu check {file}" in written.stderr
    checked = run("check", file)
    assert "YAML" not in checked.stdout, checked.stdout  # what is left to do is filling in
    assert "UNKNOWN_KEY" not in checked.stdout, checked.stdout
    assert "UNKNOWN_OPERATION" not in checked.stdout, checked.stdout


def test_a_first_declaration_from_openapi(run: Run, tmp_path: Path) -> None:
    described = tmp_path / "api.yaml"
    described.write_text(OPENAPI, encoding="utf-8")
    result = run("init", "--openapi", described, "--code", "NEW-REST")
    assert result.exit_code == 0, result.output
    draft = yaml.safe_load(result.stdout)
    assert draft["system"]["code"] == "NEW-REST"
    assert draft["source"]["rest"]["baseUrl"] == "http://127.0.0.1:9/api"
    assert "/permits" in result.stdout


def test_a_first_declaration_for_machines(run: Run, tmp_path: Path) -> None:
    described, output = tmp_path / "api.yaml", tmp_path / "new.yaml"
    described.write_text(OPENAPI, encoding="utf-8")
    told = json.loads(
        run("init", "--openapi", described, "--code", "NEW-REST", "-o", output, "--json").stdout
    )
    assert told == {
        "code": "NEW-REST",
        "file": str(output),
        "declaration": output.read_text(encoding="utf-8"),
    }


def test_an_openapi_file_that_refers_to_another_is_read_whole(run: Run, tmp_path: Path) -> None:
    inline = "{permitNo: {type: string}, state: {type: string}, applyDate: {type: string}}"
    assert inline in OPENAPI
    described = tmp_path / "api.yaml"
    described.write_text(
        OPENAPI.replace(inline, '{permit: {$ref: "parts/permit.json#/Permit"}}'), encoding="utf-8"
    )
    missing = run("init", "--openapi", described)
    assert missing.exit_code == 1
    assert "parts/permit.json" in missing.stderr
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/permit.json").write_text(
        '{"Permit": {"properties": {"permitNo": {"type": "string"}}}}'
    )
    assert "permit.permitNo" in run("init", "--openapi", described).stdout


def test_a_file_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    described, output = tmp_path / "api.yaml", tmp_path / "mine.yaml"
    described.write_text(OPENAPI, encoding="utf-8")
    output.write_text("mine", encoding="utf-8")
    result = run("init", "--openapi", described, "-o", output)
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert output.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("content", ["", "[]", "{", "a: b", "openapi: 3.0.0\npaths: 5\n", "\x00"])
def test_what_is_no_openapi_is_told(run: Run, tmp_path: Path, content: str) -> None:
    described = tmp_path / "api.yaml"
    described.write_text(content, encoding="utf-8")
    result = run("init", "--openapi", described)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_init_needs_one_description(run: Run, tmp_path: Path) -> None:
    assert run("init").exit_code == 2
    assert run("init", "--wsdl", "x", "--openapi", "y").exit_code == 2
    missing = run("init", "--wsdl", tmp_path / "nowhere.wsdl")
    assert missing.exit_code == 1
    assert "nowhere.wsdl" in missing.stderr
    missing = run("init", "--openapi", tmp_path / "nowhere.json")
    assert missing.exit_code == 1
    assert "nowhere.json" in missing.stderr


def test_the_schema_of_declarations_accepts_ours_and_refuses_a_typo(run: Run) -> None:
    schema = json.loads(run("schema", "declaration").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for path in sorted((ROOT / "systems").glob("*.yaml")):
        # by way of JSON: codes of tables that YAML reads as numbers are keys like all others there
        tree = json.loads(json.dumps(yaml.load(path.read_text(encoding="utf-8"), Yaml12)))  # noqa: S506 - a safe loader
        assert [error.message for error in validator.iter_errors(tree)] == [], path.name
    typo = {"system": {"code": "AA", "name": "a", "owner": "b"}, "source": {}, "trafic": {}}
    assert any("trafic" in error.message for error in validator.iter_errors(typo))


def test_the_api_schema_is_what_clients_see(run: Run) -> None:
    text = run("schema", "api").stdout
    schema = build_schema(text)
    assert schema.query_type is not None
    assert {
        "cases",
        "case",
        "caseProgress",
        "myCases",
        "serviceItems",
        "availability",
        "legacySystems",
    } <= set(schema.query_type.fields)
    assert "_entities" not in text
    assert "join__" not in text
    assert text == run("schema").stdout


def test_the_supergraph_names_both_subgraphs(run: Run) -> None:
    text = run("schema", "supergraph").stdout
    parse(text)
    assert "specs.apollo.dev/join" in text
    assert 'join__graph(name: "house"' in text
    assert 'join__graph(name: "cases"' in text


@pytest.mark.parametrize(("name", "key"), [("house", "Region"), ("cases", "Case")])
def test_a_subgraph_is_published_with_its_keys(run: Run, name: str, key: str) -> None:
    text = run("schema", name).stdout
    parse(text)
    assert f"type {key}" in text
    assert "@key(" in text


def test_an_unknown_schema_is_a_usage_error(run: Run) -> None:
    assert run("schema", "nope").exit_code == 2


def test_settings_lists_each_one(run: Run) -> None:
    result = run("settings")
    assert result.exit_code == 0
    for name in Settings.model_fields:
        assert f"`QUANYU_{name.upper()}`" in result.stdout


def test_the_version_and_the_help_as_a_process() -> None:
    def quanyu(*words: str) -> str:
        command = [sys.executable, "-m", "quanyu", *words]
        ended = subprocess.run(
            command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
        )
        return ended.stdout

    assert quanyu("--version") == f"quanyu, version {VERSION}\n"
    shown = quanyu("-h")
    for command in ("serve", "check", "try", "init", "schema", "settings"):
        assert f"  {command} " in shown
