"""The contract that this gateway serves: the part of the graph with some tags, or without some. The rest is unknown here.

A gateway for the public and one for the inside are two processes over the same declarations with two contracts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import GraphQLSchema

from schema.compose import Supergraph, build_api_schema, contract

__all__ = ["Contract", "ContractError"]


class ContractError(Exception):
    """What the tags leave is no schema. `problems` has one line each."""

    code = "CONTRACT_INVALID"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Contract:
    """include: tags of which a field or its type must bear one; empty is no such rule. exclude: tags of what is left out."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    def applied(self, supergraph: Supergraph) -> tuple[Supergraph, GraphQLSchema]:
        """The graph with the rest of it hidden, and what clients see. Raises ContractError."""
        shown = contract(supergraph, include=self.include, exclude=self.exclude)
        schema, errors = build_api_schema(shown)
        if schema is None:
            raise ContractError(f"{one.message} (tags: {self})" for one in errors)
        return shown, schema

    def __str__(self) -> str:
        parts = [f"+{tag}" for tag in sorted(self.include)] + [f"-{tag}" for tag in sorted(self.exclude)]
        return " ".join(parts)
