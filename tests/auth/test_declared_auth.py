"""What can be wrong with credentials in a declaration is told before any call, with its place; secrets are references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from adapters.auth.model import Auth, Tls
from adapters.auth.secrets import AUTH_SECRETS, SECURITY_SECRETS
from adapters.auth.wss.model import SoapSecurity
from adapters.declaration import Declaration, declaration_schema
from adapters.loader import load
from adapters.references import Lookup
from adapters.soap.check import check_soap
from adapters.soap.wsdl import load_wsdl
from adapters.validate import Known, check_document
from tests.adapters.doubles import MINIMAL_MAP, checked, problems, rest_yaml
from tests.adapters.soap.services import write_wsdl
from tests.auth.pki import identity
from tests.auth.sources import CASE, ENVIRONMENT
from tests.auth.test_sessions_in_sources import WSDL


def found(auth: str, *, connectors: str = CASE) -> list[tuple[str, str]]:
    text = rest_yaml(connectors, source=f"auth: {auth}")
    return [(one.code, one.message) for one in problems(text, ENVIRONMENT)]


def session(inside: str = "", *, take: str = "{token: sid}", login: str = "") -> str:
    body = "body: {p: $secrets.p}"
    return f'{{session: {{login: {{path: /l, {login or body}}}, secrets: {{p: "${{env:T_KEY}}"}}, take: {take}{inside}}}}}'


def test_a_right_declaration_has_no_problem() -> None:
    assert (
        found(session(", attach: {headers: {X: $session.token}}, lifeS: 60, ended: {status: [401, 419]}"))
        == []
    )


@pytest.mark.parametrize(
    ("auth", "code", "words"),
    [
        (
            '{bearer: "${env:T_KEY}", basic: {username: u, password: "${env:T_KEY}"}}',
            "BAD_VALUE",
            "give one of",
        ),
        (session(take="{sid: sid}"), "BAD_VALUE", "take needs `token`"),
        (session(", lifeS: 5, expiresIn: x"), "BAD_VALUE", "give one of lifeS"),
        (session(take="{token: 'sid |'}"), "EXPRESSION", ""),
        (session(take="{token: $header.x}"), "UNKNOWN_NAME", "no $header here"),
        (session(", ended: {when: '$faults == 1'}"), "UNKNOWN_NAME", "no $faults here"),
        (session(", attach: {headers: {X: $session.tok}}"), "UNKNOWN_NAME", "no $session.tok here"),
        (session(", attach: {headers: {X: 'a {session.token}'}}"), "NO_RECORD", "no record"),
        (session(", attach: {headers: {X: 'a {$session.token'}}"), "EXPRESSION", "{ without"),
        (session(", attach: {headers: {'X Y': $session.token}}"), "BAD_HEADER", ""),
        (session(", attach: {cookies: {'a;b': $session.token}}"), "BAD_HEADER", "cookie"),
        (session(", attach: {soapHeader: {element: {S: $session.token}}}"), "WRONG_PROTOCOL", "SOAP header"),
        (session(login="body: {p: $secrets.q}"), "UNKNOWN_NAME", "no $secrets.q here"),
        (session(login="body: {p: $args.number}"), "UNKNOWN_NAME", "no $args here"),
        (session(login="operation: Login"), "WRONG_PROTOCOL", "'operation'"),
        (session(login="address: 'ftp://x'"), "BAD_ADDRESS", ""),
        (session(login="failure: {when: 'code =='}"), "EXPRESSION", ""),
        (session(login="decode: [{at: x, charset: klingon}]"), "BAD_CODEC", "klingon"),
        (session(login="encode: [{at: form.x, hex: {}}]"), "BAD_CODEC", "no 'form'"),
        ('{oauth2: {tokenUrl: nowhere, clientId: i, clientSecret: "${env:T_KEY}"}}', "BAD_ADDRESS", ""),
        ('{apiKey: {name: "X Y", value: "${env:T_KEY}"}}', "BAD_HEADER", ""),
        (
            '{hmac: {algorithm: hmac-sha256, canonical: [$nope], put: {header: X}, key: "${env:T_KEY}"}}',
            "BAD_CODEC",
            "",
        ),
        ("{tls: {ca: none.pem}}", "BAD_TLS_FILE", "no such file"),
        ("{tls: {key: none.pem}}", "BAD_VALUE", "needs its `certificate`"),
        ('{basic: {username: 用, password: "${env:T_KEY}", charset: latin-1}}', "BAD_CHARSET", ""),
    ],
)
def test_what_cannot_work_is_told(auth: str, code: str, words: str) -> None:
    told = found(auth)
    assert any(one == code and words in message for one, message in told), told


def test_a_session_is_known_only_to_sources_that_have_one() -> None:
    connectors = CASE.replace("path:", "query: {sid: $session.token}, path:")
    assert found(session(), connectors=connectors) == []
    assert found('{bearer: "${env:T_KEY}"}', connectors=connectors) == [("UNKNOWN_NAME", "no $session here")]


def test_a_soap_login_is_held_to_the_wsdl(tmp_path: Path) -> None:
    service = load_wsdl(str(write_wsdl(tmp_path, WSDL)))

    def told(login: str) -> list[tuple[str, str]]:
        text = f"""
system: {{code: T-ONE, name: 测试, owner: 11500000009000015M}}
source:
  soap:
    wsdl: here.wsdl
    auth: {{session: {{login: {login}, secrets: {{p: "${{env:T_KEY}}"}}, take: {{token: sid}}}}}}
tables: {{status: {{A: ACCEPTED}}}}
connectors: {{case: {{operation: getCase, body: {{no: $args.number}}, records: return, map: {MINIMAL_MAP}}}}}
"""
        one = checked(text, ENVIRONMENT)
        assert one.declaration is not None
        listed = [*one.document.problems, *check_soap(one.document, one.declaration, service)]
        return [(problem.code, problem.message.partition(" ")[0]) for problem in listed]

    assert told("{operation: Login, body: {pwd: $secrets.p}}") == []
    assert told("{operation: Logon, body: {pwd: $secrets.p}}") == [("UNKNOWN_OPERATION", "the")]
    assert ("UNKNOWN_ELEMENT", "Login") in told("{operation: Login, body: {pw: $secrets.p}}")
    assert told("{path: /login}") == [("MISSING_KEY", "a")]


# --- secrets ---


@pytest.mark.parametrize("kind", ["rest", "graphql", "soap"])
@pytest.mark.parametrize("place", AUTH_SECRETS, ids=".".join)
def test_every_secret_must_be_a_reference(kind: str, place: tuple[str, ...]) -> None:
    _assert_told(("source", kind, "auth", *place))


@pytest.mark.parametrize("place", SECURITY_SECRETS, ids=".".join)
def test_every_secret_of_soap_security_must_be_a_reference(place: tuple[str, ...]) -> None:
    _assert_told(("source", "soap", "security", *place))


def _assert_told(place: tuple[str, ...]) -> None:
    text = "in-the-open"
    for step in reversed(place):
        text = f"{{{'any' if step == '*' else step}: {text}}}"
    document = load(Path("x.yaml"), text)
    check_document(document, Lookup({}, lambda _path: ""), Known())
    told = [one for one in document.problems if one.code == "SECRET_IN_FILE"]
    assert len(told) == 1
    assert "in-the-open" not in str(told[0])


def _hidden(model: Any, place: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Places of fields that no repr shows."""
    places: set[tuple[str, ...]] = set()
    for name, info in model.model_fields.items():
        here = (*place, info.alias or name)
        if not info.repr:
            places.add((*here, "*") if "dict" in str(info.annotation) else here)
        inner = [info.annotation, *getattr(info.annotation, "__args__", ())]
        for one in inner:
            if isinstance(one, type) and issubclass(one, BaseModel):
                places |= _hidden(one, here)
    return places


def test_what_no_repr_shows_is_what_must_be_a_reference() -> None:
    codecs = {place for place in _hidden(Auth) if {"login", "logout"} & set(place)}
    assert _hidden(Auth) - codecs == set(AUTH_SECRETS)
    assert _hidden(SoapSecurity) == set(SECURITY_SECRETS)


def test_a_reference_in_a_login_template_is_told() -> None:
    """A password that begins with $ would be read as an expression, and quoted by the problem that this makes."""
    told = found(session(login='body: {p: "${env:T_KEY}"}'))
    assert [code for code, _ in told] == ["SECRET_IN_TEMPLATE"]


@pytest.mark.parametrize("key", ["password", "userPwd", "appSecret", "密码"])
def test_a_password_in_a_login_template_is_told(key: str) -> None:
    told = found(session(login=f"form: {{user: u, {key}: hunter2}}"))
    assert [code for code, _ in told] == ["SECRET_IN_FILE"]
    assert "hunter2" not in str(told)


# --- files and editors ---


def test_files_stand_beside_the_declaration(tmp_path: Path) -> None:
    identity("gateway").write(tmp_path, "gateway")
    text = rest_yaml(CASE, source="auth: {tls: {certificate: gateway.crt, key: gateway.key}}")
    one = check_document(load(tmp_path / "s.yaml", text), Lookup({}, lambda _path: ""), Known())
    assert one.document.problems == []
    assert one.declaration is not None
    assert one.declaration.source.auth is not None
    folder = str(tmp_path)
    assert one.declaration.source.auth.tls == Tls(
        certificate=f"{folder}/gateway.crt", key=f"{folder}/gateway.key"
    )


def test_every_key_says_what_it_is() -> None:
    definitions = declaration_schema()["$defs"]
    for model in (Auth, SoapSecurity):
        assert model.__name__ in definitions
    ours = [name for name in definitions if _module_of(name).startswith("adapters.auth")]
    assert len(ours) >= 17
    for name in ours:
        for key, value in definitions[name]["properties"].items():
            assert value.get("description"), (name, key)


def _module_of(name: str) -> str:
    found: dict[str, str] = {}

    def walk(model: Any) -> None:
        found[model.__name__] = model.__module__
        for info in model.model_fields.values():
            for one in [info.annotation, *getattr(info.annotation, "__args__", ())]:
                if isinstance(one, type) and issubclass(one, BaseModel) and one.__name__ not in found:
                    walk(one)

    walk(Declaration)
    return found.get(name, "")
