"""References in declarations: `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}`. Secrets come only so.

The environment and the file reader are handed in, so that a check can be run for another machine's settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.auth.secrets import AUTH_SECRETS, SECURITY_SECRETS
from adapters.loader import Document, Plain
from adapters.problems import Problem

__all__ = ["Lookup", "resolve_references", "secrets_at", "secrets_in_the_open"]

Place = tuple[str | int, ...]
_REFERENCE = re.compile(r"\$\{(?P<kind>\w+):(?P<name>[^}]*?)(?::-(?P<default>[^}]*))?\}")
_CODEC_KEYS = frozenset({"key", "privateKey"})
_SECRET_PLACES = (
    ("rest", "sign", "key"),
    ("soap", "secrets", "*"),
    *(("soap", "security", *place) for place in SECURITY_SECRETS),
    *((kind, "auth", *place) for kind in ("soap", "rest", "graphql") for place in AUTH_SECRETS),
)
_LOGIN_PARTS = ("query", "headers", "body", "form", "variables")
_PASSWORD = re.compile(r"pass|pwd|secret|mima|密码|口令", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lookup:
    """environment: NAME -> text; read_file: path -> text, raises OSError."""

    environment: Mapping[str, str]
    read_file: Callable[[str], str]


def resolve_references(document: Document, lookup: Lookup) -> Any:
    """The document's tree with every reference filled in; what is missing is added to its problems."""
    return _walk(document, document.tree, (), lookup)


def secrets_in_the_open(document: Document) -> Iterator[Problem]:
    """Passwords, keys and tokens that stand in the file itself."""
    source = document.tree.get("source") if isinstance(document.tree, dict) else None
    yield from secrets_at(document, (("source", *place) for place in _SECRET_PLACES))
    yield from secrets_at(document, [("push", "secrets", "*")])
    yield from _in_logins(document, source)
    yield from _in_soap_headers(document)
    for call in ("login", "logout"):
        for part in ("decode", "encode"):
            for at, entries in _found(source, ("*", "auth", "session", call, part), ("source",)):
                for place, value in _codec_keys(entries, at):
                    yield from _in_the_open(document, place, value)
    connectors = document.tree.get("connectors") if isinstance(document.tree, dict) else None
    for verb, connector in connectors.items() if isinstance(connectors, dict) else ():
        for name in ("decode", "encode"):
            entries = connector.get(name) if isinstance(connector, dict) else None
            for place, value in _codec_keys(entries, ("connectors", verb, name)):
                yield from _in_the_open(document, place, value)


def secrets_at(document: Document, patterns: Iterable[tuple[str, ...]]) -> Iterator[Problem]:
    """Secrets in the file itself at these places, where `*` is any key."""
    for pattern in patterns:
        for place, value in _found(document.tree, pattern, ()):
            yield from _in_the_open(document, place, value)


def _found(tree: Any, pattern: tuple[str, ...], place: Place) -> Iterator[tuple[Place, Any]]:
    """Values at a pattern of keys, where `*` is any key."""
    if not pattern:
        yield place, tree
    elif isinstance(tree, dict):
        for key in tree if pattern[0] == "*" else (pattern[0],):
            if key in tree:
                yield from _found(tree[key], pattern[1:], (*place, key))


def _in_logins(document: Document, source: Any) -> Iterator[Problem]:
    """Templates of a login hold no secret, and no reference either: what it stands for could read as an expression."""
    for call in ("login", "logout"):
        for part in _LOGIN_PARTS:
            for place, tree in _found(source, ("*", "auth", "session", call, part), ("source",)):
                yield from _in_template(document, place, tree, "a login")


def _in_soap_headers(document: Document) -> Iterator[Problem]:
    """The same for SOAP headers, which carry passwords often enough."""
    for pattern in (("source", "soap", "soapHeader"), ("connectors", "*", "soapHeader")):
        for place, tree in _found(document.tree, pattern, ()):
            yield from _in_template(document, place, tree, "a SOAP header")


def _in_template(document: Document, place: Place, tree: Any, what: str) -> Iterator[Problem]:
    for inner, text in _texts(tree):
        here = (*place, *inner)
        if "${" in text:
            message = f"a reference stands in the template of {what}"
            allowed = "put it under `secrets`, and say $secrets.NAME here"
            yield document.problem(here, "SECRET_IN_TEMPLATE", message, allowed=allowed)
        elif not text.startswith("$") and _PASSWORD.search(str(here[-1])):
            yield from _in_the_open(document, here, text)


def _texts(tree: Any) -> Iterator[tuple[Place, str]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    if isinstance(tree, str):
        yield (), tree
    for step, one in items:
        yield from (((step, *inner), text) for inner, text in _texts(one))


def _codec_keys(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Keys of ciphers and signatures, however deep in a chain."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in items:
        if step in _CODEC_KEYS:
            yield (*place, step), one
        else:
            yield from _codec_keys(one, (*place, step))


def _in_the_open(document: Document, place: Place, value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and not _REFERENCE.fullmatch(value):
        yield document.problem(
            place,
            "SECRET_IN_FILE",
            f"{place[-1]} stands in the file",
            allowed="refer to it: ${env:NAME} or ${file:/path}",
        )


def _walk(document: Document, value: Any, place: tuple[str | int, ...], lookup: Lookup) -> Any:
    if isinstance(value, dict):
        return {key: _walk(document, one, (*place, key), lookup) for key, one in value.items()}
    if isinstance(value, list):
        return [_walk(document, one, (*place, index), lookup) for index, one in enumerate(value)]
    if isinstance(value, str) and "${" in value:
        filled = _REFERENCE.sub(lambda found: _fill(document, place, found, lookup), value)
        return Plain(filled) if isinstance(value, Plain) else filled
    return value


def _fill(document: Document, place: tuple[str | int, ...], found: re.Match[str], lookup: Lookup) -> str:
    kind, name, default = found["kind"], found["name"], found["default"]
    if kind == "env":
        value = lookup.environment.get(name, default)
        if value is not None:
            return value
        document.problems.append(
            document.problem(
                place, "REFERENCE_MISSING", f"the environment has no {name}", allowed=f"set {name}"
            )
        )
    elif kind == "file":
        try:
            return lookup.read_file(name).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
            document.problems.append(document.problem(place, "REFERENCE_MISSING", f"{name}: {reason}"))
    else:
        document.problems.append(
            document.problem(
                place, "REFERENCE_UNKNOWN", f"no reference kind {kind!r}", allowed="allowed: env, file"
            )
        )
    return ""
