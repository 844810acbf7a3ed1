"""Exports: checked offline, whole, in part and one case; and what is done to them is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.ledger.checkpoint import Verifier
from gateway.ledger.errors import ExportUnreadable
from gateway.ledger.export import export_trail, verify_export
from tests.ledger.conftest import KEYS, Trail

VERIFIER = KEYS.signer.verifier


async def exported(trail: Trail, **part: Any) -> list[bytes]:
    return [line async for line in export_trail(trail.database, VERIFIER, **part)]


def bent(lines: list[bytes], at: int, change: Callable[[dict[str, Any]], object]) -> list[bytes]:
    row = orjson.loads(lines[at])
    change(row)
    return [*lines[:at], orjson.dumps(row) + b"\n", *lines[at + 1 :]]


async def test_a_whole_export_is_whole(trail: Trail) -> None:
    await trail.fill(30)
    lines = await exported(trail)
    found = verify_export(lines, VERIFIER)
    assert (found.findings, found.size, found.records) == ((), 91, 91)
    assert Verifier.parse(orjson.loads(lines[0])["key"]) == VERIFIER


@pytest.mark.parametrize(("first", "last"), [(0, 10), (7, 23), (40, None), (90, 90), (64, 70)])
async def test_a_part_leads_to_the_signed_root_by_the_hashes_around_it(
    trail: Trail, first: int, last: int | None
) -> None:
    await trail.fill(30)
    lines = await exported(trail, first=first, last=last)
    found = verify_export(lines, VERIFIER)
    assert (found.findings, found.size) == ((), 91)
    assert found.records == len(lines) - 1


async def test_a_case_is_its_events_and_looks_each_with_its_proof(trail: Trail) -> None:
    await trail.fill(30)
    lines = await exported(trail, case_id="JT-PERMIT:JT2017-000004")
    rows = [orjson.loads(line) for line in lines[1:]]
    assert sorted(row["stream"] for row in rows) == ["access_record", *["case_event"] * 3]
    assert verify_export(lines, VERIFIER).findings == ()
    other = bent(lines, 2, lambda row: row.update(leaf=row["leaf"] + 1))
    found = verify_export(other, VERIFIER)
    assert found.first is not None
    assert found.first.kind == "INSERTED"


async def test_an_empty_trail_has_an_export(trail: Trail) -> None:
    lines = await exported(trail)
    assert (len(lines), verify_export(lines, VERIFIER).findings) == (1, ())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (
            lambda lines: bent(lines, 18, lambda row: row.update(body=row["body"].replace("TBCX", "TBCY"))),
            "ALTERED",
        ),
        (lambda lines: bent(lines, 18, lambda row: row.update(hash="00" * 32)), "ALTERED"),
        (lambda lines: lines[:18] + lines[19:], "REMOVED"),
        (lambda lines: [*lines[:18], lines[19], lines[18], *lines[20:]], "REORDERED"),
        (lambda lines: [*lines[:18], lines[17], *lines[18:]], "INSERTED"),
        (lambda lines: bent(lines, 18, lambda row: row.update(body=None)), "REMOVED"),
        (lambda lines: bent(lines, 18, lambda row: row.update(seq=1000)), "REORDERED"),
        (
            lambda lines: bent(
                lines, 0, lambda row: row.update(checkpoint=row["checkpoint"].replace("\ntime 1", "\ntime 2"))
            ),
            "FORGED",
        ),
    ],
    ids=["body", "hash", "removed", "swapped", "repeated", "emptied", "renumbered", "checkpoint"],
)
async def test_what_was_done_to_an_export_is_named(
    trail: Trail, change: Callable[[list[bytes]], list[bytes]], kind: str
) -> None:
    await trail.fill(90)
    found = verify_export(change(await exported(trail)), VERIFIER)
    assert found.first is not None
    assert found.first.kind == kind, [str(one) for one in found.findings]
    if kind != "FORGED":
        assert found.first.leaf in (16, 17, 18)


async def test_without_a_key_the_export_s_own_is_taken_and_another_one_is_refused(trail: Trail) -> None:
    await trail.fill(3)
    lines = await exported(trail)
    assert verify_export(lines).findings == ()
    from gateway.ledger import ledger_keys

    other = ledger_keys("quanyu.test/trail", b"x" * 32, b"y" * 32)
    found = verify_export(lines, other.signer.verifier)
    assert found.first is not None
    assert found.first.kind == "FORGED"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "line 1"),
        ([b"not json\n"], "not a JSON object"),
        ([b"{}\n"], "header"),
        (
            [b'{"trail":1,"from":5,"to":1,"size":9,"count":1,"checkpoint":"","key":""}\n'],
            "do not go together",
        ),
        ([b'{"trail":1,"from":0,"to":1,"size":1,"count":1,"checkpoint":"","key":"x"}\n'], "verifier key"),
    ],
)
def test_what_is_no_export_is_unreadable(lines: list[bytes], why: str) -> None:
    with pytest.raises(ExportUnreadable, match=why):
        verify_export(lines)


async def test_an_export_that_was_cut_off_is_incomplete(trail: Trail) -> None:
    await trail.fill(9)
    lines = await exported(trail)
    with pytest.raises(ExportUnreadable, match="cut off"):
        verify_export(lines[:-2], VERIFIER)
    with pytest.raises(ExportUnreadable, match="line 3"):
        verify_export([*lines[:2], lines[2][:40]], VERIFIER)
