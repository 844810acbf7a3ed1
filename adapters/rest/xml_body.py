"""Trees of request templates as XML documents, with namespaces where the tree declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import as_text

__all__ = ["unknown_prefixes", "write_xml"]

_XML = "http://www.w3.org/XML/1998/namespace"


def write_xml(tree: Any, charset: str, label: str) -> bytes:
    """{"Request": {"No": "1", "Row": [..]}} as a document; `@name` is an attribute, lists repeat the element.

    `@xmlns` is the namespace of the element and of those in it, `@xmlns:p` declares a prefix that names may carry
    (`p:No`), as in XML itself. The document declares `label` (what the system calls its charset) and is written in
    `charset`. Raises ValueProblem for a tree that is no document, or values that XML does not allow.
    """
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise ValueProblem("an XML body needs exactly one outer element")
    (name, content), *_ = tree.items()
    try:
        root = _element(None, name, content, {})
    except ValueError as error:
        raise ValueProblem("a value has characters that XML does not allow") from error
    text = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="{label}"?>{text}'.encode(charset, "xmlcharrefreplace")


def unknown_prefixes(tree: Any, known: frozenset[str] = frozenset({"xml"})) -> list[tuple[Any, ...]]:
    """Places of names whose prefix nothing around them declares."""
    found: list[tuple[Any, ...]] = []
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            inner = known | _declared(value).keys() if isinstance(value, Mapping) else known
            prefix, colon, _ = str(name).removeprefix("@").rpartition(":")
            # an element's own declarations hold for its name, an attribute's for its element
            if colon and prefix != "xmlns" and prefix not in (known if name.startswith("@") else inner):
                found.append((name,))
            found += [(name, *place) for place in unknown_prefixes(value, frozenset(inner))]
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            inner = known | _declared(value).keys() if isinstance(value, Mapping) else known
            found += [(index, *place) for place in unknown_prefixes(value, frozenset(inner))]
    return found


def _element(
    parent: etree._Element | None, name: str, content: Any, scope: Mapping[str, str]
) -> etree._Element:
    """scope: prefix -> namespace, "" for the default one."""
    declared = _declared(content) if isinstance(content, Mapping) else {}
    inner = {**scope, **declared}
    # Any: lxml takes None for the default namespace, which its stubs do not know
    prefixes: dict[Any, str] = {prefix or None: uri for prefix, uri in declared.items() if uri}
    tag = _qualified(name, inner, default=True)
    element = (
        etree.Element(tag, nsmap=prefixes)
        if parent is None
        else etree.SubElement(parent, tag, nsmap=prefixes)
    )
    if "" in declared and not declared[""]:
        element.set("xmlns", "")  # takes the default away; lxml writes no such declaration by itself
    if not isinstance(content, Mapping):
        element.text = "" if content is None else as_text(content)
        return element
    for key, value in content.items():
        if key == "@xmlns" or key.startswith("@xmlns:"):
            continue
        if key.startswith("@"):
            element.set(_qualified(key[1:], inner, default=False), as_text(value))
        elif key == "#text":
            element.text = "" if value is None else as_text(value)
        else:
            for one in value if isinstance(value, list) else [value]:
                _element(element, key, one, inner)
    return element


def _declared(content: Mapping[str, Any]) -> dict[str, str]:
    declared: dict[str, str] = {}
    for key, value in content.items():
        if key == "@xmlns":
            declared[""] = as_text(value)
        elif key.startswith("@xmlns:"):
            declared[key.removeprefix("@xmlns:")] = as_text(value)
    return declared


def _qualified(name: str, scope: Mapping[str, str], *, default: bool) -> str:
    """Raises ValueProblem for a prefix that nothing declares."""
    prefix, colon, local = name.rpartition(":")
    if not colon:
        uri = scope.get("", "") if default else ""
        return f"{{{uri}}}{name}" if uri else name
    uri = _XML if prefix == "xml" else scope.get(prefix, "")
    if not uri:
        raise ValueProblem(f"the prefix of {name!r} is declared nowhere (@xmlns:{prefix})")
    return f"{{{uri}}}{local}"
