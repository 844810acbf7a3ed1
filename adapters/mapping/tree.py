"""Replies to plain trees of dict, list and text, pruned to what the expressions of a connector ask for.

XML: children by local name, `@name` for attributes, several of one name become a list, xsi:nil is null.
Reading only the wanted names is what makes a large SOAP reply cheap: the reader is compiled from the map.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

from lxml import etree

from adapters.mapping.expression import Path

__all__ = ["DoctypeRefused", "Wanted", "add_path", "local_name", "parse_xml", "text_of", "xml_tree"]

Wanted = dict[str, Optional["Wanted"]]
"""Name -> names wanted below it; None wants everything below."""

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def add_path(wanted: Wanted, steps: Iterable[str | int]) -> None:
    """Adds one path; a shorter path wants all that is below it."""
    names = [step for step in steps if isinstance(step, str)]
    at = wanted
    for index, name in enumerate(names):
        last = index == len(names) - 1
        if last:
            at[name] = None
            return
        if name in at and at[name] is None:
            return
        below = at.setdefault(name, {})
        if below is None:
            return
        at = below


def paths_below(base: Iterable[str | int], paths: Iterable[Path]) -> list[tuple[str | int, ...]]:
    """Paths of a record as paths of the whole reply."""
    prefix = tuple(base)
    return [(*prefix, *path.steps) for path in paths if not path.root]


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


class DoctypeRefused(ValueError):
    """The document has a DOCTYPE: no system needs one, and entities come with it."""


def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def text_of(element: etree._Element) -> str:
    return (element.text or "").strip()


def xml_tree(element: etree._Element, wanted: Wanted | None) -> Any:
    """The element's value: dict if anything in it is wanted and there, else its text (None for xsi:nil)."""
    if wanted is None:
        return _whole(element)
    out: dict[str, Any] = {}
    for name, value in element.attrib.items():
        key = "@" + local_name(str(name))
        if key in wanted:
            out[key] = value
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
    if element.get(_NIL) in ("true", "1"):
        return None
    if not len(element):
        return text_of(element)
    out: dict[str, Any] = {"@" + local_name(str(name)): value for name, value in element.attrib.items()}
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
