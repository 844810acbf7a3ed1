"""A foreign server wrapped as a department would wrap it: by a YAML declaration and nothing else, checked first."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.build import build_source, load_declarations
from adapters.source import Source
from adapters.traffic.errors import SourceNotFound, SourceUnavailable
from adapters.validate import Known
from tests.adapters.doubles import ask, lookup, surroundings

__all__ = ["answers_like_the_others", "wrapped"]

FIELDS = ("localNo", "title", "state", "appliedAt", "events", "externalRefs")
MAP = """
localNo: number
title: title
state: state | table("status")
appliedAt: appliedAt
events: {{each: {steps}, occurredAt: at, step: name}}
externalRefs: {{paper: paper}}
"""


def declaration(source: str, *, case: str, cases: str, steps: str, operations: tuple[str, str]) -> str:
    """case, cases: where the records stand in the replies; steps: where a case's steps do."""
    get, listing = operations
    map_ = textwrap.indent(textwrap.dedent(MAP).format(steps=steps).strip(), " " * 6)
    return "\n".join(
        [
            "system: {code: FOREIGN, name: 他山系统, owner: 11500000009000015M}",
            "source:",
            textwrap.indent(textwrap.dedent(source).strip(), "  "),
            "traffic: {retries: 0, timeoutMs: 20000}",
            "tables: {status: {A: ACCEPTED}}",
            "connectors:",
            "  case:",
            f"    operation: {get}",
            "    body: {number: $args.number}",
            f"    decode: [{{at: {case}.paper, chain: [{{base64: {{}}}}, {{charset: utf-8}}]}}]",
            "    failure:",
            "      notFound: '($fault.detail.trouble.code ?? $fault.detail.code) == \"E404\"'",
            "      message: $fault.message",
            f"    records: {case}",
            "    map: &case",
            map_,
            "  cases:",
            f"    operation: {listing}",
            "    body: {holder: '$args.applicant.idNumber | default(\"all\")'}",
            f"    records: {cases}",
            "    map:",
            "      <<: *case",
            "      externalRefs: ~",
            "",
        ]
    )


@asynccontextmanager
async def wrapped(
    folder: Path,
    source: str,
    *,
    case: str = "case",
    cases: str = "case",
    steps: str = "step",
    operations: tuple[str, str] = ("getCase", "listCases"),
) -> AsyncIterator[Source]:
    path = folder / "foreign.yaml"
    text = declaration(source, case=case, cases=cases, steps=steps, operations=operations)
    path.write_text(text, encoding="utf-8")
    loaded = await load_declarations([path], lookup({"PASSWORD": "open sesame"}), Known())
    assert [str(problem) for problem in loaded.problems] == []
    one = build_source(loaded.declarations[0], loaded.services.get("FOREIGN"), surroundings())
    try:
        yield one
    finally:
        await one.close()


async def answers_like_the_others(one: Source) -> None:
    """What every stack gives for the same questions."""
    page = await ask(one, "case", {"number": "N2"}, fields=FIELDS)
    assert page.records == [
        {
            "localNo": "N2",
            "title": "超限运输许可 N2",
            "state": "ACCEPTED",
            "appliedAt": "2017-05-01T10:00:00+08:00",
            "events": [step("2017-05-01T10:00:00", "受理"), step("2017-05-02T11:00:00", "审查")],
            "externalRefs": {"paper": "批准文书 N2"},
        }
    ]
    single = await ask(one, "case", {"number": "A&<1"}, fields=FIELDS)
    assert single.records[0]["localNo"] == "A&<1"
    assert single.records[0]["events"] == [step("2017-05-01T10:00:00", "受理")]
    nil = await ask(one, "case", {"number": "N0"}, fields=FIELDS)
    assert nil.records[0]["title"] is None
    listed = await ask(one, "cases", fields=("localNo", "events"))
    assert [(record["localNo"], len(record["events"])) for record in listed.records] == [
        ("N0", 2),
        ("N1", 1),
        ("N2", 2),
    ]
    pruned = await ask(one, "cases", fields=("localNo",))
    assert [record["localNo"] for record in pruned.records] == ["N0", "N1", "N2"]


async def empty_lists_are_empty(one: Source) -> None:
    nobody = {"applicant": {"idType": None, "idNumber": "nobody", "kind": "NATURAL"}}
    rest = dict.fromkeys(("states", "department", "region", "from", "to"))
    page = await ask(one, "cases", {**nobody, **rest})
    assert page.records == []


async def faults_are_told_apart(one: Source, *, detail: bool = True) -> None:
    """A fault whose detail says what it is, and one that says that the server is ill."""
    if detail:
        with pytest.raises(SourceNotFound):
            await ask(one, "case", {"number": "NONE-9"})
    with pytest.raises(SourceUnavailable):
        await ask(one, "case", {"number": "BROKEN-9"})


def step(at: str, name: str) -> dict[str, object]:
    return {"step": name, "occurredAt": f"{at}+08:00"}
