"""What can be wrong with own types is found at once, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.loader import load
from adapters.references import Lookup
from adapters.validate import Known, check_document

HEAD = """\
system: {code: AA, name: 系统, owner: "115000000090001627"}
source:
  rest: {baseUrl: "http://127.0.0.1:1"}
tables:
  kind: {1: BOX, 2: BARREL}
"""
SDL = """\
type Lorry @key(fields: "plate") { plate: ID! axles: Int! name: String kind: Kind stops: [Stop!]! }
type Stop { town: String! at: Date }
enum Kind { BOX FLATBED }
type Query { lorry(plate: ID!): Lorry fee(tons: Float): Float }
extend type Case { lorry: Lorry }
"""
FIELDS = """\
    Query.lorry: &lorry
      path: /lorries/{$args.plate}
      map:
        plate: no
        axles: axles
        name: name
        kind: '"BOX"'
        stops: {each: stops, town: town, at: at}
    Query.fee: {path: /fee, query: {t: $args.tons}, value: fee}
    Lorry: {<<: *lorry, path: "/lorries/{$this.plate}"}
    Case.lorry: {<<: *lorry, path: "/of/{$this.localNo}"}
"""


def problems(sdl: str = SDL, fields: str = FIELDS, tail: str = "") -> list[str]:
    indented = "".join(f"    {line}\n" for line in sdl.splitlines())
    text = f"{HEAD}types:\n  sdl: |\n{indented}  fields:\n{fields}{tail}"
    document = load(Path("aa.yaml"), text)
    check_document(document, Lookup({}, lambda path: Path(path).read_text("utf-8")), Known())
    return [str(one) for one in sorted(set(document.problems))]


def line_of(part: str, sdl: str = SDL, fields: str = FIELDS) -> int:
    indented = "".join(f"    {line}\n" for line in sdl.splitlines())
    text = f"{HEAD}types:\n  sdl: |\n{indented}  fields:\n{fields}"
    return text[: text.index(part)].count("\n") + 1


SOME = '@requiresScopes(scopes: [["cases:read"], ["cases:own"], ["cases:department"]])'


def test_a_field_that_is_open_to_some_says_whose_its_rows_are() -> None:
    sdl = SDL.replace("lorry(plate: ID!): Lorry fee", f"lorry(plate: ID!): Lorry {SOME} fee")
    [found] = problems(sdl)
    assert "REACH_UNDECLARED: Query.lorry is open to cases:department, cases:own" in found
    assert "`reach: open`" in found
    assert found.startswith(f"aa.yaml:{line_of('Query.lorry: &lorry', sdl)}:")
    for reach in ("open", "{department: dept}", "{case: 'no | prefix(\"AA:\")'}"):
        fields = FIELDS.replace("lorries/{$args.plate}\n", f"lorries/{{$args.plate}}\n      reach: {reach}\n")
        assert problems(sdl, fields) == []


def test_what_a_row_is_told_by_is_an_expression_like_any_other() -> None:
    fields = FIELDS.replace("value: fee}", "value: fee, reach: {region: 'area | nonsense'}}")
    [found] = problems(fields=fields)
    assert "nonsense" in found
    fields = FIELDS.replace("value: fee}", "value: fee, reach: {}}")
    assert any("department" in one for one in problems(fields=fields))


def test_types_and_answers_that_fit_have_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("old", "new", "place", "code", "message"),
    [
        ("enum Kind {", "enum Kind", "FLATBED }", "GRAPHQL_SYNTAX", "Unexpected"),
        ("kind: Kind", "kind: Knd", "kind: Knd", "INVALID_GRAPHQL", "Knd"),
        (
            "name: String",
            "idNumber: String",
            "idNumber: String",
            "PERSONAL_UNMARKED",
            "Lorry.idNumber sounds like",
        ),
        (
            "name: String",
            "name: String @personal(kind: FACE)",
            "name: String",
            "BAD_VALUE",
            "@personal knows no kind 'FACE'",
        ),
        (
            "axles: Int!",
            "axles: Int! @personal(kind: NAME)",
            "axles: Int!",
            "BAD_VALUE",
            "only String and ID",
        ),
        (
            "type Query {",
            "type Query { trips: Int",
            "trips: Int",
            "UNANSWERED",
            "nothing answers Query.trips",
        ),
        (
            "extend type Case {",
            "extend type Case { fee: Int",
            "fee: Int",
            "UNANSWERED",
            "nothing answers Case.fee",
        ),
        ("name: String", "name(of: Int): String", "name(of", "ARGUMENT_UNUSED", "no call of its own"),
        (
            "type Query {",
            "type Mutation { go: Int } type Query {",
            "go: Int }",
            "UNSUPPORTED_TYPE",
            "Mutation.go cannot be: own types answer queries only",
        ),
    ],
)
def test_a_problem_of_the_sdl_has_its_line(old: str, new: str, place: str, code: str, message: str) -> None:
    sdl = SDL.replace(old, new, 1)
    found = [one for one in problems(sdl) if code in one]
    assert found, problems(sdl)
    assert any(one.startswith(f"aa.yaml:{line_of(place, sdl)}:") and message in one for one in found), found


@pytest.mark.parametrize(
    ("old", "new", "place", "code", "message"),
    [
        ("        plate: no\n", "", "      map:", "MISSING_FIELD", "Lorry.plate is not mapped"),
        ("plate: no\n", "plate: ~\n", "      map:", "MISSING_FIELD", "Lorry.plate is not mapped"),
        ("        name: name\n", "", "      map:", "UNMAPPED_FIELD", "Lorry.name is not mapped"),
        (
            "name: name\n",
            "nam: name\n        name: ~\n",
            "nam: name",
            "UNKNOWN_FIELD",
            "did you mean 'name'?",
        ),
        ('"BOX"', '"CAN"', "kind: '", "BAD_CODE", "'CAN' is no Kind"),
        ("'\"BOX\"'", 'kind | table("kind")', "  kind: {1", "BAD_CODE", "'BARREL' is no Kind"),
        ("{each: stops, town", "{town", "stops: {", "MISSING_KEY", "'each' is missing in 'stops'"),
        ("{each: stops, town: town, at: at}", "stops", "stops: stops", "BAD_VALUE", "fields of Stop"),
        ("town: town", "town: [1]", "stops: {", "BAD_VALUE", "an expression is expected"),
        ("Query.lorry: &", "Query.lory: &", "Query.lory", "UNKNOWN_FIELD", "did you mean 'lorry'?"),
        ("    Lorry: {", "    Stop: {", "    Stop: {", "UNKNOWN_FIELD", "Stop is no entity"),
        ("    Lorry: {", "    Lory: {", "    Lory: {", "UNKNOWN_FIELD", "no type 'Lory'"),
        (
            "t: $args.tons",
            "t: 1",
            "    Query.fee",
            "ARGUMENT_UNUSED",
            "argument 'tons' of Query.fee is not sent",
        ),
        ("$args.tons", "$args.ton", "    Query.fee", "UNKNOWN_NAME", "did you mean 'tons'?"),
        ("$this.localNo", "$this.local", "    Case.lorry", "UNKNOWN_NAME", "no $this.local here"),
        ("/of/{$this.localNo}", "/of", "    Case.lorry", "NOTHING_SENT", "sends nothing of the Case"),
        ("value: fee}", "map: {a: b}}", "    Query.fee", "WRONG_SHAPE", "is a single value: use 'value'"),
        (
            "value: fee}",
            "other: 1}",
            "    Query.fee",
            "UNKNOWN_KEY",
            "unknown key 'other'; allowed: batch, body, decode",
        ),
        (
            "value: fee}",
            "value: fee, paging: {style: page}}",
            "    Query.fee",
            "BAD_VALUE",
            "Query.fee is no list",
        ),
        ("value: fee}", "value: fee, safe: false}", "    Query.fee", "BAD_VALUE", "read only"),
        (
            "value: fee}",
            "value: fee, order: any}",
            "    Query.fee",
            "WRONG_PROTOCOL",
            "'order' means nothing",
        ),
        (
            "value: fee}",
            "value: fee, batch: {key: {a: b}}}",
            "    Query.fee",
            "BAD_BATCH",
            "a field of Query has no object",
        ),
        (
            '"/of/{$this.localNo}"}',
            '"/of", batch: {key: {localNo: no}}}',
            "    Case.lorry",
            "BAD_BATCH",
            "does not send $batch.localNo",
        ),
        (
            '"/of/{$this.localNo}"}',
            '"/of/{$this.localNo}", query: {n: $batch.local}, batch: {key: {local: no}}}',
            "    Case.lorry",
            "UNKNOWN_NAME",
            "no $this.local in Case",
        ),
    ],
)
def test_a_problem_of_an_answer_has_its_line(old: str, new: str, place: str, code: str, message: str) -> None:
    assert old in FIELDS
    fields = FIELDS.replace(old, new, 1)
    found = [one for one in problems(fields=fields) if code in one]
    assert any(
        one.startswith(f"aa.yaml:{line_of(place, fields=fields)}:") and message in one for one in found
    ), problems(fields=fields)


def test_all_problems_come_at_once() -> None:
    fields = (
        FIELDS.replace("name: name", "nam: name").replace("t: $args.tons", "t: 1").replace('"BOX"', '"CAN"')
    )
    codes = {one.split(": ")[1] for one in problems(fields=fields)}
    assert codes == {"UNKNOWN_FIELD", "UNMAPPED_FIELD", "ARGUMENT_UNUSED", "BAD_CODE"}


def test_an_sdl_file_has_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "aa.graphql").write_text(
        SDL.replace("type Stop {", "type Stop { mobile: String"), encoding="utf-8"
    )
    text = f"{HEAD}types:\n  file: aa.graphql\n  fields:\n{FIELDS}"
    document = load(tmp_path / "aa.yaml", text)
    check_document(document, Lookup({}, lambda path: Path(path).read_text("utf-8")), Known())
    first = next(str(one) for one in document.problems if one.code == "PERSONAL_UNMARKED")
    assert first.startswith(f"{tmp_path / 'aa.graphql'}:2:13: ")


def test_an_sdl_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    document = load(tmp_path / "aa.yaml", f"{HEAD}types:\n  file: none.graphql\n")
    check_document(document, Lookup({}, lambda path: Path(path).read_text("utf-8")), Known())
    assert [one.code for one in document.problems] == ["FILE_UNREADABLE"]


def test_sdl_or_file_and_not_both() -> None:
    assert any("exactly one of sdl, file" in one for one in problems(tail="  file: a.graphql\n"))
