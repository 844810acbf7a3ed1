"""Texts of bodies as (place, value) pairs, whatever they are written in: to compare them, and to find who is in them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from lxml import etree

from adapters.mapping.tree import DoctypeRefused, local_name, parse_xml

__all__ = [
    "Leaves",
    "body_leaves",
    "differences",
    "flat",
    "leaves",
    "path_leaves",
    "query_leaves",
    "soap_root",
]

Place = tuple[str, ...]
Leaves = dict[str, str]
MAX_DEPTH = 6


def leaves(text: str, depth: int = 0) -> Iterator[tuple[Place, str]]:
    """Of JSON, XML, a form, or the text itself (at no place). Text in a field that is JSON or XML is read too."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if depth < MAX_DEPTH and start in ("{", "["):
        try:
            yield from _of_tree(json.loads(text.lstrip("\ufeff")), (), depth)
            return
        except (ValueError, RecursionError):
            pass
    if depth < MAX_DEPTH and start == "<":
        root = _xml(text)
        if root is not None:
            yield from _of_element(root, (local_name(str(root.tag)),), depth)
            return
    if depth == 0 and "=" in text and not any(one.isspace() for one in text.strip()):
        yield from query_leaves(text)
    elif text.strip():
        yield (), text


def query_leaves(query: str, charset: str = "utf-8") -> Iterator[tuple[Place, str]]:
    seen: dict[str, int] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, encoding=charset, errors="replace"):
        seen[name] = seen.get(name, 0) + 1
        yield (name,) if seen[name] == 1 else (name, f"[{seen[name] - 1}]"), value


def flat(value: Any, place: str = "") -> Leaves:
    """A tree of dicts and lists as `a.b[0]` -> text; empty ones too, so that they differ from nothing."""
    found: Leaves = {}
    if isinstance(value, dict) and value:
        for name, one in value.items():
            found |= flat(one, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple) and value:
        for index, one in enumerate(value):
            found |= flat(one, f"{place}[{index}]")
    else:
        found[place] = (
            json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
        )
    return found


def differences(expected: Leaves, found: Leaves) -> Iterator[tuple[str, str | None, str | None]]:
    """(place, expected, found); None where it is not there."""
    for place in [*expected, *(one for one in found if one not in expected)]:
        if expected.get(place) != found.get(place):
            yield place, expected.get(place), found.get(place)


def soap_root(text: str) -> str | None:
    """Local name of the element in soap:Body; None for what is no envelope."""
    root = _xml(text) if text.lstrip("\ufeff \t\r\n")[:1] == "<" else None
    if root is None or local_name(str(root.tag)) != "Envelope":
        return None
    for body in root:
        if isinstance(body.tag, str) and local_name(body.tag) == "Body":
            return next((local_name(one.tag) for one in body if isinstance(one.tag, str)), None)
    return None


def body_leaves(text: str) -> Leaves:
    """As a request is compared by: of an envelope only the Body, for the header holds times and signatures."""
    found: Leaves = {}
    for place, value in leaves(text):
        if place[:2] == ("Envelope", "Header"):
            continue
        shown = place[2:] if place[:2] == ("Envelope", "Body") else place
        found[".".join(shown).replace(".[", "[")] = value
    return found


def path_leaves(path: str) -> tuple[str, Leaves]:
    """The path decoded, and its query."""
    plain, _, query = path.partition("?")
    return unquote(plain), {".".join(place): value for place, value in query_leaves(query)}


def _of_tree(value: Any, place: Place, depth: int) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _of_tree(one, (*place, str(name)), depth)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _of_tree(one, (*place, f"[{index}]"), depth)
    elif isinstance(value, str):
        yield from _of_text(value, place, depth)
    else:
        yield place, json.dumps(value)


def _of_text(value: str, place: Place, depth: int) -> Iterator[tuple[Place, str]]:
    if value.lstrip()[:1] in ("<", "{", "["):
        inner = list(leaves(value, depth + 1))
        if len(inner) > 1 or (inner and inner[0][0]):
            for below, one in inner:
                yield (*place, *below), one
            return
    yield place, value


def _of_element(element: etree._Element, place: Place, depth: int) -> Iterator[tuple[Place, str]]:
    for name, value in element.items():
        yield (*place, "@" + local_name(str(name))), str(value)
    children = [one for one in element if isinstance(one.tag, str)]
    if not children:
        yield from _of_text((element.text or "").strip(), place, depth)
        return
    seen: dict[str, int] = {}
    for child in children:
        name = local_name(str(child.tag))
        seen[name] = seen.get(name, 0) + 1
        at = (*place, name) if seen[name] == 1 else (*place, name, f"[{seen[name] - 1}]")
        yield from _of_element(child, at, depth)


def _xml(text: str) -> etree._Element | None:
    plain = text.lstrip("\ufeff \t\r\n")
    if plain.startswith("<?xml"):
        plain = plain.partition("?>")[2]
    try:
        return parse_xml(plain.encode("utf-8", "surrogatepass"), "utf-8")
    except (etree.XMLSyntaxError, DoctypeRefused, ValueError):
        return None
