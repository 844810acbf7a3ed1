"""What can be wrong in `push` of a declaration."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.problems import Problem
from adapters.push import push_map
from adapters.validate_connectors import context_of
from adapters.validate_expressions import map_problems, reader_problems
from schema.canonical import CHANGE

__all__ = ["harvest_problems"]


def harvest_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    by = declaration.harvest.by
    if by in ("changes", "cases") and by not in declaration.connectors.declared():
        yield document.problem(
            ("harvest", "by"), "MISSING_KEY", f"{by!r} is asked for, and `connectors` does not declare it"
        )
    push = declaration.push
    if push is None:
        return
    context = context_of(declaration)
    if push.records is not None:
        yield from reader_problems(document, push.records, context, ("push", "records"))
    if push.map is not None:
        yield from map_problems(document, push.map, CHANGE, context, ("push", "map"))
    elif push_map(declaration) is None:
        yield document.problem(
            ("push",),
            "MISSING_KEY",
            "'map' is missing in 'push': there is no `changes` to take it from",
            key=True,
        )
