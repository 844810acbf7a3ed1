"""Which cases a caller may have, as a condition of SQL: the same rule that `adapters/reach.py` has for records.

For rows that hold, instead of a number, the reference of whoever applies. Where a system's cases name no department, the
row must hold that of the system.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from adapters.reach import Area, Reach, reach_of

__all__ = ["Reach", "reach_of", "rows_within"]

Column = ColumnElement[Any]


def rows_within(
    reach: Reach, *, key: bytes, subject: Column, department: Column, region: Column
) -> ColumnElement[bool]:
    """True of the rows in reach. key: the one of all references; the others: columns. Nothing in reach is false."""
    if reach.everything:
        return true()
    ways = [_within(area, department, region) for area in reach.areas]
    subjects = reach.subjects(key)
    if subjects:
        ways.append(subject.in_(sorted(subjects)))
    return or_(false(), *ways)


def _within(area: Area, department: Column, region: Column) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if area.department is not None:
        parts.append(department == area.department)
    if area.regions is not None:
        parts.append(region.in_(sorted(area.regions)))
    return and_(true(), *parts)
