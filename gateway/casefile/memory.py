"""Case files as the cases subgraph reads them: `adapters.kept_cases.CaseMemory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from adapters.kept_cases import KeptCase, MemoryUnavailable
from gateway.casefile.record import event_dict
from gateway.casefile.tables import CASE_FILE
from gateway.database import Database, DatabaseUnavailable
from gateway.ledger.records import read_body
from gateway.ledger.tables import CASE_EVENT

__all__ = ["FiledCases"]


class FiledCases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, case_ids: Sequence[str], *, events: bool) -> dict[str, KeptCase]:
        """Raises MemoryUnavailable."""
        try:
            return await self._find(case_ids, events=events)
        except DatabaseUnavailable as error:
            raise MemoryUnavailable("The case files cannot be read now. Ask again later, or LIVE.") from error

    async def _find(self, case_ids: Sequence[str], *, events: bool) -> dict[str, KeptCase]:
        table = CASE_FILE
        columns = (table.c.case_id, table.c.system, table.c.record, table.c.subject, table.c.as_of_us)
        found: dict[str, KeptCase] = {}
        told: dict[str, list[dict[str, Any]]] = {}
        async with self._database.read() as connection:
            rows = await connection.execute(select(*columns).where(table.c.case_id.in_(case_ids)))
            for row in rows:
                # a file that only events have made knows no case yet
                if row.as_of_us and row.record.get("localNo"):
                    found[row.case_id] = KeptCase(
                        row.system, dict(row.record), row.subject, row.as_of_us / 1e6
                    )
            if events and found:
                lines = (
                    select(CASE_EVENT.c.case_id, CASE_EVENT.c.at_us, CASE_EVENT.c.body)
                    .where(CASE_EVENT.c.case_id.in_(sorted(found)))
                    .order_by(
                        CASE_EVENT.c.occurred_us, CASE_EVENT.c.at_us, CASE_EVENT.c.writer, CASE_EVENT.c.seq
                    )
                )
                for case_id, at_us, body in await connection.execute(lines):
                    told.setdefault(case_id, []).append(_event(read_body(bytes(body))["record"], at_us))
        for case_id, kept in found.items():
            kept.record["events"] = told.get(case_id, [])
        return found


def _event(fields: dict[str, Any], at_us: int) -> dict[str, Any]:
    """In the canonical shape. What was written of an opinion lies under the applicant's key and is not read here."""
    made = event_dict(fields, at_us)
    moment = made["occurredAt"]
    return {**made, "occurredAt": moment.isoformat() if moment is not None else None, "opinion": None}
