"""How fields are declared here: typed for mypy, with the permission table as federation directives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import strawberry
from strawberry.federation.schema_directives import Authenticated, Cost, Key, RequiresScopes
from strawberry.federation.types import FieldSet

from schema.costs import COSTS
from schema.permissions import required_scopes

__all__ = ["guards", "reference", "resolved", "subscribed"]

F = TypeVar("F", bound=Callable[..., Any])  # Any: a decorator keeps whatever signature it is given


def resolved(description: str, *, directives: Sequence[object] = ()) -> Callable[[F], F]:
    """A field with a resolver. As `strawberry.field`, whose own type loses that of what it decorates."""
    return cast("Callable[[F], F]", strawberry.field(description=description, directives=directives))


def subscribed(description: str, *, directives: Sequence[object] = ()) -> Callable[[F], F]:
    """A subscription with its source of events, an async generator."""
    return cast("Callable[[F], F]", strawberry.subscription(description=description, directives=directives))


def guards(type_name: str, field_name: str, *, authenticated: bool = False) -> list[object]:
    """`@requiresScopes` as `PERMISSIONS` has it, `@authenticated` where the answer depends on who asks, and `@cost` as
    `COSTS` has it."""
    scopes = required_scopes(type_name, field_name)
    directives: list[object] = [Authenticated()] if authenticated else []
    if (type_name, field_name) in COSTS:
        directives.append(Cost(weight=COSTS[type_name, field_name]))
    return [*directives, RequiresScopes(scopes=scopes)] if scopes else directives


def reference(fields: str) -> Key:
    """A key by which this subgraph names an entity without being able to resolve it."""
    return Key(fields=FieldSet(fields), resolvable=False)
