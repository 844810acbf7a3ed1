"""Small WSDLs of the kinds that legacy systems publish, and a server's side to try them on."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BARE", "RPC", "SIMPLE", "SOAP_11", "SOAP_12", "WRAPPED", "envelope", "write_wsdl"]

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

_TYPES = """
      <xs:complexType name="Case"><xs:sequence>
        <xs:element name="no" type="xs:string"/>
        <xs:element name="st" type="xs:string"/>
        <xs:element name="at" type="xs:string" minOccurs="0"/>
        <xs:element name="log" type="t:Step" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence><xs:attribute name="kind" type="xs:string"/></xs:complexType>
      <xs:complexType name="Step"><xs:sequence>
        <xs:element name="at" type="xs:string"/><xs:element name="name" type="xs:string" nillable="true"/>
      </xs:sequence></xs:complexType>"""


def _wsdl(soap: str, style: str, schema: str, messages: str, *, namespace: str = "") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions name="S" targetNamespace="urn:t" xmlns:t="urn:t" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/{soap}/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <wsdl:types>{schema}</wsdl:types>
  {messages}
  <wsdl:portType name="P"><wsdl:operation name="getCase">
    <wsdl:input message="t:In"/><wsdl:output message="t:Out"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="B" type="t:P"><soap:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="getCase"><soap:operation soapAction="urn:t#getCase"/>
      <wsdl:input><soap:body use="literal"{namespace}/></wsdl:input>
      <wsdl:output><soap:body use="literal"{namespace}/></wsdl:output></wsdl:operation></wsdl:binding>
  <wsdl:service name="Cases"><wsdl:port name="Port" binding="t:B">
    <soap:address location="{{address}}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


def _schema(inside: str, form: str = "qualified") -> str:
    return f"""<xs:schema targetNamespace="urn:t" elementFormDefault="{form}">{_TYPES}{inside}</xs:schema>"""


_ELEMENTS = """<wsdl:message name="In"><wsdl:part name="p" element="t:getCase"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="p" element="t:getCaseResponse"/></wsdl:message>"""
WRAPPED = _wsdl(
    "soap",
    "document",
    _schema(
        """<xs:element name="getCase"><xs:complexType><xs:sequence>
        <xs:element name="no" type="xs:string"/><xs:element name="area" type="xs:string" minOccurs="0" maxOccurs="3"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="getCaseResponse"><xs:complexType><xs:sequence>
        <xs:element name="return" type="t:Case" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>"""
    ),
    _ELEMENTS,
)
BARE = _wsdl(
    "soap",
    "document",
    _schema(
        """<xs:complexType name="Query"><xs:sequence><xs:element name="no" type="xs:string"/></xs:sequence></xs:complexType>
      <xs:element name="caseQuery" type="t:Query"/><xs:element name="caseFound" type="t:Case"/>"""
    ),
    _ELEMENTS.replace("t:getCaseResponse", "t:caseFound").replace("t:getCase", "t:caseQuery"),
)
SIMPLE = _wsdl(
    "soap",
    "document",
    _schema(
        '<xs:element name="getCase" type="xs:string"/><xs:element name="getCaseResponse" type="t:Case"/>'
    ),
    _ELEMENTS,
)
RPC = _wsdl(
    "soap12",
    "rpc",
    _schema("", "unqualified"),
    """<wsdl:message name="In"><wsdl:part name="no" type="xs:string"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="result" type="t:Case"/></wsdl:message>""",
    namespace=' namespace="urn:t"',
)


def write_wsdl(
    folder: Path, text: str, *, address: str = "http://127.0.0.1:9/s", name: str = "s.wsdl"
) -> Path:
    path = folder / name
    path.write_text(text.replace("{address}", address), encoding="utf-8")
    return path


def envelope(body: str, *, version: str = SOAP_11, prefix: str = "soap", head: str = "") -> bytes:
    start = f'<{prefix}:Envelope xmlns:{prefix}="{version}"><{prefix}:Header/>'
    return f"{head}{start}<{prefix}:Body>{body}</{prefix}:Body></{prefix}:Envelope>".encode()
