"""What can be wrong with a wish to move a migration.

MigrationError
├── TransitionRefused     MIGRATION_TRANSITION   this phase does not follow on that one
├── MigrationConflict     MIGRATION_CONFLICT     someone else moved it at the same moment
├── GatesShut             MIGRATION_GATES        a gate is shut, and nobody said `force`
├── SecondPersonNeeded    MIGRATION_SECOND       kept: another person must say the same
├── MigrationUnknown      MIGRATION_UNKNOWN      no such migration is declared
├── CursorUnknown         CURSOR_INVALID         not one of `migrationEvents`
└── OverlapImpossible     MIGRATION_OVERLAP      a system that is not there or has no list
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CursorUnknown",
    "GatesShut",
    "MigrationConflict",
    "MigrationError",
    "MigrationUnknown",
    "OverlapImpossible",
    "SecondPersonNeeded",
    "TransitionRefused",
]


class MigrationError(Exception):
    """`str(error)` is for whoever asked: what was found and what to do."""

    code: ClassVar[str] = "MIGRATION_ERROR"


class TransitionRefused(MigrationError):
    """A phase that does not follow, or a number out of range."""

    code = "MIGRATION_TRANSITION"


class MigrationConflict(MigrationError):
    """Another operator was faster: what this one saw is not there any more."""

    code = "MIGRATION_CONFLICT"


class GatesShut(MigrationError):
    """A gate of the policy is shut."""

    code = "MIGRATION_GATES"


class SecondPersonNeeded(MigrationError):
    """The step is kept until a second person asks for the same."""

    code = "MIGRATION_SECOND"


class MigrationUnknown(MigrationError):
    """No declared system replaces this one."""

    code = "MIGRATION_UNKNOWN"


class CursorUnknown(MigrationError):
    """A cursor that no stream of steps handed out."""

    code = "CURSOR_INVALID"


class OverlapImpossible(MigrationError):
    """Two systems that cannot be laid side by side."""

    code = "MIGRATION_OVERLAP"
