"""What a description says, as flat tables that two versions can be compared by: components (operations, elements,
types), each with members (children, attributes, values), each with type and occurrence. Read from the documents
themselves, so that everything is seen, also what no operation uses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Change", "Component", "Member", "Outline", "compare", "local"]


@dataclass(frozen=True, slots=True)
class Member:
    """type: as written, names as {namespace}local. occurs: e.g. 1, 0..1, 0..*."""

    type: str
    occurs: str = "1"

    def __str__(self) -> str:
        # facets and addresses have no occurrence, and are no names
        return f"{local(self.type)} {self.occurs}" if self.occurs else self.type


@dataclass(slots=True)
class Component:
    """kind: operation, element, type, ... name: unique in its kind."""

    kind: str
    name: str
    file: str
    line: int
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(slots=True)
class Outline:
    components: dict[tuple[str, str], Component] = field(default_factory=dict)

    def add(self, component: Component) -> None:
        """A redefinition stands beside what it redefines: its members win."""
        key = (component.kind, component.name)
        there = self.components.get(key)
        if there is None:
            self.components[key] = component
        else:
            there.members.update(component.members)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. member: empty where the whole component came or went. file, line: in the version that has it."""

    what: Literal["added", "removed", "changed"]
    kind: str
    name: str
    member: str
    before: str
    after: str
    file: str
    line: int

    @property
    def shown(self) -> str:
        name = local(self.name)
        return f"{name}.{self.member}" if self.member else name


def compare(old: Outline, new: Outline) -> list[Change]:
    """In the order of the new version, what went last."""
    changes: list[Change] = []
    for key, component in new.components.items():
        before = old.components.get(key)
        if before is None:
            changes.append(
                Change("added", component.kind, component.name, "", "", "", component.file, component.line)
            )
        else:
            changes += _members(before, component)
    for key, component in old.components.items():
        if key not in new.components:
            changes.append(
                Change("removed", component.kind, component.name, "", "", "", component.file, component.line)
            )
    return changes


def _members(old: Component, new: Component) -> Iterator[Change]:
    def change(what: Literal["added", "removed", "changed"], name: str, side: Component) -> Change:
        before, after = old.members.get(name), new.members.get(name)
        told = [str(one) if one is not None else "" for one in (before, after)]
        if told[0] == told[1]:  # of one local name in two namespaces
            told = [f"{one.type} {one.occurs}" if one is not None else "" for one in (before, after)]
        return Change(what, new.kind, new.name, name, told[0], told[1], side.file, side.line)

    for name, member in new.members.items():
        if name not in old.members:
            yield change("added", name, new)
        elif old.members[name] != member:
            yield change("changed", name, new)
    for name in old.members:
        if name not in new.members:
            yield change("removed", name, old)


def local(name: str) -> str:
    """`{namespace}name` -> `name`."""
    return name.partition("}")[2] if name.startswith("{") else name


def types_touched(changes: Sequence[Change]) -> Mapping[str, list[Change]]:
    """Local name of each type that is not as it was -> how."""
    touched: dict[str, list[Change]] = {}
    for one in changes:
        if (one.kind == "type" and one.what != "added") or (one.kind == "type" and one.member):
            touched.setdefault(local(one.name), []).append(one)
    return touched
