"""`quanyu import`: a description and all that it names, kept beside the declarations; nobody is asked afterwards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from adapters.soap.wsdl import load_wsdl
from adapters.vendoring.openapi import bundled
from tests.cli.conftest import Run
from tests.vendoring.hosts import hosting
from tests.vendoring.wsdls import PARTS, documents


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_wsdl_is_kept_with_all_that_it_imports_and_needs_no_network_afterwards(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    with hosting(PARTS) as host:
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", folder)
        assert result.exit_code == 0, result.output
        assert sorted(set(host.asked)) == sorted(PARTS)
        assert len(host.asked) == len(PARTS)  # each once, though they refer to one another in circles
    assert names_in(folder) == {
        "s.wsdl", "abstract.wsdl", "s-xsd-case.xsd", "common.xsd", "types.xsd", "case-types.xsd", "xml.xsd", "manifest.json",
    }  # fmt: skip
    service = load_wsdl(str(folder / "s.wsdl"))  # the host is gone
    case = service.operations["getCase"].reply
    assert case is not None
    assert set(case.children()["case"].children()) == {"no", "status", "applied", "who", "step", "@lang"}
    assert "<!-- kept -->" in (folder / "s.wsdl").read_text()


def test_the_manifest_says_where_each_file_came_from_and_what_it_was(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with hosting(PARTS) as host:
        told = json.loads(
            run("import", "wsdl", f"{host.url}/s?wsdl", "--into", folder, "--system", "AA", "--json").stdout
        )
        manifest = json.loads((folder / "manifest.json").read_text())
        assert told["manifest"] == manifest
        assert manifest["system"] == "AA"
        assert manifest["fetchedAt"].startswith("20")
        for one in manifest["files"]:
            assert hashlib.sha256((folder / one["file"]).read_bytes()).hexdigest() == one["stored"]
            target = one["source"].removeprefix(host.url)
            if target in PARTS:
                sent = PARTS[target].replace("{host}", host.url)
                assert hashlib.sha256(sent.encode()).hexdigest() == one["sha256"]
    assert told["ok"] is True


def test_what_is_missing_is_told_with_its_place_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    parts = dict(PARTS)
    del parts["/parts/common.xsd"], parts["/parts/people/types.xsd"]
    with hosting(parts) as host:
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    line = PARTS["/s?xsd=case"].splitlines().index('  <xs:include schemaLocation="parts/common.xsd"/>') + 1
    assert f"{host.url}/s?xsd=case:{line}: xs:include of parts/common.xsd" in result.stderr
    assert "xs:import of people/types.xsd (namespace urn:people): HTTP status 404" in result.stderr
    assert "--map parts/common.xsd=FILE" in result.stderr
    assert not (tmp_path / "kept").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", ["location", "address", "namespace"])
def test_what_is_missing_can_be_given_by_hand(run: Run, tmp_path: Path, by: str) -> None:
    parts = dict(PARTS)
    given = tmp_path / "mine.xsd"
    given.write_text(parts.pop("/parts/people/types.xsd"))
    with hosting(parts) as host:
        uri = {
            "location": "people/types.xsd",
            "address": f"{host.url}/parts/people/types.xsd",
            "namespace": "urn:people",
        }[by]
        result = run(
            "import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept", "--map", f"{uri}={given}"
        )
        assert result.exit_code == 0, result.output
        assert "/parts/people/types.xsd" not in host.asked or by != "address"
        assert run("drift", "--systems", tmp_path).exit_code == 0
    assert "given by hand" in result.stdout
    assert "getCase" in load_wsdl(str(tmp_path / "kept" / "s.wsdl")).operations


def test_another_host_is_asked_only_when_it_is_named(run: Run, tmp_path: Path) -> None:
    with hosting(
        {"/people.xsd": PARTS["/parts/people/types.xsd"].replace("../../s?xsd=case", "case.xsd")}
    ) as other:
        moved = PARTS["/s?xsd=case"].replace("parts/people/types.xsd", f"{other.url}/people.xsd")
        with hosting(documents(case=moved)) as host:
            other.documents["/case.xsd"] = PARTS["/parts/case/types.xsd"].replace("../common.xsd", "c.xsd")
            other.documents["/c.xsd"] = PARTS["/parts/common.xsd"]
            refused = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
            assert refused.exit_code == 1
            assert other.asked == []
            assert f"--host {other.authority}" in refused.stderr
            allowed = run(
                "import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept", "--host", other.authority
            )
            assert allowed.exit_code == 0, allowed.output
            assert "/people.xsd" in other.asked


def test_a_redirect_leads_to_no_other_host(run: Run, tmp_path: Path) -> None:
    with hosting({"/secret": "<secret/>"}) as other, hosting(PARTS) as host:
        host.documents["/parts/common.xsd"] = f"{other.url}/secret"
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
        assert result.exit_code == 1
        assert "on another host" in result.stderr
        assert other.asked == []
        host.documents["/parts/common.xsd"] = f"{host.url}/moved"
        host.documents["/moved"] = PARTS["/parts/common.xsd"]
        assert run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept").exit_code == 0


def test_a_redirect_in_circles_ends(run: Run, tmp_path: Path) -> None:
    with hosting({}) as host:
        host.documents["/s?wsdl"] = f"{host.url}/s?wsdl"
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    assert "redirects" in result.stderr


@pytest.mark.parametrize("location", ["file:///etc/passwd", "/etc/hosts.xsd", "ftp://127.0.0.1/a.xsd"])
def test_a_published_document_reads_no_file_of_this_machine(run: Run, tmp_path: Path, location: str) -> None:
    with hosting(documents(case=PARTS["/s?xsd=case"].replace("parts/common.xsd", location))) as host:
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    assert "root:" not in result.output
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>', "DOCTYPE"),
        ("<html><body>Login</body></html>", "neither a WSDL"),
        ("<xs:schema", "not well-formed"),
        ("", "not well-formed"),
    ],
)
def test_what_is_no_schema_is_told(run: Run, tmp_path: Path, text: str, words: str) -> None:
    with hosting(documents(common=text)) as host:
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    assert words in result.stderr
    assert "parts/common.xsd" in result.stderr


def test_files_on_disk_are_kept_too_and_a_name_in_other_letters_is_pointed_out(
    run: Run, tmp_path: Path
) -> None:
    here = tmp_path / "from"
    here.mkdir()
    (here / "s.wsdl").write_text(PARTS["/s?wsdl"].replace("parts/abstract.wsdl", "Abstract.WSDL"))
    (here / "abstract.wsdl").write_text(PARTS["/parts/abstract.wsdl"].replace("../s?xsd=case", "case.xsd"))
    result = run("import", "wsdl", here / "s.wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    assert "but there is abstract.wsdl" in result.stderr


def test_a_folder_of_others_is_not_replaced_and_one_of_ours_is(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with hosting(PARTS) as host:
        refused = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", folder)
        assert refused.exit_code == 1
        assert (folder / "mine.txt").read_text() == "mine"
        (folder / "mine.txt").unlink()
        assert run("import", "wsdl", f"{host.url}/s?wsdl", "--into", folder).exit_code == 0
        host.documents["/parts/common.xsd"] = PARTS["/parts/common.xsd"].replace('"B"', '"C"')
        again = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", folder)
    assert again.exit_code == 0
    assert 'Status.="C"' in again.stdout  # what is new is told
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_an_import_that_cannot_be_reached_is_told(run: Run, tmp_path: Path) -> None:
    with hosting({}) as host:
        pass
    result = run("import", "wsdl", f"{host.url}/s?wsdl", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    assert host.url in result.stderr


def test_the_line_of_the_declaration_to_change_is_told(run: Run, tmp_path: Path) -> None:
    text = (Path("systems") / "jt-permit.yaml").read_text()
    (tmp_path / "jt-permit.yaml").write_text(text)
    with hosting(PARTS) as host:
        result = run("import", "wsdl", f"{host.url}/s?wsdl", "--system", "JT-PERMIT", "--systems", tmp_path)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "wsdl:" in one)
    assert f"{tmp_path}/jt-permit.yaml:{line}: set wsdl: wsdl/jt-permit/s.wsdl" in result.stdout


OPENAPI = """# kept
openapi: 3.1.0
info: {title: 许可, version: "1"}
servers: [{url: "http://127.0.0.1:9/api"}]
paths:
  /permits/{no}:
    get:
      parameters:
        - {name: no, in: path, required: true, schema: {type: string}}
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {$ref: 'parts/permit.yaml#/Permit'}}}
"""
PERMIT = """Permit:
  type: object
  properties:
    permitNo: {type: string}
    default: {$ref: '../common.json#/definitions/State'}
    self: {$ref: '#/Permit'}
  example: {$ref: 'no-reference.yaml'}
"""
COMMON = json.dumps(
    {
        "definitions": {
            "State": {"type": "string", "enum": ["A", "B"]},
            "P": {"$ref": "parts/permit.yaml#/Permit"},
        }
    }
)


def test_an_openapi_document_is_kept_with_the_files_that_it_refers_to(run: Run, tmp_path: Path) -> None:
    with hosting({"/a/api.yaml": OPENAPI, "/a/parts/permit.yaml": PERMIT, "/a/common.json": COMMON}) as host:
        result = run("import", "openapi", f"{host.url}/a/api.yaml", "--into", tmp_path / "kept")
        assert result.exit_code == 0, result.output
    folder = tmp_path / "kept"
    assert names_in(folder) == {"api.yaml", "permit.yaml", "common.json", "manifest.json"}
    assert (folder / "api.yaml").read_text().startswith("# kept\n")
    assert "permit.yaml#/Permit" in (folder / "api.yaml").read_text()
    assert "OpenAPI 3.1.0" in result.stdout
    tree = bundled(folder, "api.yaml")
    reference = tree["paths"]["/permits/{no}"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]["$ref"]
    at = tree
    for step in reference.removeprefix("#/").split("/"):
        at = at[step.replace("~1", "/")]
    assert set(at["properties"]) == {"permitNo", "default", "self"}
    drafted = run("init", "--openapi", folder / "api.yaml")
    assert "permitNo" in drafted.stdout
    assert yaml.safe_load(drafted.stdout)["source"]["rest"]["baseUrl"] == "http://127.0.0.1:9/api"


def test_a_missing_file_of_an_openapi_document_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(OPENAPI)
    result = run("import", "openapi", tmp_path / "api.yaml", "--into", tmp_path / "kept")
    assert result.exit_code == 1
    line = next(number for number, one in enumerate(OPENAPI.splitlines(), 1) if "permit.yaml" in one)
    assert f"api.yaml:{line}: $ref of parts/permit.yaml" in result.stderr


@pytest.mark.parametrize("words", [("wsdl", "a.wsdl", "--map", "nothing"), ("wsdl",), ("soap", "a.wsdl")])
def test_wrong_words_are_told_by_usage(run: Run, words: tuple[str, ...]) -> None:
    assert run("import", *words).exit_code == 2
