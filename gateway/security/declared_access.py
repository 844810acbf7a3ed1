"""What @authenticated, @requiresScopes and @policy of a supergraph demand of callers, as the table that the engine enforces.

Specifications: https://specs.apollo.dev/authenticated/v0.1, requiresScopes/v0.1, policy/v0.1. A policy is decided by
nobody here, so a field that has one is given to no caller.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.fetch import Caller
from gateway.security.authorise import ANY_CALLER
from schema.compose import Supergraph
from schema.compose.access import AccessRule, access_rule

__all__ = ["declared_permissions", "scopes_of"]

_POLICY = "policy "
Ways = tuple[frozenset[str], ...]


def declared_permissions(supergraph: Supergraph) -> Mapping[tuple[str, str], Ways]:
    """(type, field) -> ways to be allowed; of one way all scopes are needed. What a type demands, its fields demand."""
    found: dict[tuple[str, str], Ways] = {}
    for definition in supergraph.types.values():
        of_type = access_rule(definition.directives)
        for field in definition.fields.values():
            target = supergraph.types.get(field.named_type)
            of_value = access_rule(target.directives) if target is not None else AccessRule()
            rule = of_type.joined(access_rule(field.directives)).joined(of_value)
            if rule:
                found[definition.name, field.name] = _ways(rule)
    return found


def scopes_of(caller: Caller) -> frozenset[str]:
    """The caller's scopes, with ANY_CALLER for everyone who is known, and no name of a policy."""
    scopes = frozenset(scope for scope in caller.scopes if not scope.startswith(_POLICY))
    return scopes if caller.name == "anonymous" else scopes | {ANY_CALLER}


def _ways(rule: AccessRule) -> Ways:
    policies = [frozenset(f"{_POLICY}{name}" for name in group) for group in rule.policies] or [
        frozenset[str]()
    ]
    scopes = [frozenset(group) for group in rule.scopes] or [frozenset[str]()]
    known = frozenset({ANY_CALLER}) if rule.authenticated else frozenset[str]()
    return tuple(scope | policy | known for scope in scopes for policy in policies)
