"""Argument trees to envelopes, by the types of the WSDL. Pure.

A tree is what templates give: names are elements (`@name` attributes, `#text` the text beside attributes), lists are
repeated elements. Order, namespaces, xsi:nil and escaping are the writer's. Two keys are not of the system:
`@type` in an element chooses a type derived from the declared one (xsi:type), and `@xmlns` gives the namespace of an
element that stands where the schema allows any.

Encoded (SOAP 1.1 section 5, SOAP 1.2 part 2 section 3) every element carries its xsi:type, arrays their item type and
size. Values are written where they stand, never as multiRef: a reader must take both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import zeep.xsd
from lxml import etree
from zeep.xsd.elements.indicators import Choice, Group
from zeep.xsd.types.collection import ListType

from adapters.soap.documents import SOAP_ENC
from adapters.soap.free_elements import MAX_DEPTH, DoesNotFit, free_element
from adapters.soap.shape import (
    ANY_TYPE,
    XSD,
    ArrayOf,
    Types,
    attributes_of,
    name_of,
    particles,
    takes_any,
    text_type,
)
from adapters.soap.simple_text import BadText, simple_text

__all__ = ["ENVELOPES", "DoesNotFit", "Writer"]

ENVELOPES = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
SOAP12_ENC = "http://www.w3.org/2003/05/soap-encoding"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
UNBOUNDED = 1 << 30

Stock = dict[str, list[Any]]
"""What is still to be written of one element, by name."""


@dataclass(frozen=True, slots=True)
class Writer:
    """encoded: the SOAP version whose encoding is used, None for literal."""

    types: Types = field(default_factory=Types)
    encoded: Literal["1.1", "1.2"] | None = None

    def write(self, parent: etree._Element, element: Any, value: Any, place: tuple[str, ...] = ()) -> None:
        """Adds the element, or several for a list. Raises DoesNotFit."""
        place = (*place, element.name)
        if len(place) > MAX_DEPTH:
            raise DoesNotFit(f"{_at(place[:3])}...: deeper than {MAX_DEPTH} elements")
        values = [value] if self._is_one(element, value) else value
        if len(values) < element.min_occurs or len(values) > _most(element):
            raise DoesNotFit(
                f"{_at(place)}: {len(values)} elements, where {element.min_occurs} to {element.max_occurs} may stand"
            )
        for one in values:
            self._one(parent, element, one, place)

    def _is_one(self, element: Any, value: Any) -> bool:
        if not isinstance(value, list):
            return True
        is_list = isinstance(text_type(element.type), ListType) or self.types.array(element.type) is not None
        return is_list and not (element.accepts_multiple and any(isinstance(one, list) for one in value))

    def _one(self, parent: etree._Element, element: Any, value: Any, place: tuple[str, ...]) -> None:
        if value is not None:
            self.content(etree.SubElement(parent, element.qname), element.type, value, place)
        elif element.nillable or self.encoded:
            etree.SubElement(parent, element.qname).set(f"{{{XSI}}}nil", "true")
        elif not element.is_optional:
            raise DoesNotFit(f"{_at(place)}: it has no value")

    def content(self, node: etree._Element, xsd_type: Any, value: Any, place: tuple[str, ...]) -> None:
        """Fills an element that is there. Raises DoesNotFit."""
        if isinstance(value, Mapping) and "@type" in value and not _has_attribute(xsd_type, "type"):
            xsd_type = self._chosen(xsd_type, str(value["@type"]), place)
            value = {name: one for name, one in value.items() if name != "@type"}
            self._set_type(node, xsd_type, value)
        elif self.encoded:
            self._set_type(node, xsd_type, value)
        array = self.types.array(xsd_type)
        if array is not None:
            self._array(node, array, value, place)
        elif isinstance(value, Mapping):
            self._fields(node, xsd_type, value, place)
        elif text_type(xsd_type) is not None and any(one.required for one in attributes_of(xsd_type)[0]):
            self._fields(node, xsd_type, {"#text": value}, place)
        elif (simple := text_type(xsd_type)) is not None or type(xsd_type).__name__ == "AnyType":
            node.text = self._text(simple or xsd_type, value, place)
        elif value == "":
            self._fields(node, xsd_type, {}, place)  # an empty element
        else:
            raise DoesNotFit(f"{_at(place)}: one value, where elements are wanted{_names_of(xsd_type)}")

    def _text(self, xsd_type: Any, value: Any, place: tuple[str, ...]) -> str:
        try:
            return simple_text(xsd_type, value)
        except BadText as error:
            raise DoesNotFit(f"{_at(place)}: {error}") from None

    def _fields(
        self, node: etree._Element, xsd_type: Any, tree: Mapping[str, Any], place: tuple[str, ...]
    ) -> None:
        stock: Stock = {
            name: list(value) if isinstance(value, list) else [value]
            for name, value in tree.items()
            if name != "@xmlns"
        }
        known = {name for one in particles(xsd_type) for name in self._names(one.element)}
        simple = text_type(xsd_type)
        self._attributes(node, xsd_type, stock, known, place)
        if "#text" in stock and (simple is not None or takes_any(xsd_type)):
            node.text = self._text(simple or ANY_TYPE, stock.pop("#text")[0], place)
        # whole lists, where a list is one value: what was opened above is closed again
        for one in particles(xsd_type):
            given = tree.get(one.element.name)
            if isinstance(given, list) and self._is_one(one.element, given):
                stock[one.element.name] = [given]
        held = getattr(xsd_type, "_element", None)
        if held and simple is None:
            self._particle(node, held, stock, known, place)
        elif takes_any(xsd_type):
            self._open(node, stock, known, place)
        for name, left in stock.items():
            if left:
                raise DoesNotFit(
                    f"{_at(place)}: {name!r} has no place{' so often' if name in known else ''}{_names_of(xsd_type)}"
                )

    def _attributes(
        self, node: etree._Element, xsd_type: Any, stock: Stock, known: set[str], place: tuple[str, ...]
    ) -> None:
        found, takes_others = attributes_of(xsd_type)
        for attribute in found:
            given = stock.pop(f"@{attribute.name}", None)
            if given is None and attribute.name not in known:
                given = stock.pop(attribute.name, None)
            if given:
                node.set(
                    attribute.qname, self._text(attribute.type, given[0], (*place, f"@{attribute.name}"))
                )
            elif attribute.required and attribute.default is not None:
                node.set(attribute.qname, attribute.default)
            elif attribute.required:
                raise DoesNotFit(f"Missing element @{attribute.name} ({_at(place)})")
        for name in (
            [name for name in stock if name.startswith("@")] if takes_others or takes_any(xsd_type) else ()
        ):
            node.set(name[1:], self._text(ANY_TYPE, stock.pop(name)[0], (*place, name)))

    # --- content models ---

    def _names(self, element: Any) -> list[str]:
        return [element.name, *(one.name for one in self.types.members(element))]

    def _present(self, part: Any, stock: Stock, known: set[str]) -> int:
        """How many of a part's own names there is something for."""
        if isinstance(part, zeep.xsd.Element):
            return sum(bool(stock.get(name)) for name in self._names(part))
        if isinstance(part, zeep.xsd.Any):
            return sum(bool(left) for name, left in stock.items() if name not in known)
        inner = [part.child] if isinstance(part, Group) else part
        return sum(self._present(one, stock, known) for one in inner)

    def _first(self, part: Any, order: Mapping[str, int], known: set[str]) -> int:
        """How early a name of a part was given: 0 for the first, less for the others."""
        never = -len(order) - UNBOUNDED
        if isinstance(part, zeep.xsd.Element):
            return max((order.get(name, never) for name in self._names(part)), default=never)
        if isinstance(part, zeep.xsd.Any):
            return max((at for name, at in order.items() if name not in known), default=never)
        inner = [part.child] if isinstance(part, Group) else part
        return max((self._first(one, order, known) for one in inner), default=never)

    def _particle(
        self, node: etree._Element, part: Any, stock: Stock, known: set[str], place: tuple[str, ...]
    ) -> None:
        if isinstance(part, zeep.xsd.Element):
            self._elements(node, part, stock, place)
        elif isinstance(part, zeep.xsd.Any):
            self._open(node, stock, known, place)
        else:
            # a repeated group is written round by round, as long as there is something for it
            rounds = 0
            while rounds < part.min_occurs or (self._present(part, stock, known) and rounds < _most(part)):
                before = _size(stock)
                self._group(node, part, stock, known, place)
                rounds += 1
                if _size(stock) == before:
                    break  # it can be empty, and was

    def _group(
        self, node: etree._Element, part: Any, stock: Stock, known: set[str], place: tuple[str, ...]
    ) -> None:
        inner = [part.child] if isinstance(part, Group) else list(part)
        if not isinstance(part, Choice):
            for one in inner:
                self._particle(node, one, stock, known, place)
            return
        if part.accepts_multiple:  # in the order in which they were given
            order = {name: -at for at, (name, left) in enumerate(stock.items()) if left}
            chosen = max(inner, key=lambda one: self._first(one, order, known), default=None)
        else:
            chosen = max(inner, key=lambda one: self._present(one, stock, known), default=None)
        if chosen is None or not self._present(chosen, stock, known):
            # zeep makes every element of a choice optional: whether one may really be left out is not known
            if part.min_occurs == 0 or any(
                _emptiable(one) for one in inner if not isinstance(one, zeep.xsd.Element)
            ):
                return
            names = ", ".join(name for one in inner for name in _element_names(one))
            raise DoesNotFit(f"Missing element: one of {names} ({_at(place)})")
        self._particle(node, chosen, stock, known, place)

    def _elements(self, node: etree._Element, part: Any, stock: Stock, place: tuple[str, ...]) -> None:
        most, written = _most(part), 0
        for element in (part, *self.types.members(part)):
            left = stock.get(element.name)
            while left and written < most:
                self._one(node, element, left.pop(0), (*place, element.name))
                written += 1
        if written >= part.min_occurs:
            return
        if written == 0 and (part.nillable or self.encoded):
            self._one(node, part, None, (*place, part.name))
        elif written == 0:
            raise DoesNotFit(f"Missing element {part.name} ({_at(place)})")
        else:
            raise DoesNotFit(
                f"{_at((*place, part.name))}: {written} elements, where at least {part.min_occurs} must stand"
            )

    def _open(self, node: etree._Element, stock: Stock, known: set[str], place: tuple[str, ...]) -> None:
        """Elements of other names: of the schema's own global ones where it has the name, else as they are given."""
        for name in [name for name in stock if name not in known and not name.startswith(("@", "#"))]:
            for one in stock.pop(name):
                namespace = one.get("@xmlns") if isinstance(one, Mapping) else None
                element = self.types.element((str(namespace or ""), name))
                if element is not None:
                    self._one(node, element, one, (*place, name))
                else:
                    free_element(node, name, one, str(namespace or ""), (*place, name))

    def prefixes(self, trees: Mapping[str, Any]) -> dict[str, str]:
        """Namespaces that values may name, to be declared on the envelope: prefix -> namespace."""
        if not self.encoded and not _names_types(trees):
            return {}
        own = sorted({str(one) for one in self.types.schema.namespaces if one and one not in (XSD, SOAP_ENC)})
        found = {"xsi": XSI, "xsd": XSD, **{f"tns{number or ''}": one for number, one in enumerate(own)}}
        return {**found, "soapenc": SOAP_ENC} if self.encoded == "1.1" else found | {"enc": SOAP12_ENC}

    # --- types told in the message ---

    def _chosen(self, xsd_type: Any, name: str, place: tuple[str, ...]) -> Any:
        local = name.rpartition("}")[2].rpartition(":")[2]
        candidates = [xsd_type, *self.types.descendants(xsd_type)]
        for one in candidates:
            if getattr(getattr(one, "qname", None), "localname", None) == local:
                return one
        if type(xsd_type).__name__ == "AnyType":
            found = (
                self.types.type((XSD, local))
                if name.startswith(("xs:", "xsd:"))
                else self.types.type(("", local))
            )
            if found is not None:
                return found
        allowed = ", ".join(sorted({str(one.name) for one in candidates if getattr(one, "name", None)}))
        raise DoesNotFit(f"{_at(place)}: no type {name!r} may stand here; allowed: {allowed or 'none'}")

    def _set_type(self, node: etree._Element, xsd_type: Any, value: Any) -> None:
        array = self.types.array(xsd_type)
        if array is not None and self.encoded == "1.1":
            _set_qname(node, f"{{{XSI}}}type", (SOAP_ENC, "Array"))
            return
        name = self._type_name(xsd_type, value)
        if name is not None:
            _set_qname(node, f"{{{XSI}}}type", name)

    def _type_name(self, xsd_type: Any, value: Any) -> tuple[str, str] | None:
        """None for types without a name."""
        if type(xsd_type).__name__ == "AnyType":
            kinds = {bool: "boolean", int: "int", float: "double", str: "string", bytes: "base64Binary"}
            kind = kinds.get(type(value)) or ("string" if isinstance(value, str) else None)
            return (XSD, kind) if kind is not None else None
        qname = getattr(xsd_type, "qname", None)
        if isinstance(xsd_type, ArrayOf):
            return None
        if qname is not None and (qname.namespace == XSD or self.types.type(name_of(qname)) is not None):
            return name_of(qname)
        for base in type(xsd_type).__mro__:  # an anonymous restriction says what it restricts
            default = base.__dict__.get("_default_qname")
            if default is not None:
                return name_of(etree.QName(default))
        return None

    def _array(self, node: etree._Element, array: ArrayOf, value: Any, place: tuple[str, ...]) -> None:
        if isinstance(value, Mapping) and set(value) - {"item"}:
            raise DoesNotFit(f"{_at(place)}: an array takes a list, or {{item: list}}")
        items = value.get("item", []) if isinstance(value, Mapping) else value
        items = items if isinstance(items, list) else [items]
        if self.encoded == "1.2":
            _set_qname(node, f"{{{SOAP12_ENC}}}itemType", array.item_name)
            node.set(f"{{{SOAP12_ENC}}}arraySize", str(len(items)))
        elif self.encoded == "1.1":
            inner = "[]" * (array.dimensions - 1)
            _set_qname(node, f"{{{SOAP_ENC}}}arrayType", array.item_name, f"{inner}[{len(items)}]")
        for one in items:
            item = etree.SubElement(node, "item")
            if one is None:
                item.set(f"{{{XSI}}}nil", "true")
            else:
                self.content(item, array.item, one, (*place, "item"))


def _set_qname(node: etree._Element, attribute: str, name: tuple[str, str], suffix: str = "") -> None:
    """A qualified name as a value. Its prefix was declared on the envelope: lxml has no other place for one that no
    element or attribute uses."""
    namespace, local = name
    prefix = next((prefix for prefix, one in node.nsmap.items() if prefix and one == namespace), None)
    node.set(attribute, f"{prefix}:{local}{suffix}" if prefix else f"{local}{suffix}")


def _names_types(tree: Any) -> bool:
    if isinstance(tree, Mapping):
        return "@type" in tree or any(_names_types(one) for one in tree.values())
    return isinstance(tree, list) and any(_names_types(one) for one in tree)


def _most(part: Any) -> int:
    return UNBOUNDED if part.max_occurs == "unbounded" else int(part.max_occurs)


def _size(stock: Stock) -> int:
    return sum(len(left) for left in stock.values())


def _emptiable(part: Any) -> bool:
    if part.min_occurs == 0:
        return True
    if isinstance(part, zeep.xsd.Element):
        return bool(part.nillable)
    if isinstance(part, zeep.xsd.Any):
        return False
    inner = [part.child] if isinstance(part, Group) else list(part)
    return any(map(_emptiable, inner)) if isinstance(part, Choice) else all(map(_emptiable, inner))


def _element_names(part: Any) -> Iterator[str]:
    if isinstance(part, zeep.xsd.Element):
        yield str(part.name)
    elif not isinstance(part, zeep.xsd.Any):
        for one in [part.child] if isinstance(part, Group) else part:
            yield from _element_names(one)


def _has_attribute(xsd_type: Any, name: str) -> bool:
    return any(one.name == name for one in attributes_of(xsd_type)[0])


def _names_of(xsd_type: Any) -> str:
    names = sorted({one.element.name for one in particles(xsd_type)})
    return f"; it takes {', '.join(names)}" if names else ""


def _at(place: tuple[str, ...]) -> str:
    return ".".join(place)
