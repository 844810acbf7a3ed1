"""Our readers of SOAP replies give the leaves that zeep's own deserialisation gives, on the sample services' replies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zeep
import zeep.helpers
from lxml import etree
from zeep.wsse.username import UsernameToken

from adapters.reply import RawReply
from adapters.soap.exchange import SoapExchange
from samples.credentials import DEFAULTS

PATHS = {"JT-PERMIT": "/services/PermitService?wsdl", "FGW-INVEST": "/tzxm/InvestProjectService?wsdl"}
ASKED = {
    "JT-PERMIT": [
        ("QueryItems", {}),
        ("QueryCaseList", {"pageNo": 1, "pageSize": 20}),
        ("QueryChanges", {"since": "20170901000000"}),
    ],
    "FGW-INVEST": [
        ("listCatalog", {"enabledOnly": False}),
        ("listProjects", {"query": {"startRow": 1, "rowCount": 20}}),
        ("getModifications", {"afterTime": "2017-09-01 00:00:00", "maxCount": 20}),
    ],
}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, text) of every value that is there; lists opened in order, so that one and many look alike."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, str(name)))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    elif value is not None and value != "":
        yield (
            path,
            {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value),
        )


def unwrapped(value: Any) -> Any:
    """Without outer elements that hold nothing but one other: zeep drops some of them."""
    while isinstance(value, dict) and len(value) == 1:
        [value] = value.values()
    return value


@pytest.mark.parametrize(
    ("system", "operation", "arguments"), [(s, o, a) for s, asked in ASKED.items() for o, a in asked]
)
def test_leaves_are_those_of_zeep(
    city: dict[str, str], system: str, operation: str, arguments: dict[str, Any]
) -> None:
    library: Any = zeep
    wsse = (
        UsernameToken("quanyu", DEFAULTS["QUANYU_SAMPLE_FGW_INVEST_PASSWORD"])
        if system == "FGW-INVEST"
        else None
    )  # type: ignore[no-untyped-call]  # zeep has no types
    client = library.Client(city[system] + PATHS[system], wsse=wsse)
    envelope = client.create_message(client.service, operation, **arguments)
    binding = client.service._binding
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    answer = httpx.post(
        client.service._binding_options["address"], content=etree.tostring(envelope), headers=headers
    )
    assert answer.status_code == 200
    theirs = zeep.helpers.serialize_object(
        binding.get(operation).process_reply(etree.fromstring(answer.content)), dict
    )
    ours = (
        SoapExchange(system, None)
        .read(RawReply(200, answer.headers["content-type"], answer.content), None)
        .tree
    )
    assert sorted(leaves(unwrapped(ours))) == sorted(leaves(unwrapped(theirs)))
    assert len(list(leaves(theirs))) > 10
