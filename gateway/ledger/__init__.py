"""The ledger 台账: events of cases, looks at data and changes, append-only and sealed. See docs/read-a-trail.md.

Pure: canonical, merkle, checkpoint, records, check, keys. With the database: writer, recorder, sealer, read, verify,
export, retention, personal; `service.Ledger` is all of it for one process.
"""

from __future__ import annotations

from gateway.ledger.errors import AuditUnavailable, LedgerError
from gateway.ledger.keys import LedgerKeys, ledger_keys
from gateway.ledger.read import LedgerReader, Page, Position, StoredRecord, Window
from gateway.ledger.records import Change, Look, NewEvent, RecordRef, Stream
from gateway.ledger.service import APPENDED, SEALED, Ledger
from gateway.ledger.writer import Appended, Writer

__all__ = [
    "APPENDED",
    "SEALED",
    "Appended",
    "AuditUnavailable",
    "Change",
    "Ledger",
    "LedgerError",
    "LedgerKeys",
    "LedgerReader",
    "Look",
    "NewEvent",
    "Page",
    "Position",
    "RecordRef",
    "StoredRecord",
    "Stream",
    "Window",
    "Writer",
    "ledger_keys",
]
