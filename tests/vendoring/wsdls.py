"""A WSDL of the kinds of parts that real ones are made of: imported WSDL, circular, chameleon and redefined schemas, one
file name in two folders, schemas addressed by query, the XML namespace without a place."""

from __future__ import annotations

__all__ = ["PARTS", "documents"]

_BINDING = """<?xml version="1.0" encoding="utf-8"?>
<!-- kept -->
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:a="urn:abstract" xmlns:t="urn:b" targetNamespace="urn:b">
  <wsdl:import namespace="urn:abstract" location="parts/abstract.wsdl"/>
  <wsdl:binding name="B" type="a:P"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="getCase"><soap:operation soapAction="urn:get"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation></wsdl:binding>
  <wsdl:service name="Cases"><wsdl:port name="Port" binding="t:B"><soap:address location="{host}/s"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""
_ABSTRACT = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:c="urn:case"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:abstract" xmlns:t="urn:abstract">
  <wsdl:types><xs:schema targetNamespace="urn:abstract">
    <xs:import namespace="urn:case" schemaLocation="../s?xsd=case"/>
    <xs:import namespace="urn:people" schemaLocation="people/types.xsd"/>
  </xs:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="p" element="c:getCase"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="p" element="c:getCaseResponse"/></wsdl:message>
  <wsdl:portType name="P"><wsdl:operation name="getCase"><wsdl:input message="t:In"/><wsdl:output message="t:Out"/>
  </wsdl:operation></wsdl:portType>
</wsdl:definitions>"""
_CASE = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:case" xmlns:p="urn:people"
    targetNamespace="urn:case" elementFormDefault="qualified">
  <xs:import namespace="urn:people" schemaLocation="parts/people/types.xsd"/>
  <xs:import namespace="http://www.w3.org/XML/1998/namespace"/>
  <xs:include schemaLocation="parts/common.xsd"/>
  <xs:include schemaLocation="parts/case/types.xsd"/>
  <xs:complexType name="Case"><xs:sequence>
    <xs:element name="no" type="xs:string"/><xs:element name="status" type="Status"/>
    <xs:element name="applied" type="xs:string"/><xs:element name="who" type="p:Person" minOccurs="0"/>
    <xs:element name="step" type="Step" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence><xs:attribute ref="xml:lang"/></xs:complexType>
  <xs:element name="getCase"><xs:complexType><xs:sequence><xs:element name="no" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
  <xs:element name="getCaseResponse"><xs:complexType><xs:sequence><xs:element name="case" type="Case" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
_CHAMELEON = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="Status"><xs:restriction base="xs:string"><xs:enumeration value="A"/><xs:enumeration value="B"/></xs:restriction></xs:simpleType>
</xs:schema>"""
_CASE_TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:case" targetNamespace="urn:case">
  <xs:include schemaLocation="../common.xsd"/>
  <xs:complexType name="Step"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:complexType>
</xs:schema>"""
_PEOPLE = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:people" xmlns:c="urn:case" targetNamespace="urn:people">
  <xs:import namespace="urn:case" schemaLocation="../../s?xsd=case"/>
  <xs:complexType name="Person"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:complexType>
</xs:schema>"""

PARTS = {
    "/s?wsdl": _BINDING,
    "/parts/abstract.wsdl": _ABSTRACT,
    "/s?xsd=case": _CASE,
    "/parts/common.xsd": _CHAMELEON,
    "/parts/case/types.xsd": _CASE_TYPES,
    "/parts/people/types.xsd": _PEOPLE,
}


def documents(**changed: str) -> dict[str, str]:
    """The parts, with some texts replaced: `documents(case=...)` by the last part of a name."""
    names = {
        "case": "/s?xsd=case",
        "common": "/parts/common.xsd",
        "wsdl": "/s?wsdl",
        "people": "/parts/people/types.xsd",
    }
    return PARTS | {names[name]: text for name, text in changed.items()}
