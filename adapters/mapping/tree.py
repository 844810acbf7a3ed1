"""Replies to plain trees of dict, list and text, pruned to what the expressions of a connector ask for.

XML: children by local name, `@name` for attributes, `#text` for an element's own text, several of one name become a
list, xsi:nil is null. Reading only the wanted names is what makes a large SOAP reply cheap: the reader is compiled
from the map.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

from lxml import etree

__all__ = [
    "DoctypeRefused",
    "Leaf",
    "Wanted",
    "add_container",
    "add_path",
    "local_name",
    "parse_xml",
    "text_of",
    "xml_tree",
]

Wanted = dict[str, Optional["Wanted"]]
"""Name -> names wanted below it; None wants everything below."""

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class DoctypeRefused(ValueError):
    """The document has a DOCTYPE: no system needs one, and entities come with it."""


class Leaf(str):
    """Text of an element that has attributes too; as a value it is the text."""

    attributes: dict[str, str]

    def __new__(cls, text: str, attributes: dict[str, str]) -> Leaf:
        leaf = super().__new__(cls, text)
        leaf.attributes = attributes
        return leaf


def add_path(wanted: Wanted, steps: Iterable[str | int]) -> None:
    """Adds one path; a shorter path wants all that is below it."""
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return
    holder = add_container(wanted, names[:-1])
    if holder is not None:
        holder[names[-1]] = None


def add_container(wanted: Wanted, steps: Iterable[str | int]) -> Wanted | None:
    """Adds what only holds records: it must be there, but nothing in it is wanted for its own sake.

    What is wanted in it, None if that is everything already.
    """
    at = wanted
    for name in (step for step in steps if isinstance(step, str)):
        below = at.setdefault(name, {})
        if below is None:
            return None
        at = below
    return at


def parse_xml(body: bytes, charset: str | None) -> etree._Element:
    """Safe parse: no DTD, no entities, no network. `charset` overrides what the document declares.

    Raises etree.XMLSyntaxError or DoctypeRefused; the caller says whose reply it was.
    """
    parser = etree.XMLParser(
        encoding=charset,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(body, parser)
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs' property lacks its type
        raise DoctypeRefused
    return root


def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def text_of(element: etree._Element) -> str:
    return (element.text or "").strip()


def xml_tree(element: etree._Element, wanted: Wanted | None) -> Any:
    """The element's value. wanted: names below it that are read into a dict; None reads all of it, and gives the text
    of an element without children (null for xsi:nil)."""
    if wanted is None:
        return _whole(element)
    out: dict[str, Any] = {}
    for name, value in element.items():
        key = "@" + local_name(str(name))
        # an attribute of the element's own goes before one of another vocabulary: `type` before xsi:type
        if key in wanted and (key not in out or name[0] != "{"):
            out[key] = value
    if "#text" in wanted:
        out["#text"] = text_of(element)
    for child in element:
        tag = child.tag
        if type(tag) is not str:  # an unresolved entity or a comment
            continue
        name = tag.rpartition("}")[2]
        if name not in wanted:
            continue
        below = wanted[name]
        _put(out, name, _whole(child) if below is None else xml_tree(child, below))
    return out


def _whole(element: etree._Element) -> Any:
    given = element.items()  # most elements have none; asked for once
    if not given and not len(element):
        return (element.text or "").strip()
    if element.get(_NIL) in ("true", "1"):
        return None
    attributes = {"@" + local_name(str(name)): str(value) for name, value in given}
    if len(attributes) < len(given):  # `type` and xsi:type: the element's own goes first
        attributes |= {"@" + str(name): str(value) for name, value in given if name[0] != "{"}
    if not len(element):
        return Leaf(text_of(element), attributes) if attributes else text_of(element)
    out: dict[str, Any] = dict(attributes)
    for child in element:
        if type(child.tag) is str:
            _put(out, local_name(child.tag), _whole(child))
    return out


def _put(out: dict[str, Any], name: str, value: Any) -> None:
    if name not in out:
        out[name] = value
        return
    there = out[name]
    if isinstance(there, list):
        there.append(value)
    else:
        out[name] = [there, value]
