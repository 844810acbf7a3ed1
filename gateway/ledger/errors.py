"""What goes wrong with the ledger.

    LedgerError
    ├── AuditUnavailable     AUDIT_UNAVAILABLE      a look cannot be recorded now, so nothing may be shown
    ├── TrailRolledBack      TRAIL_ROLLED_BACK      the database holds less than this process has sealed
    ├── WitnessRefused       WITNESS_REFUSED        a witness knows another trail than this one
    ├── KeyInvalid           LEDGER_KEY_INVALID     a key of the ledger cannot be used
    ├── ExportUnreadable     EXPORT_UNREADABLE      a file is no export of a trail
    └── ParquetMissing       PARQUET_MISSING        the library for Parquet is not installed

A database that is away is `gateway.database.DatabaseUnavailable`.
"""

from __future__ import annotations

__all__ = [
    "AuditUnavailable",
    "ExportUnreadable",
    "KeyInvalid",
    "LedgerError",
    "ParquetMissing",
    "TrailRolledBack",
    "WitnessRefused",
]


class LedgerError(Exception):
    """Base of the above; `code` is stable."""

    code = "LEDGER_ERROR"


class AuditUnavailable(LedgerError):
    """This query shows cases or people and must be recorded, and the record cannot be written now. Try again."""

    code = "AUDIT_UNAVAILABLE"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or ""))


class TrailRolledBack(LedgerError):
    """The database holds less than this process has sealed: it was rolled back or cut."""

    code = "TRAIL_ROLLED_BACK"


class WitnessRefused(LedgerError):
    """A witness knows another trail than this one."""

    code = "WITNESS_REFUSED"


class KeyInvalid(LedgerError):
    """A key of the ledger cannot be used."""

    code = "LEDGER_KEY_INVALID"


class ExportUnreadable(LedgerError):
    """The file is no export of a trail."""

    code = "EXPORT_UNREADABLE"


class ParquetMissing(LedgerError):
    """The library for Parquet is not installed."""

    code = "PARQUET_MISSING"
