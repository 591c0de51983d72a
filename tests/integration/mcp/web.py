"""A server of MCP over HTTP by hand: what it answers to a call is a test's own."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.servers.speaker import Heard, answer

ECHO = {"name": "echo", "description": "Say it.", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}


@dataclass
class Web:
    """`called`: whole answers of HTTP to calls, in turn; then it echoes. `session`: the id that requests must carry."""

    called: list[bytes] = field(default_factory=list)
    session: str = "one"
    methods: list[str] = field(default_factory=list)

    async def say(self, heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(self._answer(heard))

    def _answer(self, heard: Heard) -> bytes:
        if heard.method != "POST":
            return answer(status=405)
        asked = json.loads(heard.body)
        self.methods.append(asked["method"])
        if asked["method"] == "initialize":
            said = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
            return self._json(asked, {**said, "serverInfo": {"name": "web", "version": "1"}}, Mcp_Session_Id=self.session)
        if heard.headers.get("mcp-session-id") != self.session:
            return answer(status=404)
        match asked["method"]:
            case "tools/list":
                return self._json(asked, {"tools": [ECHO]})
            case "tools/call":
                return self.called.pop(0) if self.called else self._json(asked, echoed(asked))
            case _:
                return answer(status=202)

    def _json(self, asked: dict[str, Any], result: dict[str, Any], **headers: str) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
        return answer(body, 200, Content_Type="application/json", **headers)


def echoed(asked: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": asked["params"]["arguments"]["text"]}]}


def events(*messages: dict[str, Any]) -> bytes:
    """A stream of them, which then ends."""
    body = b"".join(b"event: message\ndata: " + json.dumps({"jsonrpc": "2.0", **one}).encode() + b"\n\n" for one in messages)
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + body
