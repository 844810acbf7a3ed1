"""Encoded replies (SOAP 1.1 section 5, SOAP 1.2 part 2 section 3) to trees: references followed, arrays opened. Pure.

The tree is that of `mapping/tree.py`, with two differences: a value is read where it is referred to (href="#id", or
enc:ref), and what stands in an array is named `item`, since its names mean nothing (section 5.4.2). References can make
a graph out of a tree: one that comes back to itself where it is read is an error, and so is one that is too large
once it is opened out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from adapters.mapping.tree import Leaf, Wanted, local_name, text_of
from adapters.soap.documents import SOAP_ENC

__all__ = ["BadGraph", "EncodedReader", "encoded_content"]

SOAP12_ENC = "http://www.w3.org/2003/05/soap-encoding"
MOST_VALUES = 1_000_000
MAX_DEPTH = 200
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_OLD_XSI = ("http://www.w3.org/1999/XMLSchema-instance", "http://www.w3.org/2000/10/XMLSchema-instance")
_NILS = (f"{{{_XSI}}}nil", *(f"{{{one}}}null" for one in _OLD_XSI))
_TYPES = (f"{{{_XSI}}}type", *(f"{{{one}}}type" for one in _OLD_XSI))
_ENCODING = (f"{{{SOAP_ENC}}}", f"{{{SOAP12_ENC}}}")


class BadGraph(ValueError):
    """References that lead nowhere, in a circle, or open out into too much."""


def encoded_content(body: etree._Element) -> etree._Element | None:
    """The first element of a Body that is no value referred to by another (SOAP 1.1 section 5.6)."""
    found = [child for child in body if isinstance(child.tag, str)]
    roots = [one for one in found if one.get(f"{{{SOAP_ENC}}}root") not in ("0", "false")]
    return next((one for one in roots if _id_of(one) is None), roots[0] if roots else None)


@dataclass(slots=True)
class EncodedReader:
    """Reads one reply. Raises BadGraph."""

    body: etree._Element
    _by_id: dict[str, etree._Element] | None = None
    _open: set[etree._Element] = field(default_factory=set)
    _values: int = 0

    def tree(self, element: etree._Element, wanted: Wanted | None) -> Any:
        """As `xml_tree`: wanted names below it, or all of it for None."""
        if len(self._open) > MAX_DEPTH:
            raise BadGraph(f"its values stand deeper than {MAX_DEPTH}")
        self._values += 1
        if self._values > MOST_VALUES:
            raise BadGraph(f"opened out it has more than {MOST_VALUES} values")
        element = self._referred(element)
        if element in self._open:
            raise BadGraph("its references lead in a circle")
        self._open.add(element)
        try:
            return self._whole(element) if wanted is None else self._wanted(element, wanted)
        finally:
            self._open.discard(element)

    def _wanted(self, element: etree._Element, wanted: Wanted) -> Any:
        out: dict[str, Any] = {name: one for name, one in _attributes(element) if name in wanted}
        if "#text" in wanted:
            out["#text"] = text_of(element)
        is_array = _is_array(element)
        held: dict[str, list[Any]] = {}
        for child in element:
            if isinstance(child.tag, str):
                name = "item" if is_array else local_name(child.tag)
                if name in wanted:
                    held.setdefault(name, []).append(self.tree(child, wanted[name]))
        return _put(out, held)

    def _whole(self, element: etree._Element) -> Any:
        if any(element.get(name) in ("true", "1") for name in _NILS):
            return None
        attributes = dict(_attributes(element))
        if not len(element):
            if _is_array(element):
                return attributes
            attributes.pop("@type", None)  # nearly every text has it, and the mapping converts texts itself
            return Leaf(text_of(element), attributes) if attributes else text_of(element)
        is_array = _is_array(element)
        held: dict[str, list[Any]] = {}
        for child in element:
            if isinstance(child.tag, str):
                name = "item" if is_array else local_name(child.tag)
                held.setdefault(name, []).append(self.tree(child, None))
        return _put(dict(attributes), held)

    def _referred(self, element: etree._Element) -> etree._Element:
        seen = 0
        while (name := _reference(element)) is not None:
            seen += 1
            if seen > MAX_DEPTH:
                raise BadGraph("its references lead in a circle")
            found = self._ids().get(name)
            if found is None:
                raise BadGraph("it refers to a value that is not there")
            element = found
        return element

    def _ids(self) -> dict[str, etree._Element]:
        if self._by_id is None:
            self._by_id = {}
            for one in self.body.iter(etree.Element):
                name = _id_of(one)
                if name is not None and self._by_id.setdefault(name, one) is not one:
                    raise BadGraph("two of its values have one id")
        return self._by_id


def _put(out: dict[str, Any], held: dict[str, list[Any]]) -> dict[str, Any]:
    for name, values in held.items():
        out[name] = values[0] if len(values) == 1 else values
    return out


def _id_of(element: etree._Element) -> str | None:
    return element.get("id") or element.get(f"{{{SOAP12_ENC}}}id")


def _reference(element: etree._Element) -> str | None:
    href = element.get("href")
    if href is not None and href.startswith("#"):
        return href[1:]
    ref = element.get(f"{{{SOAP12_ENC}}}ref")
    return ref.removeprefix("#") if ref is not None else None


def _is_array(element: etree._Element) -> bool:
    if any(
        element.get(one) is not None
        for one in (f"{_ENCODING[0]}arrayType", f"{_ENCODING[1]}itemType", f"{_ENCODING[1]}arraySize")
    ):
        return True
    return any((element.get(one) or "").rpartition(":")[2] == "Array" for one in _TYPES)


def _attributes(element: etree._Element) -> Iterable[tuple[str, str]]:
    """Without those of the encoding itself."""
    for key, value in element.items():
        name = str(key)
        if name in ("id", "href") or name.startswith(_ENCODING) or name in _NILS:
            continue
        if name.endswith("}encodingStyle"):
            continue
        yield "@" + local_name(name), str(value)
