"""The farm: many systems, three kinds, each at an address of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
import zeep
from lxml import etree

from samples.farm import running_farm
from samples.farm_declarations import FarmAddress, declared_addresses
from samples.farm_systems import farm_systems
from samples.lean_http import LeanProtocol, Request, response
from samples.registry import load_registry
from tests.samples.readers import soap_service

SAMPLES = [person.id_number for person in load_registry().applicants if person.sample]


@pytest.fixture(scope="module")
def farm() -> Iterator[list[FarmAddress]]:
    with running_farm(20, processes=2, latency_ms=1) as addresses:
        yield addresses


def test_kinds_are_mixed_60_25_15_and_more_systems_never_change_the_first() -> None:
    systems = farm_systems(120, seed=7)
    assert Counter(system.kind for system in systems) == {"rest": 72, "xml": 30, "soap": 18}
    assert farm_systems(33, seed=7) == systems[:33]


def test_every_system_has_a_port_of_its_own(farm: list[FarmAddress]) -> None:
    triples = declared_addresses(farm)
    assert [code for code, _kind, _url in triples] == [f"FARM-{index:03d}" for index in range(1, 21)]
    assert len({url for _code, _kind, url in triples}) == 20


def test_rest_systems_list_and_find_cases(farm: list[FarmAddress], http: httpx.Client) -> None:
    for address in (address for address in farm if address.kind == "rest"):
        for applicant in SAMPLES:
            query = {"idNumber": applicant, "page": "1", "size": "20"}
            data = http.get(f"{address.url}/api/cases", params=query).json()["data"]
            assert 2 <= data["total"] == len(data["rows"]) <= 4
            assert {row["idNumber"] for row in data["rows"]} == {applicant}
        number = data["rows"][0]["caseNo"]
        found = http.get(f"{address.url}/api/case", params={"caseNo": number}).json()
        assert found["data"]["caseNo"] == number
        assert len(found["data"]["events"]) >= 3
        assert http.get(f"{address.url}/api/case", params={"caseNo": "X"}).json()["code"] == 404


def test_rest_systems_cut_pages(farm: list[FarmAddress], http: httpx.Client) -> None:
    address = next(address for address in farm if address.kind == "rest")

    def rows(page: int, size: int) -> list[str]:
        query = {"idNumber": SAMPLES[0], "page": str(page), "size": str(size)}
        data = http.get(f"{address.url}/api/cases", params=query).json()["data"]
        return [row["caseNo"] for row in data["rows"]]

    assert [*rows(1, 1), *rows(2, 1)] == rows(1, 20)[:2]
    assert rows(9, 20) == []


def test_xml_systems_list_and_find_cases(farm: list[FarmAddress], http: httpx.Client) -> None:
    def ask(url: str, body: str) -> etree._Element:
        return etree.fromstring(http.post(f"{url}/xml", content=f"<request>{body}</request>").content)

    for address in (address for address in farm if address.kind == "xml"):
        root = ask(address.url, f"<trancode>LIST</trancode><idNumber>{SAMPLES[0]}</idNumber>")
        rows = root.findall("rows/row")
        assert root.findtext("total") == str(len(rows))
        number = rows[0].findtext("caseNo", "")
        found = ask(address.url, f"<trancode>CASE</trancode><caseNo>{number}</caseNo>")
        assert len(found.findall("row/event")) >= 3
        missing = ask(address.url, "<trancode>CASE</trancode><caseNo>X</caseNo>")
        assert missing.findtext("retcode") == "9001"


def test_soap_systems_publish_a_wsdl_and_answer_zeep(farm: list[FarmAddress]) -> None:
    for address in (address for address in farm if address.kind == "soap"):
        service = soap_service(f"{address.url}/ws?wsdl")
        listed = service.QueryCaseList(idNumber=SAMPLES[0], page=1, size=20)
        assert listed.total == len(listed.case) >= 2
        assert len(service.QueryCase(caseNo=listed.case[0].caseNo).event) >= 3
        with pytest.raises(zeep.exceptions.Fault, match="办件不存在"):
            service.QueryCase(caseNo="X")


async def test_lean_server_answers_pipelined_requests_in_order_and_refuses_chunks() -> None:
    def echo(request: Request) -> bytes:
        return response(request.target + request.body, content_type="text/plain")

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LeanProtocol(echo), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\n")
        writer.write(b"xyPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert [part.rsplit(b"\r\n\r\n")[-1] for part in received.split(b"HTTP/1.1 ")[1:]] == [
        b"/a",
        b"/bxy",
        b"",
    ]
    assert b"411 Length Required" in received
