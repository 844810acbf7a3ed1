"""What `mode: production` changes: safer defaults, and insecure settings that are refused unless they are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

__all__ = ["INSECURE", "SAFE", "insecure"]

SAFE: Final[Mapping[str, Any]] = {
    "introspection": False,
    "suggestions": False,
    "graphiql": False,
    "rate_per_caller": 1200,
    "rate_per_address": 300,
    "cost_per_caller": 400_000,
    "cost_per_address": 100_000,
}
"""Defaults in production, in place of those of the table. What is set stands."""


def _is_on(value: Any) -> bool:
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _is_off(value: Any) -> bool:
    return not value


INSECURE: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "introspection": (_is_on, "shows the whole schema to everyone"),
    "suggestions": (_is_on, "tells names of the schema to those who guess"),
    "graphiql": (_is_on, "shows an editor to everyone"),
    "graphiql_token": (_is_on, "gives a token to everyone who opens the page"),
    "graphiql_cdn": (_is_on, "runs scripts of another host beside tokens"),
    "local_issuer": (_is_on, "takes tokens that anyone with the data folder can make"),
    "cors_origins": (lambda value: "*" in value, "lets every web page read answers"),
    "access_records": (_is_off, "lets looks at cases and people go unrecorded"),
    "rate_per_address": (_is_off, "lets strangers ask without bound"),
    "max_query_cost": (_is_off, "lets one operation cost without bound"),
    "trusted_proxies": (
        lambda value: any(text.strip().endswith("/0") for text in value),
        "lets everyone say which address they have",
    ),
}
"""Setting -> whether a value of it is insecure, and why."""


def insecure(settings: Mapping[str, Any], allowed: Iterable[str]) -> list[str]:
    """One line each for what production refuses; nothing in development."""
    meant = set(allowed)
    problems = [
        f"allow_insecure: {name!r} is no setting that can be insecure; there are {', '.join(sorted(INSECURE))}"
        for name in sorted(meant - INSECURE.keys())
    ]
    if settings["mode"] != "production":
        return problems
    return problems + [
        f"{name}: {why}, which production refuses; change it, or add it to allow_insecure"
        for name, (is_insecure, why) in INSECURE.items()
        if name not in meant and is_insecure(settings[name])
    ]
