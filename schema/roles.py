"""Roles of the network, each a set of scopes. A token may bear a role in place of its scopes: the scope `role:clerk`.

What a scope opens: fields in `schema/permissions.py`, cases in `adapters/reach.py`. Everyone is `public` besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

__all__ = ["ROLES", "ROLE_PREFIX", "with_roles"]

ROLE_PREFIX = "role:"

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "public": frozenset({"public"}),
        "applicant": frozenset({"cases:own", "cases:file-own"}),
        "clerk": frozenset({"cases:department", "cases:file", "warnings:appeal"}),
        "supervisor": frozenset({"cases:region", "supervision:read", "warnings:decide"}),
        "migration": frozenset({"systems:read", "migration"}),
        "auditor": frozenset({"cases:read", "supervision:read", "audit:read"}),
    }
)
"""public 公众, applicant 申请人, clerk 经办人: the own department and region with all below; supervisor 监察人员: the own
region with all below, every department, and the cards there; migration 迁移人员: systems, never people; auditor 审计人员:
everything, to read, and the trail."""


def with_roles(scopes: Iterable[str]) -> frozenset[str]:
    """Scopes with those of the roles among them. A role that is not known gives nothing."""
    words = frozenset(scopes)
    roles = [ROLES.get(word.removeprefix(ROLE_PREFIX)) for word in words if word.startswith(ROLE_PREFIX)]
    return words.union(*(role for role in roles if role is not None))
