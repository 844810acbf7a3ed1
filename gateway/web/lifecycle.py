"""Where the process stands between start and stop; one object, shared by the server, the health pages and the boundary."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Lifecycle"]


@dataclass(slots=True)
class Lifecycle:
    """draining: the process was told to stop; in_flight: requests that have begun and are not answered yet."""

    draining: bool = False
    in_flight: int = 0
