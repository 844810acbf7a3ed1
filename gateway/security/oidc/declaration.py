"""The identity file: which issuers' tokens are taken, and what of their claims means what. Models; reads one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic.alias_generators import to_camel

__all__ = ["Algorithm", "ClaimNames", "IdentityFile", "IdentityFileError", "Issuer", "load_identity_file"]

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]
"""RFC 7518, RFC 8037, RFC 9864. Shared secrets (HS256 ...) are none of them: who can check such a token can make one."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class IdentityFileError(Exception):
    """The identity file is wrong. `problems` has one line each."""

    code = "IDENTITY_FILE_INVALID"

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = tuple(f"{path}: {problem}" for problem in problems)
        super().__init__("\n".join(self.problems))


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class ClaimNames(_Model):
    """Under which names the issuer's claims stand. A dot goes down: `realm_access.roles`."""

    name: Text = "sub"
    scopes: tuple[Text, ...] = ("scope", "scp")
    subject: Text | None = None
    department: Text | None = None
    region: Text | None = None


class Issuer(_Model):
    """issuer: as the claim `iss` has it, letter by letter. audience: one of them must be in `aud`.

    scopes: of the issuer's word (a scope, a role) -> ours; where it is given, words that are not in it count for nothing.
    """

    issuer: Text
    audience: tuple[Text, ...] = Field(min_length=1)
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    jwks_uri: str | None = None
    jwks_file: Path | None = None
    claims: ClaimNames = ClaimNames()
    scopes: dict[str, tuple[Text, ...]] | None = None
    types: tuple[Text, ...] = ("JWT", "at+jwt", "application/at+jwt")
    leeway_s: int = Field(default=30, ge=0, le=300)
    max_age_s: int | None = Field(default=None, ge=60)
    refresh_s: float = Field(default=300, ge=1)

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def _https(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        """https; http on the own machine only, for development."""
        if value is None or (info.field_name == "issuer" and "://" not in value):
            return value  # an issuer that is no address has its keys in a file
        url = urlsplit(value)
        is_own = url.hostname in ("127.0.0.1", "::1", "localhost")
        if url.scheme != "https" and not (url.scheme == "http" and is_own):
            raise ValueError("must be https (http is for 127.0.0.1 alone)")
        if url.username or url.password or url.fragment:
            raise ValueError("must have neither a user name nor a fragment")
        return value


class IdentityFile(_Model):
    """What the setting `identity_file` names."""

    issuers: tuple[Issuer, ...] = Field(min_length=1)

    @field_validator("issuers")
    @classmethod
    def _once(cls, issuers: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        names = [one.issuer for one in issuers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"issuer {twice[0]!r} is there twice")
        for one in issuers:
            if "://" not in one.issuer and one.jwks_uri is None and one.jwks_file is None:
                raise ValueError(f"issuer {one.issuer!r} is no address: give `jwksUri` or `jwksFile`")
        return issuers


def load_identity_file(path: Path) -> IdentityFile:
    """Relative `jwksFile`s stand beside it. Raises IdentityFileError with all problems at once."""
    try:
        tree: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else f" ({type(error).__name__})"
        raise IdentityFileError(path, [f"cannot be read{where}; it must be YAML in UTF-8"]) from None
    try:
        found = IdentityFile.model_validate(tree)
    except pydantic.ValidationError as error:
        raise IdentityFileError(path, [_line(one) for one in error.errors()]) from None
    issuers = tuple(
        one if one.jwks_file is None else one.model_copy(update={"jwks_file": path.parent / one.jwks_file})
        for one in found.issuers
    )
    return IdentityFile(issuers=issuers)


def _line(error: Any) -> str:  # pydantic's ErrorDetails
    place = ".".join(str(step) for step in error["loc"])
    allowed = f"; allowed: {', '.join(get_args(Algorithm))}" if "algorithms" in error["loc"] else ""
    return f"{place or 'the file'}: {error['msg'].removeprefix('Value error, ')}{allowed}"
