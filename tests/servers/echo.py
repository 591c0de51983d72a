"""A server that says everything that it was told, in body, headers and redirects, in many spellings."""

import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit


@dataclass(slots=True)
class Echo:
    """`keys`: what the header `X-Key` said, one for each request."""

    url: str = ""
    keys: list[str] = field(default_factory=list)


@contextmanager
def echoing() -> Iterator[Echo]:
    """`/moved...` leads to `/body`, `/failed` answers 500, `/raised` and everything else 200."""
    echo = Echo()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(echo))
    server.daemon_threads = True
    echo.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield echo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answering(echo: Echo) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers["X-Key"]
            echo.keys.append(key)
            asked = urlsplit(self.path)
            body = json.dumps([self.path, parse_qs(asked.query), dict(self.headers), _spelled(key)]).encode()
            self.send_response(302 if asked.path == "/moved" else 500 if asked.path == "/failed" else 200)
            if asked.path == "/moved":
                self.send_header("Location", f"/body?{asked.query}&again={quote(key)}")
            self.send_header("X-Echo", key)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they need to know."""

    return Answers


def _spelled(key: str) -> list[str]:
    told = key.encode()
    in_base64 = [encode(b"x" * before + told).decode() for encode in (b64encode, urlsafe_b64encode) for before in range(3)]
    return [key, repr(key), json.dumps(key), quote(key, safe=""), quote(key, safe="").lower(), told.hex(), told.hex().upper(), *in_base64]
