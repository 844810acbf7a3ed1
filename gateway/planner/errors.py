"""Why an operation cannot be planned.

PlanError
├── UnreachableField      no subgraph, by any key, gives the field at that place
└── UnsupportedOperation  the operation asks for something this planner does not do yet
"""

from __future__ import annotations

__all__ = ["PlanError", "UnreachableField", "UnsupportedOperation"]


class PlanError(Exception):
    """The operation cannot be planned."""

    code = "QUERY_PLANNING_FAILED"


class UnreachableField(PlanError):
    """A field that composition allows but no fetch can reach from where it is asked."""

    code = "QUERY_PLAN_UNREACHABLE_FIELD"

    def __init__(self, *, type_name: str, field_name: str, path: tuple[str, ...]) -> None:
        self.type_name = type_name
        self.field_name = field_name
        self.path = path
        place = ".".join(path) or "the root"
        super().__init__(
            f"{type_name}.{field_name} cannot be reached at {place}: no subgraph that is asked there has a key "
            f"to one that resolves it. Add a @key, or make the field @shareable where {type_name} is returned."
        )


class UnsupportedOperation(PlanError):
    """Something valid that is not planned yet."""

    code = "QUERY_PLAN_UNSUPPORTED"
