"""A SOAP reply written from the WSDL's types, with values where a tree has them and made-up ones where the schema demands
an element that it has not. For mocks; the gateway itself never writes replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import zeep.xsd
from lxml import etree

from adapters.soap.wsdl import SoapOperation, SoapService

__all__ = ["example_envelope"]

_ENVELOPES = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_VALUES = {
    "int": "1",
    "integer": "1",
    "long": "1",
    "short": "1",
    "byte": "1",
    "positiveInteger": "1",
    "nonNegativeInteger": "1",
    "decimal": "1.00",
    "double": "1",
    "float": "1",
    "boolean": "true",
    "date": "2018-01-02",
    "dateTime": "2018-01-02T09:30:00+08:00",
    "time": "09:30:00",
    "base64Binary": "",
    "anyURI": "urn:example",
}
MAX_DEPTH = 12


def example_envelope(service: SoapService, operation: SoapOperation, tree: Any) -> bytes:
    """tree: values of the element in soap:Body by local names, `@name` for attributes; what the WSDL does not know of
    it is left out."""
    namespace = _ENVELOPES[service.version]
    envelope = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
    body = etree.SubElement(envelope, f"{{{namespace}}}Body")
    output = operation.binding_operation.output
    if output is not None and output.body is not None:
        _write(body, output.body, tree, 0)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def _write(parent: etree._Element, element: Any, value: Any, depth: int) -> None:
    made = etree.SubElement(parent, _name(element))
    xsd_type = element.type
    children = [(name, one) for name, one in getattr(xsd_type, "elements", []) if _is_element(one)]
    values = value if isinstance(value, Mapping) else {}
    for name, attribute in getattr(xsd_type, "attributes", []):
        if isinstance(attribute, zeep.xsd.Attribute) and name:
            local = etree.QName(attribute.qname).localname
            given = values.get(f"@{local}")
            if given is not None:
                made.set(_name(attribute), _text(given))
            elif getattr(attribute, "required", False):
                made.set(_name(attribute), _example(attribute.type))
    if not children:
        made.text = _text(value) if not isinstance(value, Mapping) else _text(values.get("#text", ""))
        if value is None:
            made.text = _example(xsd_type)
        return
    for _, child in children:
        local = etree.QName(child.qname).localname
        if local in values:
            given = values[local]
            for one in given if isinstance(given, list) else [given]:
                _write(made, child, one, depth + 1)
        elif not child.is_optional and depth < MAX_DEPTH:
            _write(made, child, None, depth + 1)


def _is_element(one: Any) -> bool:
    return isinstance(one, zeep.xsd.Element) and getattr(one, "qname", None) is not None


def _name(element: Any) -> str:
    return etree.QName(element.qname).text


def _example(xsd_type: Any) -> str:
    """By the built-in type that it comes from."""
    for one in type(xsd_type).__mro__:
        name = str(getattr(one, "_default_qname", None) or "").rpartition("}")[2]
        if name in _VALUES:
            return _VALUES[name]
        if name == "string":
            break
    return "示例"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
