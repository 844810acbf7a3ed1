"""What a call to a system tells a tracer: the adapters' side of it. `gateway/telemetry/traces.py` has the other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

__all__ = ["CallSpan", "CallTracer"]

Attribute = str | int | float | bool


class CallSpan(Protocol):
    """One call. `headers`: the trace context to send to the system."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def set(self, key: str, value: Attribute) -> None: ...

    def fail(self, code: str) -> None: ...


class CallTracer(Protocol):
    def span(
        self, name: str, *, parent: Mapping[str, str], kind: str = "internal", **attributes: Attribute
    ) -> AbstractContextManager[CallSpan]: ...
