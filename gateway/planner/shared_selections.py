"""Finds selection sets that an operation would write more than once: they become fragments of it.

Eight members of a union that each ask the same below, four levels deep, are 4096 copies written out, and four
fragments written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphql import print_ast

from gateway.planner.fetch_graph import Output, OutputField

__all__ = ["SharedSelections", "find_shared"]

WORTH_A_FRAGMENT = 30
"""Fields that must be saved: what is short reads better where it stands."""


@dataclass(slots=True)
class SharedSelections:
    """Which selection sets are alike, and under which names those stand that are worth a fragment."""

    number_of: dict[int, int] = field(default_factory=dict)
    """By id of a selection set; alike ones have one number."""
    names: dict[int, str] = field(default_factory=dict)
    """Number -> name of the fragment."""

    def name_of(self, output: Output) -> str | None:
        """The fragment that a selection set is written as; None where it stands in its place."""
        return self.names.get(self.number_of[id(output)]) if self.names else None


@dataclass(slots=True)
class _Likeness:
    """Numbers selection sets from the leaves up, so that comparing two is comparing two short keys."""

    numbers: dict[object, int] = field(default_factory=dict)
    number_of: dict[int, int] = field(default_factory=dict)
    uses: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Fields when written out."""

    def number(self, output: Output) -> int:
        known = self.number_of.get(id(output))
        if known is not None:
            return known
        below = [(item, self._below(item.children)) for item in output.fields.values()]
        parts = [(name, self.number(part)) for name, part in output.fragments.items() if part.has_any()]
        key = (output.type_name, tuple(_key(item, inner) for item, inner in below), tuple(parts))
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.uses)
            inside = [inner for _, inner in below if inner is not None] + [inner for _, inner in parts]
            self.uses.append(0)
            self.sizes.append(len(below) + sum(self.sizes[inner] for inner in inside))
            for inner in inside:
                self.uses[inner] += 1
        self.number_of[id(output)] = number
        return number

    def _below(self, children: Output | None) -> int | None:
        return self.number(children) if children is not None else None


def find_shared(outputs: Iterable[Output]) -> SharedSelections:
    """Of all selection sets of one operation. Names are given from the leaves up, and are the same each time."""
    likeness = _Likeness()
    for output in outputs:
        likeness.number(output)
    names: dict[int, str] = {}
    for number in _worth_a_fragment(likeness):
        names[number] = f"_f{len(names)}"
    return SharedSelections(likeness.number_of, names)


def _worth_a_fragment(likeness: _Likeness) -> Iterator[int]:
    for number, uses in enumerate(likeness.uses):
        if (uses - 1) * likeness.sizes[number] >= WORTH_A_FRAGMENT:
            yield number


def _key(item: OutputField, below: int | None) -> object:
    arguments = tuple(print_ast(argument) for argument in item.arguments)
    return item.alias or item.response, item.name, arguments, item.conditions, item.alternatives, below
