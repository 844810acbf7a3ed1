"""The shape of messages, seen through zeep's types: what may stand where, for checks, drafts and the writer. Pure.

Types that zeep knows but does not connect (those derived from another, members of a substitution group, items of a
SOAP-ENC array) are added from the WSDL's own documents (`binding_notes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import zeep.exceptions
import zeep.xsd
from lxml import etree
from zeep.xsd.elements.any import AnyAttribute
from zeep.xsd.elements.attribute import Attribute, AttributeGroup
from zeep.xsd.elements.indicators import Choice, Group, OrderIndicator
from zeep.xsd.types.any import AnyType
from zeep.xsd.types.simple import AnySimpleType

from adapters.soap.binding_notes import Name, WsdlNotes
from adapters.soap.documents import SOAP_ENC

__all__ = [
    "ANY_TYPE",
    "ArrayOf",
    "Particle",
    "Shape",
    "Types",
    "attributes_of",
    "element_shape",
    "name_of",
    "particles",
    "takes_any",
    "text_type",
]

XSD = "http://www.w3.org/2001/XMLSchema"
ANY_TYPE: Any = AnyType()  # type: ignore[no-untyped-call]  # zeep has no types


@dataclass(frozen=True, slots=True)
class Particle:
    """An element of a type's content, with what the groups around it make of it."""

    element: Any
    optional: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """The type of a SOAP-ENC array. item: a type of zeep or, for an array in an array, another of these."""

    item: Any
    item_name: Name
    dimensions: int

    @property
    def name(self) -> str:
        return f"{self.item_name[1]}{'[]' * self.dimensions}"


@dataclass(slots=True)
class Types:
    """All types and elements of one WSDL."""

    schema: Any = None
    notes: WsdlNotes = field(default_factory=WsdlNotes)

    def element(self, name: Name) -> Any:
        """A global element, None if there is none."""
        return self._found("get_element", name)

    def type(self, name: Name) -> Any:
        return self._found("get_type", name)

    def _found(self, getter: str, name: Name) -> Any:
        if self.schema is None:
            return None
        namespaces = [name[0]] if name[0] else [None, *self.schema.namespaces]
        for namespace in namespaces:
            try:
                return getattr(self.schema, getter)(etree.QName(namespace, name[1]))
            except (zeep.exceptions.LookupError, zeep.exceptions.NamespaceError, KeyError):
                continue
        return None

    def members(self, element: Any) -> list[Any]:
        """Elements that may stand for a global one."""
        if not self.notes.substitutes or not getattr(element, "is_global", False):
            return []
        found = (self.element(one) for one in self.notes.members(name_of(element.qname)))
        return [one for one in found if one is not None]

    def descendants(self, xsd_type: Any) -> list[Any]:
        """Types derived from a type."""
        qname = getattr(xsd_type, "qname", None)
        if not self.notes.derived or qname is None or not isinstance(xsd_type, zeep.xsd.ComplexType):
            return []
        found = (self.type(one) for one in self.notes.descendants(name_of(qname)))
        return [one for one in found if isinstance(one, zeep.xsd.ComplexType)]

    def array(self, xsd_type: Any) -> ArrayOf | None:
        """What a type is an array of, None if it is none."""
        if isinstance(xsd_type, ArrayOf):
            return xsd_type
        qname = getattr(xsd_type, "qname", None)
        if qname is None or not isinstance(xsd_type, zeep.xsd.ComplexType):
            return None
        found = self.notes.array(name_of(qname))
        if found is None:
            return None
        item = self.type(found[0]) or ANY_TYPE
        for dimensions in range(1, found[1]):
            item = ArrayOf(item, found[0], dimensions)
        return ArrayOf(item, found[0], found[1])


def name_of(qname: etree.QName) -> Name:
    return qname.namespace or "", qname.localname


def text_type(xsd_type: Any) -> Any:
    """The simple type of what is only text: of a simple type itself, or of one with attributes; None for others."""
    if isinstance(xsd_type, AnySimpleType):
        return xsd_type
    held = getattr(xsd_type, "_element", None)
    if isinstance(held, zeep.xsd.Element) and held.name == "_value_1":
        return text_type(held.type)
    return None


def particles(xsd_type: Any) -> Iterator[Particle]:
    """Elements of a complex type, in order; none for simple types."""
    held = getattr(xsd_type, "_element", None)
    if held and text_type(xsd_type) is None:
        yield from _particles(held, optional=False, repeated=False)


def _particles(part: Any, *, optional: bool, repeated: bool) -> Iterator[Particle]:
    if isinstance(part, zeep.xsd.Element):
        yield Particle(part, optional or part.is_optional, repeated or part.accepts_multiple)
    elif isinstance(part, OrderIndicator | Group):
        optional = optional or part.is_optional or (isinstance(part, Choice) and len(part) > 1)
        repeated = repeated or part.accepts_multiple
        for one in [part.child] if isinstance(part, Group) else part:
            yield from _particles(one, optional=optional, repeated=repeated)


def takes_any(xsd_type: Any) -> bool:
    """Whether elements of other names may stand in it (xs:any, xs:anyType)."""
    held = getattr(xsd_type, "_element", None)
    return _is_any(xsd_type) or (held is not None and _holds_any(held))


def _holds_any(part: Any) -> bool:
    if isinstance(part, zeep.xsd.Any):
        return True
    if isinstance(part, Group):
        return _holds_any(part.child)
    return isinstance(part, OrderIndicator) and any(_holds_any(one) for one in part)


def _is_any(xsd_type: Any) -> bool:
    return type(xsd_type) is AnyType or getattr(xsd_type, "name", None) == "anyType"


def attributes_of(xsd_type: Any) -> tuple[list[Any], bool]:
    """Attributes of a type, and whether it takes others too."""
    found: list[Any] = []
    takes_others = False
    for one in getattr(xsd_type, "_attributes", None) or []:
        for attribute in one.attributes if isinstance(one, AttributeGroup) else [one]:
            if isinstance(attribute, AnyAttribute):
                takes_others = True
            elif isinstance(attribute, Attribute) and attribute.name:
                found.append(attribute)
    return found, takes_others


@dataclass(frozen=True, slots=True)
class Shape:
    """An element or attribute of a message; children are looked up lazily, so that recursive schemas cost nothing."""

    name: str
    type_name: str
    repeated: bool
    optional: bool
    xsd_type: Any
    types: Types = field(default_factory=Types, repr=False, compare=False)
    nillable: bool = False

    def children(self) -> dict[str, Shape]:
        """By local name; attributes as `@name`, the text of a type with attributes as `#text`. Empty for simple types
        and for xs:any. Of a type that others are derived from, what those add is in it too, as optional."""
        out: dict[str, Shape] = {}
        for one in _children(self.xsd_type, self.types):
            there = out.get(one.name)
            # a name that stands twice: in several branches of a choice, or here and there in a sequence
            out[one.name] = (
                one
                if there is None
                else replace(there, repeated=True, optional=there.optional or one.optional)
            )
        for derived in self.types.descendants(self.xsd_type):
            for one in _children(derived, self.types):
                if one.name not in out:
                    out[one.name] = replace(one, optional=True)
        return out

    @property
    def open(self) -> bool:
        """Whether anything may stand in it (xs:any, xs:anyType, an array of the SOAP encoding of no known type)."""
        if self.types.array(self.xsd_type) is not None:
            return False
        return takes_any(self.xsd_type) or any(
            takes_any(one) for one in self.types.descendants(self.xsd_type)
        )


def element_shape(
    element: Any, types: Types, *, optional: bool | None = None, repeated: bool | None = None
) -> Shape:
    xsd_type = element.type
    type_name = getattr(xsd_type, "name", None) or type(xsd_type).__name__
    return Shape(
        element.name,
        str(type_name),
        bool(getattr(element, "accepts_multiple", False)) if repeated is None else repeated,
        bool(getattr(element, "is_optional", False)) if optional is None else optional,
        xsd_type,
        types,
        bool(getattr(element, "nillable", False)),
    )


def _children(xsd_type: Any, types: Types) -> Iterator[Shape]:
    array = types.array(xsd_type)
    if array is not None:
        item = array.item
        yield Shape("item", str(getattr(item, "name", None) or type(item).__name__), True, True, item, types)
        return
    for one in particles(xsd_type):
        members = types.members(one.element)
        yield element_shape(one.element, types, optional=one.optional or bool(members), repeated=one.repeated)
        for member in members:
            yield element_shape(member, types, optional=True, repeated=one.repeated)
    if isinstance(xsd_type, zeep.xsd.ComplexType) and (simple := text_type(xsd_type)) is not None:
        yield Shape("#text", str(getattr(simple, "name", "")), False, True, simple, types)
    encoding = {"id", "href", "arrayType", "offset", "position", "root"}
    is_encoding = getattr(getattr(xsd_type, "qname", None), "namespace", None) == SOAP_ENC
    for attribute in attributes_of(xsd_type)[0]:
        if is_encoding and attribute.name in encoding:
            continue
        type_name = getattr(attribute.type, "name", None) or type(attribute.type).__name__
        yield Shape(
            f"@{attribute.name}", str(type_name), False, not attribute.required, attribute.type, types
        )
