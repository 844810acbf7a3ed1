"""Trace context in and out (W3C `traceparent`), and spans where OpenTelemetry is installed and switched on.

Without it the context still travels: a legacy system's log can be matched with ours by the trace id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["NoTracer", "OtelMissingError", "Span", "Tracer", "build_tracer"]

Attribute = str | int | float | bool

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class OtelMissingError(Exception):
    """The setting `otel` is on and OpenTelemetry is not installed: `pip install 'quanyu[otel]'`."""

    code = "OTEL_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "The setting `otel` is on and OpenTelemetry is not installed: pip install 'quanyu[otel]', or switch it off."
        )


class Span(Protocol):
    """One timed step. `headers`: the trace context to send on to whatever this step calls."""

    @property
    def trace_id(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def set(self, key: str, value: Attribute) -> None: ...

    def fail(self, code: str) -> None:
        """Marks the step as failed with a stable error code."""
        ...


class Tracer(Protocol):
    """Starts spans. `parent`: headers of the caller (a request, or an outer span); an exception fails the span."""

    def span(
        self, name: str, *, parent: Mapping[str, str], kind: str = "internal", **attributes: Attribute
    ) -> AbstractContextManager[Span]: ...


@dataclass(frozen=True, slots=True)
class _PlainSpan:
    trace_id: str
    headers: Mapping[str, str]

    def set(self, key: str, value: Attribute) -> None:
        """Nothing is kept."""

    def fail(self, code: str) -> None:
        """Nothing is kept."""


class NoTracer:
    """Keeps no spans; carries the caller's trace context on, and starts an unsampled one where there is none."""

    passive = True
    """Whoever has a valid trace context may go without a span of this."""

    @contextmanager
    def span(
        self,
        name: str,  # noqa: ARG002 - the Tracer protocol
        *,
        parent: Mapping[str, str],
        kind: str = "internal",  # noqa: ARG002
        **attributes: Attribute,  # noqa: ARG002
    ) -> Iterator[Span]:
        yield _carry(parent)


def _carry(parent: Mapping[str, str]) -> _PlainSpan:
    given = parent.get("traceparent", "")
    match = _TRACEPARENT.fullmatch(given)
    # All-zero ids and version ff are invalid: https://www.w3.org/TR/trace-context/#traceparent-header
    if match and not given.startswith("ff") and match[1].strip("0") and match[2].strip("0"):
        headers = {"traceparent": given}
        if state := parent.get("tracestate"):
            headers["tracestate"] = state
        return _PlainSpan(match[1], headers)
    drawn = secrets.token_hex(24)  # both ids by one call of the system
    trace_id = drawn[:32]
    return _PlainSpan(trace_id, {"traceparent": f"00-{trace_id}-{drawn[32:]}-00"})


def build_tracer(
    enabled: bool, *, exporter: Any = None, service: str = "quanyu"
) -> tuple[Tracer, Callable[[], None]]:
    """The tracer and what closes it (sends the last spans). exporter: an OpenTelemetry SpanExporter, else OTLP over HTTP.

    Raises OtelMissingError where `enabled` and the extra is not installed.
    """
    if not enabled:
        return NoTracer(), _nothing
    try:
        from gateway.telemetry import otel
    except ImportError:
        raise OtelMissingError from None
    return otel.build(exporter, service)


def _nothing() -> None:
    pass
