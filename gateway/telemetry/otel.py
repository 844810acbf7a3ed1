"""Spans by OpenTelemetry. The one file that imports it; `traces` loads it only when it is switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["OtelTracer", "build"]

_KINDS = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "internal": trace.SpanKind.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class _OtelSpan:
    span: trace.Span
    headers: Mapping[str, str]

    @property
    def trace_id(self) -> str:
        return trace.format_trace_id(self.span.get_span_context().trace_id)

    def set(self, key: str, value: str | int | float | bool) -> None:
        self.span.set_attribute(key, value)

    def fail(self, code: str) -> None:
        self.span.set_status(trace.StatusCode.ERROR, code)


@dataclass(frozen=True, slots=True)
class OtelTracer:
    """Spans through one provider of its own; OpenTelemetry's global provider is left alone."""

    tracer: trace.Tracer
    propagator: TraceContextTextMapPropagator

    @contextmanager
    def span(
        self,
        name: str,
        *,
        parent: Mapping[str, str],
        kind: str = "internal",
        **attributes: str | int | float | bool,
    ) -> Iterator[_OtelSpan]:
        context = self.propagator.extract(parent)
        # An exception's own words could carry personal data: only its type is kept.
        with self.tracer.start_as_current_span(
            name,
            context=context,
            kind=_KINDS[kind],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            headers: dict[str, str] = {}
            self.propagator.inject(headers, trace.set_span_in_context(span))
            try:
                yield _OtelSpan(span, headers)
            except Exception as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise


def build(exporter: SpanExporter | None, service: str) -> tuple[OtelTracer, Callable[[], None]]:
    """A tracer over OTLP/HTTP (OTEL_EXPORTER_OTLP_* variables) or `exporter`, and what flushes and closes it."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    return OtelTracer(provider.get_tracer("quanyu"), TraceContextTextMapPropagator()), provider.shutdown
