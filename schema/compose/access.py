"""What @authenticated, @requiresScopes and @policy demand, as one value that can be joined and compared.

Scopes and policies are a choice of groups (OR of ANDs). Two demands on one element hold both: every group of the one
joined with every group of the other, and groups that another makes superfluous left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from schema.compose.applied import AppliedDirective

__all__ = ["ACCESS_DIRECTIVES", "AccessRule", "Groups", "access_rule", "both", "groups_text"]

ACCESS_DIRECTIVES = {"authenticated": "", "requiresScopes": "scopes", "policy": "policies"}

Groups = tuple[tuple[str, ...], ...]
"""Any of these, all of which. () demands nothing."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A demand on the caller."""

    authenticated: bool = False
    scopes: Groups = ()
    policies: Groups = ()

    def __bool__(self) -> bool:
        return self.authenticated or bool(self.scopes) or bool(self.policies)

    def joined(self, other: AccessRule) -> AccessRule:
        """The demand of both."""
        return AccessRule(
            self.authenticated or other.authenticated,
            both(self.scopes, other.scopes),
            both(self.policies, other.policies),
        )

    def implies(self, other: AccessRule) -> bool:
        """Whether whoever passes this passes the other too."""
        return (
            (self.authenticated or not other.authenticated)
            and _implies(self.scopes, other.scopes)
            and _implies(self.policies, other.policies)
        )

    def directives(self) -> tuple[AppliedDirective, ...]:
        """As directives, in the order of the specification."""
        found = [AppliedDirective("authenticated")] if self.authenticated else []
        if self.scopes:
            found.append(AppliedDirective("requiresScopes", (("scopes", groups_text(self.scopes)),)))
        if self.policies:
            found.append(AppliedDirective("policy", (("policies", groups_text(self.policies)),)))
        return tuple(found)

    def __str__(self) -> str:
        return " ".join(str(item) for item in self.directives())


def access_rule(directives: Iterable[AppliedDirective]) -> AccessRule:
    """The demand of an element's directives; several of one kind (of several subgraphs) hold all."""
    rule = AccessRule()
    for item in directives:
        if item.name in ACCESS_DIRECTIVES:
            groups = _groups(item.value(ACCESS_DIRECTIVES[item.name]))
            rule = rule.joined(
                AccessRule(
                    item.name == "authenticated",
                    groups if item.name == "requiresScopes" else (),
                    groups if item.name == "policy" else (),
                )
            )
    return rule


def both(left: Groups, right: Groups) -> Groups:
    """Every group of the one with every group of the other, without superfluous ones, the smallest first."""
    if not left or not right:
        return left or right
    pairs = {frozenset(one) | frozenset(other) for one in left for other in right}
    needed = [item for item in pairs if not any(other < item for other in pairs)]
    return tuple(sorted((tuple(sorted(item)) for item in needed), key=lambda item: (len(item), item)))


def groups_text(groups: Groups) -> str:
    """GraphQL text: [["a", "b"], ["c"]]."""
    return json.dumps([list(item) for item in groups], ensure_ascii=False)


def _groups(value: object) -> Groups:
    items = value if isinstance(value, list) else []
    return tuple(
        tuple(str(one) for one in item) if isinstance(item, list) else (str(item),) for item in items
    )


def _implies(left: Groups, right: Groups) -> bool:
    return not right or (bool(left) and all(any(set(other) <= set(one) for other in right) for one in left))
