"""What can go wrong in `schema`, composition apart.

    SchemaError
    +-- IdentifierError         a number does not follow its standard
    +-- ScalarError             an input value does not follow the rule of its scalar
    +-- LimitExceededError           `first` is out of range
    +-- CursorInvalidError           a cursor was not handed out by this list
    +-- NotFoundError                a thing named in an argument is not in the registry
    +-- RecordsUnavailableError      ledger and case files cannot be read or written now
    +-- RepresentationError   an entity representation that `_entities` cannot read
    +-- UnknownEnumError             there is no such enum in the vocabulary
    +-- RegistryError           registry files with problems, all of them at once

Each has a stable `code`; `extensions` is what a GraphQL error of it carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CursorInvalidError",
    "IdentifierError",
    "LimitExceededError",
    "NotFoundError",
    "RecordsUnavailableError",
    "RegistryError",
    "RegistryProblem",
    "RepresentationError",
    "ScalarError",
    "SchemaError",
    "UnknownEnumError",
]

_SHOWN = 50  # one wrong department makes every implementation of it dangle


class SchemaError(ValueError):
    """Base of all below; never raised itself."""

    code = "SCHEMA_ERROR"

    @property
    def extensions(self) -> dict[str, object]:
        """Read by graphql-core when it wraps the exception."""
        return {"code": self.code}


class IdentifierError(SchemaError):
    """A number does not follow its standard. The message never repeats a person's number."""

    code = "IDENTIFIER_INVALID"


class ScalarError(SchemaError):
    """An input value does not follow the rule of its scalar."""

    code = "ARGUMENT_INVALID"

    def __init__(self, scalar: str, value: object, expected: str) -> None:
        super().__init__(f"{scalar} expects {expected}, got {value!r}")
        self.scalar = scalar


class LimitExceededError(SchemaError):
    """`first` is out of range."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, first: int, largest: int) -> None:
        super().__init__(f"first must be between 1 and {largest}, got {first}; page on with after: endCursor")
        self.first = first
        self.largest = largest


class CursorInvalidError(SchemaError):
    """A cursor was not handed out by this list with these arguments."""

    code = "CURSOR_INVALID"

    def __init__(self, reason: str) -> None:
        super().__init__(f"after is not a cursor of this list: {reason}; start again without it")
        self.reason = reason


class NotFoundError(SchemaError):
    """A thing named in an argument is not in the registry."""

    code = "NOT_FOUND"

    def __init__(self, what: str, key: str, see: str) -> None:
        super().__init__(f"no {what} {key!r}; see {see}")
        self.what = what
        self.key = key


class RecordsUnavailableError(SchemaError):
    """Ledger and case files cannot be read or written now; whatever does not need them answers."""

    code = "RECORDS_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the records cannot be read or written now; ask again later")


class RepresentationError(SchemaError):
    """An entity representation that `_entities` cannot read."""

    code = "REPRESENTATION_INVALID"

    def __init__(self, reason: str) -> None:
        super().__init__(f"representation cannot be resolved: {reason}")
        self.reason = reason


class UnknownEnumError(SchemaError, KeyError):
    """There is no such enum in the vocabulary."""

    code = "ENUM_UNKNOWN"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no enum {name!r} in the vocabulary; there are {', '.join(sorted(known))}")
        self.name = name

    __str__ = ValueError.__str__  # KeyError's would show the message in quotes


@dataclass(frozen=True, slots=True)
class RegistryProblem:
    """One thing wrong in one registry file. `line` counts from 1 (the header); `column` is the column's name."""

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class RegistryError(SchemaError):
    """The registry files have problems; `problems` holds all of them, by file and line, the message the first."""

    code = "REGISTRY_INVALID"

    def __init__(self, problems: Sequence[RegistryProblem]) -> None:
        self.problems = tuple(problems)
        lines = [f"  {problem}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"  ... and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join([f"{len(self.problems)} problem(s) in the registry:", *lines]))
