"""A WSDL with every WSDL and schema that it names, as bytes that need no network: references found, followed and
rewritten to files of one folder. References are edited in the parsed document; a document without any stays as it came.

Followed: wsdl:import (WSDL 1.1 section 2.1.1), xs:import, xs:include, xs:redefine, xs:override (XSD 1.1 part 1 section
4.2). An included schema without a target namespace takes that of each includer (chameleon): it is one file all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from adapters.vendoring.closure import Bad, Reference
from adapters.vendoring.documents import joined

__all__ = [
    "SOAP_ADDRESSES",
    "SUFFIXES",
    "builtin",
    "read_xml",
    "references",
    "rewritten",
    "target_namespaces",
]

WSDL = "http://schemas.xmlsoap.org/wsdl/"
XSD = "http://www.w3.org/2001/XMLSchema"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
SOAP_ADDRESSES = (
    "{http://schemas.xmlsoap.org/wsdl/soap/}address",
    "{http://schemas.xmlsoap.org/wsdl/soap12/}address",
)
SUFFIXES = (".wsdl", ".xsd", ".xml")
_IMPORTING = {f"{{{XSD}}}{name}": name for name in ("import", "include", "redefine", "override")}

XML_LOCATION = "https://www.w3.org/2001/xml.xsd"
XML_XSD = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- The attributes of the XML namespace (XML 1.0 sections 2.10 and 2.12, XML Base, xml:id), as far as schemas refer to them. -->
<xs:schema xmlns:xs="{XSD}" xmlns:xml="{XML_NAMESPACE}" targetNamespace="{XML_NAMESPACE}">
  <xs:attribute name="lang" type="xs:language"/>
  <xs:attribute name="space" type="xs:NCName"/>
  <xs:attribute name="base" type="xs:anyURI"/>
  <xs:attribute name="id" type="xs:ID"/>
  <xs:attributeGroup name="specialAttrs">
    <xs:attribute ref="xml:base"/><xs:attribute ref="xml:lang"/><xs:attribute ref="xml:space"/>
  </xs:attributeGroup>
</xs:schema>
""".encode()


@dataclass(frozen=True, slots=True)
class _Found:
    element: etree._Element
    attribute: str
    kind: str
    location: str | None
    namespace: str | None


def read_xml(content: bytes) -> etree._ElementTree:
    """Comments stay. Raises Bad: not well-formed, or with a DOCTYPE."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        tree = etree.fromstring(content, parser).getroottree()
    except etree.XMLSyntaxError as error:
        raise Bad(f"not well-formed XML: {error.msg}", line=error.lineno or 1) from error
    if tree.docinfo.doctype:  # type: ignore[union-attr]  # the stubs' property lacks its type
        raise Bad("has a DOCTYPE, which is refused; give a copy without it: --map LOCATION=FILE")
    return tree


def line_of(element: etree._Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 1


def references(content: bytes) -> list[Reference]:
    """In document order. Raises Bad."""
    tree = read_xml(content)
    root = tree.getroot()
    if root.tag not in (f"{{{WSDL}}}definitions", f"{{{XSD}}}schema"):
        raise Bad(f"neither a WSDL 1.1 nor a schema: it starts with <{etree.QName(root).localname}>")
    return [Reference(one.kind, one.location, one.namespace, line_of(one.element)) for one in _found(tree)]


def builtin(reference: Reference) -> tuple[str, bytes] | None:
    """Schemas refer to the XML namespace without a place, or by its address at the W3C: a copy of ours stands in."""
    if reference.namespace != XML_NAMESPACE:
        return None
    location = reference.location or ""
    return (XML_LOCATION, XML_XSD) if not location or "//www.w3.org/" in location else None


def rewritten(content: bytes, base: str, named: Callable[[str], str | None]) -> bytes:
    """named: absolute location -> name in the folder, None leaves the reference as it is."""
    tree = read_xml(content)
    changed = False
    for one in _found(tree):
        reference = Reference(one.kind, one.location, one.namespace, 0)
        own = builtin(reference)
        located = joined(base, one.location) if one.location is not None else one.namespace
        name = named(own[0] if own is not None else located or "")
        if name is not None and name != one.location:
            one.element.set(one.attribute, name)
            changed = True
    if not changed:
        return content
    return bytes(etree.tostring(tree, encoding=tree.docinfo.encoding or "utf-8", xml_declaration=True))  # type: ignore[arg-type]  # an encoding of bytes


def _found(tree: etree._ElementTree) -> Iterator[_Found]:
    for element in tree.iter(f"{{{WSDL}}}import", *_IMPORTING):
        kind = _IMPORTING.get(str(element.tag), "wsdl:import")
        attribute = "location" if kind == "wsdl:import" else "schemaLocation"
        location = element.get(attribute)
        yield _Found(
            element,
            attribute,
            kind if kind == "wsdl:import" else f"xs:{kind}",
            location.strip() if location and location.strip() else None,
            element.get("namespace"),
        )


def target_namespaces(contents: Mapping[str, bytes]) -> set[str]:
    """Of every schema in the documents, those inside WSDLs too."""
    found: set[str] = set()
    for content in contents.values():
        for schema in read_xml(content).iter(f"{{{XSD}}}schema"):
            found.add(schema.get("targetNamespace") or "")
    return found
