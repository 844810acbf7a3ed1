"""Who asks: static bearer tokens from a file, looked up without telling by its timing how close a guess was.

It knows no passwords, sessions or OpenID Connect. The file is YAML or JSON:

    tokens:
      - token_sha256: 9f86d0...        # or `token: plain text`, for demonstrations
        name: counter-3
        scopes: ["cases:read"]
        subject: "500229..."           # optional: the applicant's own identity number 本人证件号码
        department: "11500000009..."   # optional: the clerk's department and region 部门、区划
        region: "500107"
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapters.fetch import Caller
from schema.roles import ROLE_PREFIX, ROLES, with_roles

__all__ = [
    "ANONYMOUS",
    "PRESENTED",
    "TokenDirectory",
    "TokensFileError",
    "UnauthenticatedError",
    "bearer_of",
    "load_tokens",
    "read_caller",
]

ANONYMOUS = Caller(scopes=frozenset({"public"}))

PRESENTED: ContextVar[Caller | None] = ContextVar("PRESENTED", default=None)
"""The bearer of this request's client certificate (`certificates.py`): who asks, where no token is sent."""

_TEXTS = ("subject", "department", "region")
_KEYS = {"token", "token_sha256", "name", "scopes", *_TEXTS}
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class UnauthenticatedError(Exception):
    """The bearer token is not known here. Send a valid one, or none to ask as the public."""

    code = "UNAUTHENTICATED"

    def __init__(self, reason: str = "The bearer token is not known here") -> None:
        super().__init__(f"{reason}. Send a valid one, or none to ask as the public.")


class TokensFileError(Exception):
    """The tokens file is wrong. `problems` has one line each and never repeats a token."""

    code = "TOKENS_FILE_INVALID"

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.problems = tuple(f"{path}: {problem}" for problem in problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class TokenDirectory:
    """Callers by the SHA-256 of their token. Everyone without a token is `ANONYMOUS`."""

    callers: Mapping[bytes, Caller]
    has_plain: bool = False
    """Whether the file holds a token as it is sent."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization` header; raises UnauthenticatedError for a token that is not known."""
        if not authorization:
            return PRESENTED.get() or ANONYMOUS
        found = self.find(bearer_of(authorization))
        if found is None:
            raise UnauthenticatedError
        return found

    def find(self, token: str) -> Caller | None:
        digest = hashlib.sha256(token.encode()).digest()
        found: Caller | None = None
        # All are compared, each in constant time: how long it takes says nothing about any of them.
        for known, caller in self.callers.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def bearer_of(authorization: str) -> str:
    """The token of an `Authorization` header (RFC 6750 section 2.1). Raises UnauthenticatedError."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("Only `Authorization: Bearer <token>` is understood")
    return token.strip()


def load_tokens(path: Path | None) -> TokenDirectory:
    """The directory of a tokens file; None has no tokens. Raises TokensFileError with all problems at once."""
    if path is None:
        return TokenDirectory({})
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # YAML's own message quotes the line, which may hold a token: only its place is told.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else f" ({type(error).__name__})"
        raise TokensFileError(path, [f"cannot be read{where}; it must be YAML or JSON in UTF-8"]) from None
    entries = document.get("tokens") if isinstance(document, dict) and set(document) == {"tokens"} else None
    if not isinstance(entries, list):
        raise TokensFileError(path, ["expected one key, `tokens`, with a list"])
    problems: list[str] = []
    callers: dict[bytes, Caller] = {}
    for number, entry in enumerate(entries, 1):
        parsed = read_caller(entry, f"token {number}", problems)
        if parsed is None:
            continue
        digest, caller = parsed
        if digest in callers:
            problems.append(f"token {number} ({caller.name}): the same token as {callers[digest].name}")
        callers[digest] = caller
    if problems:
        raise TokensFileError(path, problems)
    return TokenDirectory(callers, any("token" in entry for entry in entries))


def read_caller(
    entry: Any, where: str, problems: list[str], *, key: str = "token_sha256"
) -> tuple[bytes, Caller] | None:
    """One entry of a file (any YAML value), or None with what is wrong added to `problems`. key: of the digest."""
    allowed = _KEYS if key == "token_sha256" else (_KEYS - {"token", "token_sha256"}) | {key}
    if not isinstance(entry, dict):
        problems.append(f"{where}: expected keys {', '.join(sorted(allowed))}")
        return None
    before = len(problems)
    problems += [
        f"{where}: unknown key {name!r}; allowed: {', '.join(sorted(allowed))}"
        for name in entry
        if name not in allowed
    ]
    bearer, scopes = entry.get("name"), entry.get("scopes", [])
    if not isinstance(bearer, str) or not bearer:
        problems.append(f"{where}: `name` must be text")
    if bearer == ANONYMOUS.name:
        problems.append(f"{where}: `name` may not be {bearer}: that is who sends no token")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        problems.append(f"{where}: `scopes` must be a list of text")
    else:
        problems += [
            f"{where}: no role {scope!r}; there is {', '.join(ROLE_PREFIX + role for role in ROLES)}"
            for scope in scopes
            if scope.startswith(ROLE_PREFIX) and scope.removeprefix(ROLE_PREFIX) not in ROLES
        ]
    problems += [
        f"{where}: `{name}` must be text (put the number in quotes)"
        for name in _TEXTS
        if not isinstance(entry.get(name), str | None)
    ]
    digest = _digest(entry, key)
    if digest is None:
        other = "either `token` (8 characters or more) or " if key == "token_sha256" else ""
        problems.append(f"{where}: give {other}`{key}` (64 hex digits)")
    if digest is None or len(problems) > before:
        return None
    # A known caller may see at least what everyone may.
    return digest, Caller(
        name=bearer or "",
        scopes=with_roles(scopes) | ANONYMOUS.scopes,
        subject=entry.get("subject"),
        department=entry.get("department"),
        region=entry.get("region"),
    )


def _digest(entry: Mapping[str, Any], key: str) -> bytes | None:
    plain, hashed = entry.get("token"), entry.get(key)
    if isinstance(plain, str) and hashed is None and len(plain) >= 8:
        return hashlib.sha256(plain.encode()).digest()
    if isinstance(hashed, str) and plain is None and _HEX_SHA256.fullmatch(hashed.lower().replace(":", "")):
        return bytes.fromhex(hashed.replace(":", ""))
    return None
