"""Reading answers: sample queries as a newcomer pastes them, ids of a page, all pages of a list."""

from __future__ import annotations

import json
from typing import Any

from gateway.web.graphiql import load_samples
from tests.e2e.gateways import Client

__all__ = ["ids", "sample_query", "walk"]


def sample_query(name: str) -> tuple[str, dict[str, Any]]:
    """One of GraphiQL's tabs, with its variables."""
    [sample] = [one for one in load_samples() if one.name == name]
    return sample.query, json.loads(sample.variables or "{}")


def ids(connection: dict[str, Any]) -> list[str]:
    return [node["id"] for node in connection["nodes"]]


def walk(
    client: Client, query: str, variables: dict[str, Any], *, root: str = "cases"
) -> list[dict[str, Any]]:
    """All pages, followed by endCursor; `query` takes $after. None of them may have errors."""
    pages, after = [], None
    while True:
        page = client.data(query, variables | {"after": after})[root]
        pages.append(page)
        if not page["pageInfo"]["hasNextPage"]:
            return pages
        after = page["pageInfo"]["endCursor"]
        assert len(pages) < 100, "the list does not end"
