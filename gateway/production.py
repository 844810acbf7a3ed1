"""What a gateway in production does not start with, unless each is allowed by its name. Pure: a table and two questions.

The table is of settings as they are given; `of_identity` adds what only the files that they name can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["INSECURE", "SAFE", "Rule", "insecure_settings", "of_identity", "unknown_names"]


@dataclass(frozen=True, slots=True)
class Rule:
    """is_insecure: of the setting's value (the text of a secret). why: a sentence; do: what to set."""

    is_insecure: Callable[[Any], bool]
    why: str
    do: str


def _on(value: Any) -> bool:
    return bool(value)


def _empty(value: Any) -> bool:
    return not value


SAFE: Mapping[str, Any] = {
    "suggestions": False,
    "rate_per_caller": 1200,
    "rate_per_address": 300,
    "cost_per_caller": 400_000,
    "cost_per_address": 100_000,
}
"""Defaults in production, in place of those of the table of settings. What is given stands."""

INSECURE: Mapping[str, Rule] = {
    "introspection": Rule(
        _on, "everyone may read the schema, as far as they may use it", "set introspection: false"
    ),
    "graphiql": Rule(_on, "the query page is for development", "set graphiql: false"),
    "graphiql_token": Rule(_on, "everyone who opens the page gets this token", "leave it empty"),
    "graphiql_cdn": Rule(_on, "the query page runs scripts of another host", "set graphiql_cdn: false"),
    "local_issuer": Rule(
        _on, "whoever reads data_dir can make tokens for anybody", "set local_issuer: false; use an issuer"
    ),
    "secret_key": Rule(
        _empty, "each instance makes its own, and it lies in data_dir", "give it as file:PATH or env:NAME"
    ),
    "ledger_key": Rule(
        _empty, "the key that signs the trail lies beside it", "give it as file:PATH or env:NAME"
    ),
    "subject_key": Rule(
        _empty,
        "the key between people and their references lies in data_dir",
        "give it as file:PATH or env:NAME",
    ),
    "access_records": Rule(
        lambda value: not value, "looks at people are not recorded", "set access_records: true"
    ),
    "suggestions": Rule(_on, "names of the schema are told to those who guess", "set suggestions: false"),
    "rate_per_caller": Rule(_empty, "a caller may ask without bound", "set a number"),
    "rate_per_address": Rule(_empty, "strangers may ask, and try tokens, without bound", "set a number"),
    "max_query_cost": Rule(_empty, "one operation may cost without bound", "set a number"),
    "cors_origins": Rule(
        lambda value: "*" in value, "every web page may call from a browser", "name the origins"
    ),
}
"""Setting -> when it is insecure. A setting that can be needs its line here."""

_OF_FILES = ("plain_tokens", "http_issuer")


def insecure_settings(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(setting, sentence) of each that is insecure and not allowed. values: by name; of secrets their text."""
    allowed = frozenset(values["allow_insecure"])
    for name, rule in INSECURE.items():
        if name in values and name not in allowed and rule.is_insecure(values[name]):
            yield name, _sentence(name, rule.why, rule.do)


def unknown_names(allowed: Collection[str]) -> list[str]:
    """Names that allow nothing: a typing error must not look like a decision."""
    return sorted(frozenset(allowed) - INSECURE.keys() - set(_OF_FILES))


def of_identity(*, has_plain_tokens: bool, issuers: Collection[str], allowed: Collection[str]) -> list[str]:
    """Sentences on the tokens file and the identity file. issuers: addresses that are asked for keys."""
    problems = []
    if has_plain_tokens and "plain_tokens" not in allowed:
        why = "the tokens file holds tokens that everyone who reads it can use"
        problems.append(_sentence("plain_tokens", why, "give token_sha256 in their place"))
    plain = sorted(one for one in issuers if urlsplit(one).scheme == "http")
    if plain and "http_issuer" not in allowed:
        why = f"whoever is on the way can exchange the keys of {', '.join(plain)}"
        problems.append(_sentence("http_issuer", why, "use https"))
    return problems


def _sentence(name: str, why: str, do: str) -> str:
    return f"{name}: {why}; {do}, or name it in allow_insecure (mode is production)"
