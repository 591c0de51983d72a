"""A receiver of traces: OTLP over HTTP as the specification has it, decoded by OpenTelemetry's own protocol buffers."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """`kind` as the protocol numbers it, `process` the instance that sent it. Times in seconds since the epoch."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    began: float
    ended: float
    attributes: dict[str, Any]
    error: str
    process: str
    scope: str


@dataclass(slots=True)
class Spans:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        with self._lock:
            self.bodies.append(body)

    def all(self) -> list[Seen]:
        with self._lock:
            bodies = list(self.bodies)
        return [span for body in bodies for span in _spans(body)]

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.all() if span.name == name]


@contextmanager
def receiving_spans() -> Iterator[Spans]:
    spans = Spans()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(spans))
    server.daemon_threads = True
    spans.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield spans
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answering(spans: Spans) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if self.path == "/v1/traces":
                spans.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they need to know."""

    return Answers


def _spans(body: bytes) -> Iterator[Seen]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        about = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.kind,
                    span.start_time_unix_nano / _NANO,
                    span.end_time_unix_nano / _NANO,
                    _attributes(span.attributes),
                    span.status.message,
                    str(about["service.instance.id"]),
                    scope.schema_url,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    found = getattr(value, value.WhichOneof("value"))
    return [_value(one) for one in found.values] if value.WhichOneof("value") == "array_value" else found
