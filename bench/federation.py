"""Composition and planning by the number of subgraphs, and planning over interfaces with many types.

    python -m bench.federation [--sizes 10 50 100 300] [--runs 3]

CPU times, best of the runs: nothing here waits for anything.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from graphql import parse

from bench.machine import facts, print_table, write_result
from gateway.planner import QueryGraph, plan_operation
from schema.compose import SubgraphSchema, Supergraph, compose, read_supergraph

T = TypeVar("T")

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", '
    '"@context", "@fromContext"])\n'
)
SIZES = (10, 50, 100, 300)
FIELDS = 20
"""Fields of each system's own type."""


def main() -> None:
    """Prints and keeps both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    machine = facts()
    by_size = [_star(size, options.runs) for size in options.sizes]
    print_table("subgraphs around one entity", by_size)
    by_types = [_interface(*case, options.runs) for case in ((10, 3), (30, 3), (70, 1), (70, 2), (70, 3))]
    by_types += [_unions(8, depth, options.runs) for depth in (2, 3, 4)]
    print_table("types that are known at run time only", by_types)
    write_result("federation", [*by_size, *by_types], machine)


def _star(size: int, runs: int) -> dict[str, object]:
    """One applicant, `size` systems of twenty fields that each know him: asked for all, and what each leads back to."""
    subgraphs = [SubgraphSchema("people", None, LINK + _PEOPLE)]
    subgraphs += [SubgraphSchema(f"s{n}", None, LINK + _system(n)) for n in range(1, size)]
    found, compose_ms = _best(lambda: compose(subgraphs), runs)
    assert found.supergraph is not None, found.errors
    _, read_ms = _best(lambda: read_supergraph(found.supergraph_sdl), runs)
    parts = " ".join(f"permits{n} {{ f0 applicant {{ name }} }}" for n in range(1, size))
    timed = _plan(found.supergraph, f"{{ applicant {{ name {parts} }} }}", runs)
    return {
        "subgraphs": size,
        "compose ms": round(compose_ms),
        "read file ms": round(read_ms),
        "supergraph KiB": round(len(found.supergraph_sdl) / 1024),
        "graph ms": round(timed.graph_ms, 1),
        "plan ms": round(timed.plan_ms),
        "fetches": timed.fetches,
    }


_PEOPLE = 'type Query { applicant: Applicant } type Applicant @key(fields: "id") { id: ID! name: String }'


def _system(number: int) -> str:
    fields = " ".join(f"f{n}: String" for n in range(FIELDS))
    return (
        f'type Applicant @key(fields: "id") {{ id: ID! permits{number}: [Permit{number}!] }} '
        f'type Permit{number} @key(fields: "id") {{ id: ID! applicant: Applicant {fields} }}'
    )


def _interface(types: int, depth: int, runs: int) -> dict[str, object]:
    """An interface of so many types, whose fields two subgraphs share out, so many levels deep."""
    one = " ".join(
        f'type N{n} implements Node @key(fields: "id") {{ id: ID! name: String v{n}: Int }}'
        for n in range(types)
    )
    other = " ".join(
        f'type N{n} implements Node @key(fields: "id") {{ id: ID! related: Node extra: Int }}'
        for n in range(types)
    )
    made = compose(
        [
            SubgraphSchema(
                "a",
                None,
                f"{LINK}type Query {{ nodes: [Node] }} interface Node {{ id: ID! name: String }} {one}",
            ),
            SubgraphSchema("b", None, f"{LINK}interface Node {{ id: ID! related: Node extra: Int }} {other}"),
        ]
    )
    assert made.supergraph is not None, made.errors
    inner = "id name extra"
    for _ in range(depth):
        inner = f"name related {{ {inner} }}"
    timed = _plan(made.supergraph, f"{{ nodes {{ {inner} }} }}", runs)
    return _row(f"{types} of an interface", depth, timed)


def _unions(members: int, depth: int, runs: int) -> dict[str, object]:
    """Unions in unions: every member is asked for its own fields, at every level."""
    union = " | ".join(f"M{n}" for n in range(members))
    one = " ".join(f'type M{n} @key(fields: "id") {{ id: ID! a{n}: Int next: U }}' for n in range(members))
    other = " ".join(f'type M{n} @key(fields: "id") {{ id: ID! b{n}: Int }}' for n in range(members))
    made = compose(
        [
            SubgraphSchema("a", None, f"{LINK}type Query {{ all: [U] }} union U = {union} {one}"),
            SubgraphSchema("b", None, LINK + other),
        ]
    )
    assert made.supergraph is not None, made.errors
    fragments = " ".join(f"... on M{n} {{ a{n} b{n} NEXT }}" for n in range(members))
    text = "fragment L0 on U { " + fragments.replace("NEXT", "") + " }\n"
    for level in range(1, depth):
        text += f"fragment L{level} on U {{ {fragments.replace('NEXT', f'next {{ ...L{level - 1} }}')} }}\n"
    timed = _plan(made.supergraph, f"{{ all {{ ...L{depth - 1} }} }}\n{text}", runs)
    return _row(f"{members} of a union", depth, timed)


@dataclass(frozen=True, slots=True)
class _Timed:
    graph_ms: float
    plan_ms: float
    fetches: int
    longest: int


def _plan(supergraph: Supergraph, text: str, runs: int) -> _Timed:
    """The first plan over a new query graph: nothing that it keeps is there yet."""
    document = parse(text)
    _, graph_ms = _best(lambda: QueryGraph(supergraph), runs)
    plan, plan_ms = _best(lambda: plan_operation(QueryGraph(supergraph), document), runs)
    fetches = plan.fetches()
    return _Timed(graph_ms, plan_ms, len(fetches), max(len(fetch.operation) for fetch in fetches))


def _row(what: str, depth: int, timed: _Timed) -> dict[str, object]:
    return {
        "types": f"{what}, {depth} levels",
        "plan ms": round(timed.plan_ms, 1),
        "fetches": timed.fetches,
        "longest operation, characters": timed.longest,
    }


def _best(run: Callable[[], T], runs: int) -> tuple[T, float]:
    """The result, and the least CPU time in milliseconds."""
    least, result = float("inf"), None
    for _ in range(runs):
        start = time.process_time()
        result = run()
        least = min(least, time.process_time() - start)
    assert result is not None
    return result, least * 1000


if __name__ == "__main__":
    main()
