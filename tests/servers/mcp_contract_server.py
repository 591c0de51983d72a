"""The behaviours of the contract suite as a server of MCP: `python mcp_contract_server.py`, with `$STATE` as `mcp_server.py` has it."""

import json
from collections.abc import Callable
from typing import Any

from tests.servers import mcp_server
from tests.servers.mcp_server import CANCELLED, NOTHING, TEXT, note, send, text

SIZE = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
TOOLS: list[dict[str, Any]] = [
    {"name": name, "description": f"The behaviour {name}.", "inputSchema": schema}
    for name, schema in {
        "about": NOTHING,
        "act": NOTHING,
        "echo": TEXT,
        "fail": NOTHING,
        "long": SIZE,
        "steps": NOTHING,
        "wait": NOTHING,
    }.items()
]


def wait(number: Any) -> None:
    note("began")
    CANCELLED[number].wait(30)
    note("stopped")


def steps(meta: dict[str, Any]) -> str:
    told = {"progressToken": meta.get("progressToken"), "progress": 1, "total": 2, "message": "half of it"}
    send({"method": "notifications/progress", "params": told})
    return "done"


def act() -> str:
    note("acted")
    return "acted"


def call(number: Any, params: dict[str, Any]) -> None:
    given, meta = params.get("arguments") or {}, params.get("_meta") or {}
    does: dict[str, Callable[[], str]] = {
        "about": lambda: json.dumps({"key": meta.get("weft/idempotency-key"), "trace": meta.get("traceparent")}),
        "act": act,
        "echo": lambda: str(given["text"]),
        "fail": lambda: "no \x1b[31mluck",
        "long": lambda: "x" * int(given["size"]),
        "steps": lambda: steps(meta),
    }
    if params["name"] == "wait":
        wait(number)
    else:
        send({"id": number, "result": text(does[params["name"]](), isError=params["name"] == "fail")})


if __name__ == "__main__":
    mcp_server.TOOLS[:], mcp_server.call = TOOLS, call
    mcp_server.serve()
