"""A provider of models in OpenAI's shape that keeps books: what it answered, what it counted, and what it charges for that. Prices and sums
are reckoned here by themselves, and share nothing with what is compared with them."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
MILLION = 1_000_000
_PIECE = 5
MORE = " and on"
"""What is said over and over by who is held."""


@dataclass(frozen=True, slots=True)
class Said:
    """`call`: name and arguments of a tool, the latter as text. `told`: says what it counted, in a stream with every piece. `cut`: the
    stream breaks off. `held`: after the text it goes on and on until the gate is opened. `status`: other than 200 it refuses, and
    the text is why."""

    text: str = ""
    call: tuple[str, str] | None = None
    told: bool = True
    cut: bool = False
    held: bool = False
    status: int = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of its books: one call that it charges for."""

    model: str
    prompt: int
    completion: int
    cached: int
    reasoning: int
    cost: Decimal | None

    @property
    def counted(self) -> Json:
        asked, answered = {"cached_tokens": self.cached}, {"reasoning_tokens": self.reasoning}
        sizes = {"prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": self.prompt + self.completion}
        return {**sizes, "prompt_tokens_details": asked, "completion_tokens_details": answered}


@dataclass(slots=True)
class Provider:
    """`prices`: of a million tokens, asked, out of the cache and answered; by model. `answer` is given the request and how many there were
    of its model before."""

    prices: Mapping[str, tuple[str, str, str]]
    answer: Callable[[Json, int], Said]
    url: str = ""
    books: list[Entry] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """As they were shown to it, one for each request."""
    gate: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, key: str, body: bytes) -> tuple[Said, Entry | None]:
        """What it refuses it does not charge for. No two calls count alike: a sum that has one in place of another is another sum."""
        asked = json.loads(body)
        with self._lock:
            self.keys.append(key)
            self.bodies.append(body)
            said = self.answer(asked, sum(entry.model == asked["model"] for entry in self.books))
            if said.status != 200:
                return said, None
            number = len(self.books) + 1
            sizes = (17 + 3 * number, 5 + 2 * number, number % 7, number % 5)
            self.books.append(Entry(asked["model"], *sizes, self._cost(asked["model"], *sizes)))
            return said, self.books[-1]

    def _cost(self, model: str, prompt: int, completion: int, cached: int, _: int) -> Decimal | None:
        if model not in self.prices:
            return None
        asked, again, answered = map(Decimal, self.prices[model])
        return ((prompt - cached) * asked + cached * again + completion * answered) / MILLION


@contextmanager
def providing(prices: Mapping[str, tuple[str, str, str]], answer: Callable[[Json, int], Said]) -> Iterator[Provider]:
    provider = Provider(prices, answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(provider))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answering(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said, entry = provider.serve(self.headers["Authorization"].removeprefix("Bearer "), body)
            streams = entry is not None and json.loads(body).get("stream", False)
            sent = _pieces(said, entry) if streams and entry else [json.dumps(_whole(said, entry)).encode()]
            self.send_response(said.status)
            self.send_header("Content-Type", "text/event-stream" if streams else "application/json")
            self.end_headers()
            for piece in sent:
                self.wfile.write(piece)
            if said.held and entry:
                self.go_on(said, entry)

        def go_on(self, said: Said, entry: Entry) -> None:
            more = _event(said, entry, {"index": 0, "delta": {"content": MORE}, "finish_reason": None})
            with suppress(ConnectionError):  # whoever listened has gone
                while not provider.gate.wait(0.05):
                    self.wfile.write(more)

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they need to know."""

    return Answers


def _whole(said: Said, entry: Entry | None) -> Json:
    if entry is None:
        return {"error": {"message": said.text, "type": "refused", "code": "refused"}}
    message = {"role": "assistant", "content": said.text or None, **_calls(said)}
    choice = {"index": 0, "message": message, "finish_reason": _finish(said)}
    return {"id": "answer", "object": "chat.completion", "model": entry.model, "choices": [choice], "usage": entry.counted}


def _pieces(said: Said, entry: Entry) -> Iterator[bytes]:
    """As servers send them that count along, a few characters at a time."""
    words = [said.text[at : at + _PIECE] for at in range(0, len(said.text), _PIECE)]
    deltas = [{"role": "assistant", **_calls(said)}, *({"content": word} for word in words)]
    for delta in deltas:
        yield _event(said, entry, {"index": 0, "delta": delta, "finish_reason": None})
    if not (said.cut or said.held):
        yield _event(said, entry, {"index": 0, "delta": {}, "finish_reason": _finish(said)})
        yield b"data: [DONE]\n\n"


def _event(said: Said, entry: Entry, choice: Json) -> bytes:
    piece = {"id": "answer", "object": "chat.completion.chunk", "model": entry.model, "choices": [choice]}
    return b"data: " + json.dumps(piece | ({"usage": entry.counted} if said.told else {})).encode() + b"\n\n"


def _calls(said: Said) -> Json:
    if said.call is None:
        return {}
    function = {"name": said.call[0], "arguments": said.call[1]}
    return {"tool_calls": [{"index": 0, "id": "call", "type": "function", "function": function}]}


def _finish(said: Said) -> str:
    return "stop" if said.call is None else "tool_calls"
