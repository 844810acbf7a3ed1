"""What the composed subgraphs themselves demand of callers: @authenticated, @requiresScopes and @policy, as one table.

The house's own table (`schema.permissions`) has the last word on its fields. A policy is granted by the scope
`policy:<name>`: without it the field is withheld.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from adapters.fetch import Caller
from gateway.security.authorise import AUTHENTICATED
from schema.compose import Supergraph
from schema.compose.access import AccessRule, access_rule
from schema.permissions import PERMISSIONS, TYPES, Scopes

__all__ = ["declared_permissions", "granted", "policies_of"]

_POLICY = "policy:"


def granted(caller: Caller) -> Scopes:
    """The caller's scopes, and that they are somebody."""
    return caller.scopes if caller.name == "anonymous" else caller.scopes | {AUTHENTICATED}


def declared_permissions(
    supergraph: Supergraph, *, house: bool = True
) -> Mapping[tuple[str, str], tuple[Scopes, ...]]:
    """(type, field) -> ways to be allowed, of which one must hold whole. A demand on a type is one on every field that
    gives it (the house has some for all subgraphs); one on a field of an implementation is one on the interface's too.

    house: whether the graph has the house's types; in a graph of others alone the same names mean other things.
    """
    rules: dict[tuple[str, str], AccessRule] = {}
    for definition in supergraph.types.values():
        for item in definition.fields.values():
            target = supergraph.types.get(item.named_type)
            rule = access_rule(item.directives)
            if target is not None:
                rule = rule.joined(access_rule(target.directives))
            if house and item.named_type in TYPES:
                ways = tuple(tuple(sorted(way)) for way in TYPES[item.named_type])
                rule = rule.joined(AccessRule(scopes=ways))
            for holder in (definition.name, *definition.interfaces):
                key = (holder, item.name)
                rules[key] = rules.get(key, AccessRule()).joined(rule)
    declared = {key: tuple(_ways(rule)) for key, rule in rules.items() if rule}
    return {**declared, **PERMISSIONS} if house else declared


def policies_of(permissions: Mapping[tuple[str, str], Collection[Scopes]]) -> frozenset[str]:
    """Names of the policies that any field asks for."""
    words = {word for ways in permissions.values() for way in ways for word in way}
    return frozenset(word.removeprefix(_POLICY) for word in words if word.startswith(_POLICY))


def _ways(rule: AccessRule) -> Iterator[Scopes]:
    needed = frozenset({AUTHENTICATED}) if rule.authenticated else frozenset[str]()
    for scopes in rule.scopes or ((),):
        for policies in rule.policies or ((),):
            yield needed | frozenset(scopes) | {f"{_POLICY}{name}" for name in policies}
