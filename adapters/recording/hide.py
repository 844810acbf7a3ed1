"""What credentials a request and a reply carry, taken out before anything is written down. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from adapters.auth.secrets import secret_forms, secret_values
from adapters.declaration import Declaration

__all__ = [
    "SECRET",
    "TOKEN",
    "Hider",
    "declared_secrets",
    "headers_of",
    "kept_reply_headers",
    "kept_request_headers",
]

SECRET, TOKEN = "recorded-secret", "recorded-token"
"""Stand for secrets of the declaration, and for tokens and sessions that the system gave."""

_REQUEST_HEADERS = frozenset({"content-type", "soapaction", "accept"})
_REPLY_HEADERS = frozenset(
    {"content-type", "link", "location", "retry-after", "content-disposition", "content-language"}
)
_OPEN_HEADERS = frozenset(
    {
        "accept",
        "accept-language",
        "accept-encoding",
        "content-type",
        "user-agent",
        "soapaction",
        "cache-control",
    }
)
"""Fixed headers of a declaration may hold a key, so none is shown; in these there is never one, and their values stand
in replies too."""
_TOKENS = re.compile(
    r"""((?:access_token|refresh_token|id_token)["']?\s*[=:]\s*["']?)[^"'&\s,}<]+"""
    r"""|(<(?:\w+:)?(?:Password|BinarySecurityToken|Nonce|SignatureValue|DigestValue)\b[^>]*>)[^<]*""",
    re.IGNORECASE,
)


def declared_secrets(declaration: Declaration) -> set[str]:
    one = declaration.source.soap or declaration.source.rest or declaration.source.graphql
    fixed = one.headers if one is not None else {}
    shown = {value for name, value in fixed.items() if name.lower() in _OPEN_HEADERS}
    return set(secret_values(declaration)) - shown


class Hider:
    """secrets: values of the declaration; tokens: of the session at hand. Longer ones go first."""

    def __init__(self, secrets: Iterable[str], tokens: Iterable[str]) -> None:
        forms = {form: SECRET for value in secrets for form in secret_forms(value)}
        forms |= {form: TOKEN for value in tokens for form in secret_forms(value)}
        self._forms = forms
        listed = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, listed))) if listed else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(lambda found: self._forms[found.group()], text)
        return _TOKENS.sub(lambda found: (found.group(1) or found.group(2)) + TOKEN, text)


def kept_request_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those that say what is asked; never credentials."""
    return {name: value for name, value in headers if name.lower() in _REQUEST_HEADERS}


def kept_reply_headers(headers: Iterable[tuple[str, str]], hide: Hider) -> dict[str, str]:
    """Those that are read; a cookie only if its value is a token that has been replaced."""
    kept: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in _REPLY_HEADERS:
            kept[name] = hide(value)
        elif name.lower() == "set-cookie" and TOKEN in (hidden := hide(value)):
            kept[name] = hidden.partition(";")[0]
    return kept


def headers_of(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
