"""The JSON Schema that editors use: valid, true for every sample, and as strict as the loader."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from adapters.declaration import declaration_schema
from tests.adapters.doubles import checked, declared, rest_yaml

SYSTEMS = sorted((Path(__file__).parents[2] / "systems").glob("*.yaml"))
CONNECTORS = "case: {path: /c, map: {localNo: no, state: 'state | table(\"status\")', appliedAt: at}}"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(declaration_schema())


class Core(yaml.SafeLoader):
    """The YAML 1.2 core schema, which editors follow: `no` is text, merge keys are kept."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way


for tag, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("merge", r"^<<$", "<"),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def as_an_editor_reads_it(text: str) -> Any:
    """Values as an editor sees them; keys are text, as in JSON."""

    def keyed(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): keyed(one) for key, one in value.items()}
        return [keyed(one) for one in value] if isinstance(value, list) else value

    return keyed(yaml.load(text, Loader=Core))  # noqa: S506  # a SafeLoader


def wrong(validator: jsonschema.Draft202012Validator, value: Any) -> list[str]:
    return sorted(f"{'.'.join(map(str, one.path))}: {one.message}" for one in validator.iter_errors(value))


def test_it_is_json_schema_2020_12() -> None:
    schema = declaration_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_a_sample(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    # regression: an owner of digits alone (115000000090001627, unquoted) is a number for an editor and text for the loader
    assert wrong(validator, as_an_editor_reads_it(path.read_text(encoding="utf-8"))) == []


def test_there_are_samples() -> None:
    assert len(SYSTEMS) >= 8


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("system",),
        ("source",),
        ("source", "rest"),
        ("source", "rest", "auth"),
        ("traffic",),
        ("traffic", "cache"),
        ("connectors",),
        ("connectors", "case"),
        ("connectors", "case", "failure"),
        ("connectors", "cases", "paging"),
        ("connectors", "case", "map"),
        ("connectors", "case", "map", "applicant"),
        ("connectors", "case", "map", "events"),
    ],
)
def test_an_unknown_key_fails_the_schema_as_it_fails_the_loader(
    place: tuple[str, ...], validator: jsonschema.Draft202012Validator
) -> None:
    value: Any = as_an_editor_reads_it((SYSTEMS[3]).read_text(encoding="utf-8"))
    value["system"]["owner"] = str(value["system"]["owner"])
    value["connectors"]["cases"]["map"].pop("events")
    assert wrong(validator, value) == []
    broken = copy.deepcopy(value)
    at = broken
    for step in place:
        at = at[step]
    at["bogus"] = "x"
    assert len(wrong(validator, broken)) == 1
    found = checked(yaml.safe_dump(broken, allow_unicode=True)).document.problems
    assert {one.code for one in found} <= {"UNKNOWN_KEY", "UNKNOWN_FIELD"}
    assert found


def test_every_map_says_what_is_required_and_which_values_an_enum_has() -> None:
    definitions = declaration_schema()["$defs"]
    state = definitions["map.Case"]["properties"]["state"]["description"]
    assert "Required." in state
    assert "UNDER_REVIEW" in state
    assert definitions["map.Case"]["properties"]["events"]["required"] == ["each"]


def test_every_key_that_people_see_has_a_description() -> None:
    definitions = declaration_schema()["$defs"]
    bare = [
        f"{name}.{key}"
        for name in ("Connector.case", "Paging", "map.Case", "map.CaseEvent", "map.SystemItem")
        for key, one in definitions[name]["properties"].items()
        if "description" not in one and "$ref" not in one and "allOf" not in one
    ]
    assert bare == []


def test_keys_of_a_declaration_are_camel_case_only(validator: jsonschema.Draft202012Validator) -> None:
    text = rest_yaml(CONNECTORS, head="traffic: {timeout_ms: 500}")
    assert wrong(validator, as_an_editor_reads_it(text)) != []
    # regression: the loader takes `timeout_ms` (populate_by_name), the editor marks it as unknown
    assert [one.code for one in checked(text).document.problems] == ["UNKNOWN_KEY"]


def test_numbers_may_be_written_as_yaml_likes() -> None:
    text = rest_yaml(CONNECTORS, head="traffic: {timeoutMs: 500, maxBodyMb: 0.5, ratePerS: '3'}")
    traffic = declared(text).traffic
    assert (traffic.timeout_ms, traffic.max_body_mb, traffic.rate_per_s) == (500, 0.5, 3.0)
