"""YAML text to plain values that remember where they stood; no meaning is given to them here.

Every scalar stays the text that was written (`"01"` is not the number 1, `no` is not false: the model that
reads it decides), except plain `null`/`~`. Plain scalars are `Plain`, so that request templates can tell
`size: 20` from `size: "20"`. Aliases are followed, duplicate keys are problems.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from adapters.problems import Problem

__all__ = ["Document", "Plain", "load"]

Place = tuple[str | int, ...]
MAX_BYTES = 1024 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 100
# "007", "1_000", "1e5", "nan" are codes, not numbers
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}", re.ASCII)


class Plain(str):
    """Text of an unquoted scalar."""

    __slots__ = ()

    def literal(self) -> str | int | float | bool:
        """Its value by the YAML 1.2 core rules: true/false, decimal integers and floats, else text."""
        if self in ("true", "false"):
            return self == "true"
        if _INTEGER.fullmatch(self):
            return int(self)
        if _FLOAT.fullmatch(self) and str(float(self)) == self:
            return float(self)
        return str(self)


@dataclass(slots=True)
class Document:
    """`tree`: nested dict, list, str, None. `marks`: place of each value -> (line, column), from 1."""

    path: Path
    tree: Any = None
    marks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    key_marks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, place: Place, *, key: bool = False) -> tuple[int, int]:
        """Line and column of a place, or of the nearest place around it that exists."""
        marks = self.key_marks if key else self.marks
        for end in range(len(place), -1, -1):
            if place[:end] in marks:
                return marks[place[:end]]
            if place[:end] in self.marks:
                return self.marks[place[:end]]
        return (1, 1)

    def problem(
        self, place: Place, code: str, message: str, *, allowed: str = "", key: bool = False
    ) -> Problem:
        line, column = self.where(place, key=key)
        return Problem(self.path, line, column, code, message, allowed)


def load(path: Path, text: str) -> Document:
    """Reads one YAML document; what is wrong with it stands in `problems`, never raised."""
    document = Document(path)
    if len(text) > MAX_BYTES:
        document.problems.append(Problem(path, 1, 1, "FILE_TOO_LARGE", f"more than {MAX_BYTES} bytes"))
        return document
    try:
        root = _composed(text)
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(path, text, error))
        return document
    except RecursionError:
        document.problems.append(Problem(path, 1, 1, "YAML_TOO_DEEP", "values are nested too deeply"))
        return document
    if root is None:
        document.problems.append(Problem(path, 1, 1, "YAML_EMPTY", "the file holds nothing"))
        return document
    _Builder(document).build(root, ())
    return document


def _composed(text: str) -> Node | None:
    """By libyaml where it is there, which takes a tenth of the time; what it refuses is read again by the other, whose
    words and places for what is wrong are the ones that we tell."""
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        try:
            root: Node | None = yaml.compose(text, Loader=fast)
            return root
        except (yaml.YAMLError, UnicodeError, RecursionError):
            pass
    slow: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return slow


def _syntax_problem(path: Path, text: str, error: yaml.YAMLError) -> Problem:
    position = getattr(error, "position", None)
    if isinstance(position, int):  # a character that YAML forbids
        before = text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        return Problem(
            path, line, column, "YAML_SYNTAX", f"a character that YAML does not allow: {text[position]!r}"
        )
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(path, line, column, "YAML_SYNTAX", f"{what}" + (f" ({context})" if context else ""))


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = 0
        self.refused = False

    def build(self, node: Node, place: Place) -> None:
        self.document.tree = self._value(node, place, ())

    def _value(self, node: Node, place: Place, inside: tuple[int, ...]) -> Any:
        self.nodes += 1
        # a value that was merged in stands where it is merged, unless it has a place of its own
        self.document.marks.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
        if id(node) in inside or self.nodes > MAX_NODES or len(inside) > MAX_DEPTH:
            self._refuse(place)
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            return [
                self._value(item, (*place, index), (*inside, id(node)))
                for index, item in enumerate(node.value)
                if not self.refused
            ]
        assert isinstance(node, MappingNode)  # noqa: S101 - the composer makes these three kinds only
        return self._mapping(node, place, (*inside, id(node)))

    def _refuse(self, place: Place) -> None:
        """Once: a bomb would otherwise be told of at each of its values."""
        if not self.refused:
            self.refused = True
            message = "an alias contains itself, or the file unfolds to too many or too deep values"
            self._problem(place, "YAML_TOO_DEEP", message)

    def _scalar(self, node: ScalarNode) -> str | None:
        if node.style in ('"', "'", "|", ">"):
            return str(node.value)
        return None if node.value in ("", "null", "~") else Plain(node.value)

    def _mapping(self, node: MappingNode, place: Place, inside: tuple[int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                self._problem(place, "YAML_KEY", "a key must be plain text", key_node)
                continue
            if self.refused:
                break
            if key == "<<" and not key_node.style:  # plain is None of the one reader, "" of the other
                merges.append(value_node)
                continue
            inner = (*place, key)
            if key in result:
                first = self.document.key_marks[inner][0]
                self._problem(
                    inner, "DUPLICATE_KEY", f"{key!r} stands here again (first in line {first})", key_node
                )
                continue
            self.document.key_marks[inner] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self._value(value_node, inner, inside)
        # after all that is said here, so that its places stay its own
        merged: dict[str, Any] = {}
        for value_node in merges:
            merged.update(self._merge(value_node, place, inside))
        return {**merged, **result}

    def _merge(self, node: Node, place: Place, inside: tuple[int, ...]) -> dict[str, Any]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for one in nodes:
            value = self._value(one, place, inside)
            if isinstance(value, dict):
                merged = {**value, **merged}
            elif not self.refused:
                self._problem(place, "YAML_MERGE", "`<<` takes a mapping or a list of mappings", one)
        return merged

    def _problem(self, place: Place, code: str, message: str, node: Node | None = None) -> None:
        line, column = self.document.where(place)
        if node is not None:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.document.problems.append(Problem(self.document.path, line, column, code, message))
