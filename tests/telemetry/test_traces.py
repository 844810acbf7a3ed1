"""Trace context: carried on without OpenTelemetry, recorded with it."""

from __future__ import annotations

import re

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.telemetry.traces import NoTracer, build_tracer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_opentelemetry_the_callers_context_travels_on() -> None:
    with NoTracer().span("request", parent={"traceparent": PARENT, "tracestate": "a=b"}) as span:
        assert span.headers == {"traceparent": PARENT, "tracestate": "a=b"}
        assert span.trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "garbage",
        PARENT.upper(),
        "ff" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        PARENT + "\r\nx: y",
    ],
)
def test_a_context_that_is_none_is_replaced_by_an_unsampled_one(given: str) -> None:
    with NoTracer().span("request", parent={"traceparent": given}) as span:
        assert re.fullmatch(rf"00-{span.trace_id}-[0-9a-f]{{16}}-00", span.headers["traceparent"])
        assert span.headers["traceparent"] != given


def test_with_opentelemetry_spans_are_children_of_the_caller() -> None:
    exporter = InMemorySpanExporter()
    tracer, close = build_tracer(True, exporter=exporter)
    with tracer.span("request", parent={"traceparent": PARENT}, kind="server") as outer:
        with tracer.span("call", parent=outer.headers, kind="client", system="JT-PERMIT") as inner:
            inner.set("attempt", 2)
            inner.fail("SOURCE_TIMEOUT")
        assert inner.trace_id == outer.trace_id == "0af7651916cd43dd8448eb211c80319c"
    close()
    call, request = exporter.get_finished_spans()
    assert call.parent is not None
    assert request.context is not None
    assert call.parent.span_id == request.context.span_id
    assert dict(call.attributes or {}) == {"system": "JT-PERMIT", "attempt": 2}
    assert call.status.description == "SOURCE_TIMEOUT"


def test_a_failing_step_is_recorded_without_the_exceptions_words() -> None:
    exporter = InMemorySpanExporter()
    tracer, close = build_tracer(True, exporter=exporter)
    with pytest.raises(ValueError, match="500229"), tracer.span("call", parent={}):
        raise ValueError("500229197001010010")
    close()
    (span,) = exporter.get_finished_spans()
    assert "500229197001010010" not in span.to_json()
    assert not span.status.is_ok
