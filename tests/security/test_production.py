"""Production mode: what it does not start with, all named at once, and how each is allowed by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app import build_identity
from gateway.production import INSECURE, JUDGED_HARMLESS
from gateway.settings import Settings, SettingsError, load_settings

SECURE = {
    "mode": "production",
    "introspection": False,
    "graphiql": False,
    "secret_key": "s" * 32,
    "ledger_key": "l" * 32,
    "subject_key": "p" * 32,
}
WORSE = {
    "introspection": True,
    "graphiql": True,
    "graphiql_token": "demo-clerk-token",
    "graphiql_cdn": True,
    "local_issuer": True,
    "secret_key": "",
    "ledger_key": "",
    "subject_key": "",
    "access_records": False,
    "redis_url": "redis://:word@redis.example/0",
    "database_url": "postgresql://quanyu@db.example/records",
    "cors_origins": ("*",),
    "suggestions": True,
    "rate_per_caller": 0,
    "rate_per_address": 0,
    "max_query_cost": 0,
}
"""A value of each that is insecure."""


def refused(**changed: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, **{**SECURE, **changed})
    return list(caught.value.problems)


def test_a_secure_gateway_starts() -> None:
    assert load_settings({}, **SECURE).mode == "production"


def test_the_defaults_are_for_development_and_production_names_all_that_is_insecure_in_them() -> None:
    assert Settings().mode == "development"
    with pytest.raises(SettingsError) as caught:
        load_settings({"QUANYU_MODE": "production"})
    named = [problem.split(": ")[1] for problem in caught.value.problems]
    assert named == ["introspection", "graphiql", "secret_key", "ledger_key", "subject_key"]


def test_production_bounds_callers_by_default() -> None:
    settings = load_settings({}, **SECURE)
    assert not settings.suggestions
    assert min(settings.rate_per_caller, settings.rate_per_address, settings.cost_per_address) > 0
    assert load_settings({}, **SECURE, rate_per_caller=7).rate_per_caller == 7
    assert Settings().suggestions
    assert Settings().rate_per_caller == 0


def test_every_insecure_setting_has_a_test() -> None:
    assert set(WORSE) == set(INSECURE)


def test_a_new_setting_is_judged() -> None:
    """Whoever adds one says in gateway/production.py what is insecure in it, or why nothing is."""
    judged = INSECURE.keys() | JUDGED_HARMLESS.keys()
    assert Settings.model_fields.keys() == judged
    assert not INSECURE.keys() & JUDGED_HARMLESS.keys()


@pytest.mark.parametrize("url", ["redis://127.0.0.1/0", "rediss://:word@redis.example/0", ""])
def test_a_redis_here_or_behind_tls_and_a_password_is_taken(url: str) -> None:
    assert load_settings({}, **SECURE, redis_url=url)


@pytest.mark.parametrize("url", ["redis://redis.example/0", "rediss://redis.example/0"])
def test_a_redis_elsewhere_that_is_open_is_refused(url: str) -> None:
    assert "redis_url: " in refused(redis_url=url)[0]


def test_a_password_of_the_database_is_not_told() -> None:
    assert load_settings({}, **SECURE, database_url="postgresql://quanyu:word@db.example/records")
    assert "quanyu@db.example" not in refused(database_url="postgresql://quanyu@db.example/records")[0]


@pytest.mark.parametrize("name", list(WORSE))
def test_an_insecure_setting_is_refused_with_its_reason_and_taken_where_it_is_allowed_by_name(
    name: str,
) -> None:
    [problem] = refused(**{name: WORSE[name]})
    assert f"{name}: " in problem
    assert "allow_insecure" in problem
    assert "demo-clerk-token" not in problem
    assert load_settings({}, **{**SECURE, name: WORSE[name], "allow_insecure": (name,)})


def test_development_takes_all_of_it() -> None:
    assert load_settings({}, **WORSE).mode == "development"


@pytest.mark.parametrize("mode", ["production", "development"])
def test_a_name_that_allows_nothing_is_an_error(mode: str) -> None:
    assert "'introspecton' is no insecure setting" in refused(mode=mode, allow_insecure=("introspecton",))[0]


def test_plain_tokens_are_refused_and_digests_are_not(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text('tokens: [{token: a-plain-token, name: a, scopes: ["cases:read"]}]')
    with pytest.raises(SettingsError, match="plain_tokens") as caught:
        build_identity(load_settings({}, **SECURE, tokens_file=str(tokens)))
    assert "a-plain-token" not in str(caught.value)
    assert build_identity(
        load_settings({}, **SECURE, tokens_file=str(tokens), allow_insecure=("plain_tokens",))
    )
    tokens.write_text("tokens: [{token_sha256: '" + "0" * 64 + "', name: a, scopes: [cases:read]}]")
    assert build_identity(load_settings({}, **SECURE, tokens_file=str(tokens)))


def test_an_issuer_without_tls_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "identity.yaml"
    file.write_text("issuers: [{issuer: 'http://127.0.0.1:1', audience: [quanyu]}]")
    with pytest.raises(SettingsError, match=r"http_issuer: .*http://127\.0\.0\.1:1"):
        build_identity(load_settings({}, **SECURE, identity_file=file))
    assert build_identity(load_settings({}, **SECURE, identity_file=file, allow_insecure=("http_issuer",)))
    file.write_text(
        "issuers: [{issuer: 'https://id.example', audience: [quanyu], jwksUri: 'https://id.example/keys'}]"
    )
    assert build_identity(load_settings({}, **SECURE, identity_file=file))


def test_a_certificate_header_needs_its_proxies_and_its_file(tmp_path: Path) -> None:
    problems = refused(client_certificate_header="Client-Cert")
    assert len(problems) == 2
    assert "trusted_proxies is empty" in problems[0]
    assert "certificates_file is empty" in problems[1]
    file = tmp_path / "c.yaml"
    named = {"client_certificate_header": "Client-Cert", "certificates_file": file}
    assert "is everyone" in refused(**named, trusted_proxies=("0.0.0.0/0",))[0]
    assert "no address or network" in refused(**named, trusted_proxies=("proxy.example",))[0]
    assert "has another meaning" in refused(**{**named, "client_certificate_header": "Authorization"})[0]
    assert load_settings({}, **SECURE, **named, trusted_proxies=("10.0.0.0/28", "::1"))
