"""Messages to whoever listens now: a bell, not a store. What must not be missed is kept elsewhere and read there.

At most once, in no order between senders; who listens later hears nothing of before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["EmbeddedPubSub", "Heard", "PubSub"]

Heard = Callable[[bytes], None]
"""Called with each message, in the loop of whoever listens; must not wait. An empty one means that some may have been
missed."""


class PubSub(Protocol):
    """A channel is a name."""

    @property
    def available(self) -> bool:
        """Whether a message of another process would be heard now."""
        ...

    async def publish(self, channel: str, message: bytes) -> None:
        """Never raises for what the server does; listeners of this process hear it in any case."""
        ...

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Call what comes back to stop."""
        ...

    async def close(self) -> None: ...


class EmbeddedPubSub:
    """Within one process. Other processes hear nothing, so there is no bell to wait for where there are any."""

    available = True

    def __init__(self) -> None:
        self._listeners: dict[str, list[Heard]] = {}

    async def publish(self, channel: str, message: bytes) -> None:
        for heard in tuple(self._listeners.get(channel, ())):
            heard(message)

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        there = self._listeners.setdefault(channel, [])
        there.append(heard)

        def stop() -> None:
            if heard in there:
                there.remove(heard)

        return stop

    async def close(self) -> None:
        self._listeners.clear()
