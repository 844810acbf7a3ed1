"""The manifest of a vendored description: where each file came from, when, and its hash. Beside the files, as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = [
    "MANIFEST",
    "Manifest",
    "ManifestError",
    "VendoredFile",
    "changed_by_hand",
    "find_manifests",
    "sha256",
]

MANIFEST = "manifest.json"


class ManifestError(Exception):
    """A manifest cannot be read; the message names the file and why."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class VendoredFile(_Model):
    """file: name in the folder. source: where it came from, a path counts from the folder. sha256: of what came;
    stored: of the file as it lies here, with its locations rewritten. given: by hand, never fetched again."""

    file: str
    source: str
    sha256: str
    stored: str
    size: int
    given: bool = False


class Manifest(_Model):
    """root: the file that a declaration names. hosts, given: what the import was allowed, for the next one."""

    format: Literal[1] = 1
    kind: Literal["wsdl", "openapi"]
    root: str
    source: str
    system: str | None = None
    fetched_at: datetime
    hosts: tuple[str, ...] = ()
    files: tuple[VendoredFile, ...] = Field(min_length=1)

    def write(self, folder: Path) -> None:
        text = self.model_dump_json(by_alias=True, indent=2, exclude_none=True)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises ManifestError."""
        path = folder / MANIFEST
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ManifestError(f"{path}: {error.strerror}") from error
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ManifestError(f"{path}: {place}: {first['msg']}") from error
        if strays := [one.file for one in manifest.files if Path(one.file).name != one.file]:
            raise ManifestError(f"{path}: {strays[0]!r} is no file of this folder")
        return manifest

    def given(self, folder: Path) -> dict[str, Path]:
        return {one.source: folder / one.file for one in self.files if one.given}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def find_manifests(paths: Sequence[Path]) -> Iterator[Path]:
    """Folders with a manifest, below the folders given; in order."""
    seen: set[Path] = set()
    for path in paths:
        below = path if path.is_dir() else path.parent
        for found in sorted(below.rglob(MANIFEST)):
            if found.parent not in seen:
                seen.add(found.parent)
                yield found.parent


def changed_by_hand(folder: Path, manifest: Manifest) -> list[str]:
    """Files that are not as the import left them: changed, or gone."""
    changed = []
    for one in manifest.files:
        try:
            content = (folder / one.file).read_bytes()
        except OSError:
            changed.append(one.file)
            continue
        if sha256(content) != one.stored:
            changed.append(one.file)
    return changed
