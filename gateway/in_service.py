"""What the engine answers with: one generation of declarations with everything that it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from adapters.fetch import Subgraph
from adapters.files import FileDesk
from adapters.source import Source
from adapters.submission.writer import Writer
from gateway.kept_operations import OperationCache
from gateway.planner import QueryGraph
from gateway.security.authorise import Denied, Permissions
from gateway.security.cacheable import CacheTable
from gateway.security.cost import CostTable
from gateway.security.visible import Views
from schema.compose import Composition
from schema.permissions import PERMISSIONS

__all__ = ["Asked", "Generation"]


@dataclass(slots=True)
class Asked:
    """denied: what is withheld of a text. marked: the text under which the rest is kept. times: how often it was asked,
    the last time with these labels and this deferring."""

    denied: tuple[Denied, ...]
    marked: str
    labels: frozenset[str]
    deferring: frozenset[str] | None
    times: int = 1


@dataclass(slots=True)
class Generation:
    """Everything that one set of declarations gives. `close` is called once, when nothing uses it any more."""

    number: int
    fingerprint: str
    composition: Composition
    graph: QueryGraph
    subgraphs: Mapping[str, Subgraph]
    states: Callable[[], Mapping[str, str]]
    close: Callable[[], Awaitable[None]]
    operations: OperationCache
    permissions: Permissions = field(default_factory=lambda: PERMISSIONS)
    files: Mapping[str, FileDesk] = field(default_factory=dict)
    writers: Mapping[str, Writer] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    in_flight: int = 0
    retired: bool = False
    costs: CostTable | None = None
    cacheable: CacheTable | None = None
    views: Views | None = None
    policies: frozenset[str] = frozenset()
    denials: dict[tuple[str, str | None, frozenset[str]], Asked] = field(default_factory=dict)
    """By text, operation name and scopes."""
    client_headers: tuple[str, ...] = field(init=False)
    """Headers of a client's request, in lower case, that a subgraph is shown."""

    def __post_init__(self) -> None:
        shown = (getattr(one, "client_headers", ()) for one in self.subgraphs.values())
        self.client_headers = tuple(sorted({name for names in shown for name in names}))
