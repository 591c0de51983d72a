"""A server of MCP over its pipes, by hand and without the SDK: quick to start, and as ill-behaved as it is told to be.

`python mcp_server.py [WAY ...]`; the ways are the functions of `WAYS`. `$STATE`: a folder it writes calls to, and reads `tools.json` from.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATE = Path(os.environ.get("STATE", "."))
OUT = sys.stdout.buffer
WRITING = threading.Lock()
CANCELLED: dict[Any, threading.Event] = {}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}
NOTHING = {"type": "object", "properties": {}}
TOOLS = [
    {"name": "echo", "description": "Say it again.", "inputSchema": TEXT, "annotations": {"readOnlyHint": True}},
    {"name": "meta", "description": "What came with the call.", "inputSchema": NOTHING},
    {"name": "fail", "description": "Fails.", "inputSchema": NOTHING},
    {"name": "refuse", "description": "Answers with an error.", "inputSchema": NOTHING},
    {"name": "wait", "description": "Until it is cancelled.", "inputSchema": NOTHING},
    {"name": "die", "description": "Dies in the first call, unless told not to.", "inputSchema": NOTHING},
    {"name": "ask", "description": "Asks the client for a sample, and says what it answered.", "inputSchema": NOTHING},
    {"name": "long", "description": "A long text.", "inputSchema": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    {"name": "parts", "description": "Several kinds of parts.", "inputSchema": NOTHING},
    {"name": "change", "description": "Says that the tools are others now.", "inputSchema": NOTHING},
    {"name": "environment", "description": "Its environment.", "inputSchema": NOTHING},
    {
        "name": "sum",
        "description": "Structured.",
        "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
        "outputSchema": {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]},
    },
]


def send(message: dict[str, Any]) -> None:
    raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def raw(data: bytes) -> None:
    with WRITING:
        OUT.write(data)
        OUT.flush()


def note(line: str) -> None:
    """To whoever tests: one line of `calls`."""
    with (STATE / "calls").open("a") as file:
        file.write(line + "\n")


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}], **more}


def tools() -> list[dict[str, Any]]:
    told = STATE / "tools.json"
    listed: list[dict[str, Any]] = json.loads(told.read_text()) if told.exists() else TOOLS
    return listed


def parts() -> dict[str, Any]:
    blob = {"uri": "file:///b", "mimeType": "application/x", "blob": "AAE="}
    return {
        "content": [
            {"type": "text", "text": "a"},
            {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            {"type": "audio", "mimeType": "audio/wav", "data": "AAAB"},
            {"type": "resource_link", "uri": "file:///r", "name": "r", "mimeType": "text/plain"},
            {"type": "resource", "resource": {"uri": "file:///t", "mimeType": "text/plain", "text": "t"}},
            {"type": "resource", "resource": blob},
        ]
    }


def wait(number: Any, token: Any) -> None:
    for done in range(1, 3):
        told = {"progressToken": token, "progress": done, "total": 2, "message": f"step {done}"}
        send({"method": "notifications/progress", "params": told})
    note("waiting")
    CANCELLED[number].wait(30)
    note("cancelled")


def die() -> dict[str, Any]:
    if not (STATE / "died").exists():
        (STATE / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return text("alive")


def ask(number: Any) -> None:
    send({"id": f"for {number}", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})


def change() -> dict[str, Any]:
    send({"method": "notifications/tools/list_changed"})
    return text("changed")


ANSWERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "echo": lambda given, meta: text(given["text"]),
    "meta": lambda given, meta: text(json.dumps(meta)),
    "fail": lambda given, meta: text("no \x1b[31mluck\x1b[0m", isError=True),
    "die": lambda given, meta: die(),
    "long": lambda given, meta: text("x" * given["size"]),
    "parts": lambda given, meta: parts(),
    "change": lambda given, meta: change(),
    "environment": lambda given, meta: text(json.dumps(dict(os.environ))),
    "sum": lambda given, meta: text("", structuredContent={"sum": given["a"] + given["b"]}),
}


def call(number: Any, params: dict[str, Any]) -> None:
    name, given, meta = params["name"], params.get("arguments") or {}, params.get("_meta") or {}
    note(name)
    match name:
        case "wait":
            wait(number, meta.get("progressToken"))
        case "ask":
            ask(number)
        case _ if name in ANSWERS:
            send({"id": number, "result": ANSWERS[name](given, meta)})
        case _:
            send({"id": number, "error": {"code": -32000, "message": "not today"}})


def answer(message: dict[str, Any]) -> None:
    number, params = message.get("id"), message.get("params") or {}
    match message.get("method"):
        case "initialize":
            said = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {"listChanged": True}}}
            send({"id": number, "result": {**said, "serverInfo": {"name": "by hand", "version": "1"}}})
        case "tools/list":
            listed, start = tools(), int(params.get("cursor") or 0)
            page: dict[str, Any] = {"tools": listed[start : start + 5]}
            if start + 5 < len(listed):
                page["nextCursor"] = str(start + 5)
            send({"id": number, "result": page})
        case "tools/call":
            CANCELLED[number] = threading.Event()
            threading.Thread(target=call, args=(number, params), daemon=True).start()
        case "notifications/cancelled":
            CANCELLED[params["requestId"]].set()
        case "ping":
            note("ping")
            send({"id": number, "result": {}})
        case None:  # an answer to a question of ours
            send({"id": int(str(number).split()[-1]), "result": text(json.dumps(message.get("error") or message.get("result")))})


def serve() -> None:
    for line in sys.stdin.buffer:
        answer(json.loads(line))


def flood() -> None:
    while True:
        raw(b"x" * 1_000_000)


def junk() -> None:
    while True:
        raw(b"\xff\xfe \x1b[2J not a message \xc3\x28\n" * 1_000)


def questions() -> None:
    for number in range(100_000):
        send({"id": f"q{number}", "method": "roots/list"})


def a_little_junk() -> None:
    raw(b"Welcome!\n\xff\xfe\x1b[31m\n{}\n[]\n" + b'{"jsonrpc": "2.0", "id": 77, "result": {}}\n')


def chatter() -> None:
    for number in range(2_000):
        print(f"line {number} \x1b[31mred", file=sys.stderr)
    print("y" * 300_000, file=sys.stderr, flush=True)


def forks() -> None:
    """A child that holds the pipes, and ignores whoever asks it to end."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-S", "-c", code], stdin=None, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    (STATE / "child").write_text(str(child.pid))


def stays() -> None:
    """Whatever happens to its input, and whoever asks."""
    signal.signal(signal.SIGTERM, lambda *_: note("SIGTERM"))
    serve()
    note("end of input")
    time.sleep(600)


def bad_tools() -> None:
    """Every `tools/list` has one that is far too long, and one whose schema is no schema."""
    long = {"name": "long one", "description": "z" * 100_000, "inputSchema": NOTHING}
    wrong = {"name": "wrong", "inputSchema": {"type": "object", "properties": {"a": {"type": "no type"}}}}
    (STATE / "tools.json").write_text(json.dumps([long, wrong, *TOOLS]))


WAYS: dict[str, Callable[[], None]] = {
    "exit": lambda: sys.exit(3),
    "hang": lambda: time.sleep(600),
    "flood": flood,
    "junk": junk,
    "questions": questions,
    "a little junk": a_little_junk,
    "chatter": chatter,
    "forks": forks,
    "stays": stays,
    "bad tools": bad_tools,
}

if __name__ == "__main__":
    (STATE / "pids").open("a").write(f"{os.getpid()}\n")
    for way in sys.argv[1:]:
        WAYS[way]()
    serve()
