"""Elements that no schema describes: what stands where it allows any, and headers of no WSDL. Pure.

A tree gives names, `@name` attributes, `#text`, and `@xmlns` for the namespace of an element and what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from adapters.soap.shape import ANY_TYPE
from adapters.soap.simple_text import BadText, simple_text

__all__ = ["MAX_DEPTH", "DoesNotFit", "free_element", "free_header"]

MAX_DEPTH = 64


class DoesNotFit(ValueError):
    """Arguments that the WSDL does not take; the message names elements and types, never a value."""


def free_element(
    parent: etree._Element, name: str, value: Any, namespace: str, place: tuple[str, ...]
) -> None:
    """Adds it. Raises DoesNotFit; ValueError for names and characters that XML does not allow."""
    if len(place) > MAX_DEPTH:
        raise DoesNotFit(f"{'.'.join(place[:3])}...: deeper than {MAX_DEPTH} elements")
    if isinstance(value, Mapping):
        namespace = str(value.get("@xmlns", namespace))
    node = etree.SubElement(parent, etree.QName(namespace or None, name))
    if not isinstance(value, Mapping):
        node.text = _text(value, place) if value is not None else None
        return
    for inner, one in value.items():
        if inner == "#text":
            node.text = _text(one, place)
        elif inner.startswith("@"):
            if inner != "@xmlns":
                node.set(inner[1:], _text(one, (*place, inner)))
        else:
            for each in one if isinstance(one, list) else [one]:
                free_element(node, inner, each, namespace, (*place, inner))


def free_header(header: etree._Element, tree: Mapping[str, Any], namespace: str, *, qualified: bool) -> None:
    """Adds the elements of a tree. qualified: what is in them is of the namespace too. Raises as `free_element`."""
    for name, value in tree.items():
        free_element(header, name, value, namespace, (name,))
        if not qualified:
            for inner in header[-1].iterdescendants(etree.Element):
                inner.tag = etree.QName(inner).localname


def _text(value: Any, place: tuple[str, ...]) -> str:
    try:
        return simple_text(ANY_TYPE, value)
    except BadText as error:
        raise DoesNotFit(f"{'.'.join(place)}: {error}") from None
