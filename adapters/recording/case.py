"""One recorded case as a YAML file: what was asked, the exchanges, the canonical records expected. Values and files only."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

__all__ = [
    "Ask",
    "CannedReply",
    "Case",
    "CaseError",
    "Exchange",
    "Expected",
    "SentRequest",
    "case_files",
    "read_case",
]

HEADER = "# Recorded by `quanyu record`; replayed by `quanyu replay`. People in it are replaced.\n"


_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class CaseError(Exception):
    """A file is no recorded case; the message names file, place and reason."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Ask(_Model):
    """What the gateway asked the system. position: of the page, null for the first."""

    verb: str
    args: dict[str, Any] = {}
    position: int | str | None = None


class SentRequest(_Model):
    """path: with its query. headers: those that say something; credentials are left out."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: str = ""


class CannedReply(_Model):
    """body: text, written in `charset`; base64: bytes that are no text. Headers: those that are read."""

    status: int = Field(ge=100, le=599)
    headers: dict[str, str] = {}
    charset: str = "utf-8"
    body: str | None = None
    base64: str | None = None

    @model_validator(mode="after")
    def _one(self) -> CannedReply:
        if self.body is not None and self.base64 is not None:
            raise ValueError("give body or base64, not both")
        self.content()
        return self

    def content(self) -> bytes:
        """Raises ValueError for text that is not of the charset."""
        if self.base64 is not None:
            return base64.b64decode(self.base64, validate=True)
        try:
            return (self.body or "").encode(self.charset)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"body cannot be written in {self.charset}: {error}") from None


class Exchange(_Model):
    """purpose: `credentials` for token and login calls, which may be needed more often than they were recorded."""

    purpose: Literal["call", "credentials"] = "call"
    request: SentRequest
    reply: CannedReply


class Expected(_Model):
    """records: canonical; or error: the code of the failure."""

    records: list[dict[str, Any]] | None = None
    total: int | None = None
    next: int | str | None = None
    gaps: list[str] = []
    troubles: list[str] = []
    error: str | None = None


class Case(_Model):
    """ignore: places of the request that differ each time: nonces, times, signatures."""

    case: str
    system: str
    recorded_at: datetime
    ask: Ask
    exchanges: list[Exchange]
    ignore: list[str] = []
    expect: Expected

    def text(self) -> str:
        tree = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return HEADER + yaml.dump(tree, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks, so that people can read them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is yaml's
        return True


def _written(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # other line ends than \n would come back as \n
    style = '"' if _ODD.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _written)


def case_files(paths: Path | Sequence[Path]) -> list[Path]:
    """Case files named, or below folders named, in order; what `quanyu record` keeps beside them is left out."""
    found: list[Path] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        found += sorted(_below(path)) if path.is_dir() else [path]
    return found


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.yaml"):
        try:
            start = path.open(encoding="utf-8").read(400)
        except (OSError, UnicodeDecodeError):
            continue
        if "\ncase: " in f"\n{start}":
            yield path


def read_case(path: Path) -> Case:
    """Raises CaseError."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader  # nosec B506
        return Case.model_validate(tree)
    except OSError as error:
        raise CaseError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CaseError(f"{path}: not YAML: {str(error).splitlines()[0]}") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise CaseError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from error


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where it is there
    """Values as they were dumped."""
