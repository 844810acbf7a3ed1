"""What questions cost that are dearer than the objects they give: each asks legacy systems over the network. The SDL
says so with `@cost`, and the gateway reads it there (`gateway.security.cost`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COSTS"]

COSTS: Mapping[tuple[str, str], int] = MappingProxyType(
    {
        ("Query", "case"): 5,
        ("Query", "caseProgress"): 10,
        ("Query", "cases"): 50,
        ("Query", "myCases"): 50,
        ("Query", "overlap"): 200,
        ("LegacySystem", "changes"): 20,
        ("SubmissionReceipt", "case"): 5,
    }
)
"""(type, field) -> weight, in place of the 1 of an object. A list over all systems asks all of them at once."""
