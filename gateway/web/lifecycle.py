"""Where the process stands between start and stop; one object, shared by the server, the health pages and the boundary."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

__all__ = ["Lifecycle"]


@dataclass(slots=True)
class Lifecycle:
    """draining: the process was told to stop; in_flight: requests that have begun and are not answered yet.

    stopping: set when no new connections are taken any more; what would go on for ever ends then.
    """

    draining: bool = False
    in_flight: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
