"""Where objects stand in the answer, which fetches answer there, and what came of placing fields."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.planner.fetch_graph import FetchGroup, Output
from gateway.planner.paths import Standpoint
from gateway.planner.query_graph import Provided
from gateway.planner.selections import Selection

__all__ = ["Host", "Place", "Placed"]

Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Host:
    """A fetch that answers at a place: into `output`, seeing the object as `type_name`.

    peers: the subgraphs that could answer here instead, for the same field is resolvable in all of them.
    """

    group: FetchGroup
    output: Output
    type_name: str
    provided: Provided = ()
    peers: frozenset[str] = frozenset()
    subgraph: str = field(init=False)
    standpoint: Standpoint = field(init=False)

    def __post_init__(self) -> None:
        self.subgraph = self.group.subgraph
        self.standpoint = Standpoint(self.subgraph, self.type_name, self.provided)


@dataclass(slots=True, eq=False)
class Place:
    """Where objects of a type stand in the answer, and who answers there."""

    path: Path
    type_name: str
    hosts: list[Host]


@dataclass(slots=True)
class Placed:
    """What could not be placed, and the groups that hold what could."""

    left: list[Selection] = field(default_factory=list)
    groups: set[int] = field(default_factory=set)

    def add(self, other: Placed) -> None:
        self.left += other.left
        self.groups |= other.groups
