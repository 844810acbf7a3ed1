"""Which fields need which scopes. The engine enforces this table; the SDL repeats it for those who read it.

A field that is not in the table is public: the catalogue and the directory
are published by law, cases are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PERMISSIONS", "RECORDED", "TYPES", "Scopes", "required_scopes"]

Scopes = frozenset[str]

_READ, _OWN = frozenset({"cases:read"}), frozenset({"cases:own"})
_DEPARTMENT, _REGION = frozenset({"cases:department"}), frozenset({"cases:region"})
_OFFICE = (_READ, _DEPARTMENT, _REGION)
_ANY = (*_OFFICE, _OWN)
_SUPERVISE, _JUDGE, _AUDIT = (
    frozenset({"supervision:read"}),
    frozenset({"warnings:decide"}),
    frozenset({"audit:read"}),
)
_FILE, _FILE_OWN = frozenset({"cases:file"}), frozenset({"cases:file-own"})

_SYSTEMS, _MIGRATION = frozenset({"systems:read"}), frozenset({"migration"})

PERMISSIONS: Mapping[tuple[str, str], tuple[Scopes, ...]] = MappingProxyType(
    {
        ("Query", "case"): _ANY,
        ("Query", "caseProgress"): _ANY,
        ("Query", "cases"): _OFFICE,
        ("Query", "myCases"): (_OWN,),
        ("Subscription", "caseChanged"): _ANY,
        ("Subscription", "myCaseEvents"): (_OWN,),
        ("Subscription", "caseFeed"): _OFFICE,
        ("LegacySystem", "changes"): (_READ,),
        ("NaturalPerson", "idNumber"): (frozenset({"persons:unmasked"}),),
        ("Query", "worklist"): _OFFICE,
        ("Query", "warnings"): (*_OFFICE, _SUPERVISE),
        ("Query", "supervision"): (_SUPERVISE,),
        ("Query", "trace"): (_AUDIT,),
        ("Query", "crossDepartmentTrail"): (_AUDIT,),
        ("Query", "accessRecords"): (_AUDIT,),
        ("Query", "verifyChain"): (_AUDIT,),
        ("Query", "myAccessRecords"): (_OWN,),
        ("Mutation", "appealWarning"): (frozenset({"warnings:appeal"}), _JUDGE),
        ("Mutation", "decideWarning"): (_JUDGE,),
        ("Query", "receipt"): (_FILE, _FILE_OWN),
        ("Mutation", "submitCase"): (_FILE, _FILE_OWN),
        ("Mutation", "supplementCase"): (_FILE, _FILE_OWN),
        ("Mutation", "withdrawCase"): (_FILE, _FILE_OWN),
        ("Mutation", "bookAppointment"): (_FILE, _FILE_OWN),
        ("SubmissionReceipt", "case"): _ANY,
        ("LegacySystem", "migration"): (_SYSTEMS, _MIGRATION),
        ("Query", "migrations"): (_SYSTEMS, _MIGRATION),
        ("Query", "retirementReadiness"): (_SYSTEMS, _MIGRATION),
        ("Query", "shadowDiff"): (_MIGRATION,),
        ("Query", "overlap"): (_MIGRATION,),
        ("Subscription", "migrationEvents"): (_MIGRATION,),
        ("FieldParity", "samples"): (_MIGRATION,),
        ("Mutation", "migrationAdvance"): (_MIGRATION,),
        ("Mutation", "migrationSetPercent"): (_MIGRATION,),
        ("Mutation", "migrationRollback"): (_MIGRATION,),
        ("Mutation", "migrationAcceptDifference"): (_MIGRATION,),
        ("MappingGap", "rawValue"): (frozenset({"systems:read"}),),
    }
)
"""(type, field) -> ways to be allowed; of one way all scopes are needed. Which cases a field then gives is another rule,
for rows: `adapters/reach.py`. With `cases:file-own` alone one files for oneself, with `cases:file` for the systems of
one's own department; with `warnings:appeal` one appeals against cards of one's own department. A raw value of a mapping
gap can hold anything that a system holds, so it is not public."""

RECORDED: frozenset[str] = frozenset(
    {
        "AccessRecord",
        "Applicant",
        "Case",
        "CaseChange",
        "CaseEvent",
        "CaseUpdate",
        "ChangeRecord",
        "DisclosedAccess",
        "LedgerEvent",
        "LegalPerson",
        "NaturalPerson",
        "TrackedCase",
        "Warning",
    }
)
"""Types that tell of cases or people: whoever asks for a field of one is recorded, with all that lies below it."""


_PERSON = (*_ANY, _FILE, _FILE_OWN)
TYPES: Mapping[str, tuple[Scopes, ...]] = MappingProxyType(
    {"Applicant": _PERSON, "Case": _ANY, "LegalPerson": _PERSON, "NaturalPerson": _PERSON}
)
"""Type -> what every field needs that gives it, whichever subgraph has the field: a department's own types must not
become a way round the guards of `case` and `cases`."""


def required_scopes(type_name: str, field_name: str) -> list[list[str]] | None:
    """The entry in the shape of `@requiresScopes`, None if public."""
    ways = PERMISSIONS.get((type_name, field_name))
    return [sorted(way) for way in ways] if ways else None
