"""What a caller of the database can do something about.

    DatabaseError
    ├── DatabaseUnavailable     DATABASE_UNAVAILABLE   cannot be reached, read or written now; try again
    ├── DatabaseOutOfDate       DATABASE_OUT_OF_DATE   its tables are older (or newer) than this program
    └── DatabaseUrlInvalid      DATABASE_URL_INVALID   the setting does not name a database that is known here

Whatever else a driver raises (a refused trigger, a broken constraint) passes as SQLAlchemy's own.
"""

from __future__ import annotations

__all__ = ["DatabaseError", "DatabaseOutOfDate", "DatabaseUnavailable", "DatabaseUrlInvalid"]


class DatabaseError(Exception):
    """Base of the above; `code` is stable."""

    code = "DATABASE_ERROR"


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached, read or written now. The message says why, without any password."""

    code = "DATABASE_UNAVAILABLE"


class DatabaseOutOfDate(DatabaseError):
    """The tables do not fit this program. Run `quanyu database upgrade`."""

    code = "DATABASE_OUT_OF_DATE"


class DatabaseUrlInvalid(DatabaseError):
    """The URL does not name a database that is known here."""

    code = "DATABASE_URL_INVALID"
