"""The setting `database_url` -> where the database is. Pure: nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.database.errors import DatabaseUrlInvalid

__all__ = ["FILE_NAME", "Address", "Kind", "address_of"]

Kind = Literal["sqlite", "postgresql"]

FILE_NAME = "quanyu.db"
"""In `data_dir`, where the setting is empty."""

_ALLOWED = "postgresql://USER:PASSWORD@HOST:PORT/NAME, sqlite:///FILE, or empty"


@dataclass(frozen=True, slots=True)
class Address:
    """url: with its driver; shown: for logs and messages, without password; embedded: a file of our own."""

    kind: Kind
    url: URL
    shown: str
    file: Path | None = None

    @property
    def embedded(self) -> bool:
        return self.file is not None


def address_of(database_url: str, data_dir: Path) -> Address:
    """Raises DatabaseUrlInvalid; its message never repeats the URL, which may hold a password."""
    if not database_url:
        return _of_file(data_dir / FILE_NAME)
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise DatabaseUrlInvalid(f"database_url is no URL; allowed: {_ALLOWED}") from None
    backend, _, driver = url.drivername.partition("+")
    if backend == "sqlite":
        if url.database in (None, "", ":memory:") or url.host:
            raise DatabaseUrlInvalid("database_url: SQLite needs a file, sqlite:///FILE")
        return _of_file(Path(str(url.database)))
    if backend in ("postgresql", "postgres"):
        if driver not in ("", "asyncpg"):
            raise DatabaseUrlInvalid(f"database_url: the driver is asyncpg; allowed: {_ALLOWED}")
        if not url.database:
            raise DatabaseUrlInvalid("database_url names no database; allowed: " + _ALLOWED)
        plain = url.set(drivername="postgresql+asyncpg")
        return Address("postgresql", plain, plain.set(drivername="postgresql").render_as_string())
    raise DatabaseUrlInvalid(f"database_url: {backend!r} is not known; allowed: {_ALLOWED}")


def _of_file(path: Path) -> Address:
    return Address("sqlite", URL.create("sqlite+aiosqlite", database=str(path)), f"sqlite:///{path}", path)
