"""WSDLs that governments publish, where a folder of them is at hand (QUANYU_TEST_REAL_SPECS). They are not ours to keep
here: each trap in them has a small WSDL of its own in the tests beside."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from lxml import etree

from adapters.loader import load
from adapters.soap.check import check_soap
from adapters.soap.draft import draft_from_wsdl
from adapters.soap.free_elements import DoesNotFit
from adapters.soap.shape import Shape
from adapters.soap.writer import Writer
from adapters.soap.wsdl import SoapService, WsdlError, load_wsdl
from adapters.validate import Known, check_document
from tests.adapters.doubles import HERE, lookup

FOLDER = Path(os.environ.get("QUANYU_TEST_REAL_SPECS", ""))
FILES = sorted(FOLDER.rglob("*.wsdl")) if str(FOLDER) != "." else []
pytestmark = pytest.mark.skipif(not FILES, reason="QUANYU_TEST_REAL_SPECS names no folder of WSDLs")
PARTS = {"stuf0301_types.wsdl"}
"""What only others import: it has no binding."""


def loaded(path: Path) -> SoapService:
    try:
        return load_wsdl(str(path))
    except WsdlError as error:
        if "several services; set `service` to one of " not in str(error):
            raise
        return load_wsdl(str(path), service=str(error).rpartition("one of ")[2].split(",")[0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_loads_and_can_be_drafted_checked_and_asked(path: Path) -> None:
    if path.name in PARTS:
        with pytest.raises(WsdlError, match="a part that others import"):
            loaded(path)
        return
    service = loaded(path)
    assert service.operations
    until = time.monotonic() + 10
    for operation in service.operations.values():
        for shape in (operation.request, operation.reply, *operation.faults.values()):
            if shape is not None and time.monotonic() < until:
                assert len(list(walked(shape, 3))) > 0
    text = draft_from_wsdl(service, str(path), "REAL-ONE")
    document = load(HERE, text)
    declaration = check_document(document, lookup(), Known()).declaration
    assert declaration is not None, text
    # a draft is not finished: its TODOs are no elements, and it may lack what only the supplier can fill
    found = [one for one in check_soap(document, declaration, service) if "'TODO'" not in one.message]
    assert {one.code for one in found} <= {"MISSING_ELEMENT", "NO_ADDRESS", "NULLABLE_ARGUMENT"}, found


def walked(shape: Shape, depth: int) -> list[Shape]:
    found = [shape]
    for child in list(shape.children().values())[:20] if depth else []:
        found += walked(child, depth - 1)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_written_for_it_is_what_zeep_would_read(path: Path) -> None:
    """Each small operation with something in every element that it must have."""
    if path.name in PARTS:
        return
    written = 0
    for operation in list(loaded(path).operations.values())[:20]:
        if operation.request is None or operation.input.body is None:
            continue
        parent = etree.Element("parent")
        try:
            Writer(operation.types, "1.1" if operation.notes.encoded else None).write(
                parent, operation.input.body, least(operation.request, 6)
            )
        except DoesNotFit:
            continue  # a choice, or a type that only the supplier can fill
        operation.input.body.parse(parent[0], operation.types.schema)
        written += 1
    assert written > 0 or path.name.startswith(("bg0310", "zkn0310", "rzs0310", "stuf"))


def least(shape: Shape, depth: int) -> object:
    children = shape.children()
    if not children or depth == 0:
        return "1"
    return {
        name: least(child, depth - 1)
        for name, child in children.items()
        if not child.optional and name != "#text"
    }
