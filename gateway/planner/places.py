"""Where objects stand in the answer, which fetches answer there, and what came of placing fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from graphql import ArgumentNode

from gateway.planner.deferrals import Deferral, is_later
from gateway.planner.fetch_graph import FetchGroup, Output
from gateway.planner.paths import Standpoint, Way
from gateway.planner.query_graph import Provided, QueryGraph
from gateway.planner.selections import Field, Selection

__all__ = ["Follows", "Host", "How", "Place", "Placed", "Placer", "is_local"]

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class How:
    """How a host was found: it gives the object itself, or a fetch was opened for it.

    key: the field set of a key hop; equal: subgraphs that were as near, and give no more of what is asked below.
    """

    kind: Literal["object", "root", "key", "needs"] = "object"
    key: str = ""
    equal: tuple[str, ...] = ()


GIVES_OBJECT = How()


@dataclass(slots=True, eq=False)
class Host:
    """A fetch that answers at a place: into `output`, seeing the object as `type_name`.

    peers: the subgraphs that could answer here instead, for the same field is resolvable in all of them.
    arguments: those that the gateway fills from contexts, for the one field that the host was opened for.
    """

    group: FetchGroup
    output: Output
    type_name: str
    provided: Provided = ()
    peers: frozenset[str] = frozenset()
    arguments: tuple[ArgumentNode, ...] = ()
    how: How = GIVES_OBJECT
    subgraph: str = field(init=False)
    standpoint: Standpoint = field(init=False)

    def __post_init__(self) -> None:
        self.subgraph = self.group.subgraph
        self.standpoint = Standpoint(self.subgraph, self.type_name, self.provided)


@dataclass(slots=True, eq=False)
class Place:
    """Where objects of a type stand in the answer, and who answers there.

    above: the place of the object around; whole: the place that this one is a part of, seen by one of its types.
    deferral: the part of the answer that what is asked here belongs to.
    """

    path: Path
    type_name: str
    hosts: list[Host]
    above: Place | None = None
    whole: Place | None = None
    deferral: Deferral | None = None

    @property
    def standing(self) -> list[Host]:
        """Hosts that may answer what is asked here: a later part builds on an earlier one, never the other way round."""
        return [host for host in self.hosts if is_later(self.deferral, host.group.deferral)]

    def seen_by(self, *hosts: Host) -> Place:
        """The same place with other hosts."""
        return replace(self, hosts=list(hosts))


@dataclass(slots=True)
class Placed:
    """What could not be placed, and the groups that hold what could."""

    left: list[Selection] = field(default_factory=list)
    groups: set[int] = field(default_factory=set)

    def add(self, other: Placed) -> None:
        self.left += other.left
        self.groups |= other.groups


class Follows(Protocol):
    """What opens the fetches of a way."""

    def follow(self, place: Place, way: Way) -> Host: ...


class Placer(Protocol):
    """What places selections: the parts of the walk call each other through it."""

    @property
    def graph(self) -> QueryGraph: ...

    @property
    def hosts(self) -> Follows: ...

    def place(self, place: Place, selections: Sequence[Selection]) -> Placed: ...

    def place_object(self, place: Place, selections: Sequence[Selection]) -> Placed: ...

    def place_field(self, place: Place, asked: Field, *, ahead: Sequence[Field]) -> Placed: ...


def is_local(graph: QueryGraph, host: Host, asked: Field) -> bool:
    """Whether a host answers a field at once."""
    return graph.is_local(host.subgraph, host.type_name, asked.name, host.provided)
