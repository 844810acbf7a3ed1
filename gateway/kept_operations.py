"""Prepared operations that are kept for whoever sends the same text again, up to so much memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.operation import OperationError, PreparedOperation

__all__ = ["OperationCache"]

Key = tuple[str, str | None, frozenset[str], frozenset[str] | None]
_NO_LABELS: frozenset[str] = frozenset()


class OperationCache:
    """Prepared operations by (text, operation name, override labels that hold, what they are deferred by), the least
    recently used leaves first. Counts hits and misses.

    max_bytes: of what they take as estimated; one that is larger by itself is not kept. max_entries: a second bound.
    """

    def __init__(self, max_entries: int = 1000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Key, PreparedOperation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def peek(
        self,
        text: str,
        operation_name: str | None,
        *,
        labels: frozenset[str] = _NO_LABELS,
        deferring: frozenset[str] | None = None,
    ) -> PreparedOperation | None:
        """The prepared operation if it is there; counts a hit, never a miss."""
        key = (text, operation_name, labels, deferring)
        known = self._entries.get(key)
        if known is not None:
            self.hits += 1
            self._entries.move_to_end(key)
        return known

    def put(
        self,
        text: str,
        operation_name: str | None,
        made: PreparedOperation,
        *,
        labels: frozenset[str] = _NO_LABELS,
        deferring: frozenset[str] | None = None,
    ) -> None:
        """Keeps an operation under a text (which may say more than the operation's own)."""
        self.misses += 1
        weight = made.estimated_bytes
        if self.max_entries <= 0 or weight > self.max_bytes:
            return
        key = (text, operation_name, labels, deferring)
        former = self._entries.pop(key, None)
        if former is not None:
            self.bytes -= former.estimated_bytes
        self._entries[key] = made
        self.bytes += weight
        while len(self._entries) > self.max_entries or self.bytes > self.max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= oldest.estimated_bytes

    def get(
        self,
        text: str,
        operation_name: str | None,
        make: Callable[[str, str | None], PreparedOperation | list[OperationError]],
        *,
        labels: frozenset[str] = _NO_LABELS,
    ) -> PreparedOperation | list[OperationError]:
        """The prepared operation, made on a miss. Refused operations are not kept."""
        known = self.peek(text, operation_name, labels=labels)
        if known is not None:
            return known
        made = make(text, operation_name)
        if isinstance(made, PreparedOperation):
            self.put(text, operation_name, made, labels=labels)
        else:
            self.misses += 1
        return made
