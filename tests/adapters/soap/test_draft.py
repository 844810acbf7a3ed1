"""First declarations from WSDLs: what is in them is right, what is not known is marked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters.build import load_declarations
from adapters.loader import load
from adapters.soap.draft import draft_from_wsdl
from adapters.soap.wsdl import load_wsdl
from adapters.validate import Known
from tests.adapters.doubles import HERE, lookup
from tests.adapters.soap.services import BARE, RPC, SIMPLE, WRAPPED, write_wsdl

CITY = {"JT-PERMIT": "/services/PermitService?wsdl", "FGW-INVEST": "/tzxm/InvestProjectService?wsdl"}


async def unfinished(path: Path, text: str) -> list[str]:
    """Problems that are not about what the draft marks as TODO."""
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    lines = text.splitlines()
    loaded = await load_declarations([path], lookup(), Known())
    return [
        str(one)
        for one in loaded.problems
        if "TODO" not in lines[one.line - 1]
        and "TODO" not in one.message
        and one.code not in ("MISSING_FIELD", "NO_PAGING")
    ]


@pytest.mark.parametrize("system", CITY)
async def test_a_draft_of_a_sample_service_is_right_but_for_its_todos(
    city: dict[str, str], tmp_path: Path, system: str
) -> None:
    location = city[system] + CITY[system]
    text = draft_from_wsdl(load_wsdl(location), location, "T-ONE")
    assert await unfinished(tmp_path / "draft.yaml", text) == []
    connectors = load(HERE, text).tree["connectors"]
    # regression: an operation that gives one case with its steps is taken for a list of steps (`_records` prefers any repeated
    # element): neither draft has a `case`
    assert set(connectors) == {"case", "cases"}
    assert {"JT-PERMIT": "QueryCase", "FGW-INVEST": "getProject"}[system] == connectors["case"]["operation"]
    assert {"JT-PERMIT": "QueryCaseList", "FGW-INVEST": "listProjects"}[system] == connectors["cases"][
        "operation"
    ]


@pytest.mark.parametrize("wsdl", [WRAPPED, BARE, RPC, SIMPLE], ids=["wrapped", "bare", "rpc", "simple"])
async def test_a_draft_of_any_style_is_right_but_for_its_todos(tmp_path: Path, wsdl: str) -> None:
    path = write_wsdl(tmp_path, wsdl)
    text = draft_from_wsdl(load_wsdl(str(path)), "s.wsdl", "T-ONE")
    assert await unfinished(tmp_path / "draft.yaml", text) == []
    assert [one["operation"] for one in load(HERE, text).tree["connectors"].values()] == ["getCase"]
