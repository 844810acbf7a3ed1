"""The outline of a WSDL and its schemas, from the documents. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from adapters.vendoring.outline import Component, Member, Outline
from adapters.vendoring.wsdl import WSDL, XSD, line_of, read_xml

__all__ = ["wsdl_outline"]

_SOAP = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
_GLOBAL = {
    "element": "element",
    "complexType": "type",
    "simpleType": "type",
    "group": "group",
    "attributeGroup": "attribute group",
    "attribute": "attribute",
}
_GROUPS = ("sequence", "choice", "all", "complexContent", "simpleContent")
_DERIVED = ("extension", "restriction", "list", "union")
_FACETS = (
    "length",
    "minLength",
    "maxLength",
    "pattern",
    "minInclusive",
    "maxInclusive",
    "minExclusive",
    "maxExclusive",
    "totalDigits",
    "fractionDigits",
    "whiteSpace",
)


def wsdl_outline(documents: Mapping[str, bytes]) -> Outline:
    """documents: file name -> bytes, each read once already. Raises Bad for one that is none."""
    outline = Outline()
    for file, content in documents.items():
        root = read_xml(content).getroot()
        if root.tag == f"{{{WSDL}}}definitions":
            for component in _definitions(root, file):
                outline.add(component)
        for schema in root.iter(f"{{{XSD}}}schema"):
            for component in _schema(schema, file):
                outline.add(component)
    return outline


# --- WSDL ---


def _definitions(root: etree._Element, file: str) -> Iterator[Component]:
    target = root.get("targetNamespace") or ""
    for message in root.findall(f"{{{WSDL}}}message"):
        component = _component("message", target, message, file)
        for part in message.findall(f"{{{WSDL}}}part"):
            of = part.get("element") or part.get("type") or ""
            component.members[part.get("name") or ""] = Member(_qname(part, of))
        yield component
    for port_type in root.findall(f"{{{WSDL}}}portType"):
        for operation in port_type.findall(f"{{{WSDL}}}operation"):
            component = _component("operation", target, operation, file)
            for child in operation:
                if isinstance(child.tag, str) and child.get("message"):
                    kind = etree.QName(child).localname
                    name = f"{kind} {child.get('name') or ''}" if kind == "fault" else kind
                    component.members[name.strip()] = Member(_qname(child, child.get("message") or ""))
            yield component
    for binding in root.findall(f"{{{WSDL}}}binding"):
        yield _binding(target, binding, file)
    for service in root.findall(f"{{{WSDL}}}service"):
        component = _component("service", target, service, file)
        for port in service.findall(f"{{{WSDL}}}port"):
            address = next(
                (one.get("location") or "" for ns in _SOAP for one in port.iter(f"{{{ns}}}address")), ""
            )
            component.members[f"port {port.get('name')}"] = Member(_qname(port, port.get("binding") or ""))
            component.members[f"port {port.get('name')} address"] = Member(address, "")
        yield component


def _binding(target: str, binding: etree._Element, file: str) -> Component:
    component = _component("binding", target, binding, file)
    for namespace in _SOAP:
        for one in binding.findall(f"{{{namespace}}}binding"):
            component.members["style"] = Member(one.get("style") or "document", "")
        for operation in binding.findall(f"{{{WSDL}}}operation"):
            name = operation.get("name") or ""
            for one in operation.findall(f"{{{namespace}}}operation"):
                component.members[f"{name} soapAction"] = Member(one.get("soapAction") or "", "")
            for body in operation.iter(f"{{{namespace}}}body"):
                side = etree.QName(body.getparent()).localname
                component.members[f"{name} {side} use"] = Member(body.get("use") or "literal", "")
    return component


def _component(kind: str, target: str, element: etree._Element, file: str) -> Component:
    return Component(kind, f"{{{target}}}{element.get('name')}", file, line_of(element))


# --- schemas ---


def _schema(schema: etree._Element, file: str) -> Iterator[Component]:
    target = schema.get("targetNamespace") or ""
    redefined = [
        one
        for name in ("redefine", "override")
        for holder in schema.findall(f"{{{XSD}}}{name}")
        for one in holder
    ]
    for element in [*schema, *redefined]:
        kind = _GLOBAL.get(_local(element) or "")
        if kind is None or element.get("name") is None:
            continue
        component = _component(kind, target, element, file)
        if kind in ("element", "attribute"):
            component.members[""] = Member(_type_of(element), _nillable(element, ""))
            if head := element.get("substitutionGroup"):
                component.members["(substitutes)"] = Member(_qname(element, head), "")
            if element.get("abstract") == "true":
                component.members["(abstract)"] = Member("abstract", "")
        component.members.update(_content(element, ""))
        if component.members.get("") == Member("", ""):
            del component.members[""]
        yield component


def _content(element: etree._Element, path: str, *, optional: bool = False) -> Iterator[tuple[str, Member]]:
    """Members below an element declaration, a type or a group, inline types written out."""
    for child in element:
        kind = _local(child)
        if kind in ("complexType", "simpleType"):
            yield from _content(child, path)
        elif kind in _GROUPS:
            below = optional or kind == "choice" or child.get("minOccurs") == "0"
            yield from _content(child, path, optional=below)
        elif kind in _DERIVED:
            yield from _derived(child, str(kind), path, optional=optional)
        elif kind == "element":
            yield from _element(child, path, optional=optional)
        elif kind == "attribute":
            name = child.get("name") or _plain(child.get("ref"))
            required = "1" if child.get("use") == "required" else "0..1"
            yield _under(path, f"@{name}"), Member(_type_of(child), required)
            yield from _content(child, _under(path, f"@{name}"))
        elif kind in ("group", "attributeGroup") and child.get("ref"):
            yield (
                _under(path, f"({kind} {_plain(child.get('ref'))})"),
                Member("group", _occurs(child, optional)),
            )
        elif kind in ("any", "anyAttribute"):
            yield _under(path, f"({kind})"), Member("any", _occurs(child, optional))


def _element(child: etree._Element, path: str, *, optional: bool) -> Iterator[tuple[str, Member]]:
    name = child.get("name") or _plain(child.get("ref"))
    here = _under(path, name)
    yield here, Member(_type_of(child), _nillable(child, _occurs(child, optional)))
    yield from _content(child, here)


def _derived(child: etree._Element, kind: str, path: str, *, optional: bool) -> Iterator[tuple[str, Member]]:
    of = child.get("base") or child.get("itemType") or child.get("memberTypes")
    if of:
        types = " ".join(_qname(child, one) for one in of.split())
        yield _under(path, f"({kind})"), Member(types, "")
    facets: dict[str, list[str]] = {}
    for one in child:
        facet = _local(one)
        if facet == "enumeration":
            yield _under(path, f'="{one.get("value")}"'), Member("value", "")
        elif facet in _FACETS:
            given = facets.setdefault(str(facet), [])
            given.append(one.get("value") or "")
    for facet, values in facets.items():
        yield _under(path, f"({facet})"), Member(" | ".join(values), "")
    yield from _content(child, path, optional=optional)


def _type_of(element: etree._Element) -> str:
    named = element.get("type") or element.get("ref")
    if named:
        return _qname(element, named)
    for child in element:
        if _local(child) in ("complexType", "simpleType"):
            return "" if element.getparent() is None else "(inline)"
    return f"{{{XSD}}}anyType" if _local(element) == "element" else ""


def _occurs(element: etree._Element, optional: bool) -> str:
    least = "0" if optional else element.get("minOccurs", "1")
    most = element.get("maxOccurs", "1").replace("unbounded", "*")
    return least if least == most else f"{least}..{most}"


def _nillable(element: etree._Element, occurs: str) -> str:
    return f"{occurs} nillable".strip() if element.get("nillable") in ("true", "1") else occurs


def _qname(element: etree._Element, name: str) -> str:
    prefix, colon, rest = name.rpartition(":")
    namespace = element.nsmap.get(prefix if colon else None) or ""
    return f"{{{namespace}}}{rest}"


def _plain(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _local(element: etree._Element) -> str | None:
    """Name of a schema element, None for comments and for annotations of others."""
    if not isinstance(element.tag, str) or not element.tag.startswith(f"{{{XSD}}}"):
        return None
    return element.tag.rpartition("}")[2]
