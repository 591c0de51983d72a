"""Spans to where the owner of the service wants them: OTLP over HTTP, by OpenTelemetry's own exporter.

Loaded only where an address is set. What is sent goes to that one address, which no user chooses, so it does not pass the door.
"""

import os
import platform
from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.trace import SpanKind as TheirKind

from domain.ports.traces import Attribute, Span, SpanKind
from domain.tracing import TraceContext
from infrastructure.telemetry.conventions import ERROR_TYPE, VERSION

MOST_WAITING: Final = 8_192
BATCH: Final = 512
BATCH_SECONDS: Final = 1.0
SEND_SECONDS: Final = 5.0
_KINDS: Final = {
    SpanKind.SERVER: TheirKind.SERVER,
    SpanKind.CONSUMER: TheirKind.CONSUMER,
    SpanKind.INTERNAL: TheirKind.INTERNAL,
    SpanKind.CLIENT: TheirKind.CLIENT,
}
_NANO: Final = 1_000_000_000


class OtlpTraces:
    """A thread sends in batches; of what waits for it the oldest is lost when there are too many. An address that does not answer costs
    nothing but its spans."""

    is_on = True

    def __init__(self, endpoint: str, version: str) -> None:
        about = {"service.name": "weft", "service.version": version, "service.instance.id": f"{platform.node()}:{os.getpid()}"}
        self._resource = Resource.create(about)
        self._scope = InstrumentationScope("weft", version, f"https://opentelemetry.io/schemas/{VERSION}")
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
        self._batches = BatchSpanProcessor(exporter, MOST_WAITING, BATCH_SECONDS * 1_000, BATCH)

    def add(self, span: Span) -> None:
        self._batches.on_end(self._theirs(span))

    def close(self) -> None:
        """Sends what waits. May take as long as one batch may."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def _theirs(self, span: Span) -> ReadableSpan:
        status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        return ReadableSpan(
            span.name,
            _context(span.at),
            _context(TraceContext(span.at.trace, span.parent, span.at.sampled)) if span.parent else None,
            self._resource,
            _attributes(span),
            kind=_KINDS[span.kind],
            status=status,
            start_time=int(span.began * _NANO),
            end_time=int(span.ended * _NANO),
            instrumentation_scope=self._scope,
        )


def _attributes(span: Span) -> Mapping[str, Attribute]:
    return {**span.attributes, ERROR_TYPE: span.error} if span.error else dict(span.attributes)


def _context(at: TraceContext) -> SpanContext:
    return SpanContext(int(at.trace, 16), int(at.span, 16), is_remote=False, trace_flags=TraceFlags(int(at.sampled)))
