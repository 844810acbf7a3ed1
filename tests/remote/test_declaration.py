"""Subgraph files: everything that is wrong with one is found at once, with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from adapters.loader import load
from adapters.references import Lookup
from adapters.remote.declaration import subgraph_schema
from adapters.remote.validate import check_names, check_subgraph
from adapters.validate import Known

ROOT = Path(__file__).parents[2]
KNOWN = Known(departments=frozenset({"11500000009000242T"}))
LOOKUP = Lookup({"TOKEN": "t"}, lambda path: Path(path).read_text(encoding="utf-8"))


def problems(text: str) -> list[tuple[int, str, str]]:
    """Line, code, message of each."""
    document = load(Path("x.yaml"), text)
    check_subgraph(document, LOOKUP, KNOWN)
    return [(one.line, one.code, str(one)) for one in sorted(document.problems)]


WHOLE = """subgraph:
  name: zjj-lift
  title: 电梯
  owner: 11500000009000242T
  url: http://127.0.0.1:9/graphql
  sdl: {file: a.graphql, introspect: false}
  auth:
    bearer: ${env:TOKEN}
  headers:
    propagate:
      - Accept-Language
      - {name: X-Tenant, sendAs: X-Dept, default: none}
    static: {X-Channel: quanyu}
traffic: {timeoutMs: 100, cache: {ttlS: 5}}
"""


def test_a_whole_file_is_right_and_the_editors_schema_agrees() -> None:
    assert problems(WHOLE) == []
    jsonschema.validate(yaml.safe_load(WHOLE), subgraph_schema())


def test_a_name_and_an_address_are_enough() -> None:
    assert problems("subgraph: {name: a, url: 'http://127.0.0.1/graphql'}") == []


@pytest.mark.parametrize(
    ("old", "new", "line", "code", "said"),
    [
        ("name: zjj-lift", "name: ZJJ", 2, "BAD_VALUE", "pattern"),
        ("  title: 电梯", "  titel: 电梯", 3, "UNKNOWN_KEY", "did you mean 'title'?"),
        ("  url: http://127.0.0.1:9/graphql\n", "", 1, "MISSING_KEY", "'url' is missing"),
        ("11500000009000242T", "11500000009000242X", 4, "UNKNOWN_DEPARTMENT", "did you mean"),
        ("http://127.0.0.1:9", "ftp://127.0.0.1", 5, "BAD_ADDRESS", "only http and https"),
        ("http://127.0.0.1:9", "http://me:secret@127.0.0.1", 5, "BAD_ADDRESS", "user name or password"),
        (
            "file: a.graphql, introspect: false",
            "introspect: false",
            6,
            "BAD_VALUE",
            "must come from somewhere",
        ),
        ("introspect: false", "introspec: false", 6, "UNKNOWN_KEY", "did you mean 'introspect'?"),
        ("${env:TOKEN}", "abc", 8, "SECRET_IN_FILE", "${env:NAME}"),
        ("${env:TOKEN}", "${env:NOT_SET}", 8, "REFERENCE_MISSING", "NOT_SET"),
        ("- Accept-Language", "- Host", 11, "BAD_HEADER", "set by the gateway itself"),
        ("- Accept-Language", "- traceparent", 11, "BAD_HEADER", "set by the gateway itself"),
        ("- Accept-Language", "- Authorization", 11, "BAD_HEADER", "`auth` already"),
        ("- Accept-Language", "- x-dept", 12, "BAD_HEADER", "`propagate` already"),
        ("- Accept-Language", "- X-*/", 11, "BAD_VALUE", "pattern"),
        ("sendAs: X-Dept", "as: X-Dept", 12, "UNKNOWN_KEY", "allowed: default, name, sendAs"),
        ("X-Channel: quanyu", 'X-Channel: "a\\nb"', 13, "BAD_HEADER", "no header can carry"),
        ("X-Channel: quanyu", "X-Channel: 全域", 13, "BAD_HEADER", "no header can carry"),
        ("X-Channel: quanyu", "accept-language: zh", 13, "BAD_HEADER", "`propagate` already"),
        ("timeoutMs: 100", "timeoutMs: 1", 14, "BAD_VALUE", "50"),
        ("traffic:", "traffics:", 14, "UNKNOWN_KEY", "did you mean 'traffic'?"),
    ],
)
def test_what_is_wrong_has_its_line(old: str, new: str, line: int, code: str, said: str) -> None:
    assert old in WHOLE
    found = problems(WHOLE.replace(old, new))
    assert [one[:2] for one in found if code == one[1]] == [(line, code)], found
    assert any(said in one[2] for one in found)


def test_all_problems_come_at_once() -> None:
    bad = WHOLE.replace("http://127.0.0.1:9", "ftp://x").replace("- Accept-Language", "- Host")
    assert [code for _, code, _ in problems(bad.replace("${env:TOKEN}", "abc"))] == [
        "BAD_ADDRESS",
        "SECRET_IN_FILE",
        "BAD_HEADER",
    ]


@pytest.mark.parametrize("text", ["", "[1]", "subgraph: [", "text"])
def test_a_file_that_is_no_mapping_is_one_problem(text: str) -> None:
    assert len(problems(text)) == 1


def test_names_are_unique_and_not_the_gateways_own() -> None:
    """As `join__Graph` values, where - and _ are the same."""
    names = ["a-b", "a_b", "house", "c"]
    text = "subgraph: {{name: {}, url: 'http://127.0.0.1/'}}"
    checked = [check_subgraph(load(Path(f"{name}.yaml"), text.format(name)), LOOKUP, KNOWN) for name in names]
    check_names(checked, frozenset({"house", "cases"}))
    found = {one.document.path.stem: [problem.code for problem in one.document.problems] for one in checked}
    assert found == {"a-b": [], "a_b": ["DUPLICATE_SUBGRAPH"], "house": ["RESERVED_NAME"], "c": []}


def test_the_published_schema_for_editors_is_up_to_date() -> None:
    published: Any = json.loads((ROOT / "docs/reference/subgraph.schema.json").read_text(encoding="utf-8"))
    assert published == subgraph_schema(), "quanyu schema subgraph > docs/reference/subgraph.schema.json"
