"""The outbox in SQL: `adapters.submission.outbox.Outbox` over the gateway's database."""

from __future__ import annotations

from gateway.outbox.keys import body_seal
from gateway.outbox.store import SqlOutbox

__all__ = ["SqlOutbox", "body_seal"]
