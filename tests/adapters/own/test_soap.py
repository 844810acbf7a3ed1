"""Own types of a SOAP system are held to its WSDL too."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.build import load_declarations
from adapters.references import Lookup
from adapters.validate import Known
from tests.adapters.soap.services import WRAPPED, write_wsdl

TEXT = """\
system: {code: AA, name: 系统, owner: "115000000090001627"}
source: {soap: {wsdl: service.wsdl}}
types:
  sdl: |
    type Log { at: String! name: String }
    type Paper { no: ID! kind: String logs: [Log!]! last: Log at: String }
    extend type Case { paper: Paper }
  fields:
    Case.paper:
      operation: getCase
      body: {no: $this.localNo}
      records: return
      map:
        no: no
        kind: '@kind'
        logs: {each: log, at: at, name: name}
        last: ~
        at: at
"""


async def problems(folder: Path, old: str = "", new: str = "") -> list[str]:
    write_wsdl(folder, WRAPPED, name="service.wsdl")
    assert old in TEXT
    (folder / "aa.yaml").write_text(TEXT.replace(old, new, 1) if old else TEXT, encoding="utf-8")
    loaded = await load_declarations([folder / "aa.yaml"], Lookup({}, lambda _: ""), Known())
    return [f"{one.line}: {one.code}: {one.message}" for one in loaded.problems]


async def test_what_the_wsdl_bears_out_has_no_problems(tmp_path: Path) -> None:
    assert await problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("getCase", "getCas", "10: UNKNOWN_OPERATION: the WSDL has no operation 'getCas'"),
        ("{no: $this", "{nr: $this", "11: MISSING_ELEMENT: getCase needs element 'no'"),
        ("no: no\n", "no: nr\n", "14: UNKNOWN_ELEMENT: the reply's getCaseResponse.return has no 'nr'"),
        (
            "each: log,",
            "each: steps,",
            "16: UNKNOWN_ELEMENT: the reply's getCaseResponse.return has no 'steps'",
        ),
        (
            "logs: [Log!]! last: Log at: String }",
            "logs: [Log!]! last: Log at: String! }",
            "18: NULLABLE_FIELD: Paper.at is never null, but the WSDL lets 'at' be absent",
        ),
        (
            "        at: at\n",
            "        at: log\n",
            "18: WRONG_SHAPE: Paper.at is one value, but the WSDL lets 'log'",
        ),
    ],
)
async def test_what_the_wsdl_contradicts_has_its_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    found = await problems(tmp_path, old, new)
    assert any(one.startswith(problem) for one in found), found


async def test_the_soap_header_of_an_own_field_is_held_to_the_wsdl(tmp_path: Path) -> None:
    described = WRAPPED.replace(
        "<wsdl:portType",
        '<wsdl:message name="Head"><wsdl:part name="h" element="t:getCase"/></wsdl:message><wsdl:portType',
        1,
    ).replace(
        "<wsdl:input><soap:body",
        '<wsdl:input><soap:header message="t:Head" part="h" use="literal"/><soap:body',
        1,
    )
    write_wsdl(tmp_path, described, name="service.wsdl")
    text = TEXT.replace(
        "      records: return\n",
        "      soapHeader: [{element: {getCase: {nr: x, no: a}}}]\n      records: return\n",
        1,
    )
    (tmp_path / "aa.yaml").write_text(text, encoding="utf-8")
    loaded = await load_declarations([tmp_path / "aa.yaml"], Lookup({}, lambda _: ""), Known())
    assert [(one.code, one.message) for one in loaded.problems] == [
        ("UNKNOWN_ELEMENT", "getCase takes no element 'nr'")
    ]
