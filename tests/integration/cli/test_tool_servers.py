"""`weft tools servers` and `weft tools approve`, with a service that has a server of MCP."""

import json
import sys

import pytest

from tests.architecture.places import ROOT
from tests.integration.cli.command import Weft
from tests.servers.rest import Rest

pytestmark = pytest.mark.processes

ECHO = {"name": "echo", "description": "Say it.", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}
ENVIRONMENT = {"name": "environment", "description": "Its environment.", "inputSchema": {"type": "object"}}
ECHOING = """\
weft: 1
name: echoing
version: 1.0.0
state:
  said: {}
nodes:
  say: {kind: tool, tool: hand__echo, arguments: {text: hello}, writes: {said: "${output}"}}
edges:
  - {from: start, to: say}
  - {from: say, to: end}
output: {said: "${state.said}"}
"""


def test_a_tool_waits_for_approval_is_approved_and_called_by_a_run(weft: Weft) -> None:
    folder = weft.commands.folder
    (folder / "tools.json").write_text(json.dumps([ECHO, ENVIRONMENT]))
    command = [sys.executable, "-S", "-E", str(ROOT / "tests/servers/mcp_server.py")]
    hand = {"command": command, "env": {"STATE": str(folder), "HELD": "Bearer ${secret.held}"}, "approve": "manual"}
    secret = {"from": "env:LIES_HERE", "hosts": ["hand.mcp.invalid"]}
    settings = {"WEFT_MCP_SERVERS__hand": json.dumps(hand), "WEFT_SECRETS__held": json.dumps(secret), "LIES_HERE": "s3cret-enough"}
    url = weft.commands.serve(port=0, **settings).url()

    listed = weft("tools", "servers", "--server", url).out
    assert "hand__echo is new: weft tools approve hand echo" in listed
    assert "hand__echo waits for approval" in weft("tools", "call", "hand__echo", "{}", "--server", url).err
    assert weft("tools", "approve", "hand", "--server", url).code == 1
    assert "the tool other of hand does not wait" in weft("tools", "approve", "hand", "other", "--server", url).err

    approved = weft("tools", "approve", "hand", "echo", "--yes", "--server", url)

    assert '+description: "Say it."' in approved.out
    assert approved.out.endswith("approved: hand__echo\n")
    assert weft("tools", "call", "hand__echo", '{"text": "by hand"}', "--server", url).out == "by hand\n"
    weft("publish", weft.write("echoing.yaml", ECHOING), "--server", url)
    assert Rest(url).post("/v1/runs?wait=30", {"workflow": "echoing"})["output"] == {"said": "hello"}
    weft("tools", "approve", "hand", "--yes", "--server", url)
    assert weft("tools", "call", "hand__environment", "--json", "--server", url).out.count("Bearer [secret held]") == 1
    (shown,) = weft("tools", "servers", "--json", "--server", url).json
    assert (shown["state"], shown["tools"], shown["waiting"], shown["restarts"]) == ("up", ["hand__echo", "hand__environment"], [], 0)
