"""A receiver of webhooks in a thread of its own. Its check of signatures is written from the Standard Webhooks specification, and shares
nothing with what signs."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_with(self, secret: str) -> bool:
        content = b".".join((self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body))
        expected = hmac.new(base64.b64decode(secret[len("whsec_") :]), content, hashlib.sha256).digest()
        versions = (one.split(",", 1) for one in self.headers["webhook-signature"].split(" "))
        return any(version == "v1" and hmac.compare_digest(base64.b64decode(found), expected) for version, found in versions)


@dataclass(slots=True)
class Receiver:
    """Answers with the first of `statuses` that is left, then with 204. A path `/held...` is answered when `gate` is opened."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    answer: bytes = b""
    location: str = ""
    inside: int = 0
    most_inside: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, received: Received) -> int:
        """The status to answer with."""
        with self._lock:
            self.received.append(received)
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            status = self.statuses.pop(0) if self.statuses else 204
        if received.path.startswith("/held"):
            self.gate.wait(30)
        with self._lock:
            self.inside -= 1
        return status

    def of(self, path: str) -> list[Received]:
        with self._lock:
            return [one for one in self.received if one.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(receiver))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answering(receiver: Receiver) -> Callable[..., BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0" if status == 204 else str(len(receiver.answer)))
            self.end_headers()
            if status != 204:
                self.wfile.write(receiver.answer)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they need to know."""

    return Answers
