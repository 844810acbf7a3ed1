"""The mapping language on 50 records: written by hand in Python, by a declaration's map (as closures, and as the source
that it becomes), and in JMESPath. All four give the same records, and that is looked at before the clock runs.

`python -m bench.mapping`; some three seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
import jmespath

from adapters.mapping.compiler import compile_map, map_closures
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from bench.machine import facts, print_table, write_result
from schema.canonical import CASE

TABLES = {
    "status": {"SL": "ACCEPTED", "BJ": "CLOSED", "SPCL": "UNDER_REVIEW"},
    "channel": {"WS": "ONLINE", "CK": "WINDOW"},
}
MAP: dict[str, Any] = {
    "localNo": "CaseNo",
    "title": "CaseName",
    "itemCode": "ItemCode",
    "regionCode": "AreaCode",
    "departmentCode": "DeptCode",
    "applicant": {"name": "ApplicantName", "idNumber": "CertNo", "mobile": "Mobile"},
    "channel": 'ApplyWay | table("channel")',
    "state": 'StatusCode | table("status")',
    "appliedAt": 'ApplyTime | date("yyyyMMddHHmmss")',
    "acceptedAt": 'AcceptTime | date("yyyyMMddHHmmss")',
    "externalRefs": {"projectCode": "ProjectCode"},
}
JMESPATH = jmespath.compile(
    "[].{localNo: CaseNo, title: CaseName, itemCode: ItemCode, regionCode: AreaCode, departmentCode: DeptCode, "
    "applicant: {name: ApplicantName, idNumber: CertNo, mobile: Mobile}, channel: ApplyWay, state: StatusCode, "
    "appliedAt: ApplyTime, acceptedAt: AcceptTime, externalRefs: {projectCode: ProjectCode}}"
)


def records(count: int) -> list[dict[str, str]]:
    """As a SOAP reply is read: text, and now and then an element that is empty."""
    return [
        {
            "CaseNo": f"JT2017-{index:06d}",
            "CaseName": "公路超限运输许可（跨区县）",
            "ItemCode": "500116001000",
            "AreaCode": "500229",
            "DeptCode": "115000000090001627",
            "ApplicantName": "王小明",
            "CertNo": "500229197001010010",
            "Mobile": "18100000321" if index % 7 else "",
            "ApplyWay": "WS" if index % 3 else "CK",
            "StatusCode": ("SL", "BJ", "SPCL")[index % 3],
            "ApplyTime": f"201704{1 + index % 28:02d}110756",
            "AcceptTime": "" if index % 11 == 0 else f"201705{1 + index % 28:02d}090000",
            "ProjectCode": f"P{index}",
        }
        for index in range(count)
    ]


def _text(value: str) -> str | None:
    return value.strip() or None


def _moment(value: str) -> str | None:
    text = value.strip()
    if not text:
        return None
    iso = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}"
    datetime.fromisoformat(iso)  # there are no such days as 20170230
    return f"{iso}+08:00"


def by_hand(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What a careful person writes for this one system."""
    channels, states = TABLES["channel"], TABLES["status"]
    found = []
    for row in rows:
        get = row.get
        status = get("StatusCode", "")
        found.append(
            {
                "localNo": _text(get("CaseNo", "")),
                "title": _text(get("CaseName", "")),
                "itemCode": _text(get("ItemCode", "")),
                "regionCode": _text(get("AreaCode", "")),
                "departmentCode": _text(get("DeptCode", "")),
                "applicant": {
                    "name": _text(get("ApplicantName", "")),
                    "idNumber": _text(get("CertNo", "")),
                    "mobile": _text(get("Mobile", "")),
                },
                "channel": channels.get(get("ApplyWay", "").strip(), "UNKNOWN"),
                "state": states.get(status.strip(), "UNKNOWN"),
                "rawStatus": _text(status),
                "appliedAt": _moment(get("ApplyTime", "")),
                "acceptedAt": _moment(get("AcceptTime", "")),
                "externalRefs": {"projectCode": get("ProjectCode")},
            }
        )
    return found


def in_jmespath(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Paths by JMESPath; what it has no words for (tables, dates, blanks), in Python after it."""
    found: list[dict[str, Any]] = JMESPATH.search(rows)
    channels, states = TABLES["channel"], TABLES["status"]
    for one in found:
        one["rawStatus"] = one["state"]
        one["channel"], one["state"] = channels.get(one["channel"]), states.get(one["state"])
        one["appliedAt"], one["acceptedAt"] = _moment(one["appliedAt"]), _moment(one["acceptedAt"])
        one["applicant"]["mobile"] = _text(one["applicant"]["mobile"])
    return found


def _by_map(
    read: Callable[[Any, Scope], dict[str, Any]],
) -> Callable[[list[dict[str, str]]], list[dict[str, Any]]]:
    def run(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        scope = Scope()
        return [read(row, scope) for row in rows]

    return run


def best_us(work: Callable[[], object], rounds: int) -> float:
    """Microseconds of the best of five times so many rounds: what else runs can only add."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - began) / rounds)
    return best * 1e6


@click.command()
@click.option("--records", "count", default=50, help="Records of one reply.")
@click.option("--rounds", default=300, help="Replies that are read for one time.")
def main(count: int, rounds: int) -> None:
    """Print a table and write the figures."""
    machine, context, rows = facts(), CompileContext(TABLES), records(count)
    ways = {
        "by hand": by_hand,
        "map, generated": _by_map(compile_map(MAP, CASE, context)),
        "map, closures": _by_map(map_closures(MAP, CASE, context)),
        "JMESPath": in_jmespath,
    }
    expected = by_hand(rows)
    for name, way in ways.items():
        for _ in range(600 // count + 2):  # the map becomes source after some records
            assert way(rows) == expected, name
    times = {name: best_us(lambda way=way: way(rows), rounds) for name, way in ways.items()}  # type: ignore[misc]
    figures = [
        {"way": name, "records": count, "cpuUs": round(us), "timesByHand": round(us / times["by hand"], 2)}
        for name, us in times.items()
    ]
    print_table("reading mapped records", figures)
    write_result("mapping", figures, machine)


if __name__ == "__main__":
    main()
