"""Places in trees: which names must be read for a codec to have its text, and how a value is replaced there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from adapters.codecs.errors import CodecDeclared
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path, parse
from adapters.mapping.tree import Wanted

__all__ = ["Absent", "Place", "change", "copied", "names_below", "parse_place", "with_whole", "without"]

Steps = tuple[str | int, ...]


class Absent(Enum):
    """Of a place whose value nobody reads."""

    ABSENT = 0


@dataclass(frozen=True, slots=True)
class Place:
    """steps: path of the value; target: of what comes out, the same unless it is put beside the value."""

    steps: Steps
    target: Steps
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(step for step in self.steps if isinstance(step, str))

    @property
    def target_names(self) -> tuple[str, ...]:
        return tuple(step for step in self.target if isinstance(step, str))


def parse_place(text: str, into: str | None = None) -> Place:
    """A path of the mapping language without functions. Raises CodecDeclared."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        raise CodecDeclared("at", f"{error.message} (at character {error.offset + 1} of {text!r})") from None
    if not isinstance(tree, Path) or tree.root:
        raise CodecDeclared("at", f"expected a plain path such as out.XMLData, found {text!r}")
    target: Steps = (*tree.steps[:-1], into) if into is not None else tree.steps
    return Place(tree.steps, target, text)


def change(node: Any, steps: Steps, act: Callable[[Any], Any], *, into: str | None = None) -> Any:
    """A copy of the tree along `steps` with the value there changed; lists on the way are gone through.

    A place that is not there is left alone. into: name beside the value for what comes out.
    """
    if not steps:
        return act(node)
    if isinstance(node, list) and isinstance(steps[0], str):
        return [change(one, steps, act, into=into) for one in node]
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if isinstance(node, list) and -len(node) <= step < len(node):
            at = step % len(node)
            return [*node[:at], change(node[at], rest, act, into=into), *node[at + 1 :]]
        # XML: one element is a list of one
        return change(node, rest, act, into=into) if step == 0 and not isinstance(node, list) else node
    if not isinstance(node, Mapping) or step not in node:
        return node
    if not rest and into is not None:
        return {**node, into: act(node[step])}
    return {**node, step: change(node[step], rest, act, into=into)}


def copied(wanted: Wanted) -> Wanted:
    return {name: None if below is None else copied(below) for name, below in wanted.items()}


def names_below(wanted: Wanted | None, names: tuple[str, ...]) -> Wanted | Absent | None:
    """What is wanted of the value at `names`: None is all of it, Absent.ABSENT nothing."""
    for name in names:
        if wanted is None:
            return None
        if name not in wanted:
            return Absent.ABSENT
        wanted = wanted[name]
    return wanted


def with_whole(wanted: Wanted | None, names: tuple[str, ...]) -> Wanted | None:
    """The same with everything at `names` wanted, instead of what was wanted below it."""
    if wanted is None or not names:
        return None
    below = wanted.get(names[0], {})
    return {**wanted, names[0]: with_whole(below, names[1:])}


def without(wanted: Wanted | None, names: tuple[str, ...]) -> Wanted | None:
    """The same without what was wanted at `names`."""
    if wanted is None or names[0] not in wanted:
        return wanted
    if len(names) == 1:
        return {name: below for name, below in wanted.items() if name != names[0]}
    return {**wanted, names[0]: without(wanted[names[0]], names[1:])}
