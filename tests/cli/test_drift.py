"""`quanyu drift`: what a vendored description says otherwise now, and which lines of a declaration that touches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.vendoring.hosts import Host, hosting
from tests.vendoring.wsdls import PARTS

DECLARATION = """\
system: {code: AA, name: 示例, owner: "115000000090001627"}
source:
  soap: {wsdl: wsdl/aa/s.wsdl}
tables:
  status: {A: ACCEPTED, B: CLOSED}
connectors:
  case:
    operation: getCase
    body: {no: $args.number}
    records: case
    map:
      localNo: no
      state: status | table("status")
      appliedAt: applied | date("yyyyMMdd")
      applicant:
        name: who.name
        idNumber: who.name
      events:
        each: step
        occurredAt: name | date("yyyyMMdd")
"""


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(DECLARATION.splitlines(), 1) if line.strip() == text)


APPLIED = line_of('appliedAt: applied | date("yyyyMMdd")')


@pytest.fixture
def kept(run: Run, tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of (host, folder)
    """A host whose WSDL is vendored for a declaration that uses it."""
    (tmp_path / "aa.yaml").write_text(DECLARATION)
    with hosting(PARTS) as host:
        made = run("import", "wsdl", f"{host.url}/s?wsdl", "--system", "AA", "--systems", tmp_path)
        assert made.exit_code == 0, made.output
        checked = run("check", tmp_path)
        assert checked.exit_code == 0, checked.output
        yield host, tmp_path


def changed(host: Host, name: str, old: str, new: str) -> None:
    assert old in host.documents[name]
    host.documents[name] = host.documents[name].replace(old, new)


def drift(run: Run, folder: Path, *, status: int) -> dict:  # type: ignore[type-arg]  # JSON
    result = run("drift", "--systems", folder, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)["drift"][0]  # type: ignore[no-any-return]  # JSON


def mappings(told: dict, effect: str) -> list[tuple[int, str]]:  # type: ignore[type-arg]  # JSON
    return [(one["line"], one["message"]) for one in told["mappings"] if one["effect"] == effect]


def test_nothing_changed(run: Run, kept: tuple[Host, Path]) -> None:
    told = drift(run, kept[1], status=0)
    assert told["files"] == told["changes"] == told["mappings"] == told["failed"] == []
    assert "unchanged" in run("drift", "AA", "--systems", kept[1]).stdout


def test_an_element_that_is_gone_breaks_the_line_that_reads_it(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    changed(host, "/s?xsd=case", '<xs:element name="applied" type="xs:string"/>', "")
    told = drift(run, folder, status=1)
    assert [(one["what"], one["file"]) for one in told["files"]] == [("changed", "s-xsd-case.xsd")]
    assert [(one["what"], one["shown"]) for one in told["changes"]] == [("removed", "Case.applied")]
    assert [line for line, _ in mappings(told, "breaks")] == [APPLIED]
    shown = run("drift", "--systems", folder)
    assert f"{folder}/aa.yaml:{APPLIED}:" in shown.stdout
    assert "breaks" in shown.stdout


def test_an_argument_that_is_new_and_required_breaks_the_call(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    element = '<xs:element name="getCase"><xs:complexType><xs:sequence>'
    changed(host, "/s?xsd=case", element, f'{element}<xs:element name="area" type="xs:string"/>')
    assert "'area'" in mappings(drift(run, folder, status=1), "breaks")[0][1]


def test_an_operation_that_is_gone_breaks_the_connector(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    changed(host, "/s?wsdl", 'operation name="getCase"', 'operation name="findCase"')
    changed(host, "/parts/abstract.wsdl", 'operation name="getCase"', 'operation name="findCase"')
    told = drift(run, folder, status=1)
    assert ("removed", "operation", "getCase") in [
        (one["what"], one["kind"], one["shown"]) for one in told["changes"]
    ]
    assert [line for line, _ in mappings(told, "breaks")] == [line_of("operation: getCase")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name="applied" type="xs:string"', 'name="applied" type="xs:date"', "was string and is date"),
        ('name="applied" type="xs:string"', 'name="applied" type="xs:string" minOccurs="0"', "now optional"),
    ],
)
def test_another_type_or_occurrence_touches_the_line_and_breaks_nothing(
    run: Run, kept: tuple[Host, Path], old: str, new: str, words: str
) -> None:
    host, folder = kept
    changed(host, "/s?xsd=case", old, new)
    told = drift(run, folder, status=0)
    assert mappings(told, "breaks") == []
    touched = mappings(told, "touches")
    assert [line for line, _ in touched] == [APPLIED]
    assert words in touched[0][1]


def test_a_value_that_comes_several_times_now_breaks_the_line_that_reads_one(
    run: Run, kept: tuple[Host, Path]
) -> None:
    host, folder = kept
    old = 'name="applied" type="xs:string"'
    changed(host, "/s?xsd=case", old, f'{old} maxOccurs="unbounded"')
    assert "several times" in mappings(drift(run, folder, status=1), "breaks")[0][1]


def test_a_new_code_touches_the_table_that_may_lack_it(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    value = '<xs:enumeration value="B"/>'
    changed(host, "/parts/common.xsd", value, f'{value}<xs:enumeration value="C"/>')
    told = drift(run, folder, status=0)
    line, message = mappings(told, "touches")[0]
    assert line == line_of('state: status | table("status")')
    assert '"C"' in message


def test_comments_and_order_of_attributes_are_no_change_of_structure(
    run: Run, kept: tuple[Host, Path]
) -> None:
    host, folder = kept
    changed(host, "/parts/common.xsd", "<xs:simpleType", "<!-- V2 --><xs:simpleType")
    told = drift(run, folder, status=0)
    assert len(told["files"]) == 1
    assert told["changes"] == []
    assert told["notes"]


def test_what_a_description_imports_anew_is_told(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    include = '<xs:include schemaLocation="parts/common.xsd"/>'
    changed(host, "/s?xsd=case", include, f'{include}<xs:include schemaLocation="parts/new.xsd"/>')
    host.documents["/parts/new.xsd"] = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:case">'
        '<xs:simpleType name="New"><xs:restriction base="xs:string"/></xs:simpleType></xs:schema>'
    )
    told = drift(run, folder, status=0)
    assert {(one["what"], one["file"]) for one in told["files"]} == {
        ("added", "new.xsd"),
        ("changed", "s-xsd-case.xsd"),
    }
    assert [one["shown"] for one in told["changes"]] == ["New"]


def test_a_source_that_does_not_answer_is_no_verdict(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    host.documents.clear()
    assert "404" in drift(run, folder, status=2)["failed"][0]


def test_a_wsdl_that_no_longer_loads_breaks_the_declaration(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    changed(host, "/s?wsdl", "wsdl:service", "wsdl:documentation")
    told = drift(run, folder, status=1)
    assert "does not load" in mappings(told, "breaks")[0][1]
    assert str(folder) not in mappings(told, "breaks")[0][1]


def test_files_changed_here_by_hand_are_told(run: Run, kept: tuple[Host, Path]) -> None:
    _, folder = kept
    with (folder / "wsdl/aa/common.xsd").open("a") as file:
        file.write("<!-- mine -->")
    assert drift(run, folder, status=0)["editedByHand"] == ["common.xsd"]


def test_systems_whose_wsdl_is_read_from_the_network_are_named(run: Run, kept: tuple[Host, Path]) -> None:
    host, folder = kept
    text = DECLARATION.replace("wsdl/aa/s.wsdl", f'"{host.url}/s?wsdl"').replace("AA", "BB")
    (folder / "bb.yaml").write_text(text)
    result = run("drift", "--systems", folder)
    assert "BB" in result.stderr


def test_a_declaration_that_cannot_be_read_is_told(run: Run, kept: tuple[Host, Path]) -> None:
    (kept[1] / "cc.yaml").write_text("system: {")
    result = run("drift", "--systems", kept[1])
    assert "cc.yaml" in result.stderr


def test_an_unknown_system_is_told(run: Run, kept: tuple[Host, Path]) -> None:
    result = run("drift", "NOPE", "--systems", kept[1])
    assert result.exit_code == 2
    assert "NOPE" in result.stderr
    assert "AA" in result.stderr


def test_a_manifest_that_is_none_is_told(run: Run, kept: tuple[Host, Path]) -> None:
    (kept[1] / "wsdl/aa/manifest.json").write_text('{"format": 1}')
    result = run("drift", "--systems", kept[1])
    assert result.exit_code == 2
    assert "manifest.json: kind" in result.stderr


OPENAPI = """\
openapi: 3.0.3
info: {title: x, version: "1"}
servers: [{url: "http://127.0.0.1:9/api"}]
paths:
  /cases/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                required: [no]
                properties:
                  no: {type: string}
                  state: {type: string, enum: [A, B]}
                  applied: {type: string}
"""
REST = """\
system: {code: BB, name: 示例, owner: "115000000090001627"}
source:
  rest: {baseUrl: "http://127.0.0.1:9/api"}
tables:
  status: {A: ACCEPTED}
connectors:
  case:
    path: /cases/{$args.number}
    map:
      localNo: no
      state: state | table("status")
      appliedAt: applied | date("yyyyMMdd")
      applicant: {idNumber: '"500103199001010011"'}
"""


@pytest.mark.parametrize(
    ("old", "new", "effect", "line", "words"),
    [
        ("                  applied: {type: string}\n", "", "breaks", "appliedAt:", "gone"),
        ("applied: {type: string}", "applied: {type: integer}", "touches", "appliedAt:", "integer"),
        ("applied: {type: string}", "applied: {type: array, items: {type: string}}", "breaks", "appliedAt:", "array"),
        ("enum: [A, B]", "enum: [A, B, C]", "touches", "state:", '"C" added'),
        ("/cases/{id}:", "/items/{id}:", "breaks", "path:", "gone"),
        (
            "parameters: [",
            "parameters: [{name: area, in: query, required: true, schema: {type: string}}, ",
            "breaks",
            "path:",
            "area is now required",
        ),
    ],
)  # fmt: skip
def test_an_openapi_document_touches_rest_declarations(
    run: Run, tmp_path: Path, old: str, new: str, effect: str, line: str, words: str
) -> None:
    (tmp_path / "bb.yaml").write_text(REST)
    with hosting({"/api.yaml": OPENAPI}) as host:
        made = run("import", "openapi", f"{host.url}/api.yaml", "--system", "BB", "--systems", tmp_path)
        assert made.exit_code == 0, made.output
        changed(host, "/api.yaml", old, new)
        told = drift(run, tmp_path, status=1 if effect == "breaks" else 0)
    found = mappings(told, effect)
    assert [REST.splitlines()[number - 1].strip().split()[0] for number, _ in found] == [line]
    assert words in found[0][1]
