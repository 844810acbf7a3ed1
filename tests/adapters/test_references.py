"""References to the environment and to files; secrets never stand in a declaration nor in what a check prints."""

from __future__ import annotations

import pytest

from adapters.build import load_declarations
from adapters.loader import load
from adapters.references import Lookup, resolve_references
from adapters.validate import Known
from gateway.app import file_lookup
from tests.adapters.doubles import HERE, declared, lookup, problems, rest_yaml

CONNECTORS = "case: {path: /c, map: {localNo: no, state: 'state | table(\"status\")', appliedAt: at}}"


def resolved(text: str, environment: dict[str, str], files: dict[str, str] | None = None) -> object:
    document = load(HERE, text)
    tree = resolve_references(document, lookup(environment, files))
    assert not document.problems
    return tree


def test_references_are_filled_in_anywhere_in_a_text() -> None:
    tree = resolved(
        "a: http://${env:HOST}/${env:PATH_:-p}?x\nb: ['${file:/s}']", {"HOST": "h"}, {"/s": "k\n"}
    )
    assert tree == {"a": "http://h/p?x", "b": ["k"]}


def test_what_is_filled_in_is_not_read_again() -> None:
    assert resolved("a: ${env:A}", {"A": "${env:B}", "B": "no"}) == {"a": "${env:B}"}


@pytest.mark.parametrize(
    ("value", "code", "message", "allowed"),
    [
        ("${env:NOPE}", "REFERENCE_MISSING", "the environment has no NOPE", "set NOPE"),
        ("${file:/nope}", "REFERENCE_MISSING", "/nope: No such file or directory", ""),
        ("${vault:x}", "REFERENCE_UNKNOWN", "no reference kind 'vault'", "allowed: env, file"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_at_its_place(
    value: str, code: str, message: str, allowed: str
) -> None:
    [problem] = problems(rest_yaml(CONNECTORS, source=f"auth: {{bearer: '{value}'}}"))
    assert (problem.line, problem.column, problem.code) == (5, 20, code)
    assert (problem.message, problem.allowed) == (message, allowed)


async def test_a_secret_file_that_is_not_text_is_a_problem(tmp_path) -> None:  # type: ignore[no-untyped-def]  # tmp_path
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff\xfe\x00")
    path = tmp_path / "one.yaml"
    path.write_text(rest_yaml(CONNECTORS, source=f"auth: {{bearer: '${{file:{secret}}}'}}"), encoding="utf-8")
    # regression: UnicodeDecodeError is no OSError: the whole check ends in a traceback
    loaded = await load_declarations([path], file_lookup({}), Known())
    assert [one.code for one in loaded.problems] == ["REFERENCE_MISSING"]


@pytest.mark.parametrize(
    ("auth", "column"),
    [
        ("auth: {basic: {username: u, password: hunter2}}", 43),
        ("auth: {bearer: hunter2}", 20),
        ("auth: {apiKey: {name: X-Key, value: hunter2}}", 41),
        ("auth: {oauth2: {tokenUrl: 'http://127.0.0.1:9/t', clientId: i, clientSecret: hunter2}}", 82),
    ],
)
def test_a_secret_in_the_file_is_a_problem_that_does_not_show_it(auth: str, column: int) -> None:
    [problem] = problems(rest_yaml(CONNECTORS, source=auth))
    assert (problem.line, problem.column, problem.code) == (5, column, "SECRET_IN_FILE")
    assert problem.allowed == "refer to it: ${env:NAME} or ${file:/path}"
    assert "hunter2" not in str(problem)


def test_a_secret_in_a_soap_token_is_a_problem() -> None:
    text = """\
    system: {code: T-ONE, name: x, owner: o}
    source:
      soap:
        wsdl: x.wsdl
        security: {usernameToken: {username: u, password: hunter2}}
    connectors: {case: {operation: Get, map: {localNo: a, state: b, appliedAt: c}}}
    """
    assert [(one.line, one.code) for one in problems(text)] == [(5, "SECRET_IN_FILE")]


@pytest.mark.parametrize(
    "auth",
    [
        "auth: {api_key: {name: X-Key, value: hunter2}}",
        "auth: {oauth2: {token_url: 'http://127.0.0.1:9/t', client_id: i, client_secret: hunter2}}",
    ],
)
def test_another_spelling_of_a_key_does_not_let_a_secret_stand(auth: str) -> None:
    # regression: populate_by_name takes snake_case keys, which neither the secret check nor the JSON Schema knows
    assert {one.code for one in problems(rest_yaml(CONNECTORS, source=auth))} & {
        "SECRET_IN_FILE",
        "UNKNOWN_KEY",
    }


def test_a_secret_put_in_the_wrong_place_is_not_printed() -> None:
    found = problems(rest_yaml(CONNECTORS, source="auth: '${env:TOKEN}'"), {"TOKEN": "hunter2"})
    assert [one.code for one in found] == ["BAD_VALUE"]
    # regression: BAD_VALUE shows its input after references were filled in: the secret lands in CI logs
    assert "hunter2" not in str(found[0])


def test_a_declaration_shows_no_secret_in_its_repr() -> None:
    declaration = declared(
        rest_yaml(CONNECTORS, source="auth: {basic: {username: u, password: '${env:P:-hunter2}'}}")
    )
    assert "hunter2" not in repr(declaration)


def test_a_reference_keeps_a_quoted_value_quoted() -> None:
    document = load(HERE, "a: '${env:N}'\nb: ${env:N}\n")
    tree = resolve_references(document, Lookup({"N": "5"}, lambda _path: ""))
    assert [type(one).__name__ for one in tree.values()] == ["str", "Plain"]
