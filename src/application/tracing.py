"""What the interface says of traces."""

from domain.ports.traces import HERE, UNTRACED, Span, SpanKind, Traces
from domain.tracing import TraceContext, read_traceparent

__all__ = ["HERE", "UNTRACED", "Span", "SpanKind", "TraceContext", "Traces", "read_traceparent"]
