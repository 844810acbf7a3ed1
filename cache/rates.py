"""Rates that several gateway workers keep together: the seam, which knows no server."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SharedRates"]


class SharedRates(Protocol):
    """Calls a second by name, over all workers. Never raises for being ill."""

    async def reserve(self, name: str, per_s: float, *, at_most_s: float) -> float | None:
        """Seconds to wait before the next call under `name` may be made, its place then being taken.

        More than `at_most_s`, and nothing taken, where no place is free by then. None: the workers' common count cannot
        be asked now, so each holds the rate for itself.
        """
        ...

    async def close(self) -> None: ...
