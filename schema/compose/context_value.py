"""The text of @fromContext(field: "$name { path }"), taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ContextValue", "read_context_value"]

_VALUE = re.compile(r"^\s*\$(?P<context>[A-Za-z_]\w*)(?P<selection>.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ContextValue:
    """Which context, and the text of what is read of it."""

    context: str
    selection: str


def read_context_value(text: str) -> ContextValue | None:
    """None if the text names no context."""
    match = _VALUE.match(text)
    return ContextValue(match["context"], match["selection"]) if match else None
