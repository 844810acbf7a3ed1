"""WSDLs of one operation with everything about it open, and calls of it to a real server."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from adapters.loader import load
from adapters.problems import Problem
from adapters.soap.check import check_soap, soap_remarks
from adapters.soap.wsdl import SoapService, load_wsdl
from adapters.source import Page
from adapters.traffic.errors import SourceError
from adapters.validate import Known, check_document
from tests.adapters.doubles import ALL_FIELDS, HERE, Recorded, ask, lookup, serving, source_of
from tests.adapters.soap.services import SOAP_11, SOAP_12, write_wsdl

__all__ = [
    "CASE_SCHEMA",
    "Asked",
    "asked",
    "body_of",
    "checked_against",
    "declaration",
    "loaded",
    "remarks",
    "schema",
    "wsdl",
    "xml",
]

CASE_SCHEMA = """<xs:complexType name="Case"><xs:sequence>
  <xs:element name="no" type="xs:string"/><xs:element name="st" type="xs:string"/>
  <xs:element name="at" type="xs:string" minOccurs="0"/><xs:element name="title" type="xs:string" minOccurs="0"/>
</xs:sequence></xs:complexType>"""


def schema(inside: str, *, form: str = "qualified", target: str | None = "urn:t") -> str:
    named = f' targetNamespace="{target}"' if target else ""
    return f'<xs:schema{named} elementFormDefault="{form}">{inside}</xs:schema>'


def wsdl(
    schemas: str,
    *,
    soap: str = "soap",
    style: str = "document",
    use: str = "literal",
    takes: str = '<wsdl:part name="p" element="t:getCase"/>',
    gives: str = '<wsdl:part name="p" element="t:getCaseResponse"/>',
    messages: str = "",
    input_head: str = "",
    output_head: str = "",
    port_type_faults: str = "",
    binding_faults: str = "",
    binding_head: str = "",
    input_attributes: str = "",
    definitions: str = "",
) -> str:
    """`{address}` is left open. messages: further ones; *_head: what stands before soap:body."""
    body = f'<soap:body use="{use}"{_encoding(style, use)}/>'
    return f"""<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions name="S" targetNamespace="urn:t" xmlns:t="urn:t" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/{soap}/" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:mime="http://schemas.xmlsoap.org/wsdl/mime/"
    xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata" xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl">
  {definitions}
  <wsdl:types>{schemas}</wsdl:types>
  <wsdl:message name="In">{takes}</wsdl:message><wsdl:message name="Out">{gives}</wsdl:message>{messages}
  <wsdl:portType name="P"><wsdl:operation name="getCase"><wsdl:input message="t:In" {input_attributes}/>
    <wsdl:output message="t:Out"/>{port_type_faults}</wsdl:operation></wsdl:portType>
  <wsdl:binding name="B" type="t:P">{binding_head}
    <soap:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="getCase"><soap:operation soapAction="urn:t#getCase"/>
      <wsdl:input>{input_head}{body}</wsdl:input><wsdl:output>{output_head}{body}</wsdl:output>{binding_faults}
    </wsdl:operation></wsdl:binding>
  <wsdl:service name="Cases"><wsdl:port name="Port" binding="t:B">
    <soap:address location="{{address}}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


def _encoding(style: str, use: str) -> str:
    where = ' namespace="urn:t"' if style == "rpc" else ""
    return where + (' encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"' if use == "encoded" else "")


def declaration(
    path: Path | str,
    *,
    body: str = "{no: $args.number}",
    records: str = "return",
    connector: str = "",
    source: str = "",
    map_: str = "{localNo: no, state: 'st | table(\"status\")', appliedAt: at, title: title}",
    failure: str = "{}",
) -> str:
    return f"""
system: {{code: S, name: 测试, owner: o}}
source:
  soap:
    wsdl: {path}
{textwrap.indent(textwrap.dedent(source).strip(chr(10)), "    ")}
traffic: {{retries: 0}}
tables: {{status: {{A: ACCEPTED, C: CLOSED}}}}
connectors:
  case:
    operation: getCase
    body: {body}
    failure: {failure}
    {f"records: {records}" if records else ""}
{textwrap.indent(textwrap.dedent(connector).strip(chr(10)), "    ")}
    map: {map_}
"""


class Asked:
    """What one call sent and what became of it."""

    def __init__(self, page: Page | None, error: SourceError | None, log: Recorded) -> None:
        self.page, self.error, self.log = page, error, log
        self.given = page.records if page is not None else None
        self.troubles = [f"{one.field}: {one.message}" for one in page.troubles] if page is not None else []

    @property
    def record(self) -> dict[str, Any]:
        assert self.error is None, f"{self.error} / {self.error.__cause__}"
        assert self.given is not None
        [one] = self.given
        return one

    @property
    def envelope(self) -> etree._Element:
        return etree.fromstring(self.log.bodies[-1])

    @property
    def content(self) -> etree._Element:
        return body_of(self.envelope)[0]


def body_of(envelope: etree._Element) -> etree._Element:
    found = envelope.find(f"{{{SOAP_11}}}Body")
    found = envelope.find(f"{{{SOAP_12}}}Body") if found is None else found
    assert found is not None
    return found


Answer = Response | bytes | str | Callable[[Request, bytes], Response]


async def asked(
    folder: Path,
    text: str,
    answer: Answer,
    *,
    number: str = "N1",
    fields: Sequence[str] = ALL_FIELDS,
    **more: str,
) -> Asked:
    """One case asked of a real server, through declaration, WSDL, wire and mapping. more: of `declaration`."""

    def given(request: Request, body: bytes) -> Response:
        if callable(answer) and not isinstance(answer, Response):
            return answer(request, body)
        if isinstance(answer, Response):
            return answer
        return Response(answer, media_type="text/xml; charset=utf-8")

    async with serving(given) as (origin, log):
        path = write_wsdl(folder, text, address=f"{origin}/s")
        one = source_of(declaration(path, **more), service=load_wsdl(str(path)))
        try:
            return Asked(await ask(one, "case", {"number": number}, fields=fields), None, log)
        except SourceError as error:
            return Asked(None, error, log)
        finally:
            await one.close()


def loaded(folder: Path, text: str) -> SoapService:
    return load_wsdl(str(write_wsdl(folder, text)))


def checked_against(folder: Path, text: str, **more: str) -> list[tuple[str, str]]:
    """(code, message) of what `check` says of the declaration and of its WSDL."""
    document, service, checked = _checked(folder, text, **more)
    assert checked is not None, document.problems
    found: list[Problem] = [*document.problems, *check_soap(document, checked, service)]
    return [(one.code, one.message) for one in found]


def remarks(folder: Path, text: str, **more: str) -> list[str]:
    document, service, checked = _checked(folder, text, **more)
    assert checked is not None, document.problems
    return [one.code for one in soap_remarks(document, checked, service)]


def _checked(folder: Path, text: str, **more: str) -> Any:
    path = write_wsdl(folder, text)
    one = check_document(load(HERE, declaration(path, **more)), lookup(), Known())
    return one.document, load_wsdl(str(path)), one.declaration


def xml(element: etree._Element) -> str:
    """Canonical text, for comparisons."""
    return etree.tostring(element, method="c14n2", strip_text=True).decode()
