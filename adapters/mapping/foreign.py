"""Escape hatches: `jmespath: ...` and `xpath: ...` in place of an expression, for replies that paths cannot follow.

Both read the same tree as every other expression (names without their prefix) and are bounded: length, size of what they
look at, steps and time. Neither has functions of ours, extensions, variables or access to files.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter
from lxml import etree

from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.tree import Leaf, xml_tree

__all__ = ["LANGUAGES", "compile_foreign", "foreign_of"]

LANGUAGES = ("jmespath", "xpath")
MAX_STEPS = 20_000
MAX_SECONDS = 0.1
MAX_NODES = 5_000
MAX_NODES_SEARCHED_TWICE = 1_500
"""lxml cannot be stopped on its way. A search within a search visits the square of the nodes: measured 0.05 s of 1,500,
0.6 s of 5,000."""
MAX_TEXT = 1_000_000
MAX_DEEP_STEPS = 2
_HEAD = re.compile(r"\s*(jmespath|xpath)\s*:\s*(.*)", re.DOTALL)
_DEEP = re.compile(r"//|\.\.|(?:descendant|ancestor|preceding|following)(?:-or-self|-sibling)?\s*::")
_ABSOLUTE = re.compile(r"(?:^|[-\[(,|=<>+*]|\b(?:and|or|div|mod)\b)\s*/(?!/)")
"""A path from the root: inside a predicate it is walked anew for each node."""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_NAME = re.compile(r"[^\W\d][\w.-]*")


def foreign_of(text: str) -> tuple[str, str, int] | None:
    """(language, its text, where that begins), if an expression is in another language."""
    found = _HEAD.match(text)
    return (found[1], found[2], found.start(2)) if found is not None else None


def compile_foreign(language: str, text: str) -> Callable[[Any], Any]:
    """A reader of one tree. Raises ExpressionError for what the language does not take; the reader ValueProblem."""
    return _jmespath(text) if language == "jmespath" else _xpath(text)


# --- JMESPath ---


class _Bounded(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """Counts what it visits; the language has no loops of its own, but projections over projections multiply."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.until = time.monotonic() + MAX_SECONDS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self.steps += 1
        if self.steps > MAX_STEPS or (self.steps % 256 == 0 and time.monotonic() > self.until):
            raise ValueProblem("jmespath took too many steps")
        return super().visit(node, *args, **kwargs)


def _jmespath(text: str) -> Callable[[Any], Any]:
    try:
        parsed = jmespath.compile(text).parsed
    except JMESPathError as error:
        place = getattr(error, "lex_position", None)
        said = str(error).splitlines()[0].rstrip(":")
        raise ExpressionError(f"not JMESPath: {said}", int(place) if place is not None else 0) from None
    _known_functions(parsed)

    def read(node: Any) -> Any:
        try:
            return _Bounded().visit(parsed, node)
        except JMESPathError as error:
            raise ValueProblem(f"jmespath: {str(error).splitlines()[0]}") from None
        except (TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            raise ValueProblem("jmespath does not fit what stands here") from None

    return read


def _known_functions(parsed: Mapping[str, Any]) -> None:
    """A function that there is not is told before any call."""
    if parsed.get("type") == "function_expression" and parsed.get("value") not in _FUNCTIONS:
        known = ", ".join(sorted(_FUNCTIONS))
        raise ExpressionError(f"JMESPath has no function {parsed.get('value')!r}", 0, f"functions: {known}")
    for child in parsed.get("children", ()):
        if isinstance(child, dict):
            _known_functions(child)


_FUNCTIONS = frozenset(jmespath.functions.Functions.FUNCTION_TABLE)


# --- XPath 1.0 ---


def _xpath(text: str) -> Callable[[Any], Any]:
    bare = _QUOTED.sub('""', text)
    deep = _DEEP.findall(bare) + ["/"] * len(_ABSOLUTE.findall(bare))
    if len(deep) > MAX_DEEP_STEPS:
        raise ExpressionError(
            f"more than {MAX_DEEP_STEPS} steps that search a whole tree ({', '.join(dict.fromkeys(deep))})",
            0,
            "name the way to the element",
        )
    try:
        find = etree.XPath(text, regexp=False, smart_strings=False)
        find(etree.Element("x"))
    except etree.XPathError as error:
        raise ExpressionError(f"not XPath 1.0: {error}") from None

    room = MAX_NODES if len(deep) < MAX_DEEP_STEPS else MAX_NODES_SEARCHED_TWICE

    def read(node: Any) -> Any:
        root = etree.Element("record")
        _build(root, node, _Room(room, MAX_TEXT))
        try:
            found = find(root)
        except etree.XPathError as error:
            raise ValueProblem(f"xpath: {error}") from None
        if isinstance(found, list):
            values = [xml_tree(one, None) if isinstance(one, etree._Element) else one for one in found]
            return values[0] if len(values) == 1 else values or None
        if isinstance(found, float) and found.is_integer():
            return int(found)
        return found

    return read


class _Room:
    """What an element may still hold, so that no path can be long under way."""

    __slots__ = ("most", "nodes", "text")

    def __init__(self, nodes: int, text: int) -> None:
        self.most, self.nodes, self.text = nodes, nodes, text

    def take(self, text: str | None) -> None:
        self.nodes -= 1
        self.text -= len(text or "")
        if self.nodes < 0:
            raise ValueProblem(f"more than {self.most} values stand here: too many for this xpath")
        if self.text < 0:
            raise ValueProblem(f"more than {MAX_TEXT} characters stand here: too many for xpath")


def _build(element: etree._Element, value: Any, room: _Room) -> None:
    """A tree as an element again."""
    if isinstance(value, Mapping):
        room.take(None)
        for name, one in value.items():
            if name == "#text":
                room.take(str(one))
                element.text = str(one)
            elif name.startswith("@"):
                room.take(str(one))
                element.set(name[1:], str(one))
            elif _NAME.fullmatch(name):
                for item in one if isinstance(one, list) else [one]:
                    _build(etree.SubElement(element, name), item, room)
        return
    if isinstance(value, list):
        room.take(None)
        for item in value:
            _build(etree.SubElement(element, "item"), item, room)
        return
    if isinstance(value, Leaf):
        for name, one in value.attributes.items():
            room.take(one)
            element.set(name.removeprefix("@"), one)
    text = "" if value is None else str(value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    room.take(text)
    if text:
        element.text = "".join(sign for sign in text if sign >= " " or sign in "\t\n\r")
