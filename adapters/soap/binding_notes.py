"""What a WSDL says that zeep does not keep: encoded use, WS-Addressing, MTOM, the types that stand in for others.

Read from the documents themselves, by name, once for each WSDL. Pure.

Names are (namespace, local name); those of schemas without a target namespace, which take the namespace of who
includes them (chameleon), have the namespace "" and are found under it where the other finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

__all__ = ["ADDRESSING", "Name", "OperationNotes", "WsdlNotes", "read_notes"]

Name = tuple[str, str]
WSDL = "http://schemas.xmlsoap.org/wsdl/"
XSD = "http://www.w3.org/2001/XMLSchema"
ADDRESSING = {
    "1.0": "http://www.w3.org/2005/08/addressing",
    "2004/08": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
}
_SOAP = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
_WSAW = ("http://www.w3.org/2006/05/addressing/wsdl", "http://www.w3.org/2006/02/addressing/wsdl")
_WSAM = "http://www.w3.org/2007/05/addressing/metadata"
_ACTION_OF = (_WSAM, *_WSAW, ADDRESSING["2004/08"])
_POLICIES = ("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy")
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_MTOM = (
    "http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization",
    "http://www.w3.org/2007/08/soap12-mtom-policy",
)
_ARRAY_TYPE = re.compile(r"(?:([\w.-]+):)?([\w.-]+)((?:\[[\d,]*\])+)")


@dataclass(frozen=True, slots=True)
class OperationNotes:
    """action: that WS-Addressing wants for the request."""

    encoded: bool = False
    encoded_reply: bool = False
    action: str = ""


@dataclass(slots=True)
class WsdlNotes:
    """operations and bindings: by (namespace, name) of the binding. addressing: version that a binding or port
    requires. mtom: bindings and ports that require it. substitutes: head -> members; derived: base -> types of it.
    arrays: type -> (item type, number of dimensions of arrays in arrays)."""

    operations: dict[tuple[Name, str], OperationNotes] = field(default_factory=dict)
    addressing: dict[Name, str] = field(default_factory=dict)
    mtom: set[Name] = field(default_factory=set)
    substitutes: dict[Name, list[Name]] = field(default_factory=dict)
    derived: dict[Name, list[Name]] = field(default_factory=dict)
    arrays: dict[Name, tuple[Name, int]] = field(default_factory=dict)

    def operation(self, binding: Name, name: str) -> OperationNotes:
        return self.operations.get((binding, name), OperationNotes())

    def members(self, head: Name) -> list[Name]:
        """All that may stand for an element, through heads that are members themselves."""
        return _reached(self.substitutes, head)

    def descendants(self, base: Name) -> list[Name]:
        """All types derived from a type, directly or not."""
        return _reached(self.derived, base)

    def array(self, name: Name) -> tuple[Name, int] | None:
        return self.arrays.get(name) or self.arrays.get(("", name[1]))


def _reached(graph: dict[Name, list[Name]], start: Name) -> list[Name]:
    found: dict[Name, None] = {}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        for next_ in (*graph.get(one, ()), *(graph.get(("", one[1]), ()) if one[0] else ())):
            if next_ not in found and next_ != start:
                found[next_] = None
                waiting.append(next_)
    return list(found)


def read_notes(documents: Iterable[bytes]) -> WsdlNotes:
    """Documents that cannot be read are passed over: who loads them says what is wrong."""
    notes = WsdlNotes()
    roots: list[etree._Element] = []
    for content in documents:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        try:
            roots.append(etree.fromstring(content, parser))
        except etree.XMLSyntaxError:
            continue
    policies = {_policy_id(one): one for root in roots for one in _policies(root)}
    actions = {key: action for root in roots for key, action in _actions(root)}
    for root in roots:
        for schema in root.iter(f"{{{XSD}}}schema"):
            _note_schema(schema, notes)
        if root.tag == f"{{{WSDL}}}definitions":
            _note_bindings(root, notes, policies, actions)
    return notes


# --- schemas ---


def _note_schema(schema: etree._Element, notes: WsdlNotes) -> None:
    namespace = schema.get("targetNamespace", "")
    for element in schema.findall(f"{{{XSD}}}element"):
        head = element.get("substitutionGroup")
        if head is not None and element.get("name"):
            notes.substitutes.setdefault(_name(head, element, namespace), []).append(
                (namespace, str(element.get("name")))
            )
    for type_ in schema.findall(f"{{{XSD}}}complexType"):
        own: Name = (namespace, type_.get("name", ""))
        for kind in ("extension", "restriction"):
            for step in type_.findall(f"{{{XSD}}}complexContent/{{{XSD}}}{kind}"):
                base = _name(step.get("base", ""), step, namespace)
                if base != own:
                    notes.derived.setdefault(base, []).append(own)
                _note_array(step, own, namespace, notes)


def _note_array(step: etree._Element, own: Name, namespace: str, notes: WsdlNotes) -> None:
    for attribute in step.findall(f"{{{XSD}}}attribute"):
        match = _ARRAY_TYPE.fullmatch(attribute.get(f"{{{WSDL}}}arrayType", "").strip())
        if match is not None:
            prefix = f"{match[1]}:" if match[1] else ""
            notes.arrays[own] = _name(prefix + match[2], attribute, namespace), match[3].count("[")


def _name(text: str, element: etree._Element, namespace: str) -> Name:
    prefix, _, local = text.strip().rpartition(":")
    found = element.nsmap.get(prefix or None)
    return (found if found is not None else namespace if not prefix else "", local)


# --- bindings ---


def _note_bindings(
    root: etree._Element,
    notes: WsdlNotes,
    policies: dict[str, etree._Element],
    actions: dict[tuple[Name, str], str],
) -> None:
    target = root.get("targetNamespace", "")
    for binding in root.findall(f"{{{WSDL}}}binding"):
        own: Name = (target, binding.get("name", ""))
        port_type = _name(binding.get("type", ""), binding, target)
        _note_demands(binding, own, notes, policies)
        for operation in binding.findall(f"{{{WSDL}}}operation"):
            name = operation.get("name", "")
            soap_action = next((one.get("soapAction") for one in _soap(operation, "operation")), None)
            notes.operations[own, name] = OperationNotes(
                _encoded(operation, "input"),
                _encoded(operation, "output"),
                actions.get((port_type, name)) or soap_action or _default_action(root, port_type, name),
            )
            _note_demands(operation, own, notes, policies)
    for service in root.findall(f"{{{WSDL}}}service"):
        for port in service.findall(f"{{{WSDL}}}port"):
            _note_demands(port, _name(port.get("binding", ""), port, target), notes, policies)


def _soap(holder: etree._Element, name: str) -> Iterator[etree._Element]:
    for namespace in _SOAP:
        yield from holder.iter(f"{{{namespace}}}{name}")


def _encoded(operation: etree._Element, direction: str) -> bool:
    holder = operation.find(f"{{{WSDL}}}{direction}")
    return holder is not None and any(one.get("use") == "encoded" for one in _soap(holder, "body"))


def _actions(root: etree._Element) -> Iterator[tuple[tuple[Name, str], str]]:
    """Explicit actions of inputs, by (port type, operation)."""
    target = root.get("targetNamespace", "")
    for port_type in root.findall(f"{{{WSDL}}}portType"):
        for operation in port_type.findall(f"{{{WSDL}}}operation"):
            given = operation.find(f"{{{WSDL}}}input")
            for namespace in _ACTION_OF if given is not None else ():
                action = given.get(f"{{{namespace}}}Action") if given is not None else None
                if action:
                    yield ((target, port_type.get("name", "")), operation.get("name", "")), action
                    break


def _default_action(root: etree._Element, port_type: Name, operation: str) -> str:
    """WS-Addressing 1.0 Metadata section 4.4.4: namespace, port type and input joined by / (or : in a URN)."""
    input_name = f"{operation}Request"
    for one in root.findall(f"{{{WSDL}}}portType[@name='{port_type[1]}']/{{{WSDL}}}operation"):
        given = one.find(f"{{{WSDL}}}input") if one.get("name") == operation else None
        if given is not None and given.get("name"):
            input_name = str(given.get("name"))
        elif given is not None and one.find(f"{{{WSDL}}}output") is None:
            input_name = operation
    joint = ":" if port_type[0].startswith("urn:") else "/"
    return joint.join((port_type[0].rstrip(joint), port_type[1], input_name))


# --- policies ---


def _note_demands(
    holder: etree._Element, binding: Name, notes: WsdlNotes, policies: dict[str, etree._Element]
) -> None:
    for namespace in _WSAW:
        using = holder.find(f"{{{namespace}}}UsingAddressing")
        if using is not None and using.get(f"{{{WSDL}}}required") in ("true", "1"):
            notes.addressing[binding] = "1.0"
    for policy in _policies_of(holder, policies):
        for assertion in policy.iter(etree.Element):
            name = etree.QName(assertion)
            if _is_optional(assertion, policy):
                continue
            if (name.namespace == _WSAM and name.localname == "Addressing") or (
                name.namespace in _WSAW and name.localname == "UsingAddressing"
            ):
                notes.addressing[binding] = "1.0"
            elif name.namespace in _MTOM and name.localname in ("OptimizedMimeSerialization", "MTOM"):
                notes.mtom.add(binding)


def _policies_of(holder: etree._Element, policies: dict[str, etree._Element]) -> Iterator[etree._Element]:
    for namespace in _POLICIES:
        yield from holder.findall(f"{{{namespace}}}Policy")
        for reference in holder.findall(f"{{{namespace}}}PolicyReference"):
            policy = policies.get(reference.get("URI", "").removeprefix("#"))
            if policy is not None:
                yield policy


def _policies(root: etree._Element) -> Iterator[etree._Element]:
    for namespace in _POLICIES:
        yield from root.iter(f"{{{namespace}}}Policy")


def _policy_id(policy: etree._Element) -> str:
    return (
        policy.get(f"{{{_UTILITY}}}Id")
        or policy.get("Name")
        or policy.get("{http://www.w3.org/XML/1998/namespace}id")
        or ""
    )


def _is_optional(assertion: etree._Element, policy: etree._Element) -> bool:
    """Marked so, or one of several alternatives."""
    at: etree._Element | None = assertion
    while at is not None and at is not policy:
        if any(at.get(f"{{{namespace}}}Optional") in ("true", "1") for namespace in _POLICIES):
            return True
        holder = at.getparent()
        if holder is not None and etree.QName(holder).localname == "ExactlyOne" and len(holder) > 1:
            return True
        at = holder
    return False
