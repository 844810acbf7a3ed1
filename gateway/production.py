"""What a gateway in production does not start with, unless each is allowed by its name. Pure: a table and two questions.

The table is of settings as they are given; `of_identity` adds what only the files that they name can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["INSECURE", "JUDGED_HARMLESS", "SAFE", "Rule", "insecure_settings", "of_identity", "unknown_names"]


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


def _elsewhere(address: str) -> bool:
    """Whether it leads off this machine. A file does not."""
    host = urlsplit(address).hostname
    return bool(host) and host not in ("localhost", "127.0.0.1", "::1")


def _has_password(address: str) -> bool:
    return bool(urlsplit(address).password)


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
    "redis_url": Rule(
        lambda value: _elsewhere(value) and (not _has_password(value) or not value.startswith("rediss:")),
        "whoever is on the network changes what is shared and counted",
        "use rediss:// with a password",
    ),
    "database_url": Rule(
        lambda value: _elsewhere(value) and not _has_password(value),
        "whoever is on the network reads and changes the records",
        "give a password in the address",
    ),
    "cors_origins": Rule(
        lambda value: "*" in value, "every web page may call from a browser", "name the origins"
    ),
}
"""Setting -> when it is insecure. A setting that can be needs its line here."""

JUDGED_HARMLESS: Mapping[str, str] = {
    "mode": "it is what asks",
    "allow_insecure": "it is the operator's word",
    **dict.fromkeys(
        ("host", "port", "choose_port", "database_pool", "drain_s", "drain_notice_s", "max_connections"),
        "where and how the process runs; the network around it is the operator's",
    ),
    **dict.fromkeys(
        ("systems_dir", "supergraph", "registry_dir", "data_dir", "calendar_files", "warning_rules"),
        "files of the operator",
    ),
    **dict.fromkeys(("identity_file", "tokens_file"), "what stands in them is looked at by `of_identity`"),
    **dict.fromkeys(
        ("client_certificate_header", "trusted_proxies", "certificates_file"),
        "looked at together, in every mode: proxies must be named, and none is everyone",
    ),
    **dict.fromkeys(
        ("policy_file", "policy_hook", "override_label_hook", "migration_policy"),
        "rules and code of the operator",
    ),
    **dict.fromkeys(("contract_include", "contract_exclude"), "they only take away"),
    **dict.fromkeys(
        ("disclosure_delay_days", "disclosure_delayed", "disclosure_withheld", "ledger_origin"),
        "how people are told of looks is a matter of law; the looks are recorded all the same",
    ),
    **dict.fromkeys(
        ("witness_file", "witness_url", "witness_key"), "the trail is sealed without a witness too"
    ),
    "outbox_keys": "empty uses secret_key, which must be given",
    **dict.fromkeys(
        (
            "outbox_poll_s",
            "outbox_lease_s",
            "outbox_keep_days",
            "harvest",
            "harvest_every_s",
            "harvest_at_once",
        ),
        "when work is done",
    ),
    **dict.fromkeys(
        (
            "harvest_lease_s",
            "migration_poll_s",
            "migration_window_s",
            "watch",
            "reload_poll_s",
            "subgraph_poll_s",
            "default_deadline_ms",
        ),
        "when work is done",
    ),
    **dict.fromkeys(
        ("override_labels", "override_label_header", "override_sticky", "migration_four_eyes"),
        "which of two systems answers; who may choose needs a scope",
    ),
    **dict.fromkeys(
        (
            "max_deadline_ms",
            "max_first",
            "max_body_bytes",
            "body_timeout_s",
            "max_query_characters",
            "max_query_tokens",
            "max_query_fields",
            "max_query_depth",
            "max_query_aliases",
            "max_query_directives",
            "max_list_items",
            "max_variable_values",
            "max_variable_depth",
            "max_streams",
            "operation_cache_entries",
        ),
        "a bound that cannot be switched off; how wide it is the operator knows",
    ),
    **dict.fromkeys(
        ("cost_per_caller", "cost_per_address"),
        "requests are bounded, and the cost of each is: this is finer",
    ),
    "max_loop_lag_ms": "without it the gateway is slow for all when overloaded, and wrong for none",
    "max_batch": "each operation of a list counts; the body is bounded",
    "csrf_header": "the ordinary rule lets no page ask unseen",
    **dict.fromkeys(
        ("compression", "compress_from_bytes"), "no secret stands beside what a stranger chooses"
    ),
    **dict.fromkeys(
        ("trusted_documents", "trusted_documents_mode"), "without them limits hold what is asked"
    ),
    "persisted_queries": "documents are kept up to a number, without personal data",
    "share_queries": "one caller's own",
    "graphiql_samples": "nothing without graphiql",
    "log_format": "masked in every form",
    "log_level": "masked at every level",
    "metrics": "numbers by system, route and code; /metrics is for the inside, as the docs say",
    "otel": "spans name nobody",
}
"""Setting -> why no value of it is insecure. A test holds that each setting stands here, above, or in a rule for files."""

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
