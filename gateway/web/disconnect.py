"""When a client has hung up."""

from __future__ import annotations

from starlette.types import Receive

__all__ = ["disconnected"]


async def disconnected(receive: Receive) -> None:
    """Returns then."""
    while (await receive())["type"] != "http.disconnect":
        pass
