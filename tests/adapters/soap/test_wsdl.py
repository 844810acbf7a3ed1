"""WSDLs: what is read from them, what cannot be read and why, and where their imports may lead."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adapters.soap.wsdl import SoapService, WsdlError, WsdlUnreachable, load_wsdl, load_wsdl_async
from tests.adapters.doubles import serving
from tests.adapters.soap.services import BARE, RPC, SIMPLE, WRAPPED, write_wsdl
from tests.services import free_port


def loaded(folder: Path, text: str, *, service: str | None = None, port: str | None = None) -> SoapService:
    return load_wsdl(str(write_wsdl(folder, text)), service=service, port=port)


@pytest.mark.parametrize(
    ("text", "version", "style", "request_names", "reply_names"),
    [
        (WRAPPED, "1.1", "document", ["area", "no"], ["return"]),
        (BARE, "1.1", "document", ["no"], ["@kind", "at", "log", "no", "st"]),
        (SIMPLE, "1.1", "document", [], ["@kind", "at", "log", "no", "st"]),
        (RPC, "1.2", "rpc", ["no"], ["result"]),
    ],
)
def test_operations_with_their_shapes(
    tmp_path: Path, text: str, version: str, style: str, request_names: list[str], reply_names: list[str]
) -> None:
    service = loaded(tmp_path, text)
    assert (service.version, service.service, service.port) == (version, "Cases", "Port")
    assert service.address == "http://127.0.0.1:9/s"
    operation = service.operations["getCase"]
    assert (operation.style, operation.action) == (style, "urn:t#getCase")
    assert operation.request is not None
    assert operation.reply is not None
    assert sorted(operation.request.children()) == request_names
    assert sorted(operation.reply.children()) == reply_names


def test_shapes_say_what_repeats_and_what_may_be_left_out(tmp_path: Path) -> None:
    reply = loaded(tmp_path, BARE).operations["getCase"].reply
    assert reply is not None
    children = reply.children()
    assert (children["log"].repeated, children["log"].optional) == (True, True)
    assert (children["no"].repeated, children["no"].optional) == (False, False)
    assert children["no"].type_name == "string"
    assert sorted(children["log"].children()) == ["at", "name"]


INNER = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:i" elementFormDefault="qualified">
  <xs:include schemaLocation="more/parts.xsd"/>
  <xs:complexType name="Case"><xs:complexContent><xs:extension base="i:Base" xmlns:i="urn:i"><xs:sequence>
    <xs:element name="st" type="xs:string"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
</xs:schema>"""
PARTS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:i" elementFormDefault="qualified">
  <xs:complexType name="Base"><xs:sequence><xs:element name="no" type="xs:string"/></xs:sequence></xs:complexType>
</xs:schema>"""
IMPORTING = (
    WRAPPED.replace('xmlns:t="urn:t"', 'xmlns:t="urn:t" xmlns:i="urn:i"')
    .replace('<xs:element name="return" type="t:Case"', '<xs:element name="return" type="i:Case"')
    .replace(
        "<wsdl:types>",
        '<wsdl:types><xs:schema><xs:import namespace="urn:i" schemaLocation="%s"/></xs:schema>',
    )
)


def returned(service: SoapService) -> list[str]:
    reply = service.operations["getCase"].reply
    assert reply is not None
    return sorted(reply.children()["return"].children())


def test_schemas_are_imported_and_included_from_files(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "inner.xsd").write_text(INNER, encoding="utf-8")
    (tmp_path / "more" / "parts.xsd").write_text(PARTS, encoding="utf-8")
    assert returned(loaded(tmp_path, IMPORTING % "inner.xsd")) == ["no", "st"]


async def test_schemas_are_imported_and_included_from_the_wsdls_host() -> None:
    files = {"/a/s.wsdl": IMPORTING % "../x/inner.xsd", "/x/inner.xsd": INNER, "/x/more/parts.xsd": PARTS}

    def answer(request: Request, _body: bytes) -> Response:
        text = files.get(request.url.path)
        return (
            Response(text.replace("{address}", "http://127.0.0.1:9/s")) if text else Response(status_code=404)
        )

    async with serving(answer) as (origin, _):
        assert returned(await load_wsdl_async(f"{origin}/a/s.wsdl", service=None, port=None)) == ["no", "st"]


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/x.xsd", "https://schemas.example/x.xsd"])
async def test_an_import_from_another_host_is_refused(tmp_path: Path, location: str) -> None:
    async with serving(lambda _request, _body: Response(IMPORTING % location)) as (origin, log):
        with pytest.raises(WsdlError, match="another host; save it beside the WSDL"):
            await load_wsdl_async(f"{origin}/s.wsdl", service=None, port=None)
        assert len(log.requests) == 1


@pytest.mark.parametrize("location", ["file:///etc/passwd", "/etc/passwd", "../../../../etc/passwd"])
async def test_a_published_wsdl_cannot_read_our_disk(tmp_path: Path, location: str) -> None:
    def answer(request: Request, _body: bytes) -> Response:
        return Response(IMPORTING % location) if request.url.path == "/s.wsdl" else Response("nope", 404)

    async with serving(answer) as (origin, _):
        with pytest.raises(WsdlError) as caught:
            await load_wsdl_async(f"{origin}/s.wsdl", service=None, port=None)
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret.txt"])
def test_a_wsdl_on_disk_may_name_schemas_only(tmp_path: Path, location: str) -> None:
    with pytest.raises(WsdlError):
        loaded(tmp_path, IMPORTING % location)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html><body>Not here</body></html>", "s.wsdl"),
        ("this is not XML", "s.wsdl"),
        ("", "s.wsdl"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x/>', "s.wsdl"),
        (WRAPPED.replace('type="t:Case"', 'type="t:Gone"'), "s.wsdl"),
        (WRAPPED.replace("wsdl/soap/", "wsdl/http/"), "s.wsdl"),
        (WRAPPED[: len(WRAPPED) // 2], "s.wsdl"),
        (IMPORTING % "missing.xsd", "missing.xsd: No such file or directory"),
    ],
)
def test_what_cannot_be_read_says_which_document_it_was(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(WsdlError) as caught:
        loaded(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, WsdlUnreachable)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WsdlError, match=r"gone\.wsdl: No such file or directory"):
        load_wsdl(str(tmp_path / "gone.wsdl"))


@pytest.mark.parametrize(
    ("status", "unreachable"), [(404, False), (301, False), (401, False), (500, True), (503, True)]
)
async def test_an_address_that_does_not_give_it_is_told_apart_from_one_that_is_down(
    status: int, unreachable: bool
) -> None:
    async with serving(lambda _request, _body: Response("x", status)) as (origin, _):
        with pytest.raises(WsdlError, match=f"HTTP status {status}") as caught:
            await load_wsdl_async(f"{origin}/s?wsdl", service=None, port=None)
    assert isinstance(caught.value, WsdlUnreachable) is unreachable


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(WsdlUnreachable):
        load_wsdl(f"http://127.0.0.1:{free_port()}/s?wsdl")


SECOND = WRAPPED.replace(
    "</wsdl:definitions>",
    '<wsdl:service name="Other"><wsdl:port name="Q" binding="t:B"><soap:address location="http://127.0.0.1:9/q"/></wsdl:port></wsdl:service></wsdl:definitions>',
)


def test_of_several_services_one_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(WsdlError, match="several services; set `service` to one of Cases, Other"):
        loaded(tmp_path, SECOND)
    assert loaded(tmp_path, SECOND, service="Other").address == "http://127.0.0.1:9/q"
    with pytest.raises(WsdlError, match="no service 'Othr'; there is Cases, Other"):
        loaded(tmp_path, SECOND, service="Othr")
    with pytest.raises(WsdlError, match="no SOAP port 'X' in Other; there is Q"):
        loaded(tmp_path, SECOND, service="Other", port="X")
