"""`weft mcp` as a host of the protocol starts it: a process, and nothing but messages on its stdout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from application.access import local_admin
from application.audit_views import AuditListOrder
from bootstrap import open_app
from settings import read_settings
from tests.architecture.places import ROOT
from tests.integration.mcp_server.host import STEADY, STEPS, WAITING, Host, open_host
from tests.servers.aimock import node

pytestmark = pytest.mark.processes
COMMAND = (sys.executable, "-m", "weft", "mcp")
NOISY = """
import os
from weft import tool


@tool(effects="none")
def shout(word: str) -> str:
    print(word)
    os.system("echo " + word)
    return word
"""


@pytest.fixture
async def variables(tmp_path: Path) -> Mapping[str, str]:
    """Of a process that finds two workflows in its database, and a tool that prints in a package."""
    async with open_app(read_settings(database_url=f"sqlite:///{tmp_path}/weft.db", log="error")) as weft:
        for document in (STEADY, WAITING):
            await weft.desk.publish_workflow(local_admin("default"), dict(document))
    about = tmp_path / "package" / "noisy-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[weft.tools]\nshout = noisy:shout\n")
    (tmp_path / "package" / "noisy.py").write_text(NOISY)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    path = os.pathsep.join([str(tmp_path / "package"), str(ROOT / "src")])
    settings = {"WEFT_DATABASE_URL": f"sqlite:///{tmp_path}/weft.db", "WEFT_LEASE_SECONDS": "2"}  # hosts kill servers that end slowly
    return {**ours, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **settings}


async def test_a_host_calls_a_workflow_and_gives_another_one_up(variables: Mapping[str, str], tmp_path: Path) -> None:
    told: list[str | None] = []
    begun = asyncio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)
        begun.set()

    with (tmp_path / "log").open("w") as log:
        server = StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:]), env=dict(variables), cwd=tmp_path)
        async with Client(stdio_client(server, errlog=log)) as client:
            assert (await client.call_tool("shout", {"word": "loudly"})).content[0].text == "loudly"  # type: ignore[union-attr]
            called = await client.call_tool("run_steady", {"said": ""}, progress_callback=hear)
            begun.clear()
            waiting = asyncio.create_task(client.call_tool("run_waiting", progress_callback=hear))
            await begun.wait()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    assert called.structured_content == {"said": "one two three "}
    assert told == [*(f"/{name}#1 finished" for name in STEPS), "/begin#1 finished"]
    assert (tmp_path / "log").read_text().count("loudly") == 2
    assert await endings(tmp_path) == {"steady@1.0.0": "completed", "waiting@1.0.0": "cancelled"}
    assert await trail(tmp_path) == [("shout", None), ("run_steady", None), ("run_waiting", "cancelled")]


async def endings(folder: Path) -> dict[str, str]:
    """What came of each workflow's run, once there is a worker that has time."""
    async with open_host(folder) as host:
        runs = await host.runs()
        return {run.workflow: (await host.ended(run.id)).status.value for run in runs}


async def trail(folder: Path) -> list[tuple[str, object]]:
    """What was called, and the codes of errors, as the audit trail has it."""
    async with open_app(read_settings(database_url=f"sqlite:///{folder}/weft.db", log="error")) as weft:
        page = await weft.desk.audit.list(local_admin("default"), AuditListOrder(who="local", action="mcp.call"))
        return [(one.resource, one.about.get("error")) for one in reversed(page.items)]


class Line:
    """A process, its stdin and its stdout; every line of that is a message."""

    def __init__(self, variables: Mapping[str, str], folder: Path) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(COMMAND, env=dict(variables), cwd=folder, **pipes)

    def say(self, method: str, number: int | None = None, **params: Any) -> None:
        assert self.process.stdin
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def begin(self) -> None:
        """Has called a workflow that does not end, and heard of its first node."""
        self.say("initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"})
        assert self.hear()["result"]["serverInfo"]["name"] == "weft"
        self.say("notifications/initialized")
        self.say("tools/call", 2, name="run_waiting", arguments={}, _meta={"progressToken": "p"})
        assert self.hear()["params"] == {"progressToken": "p", "progress": 1, "message": "/begin#1 finished"}


@pytest.fixture
def line(variables: Mapping[str, str], tmp_path: Path) -> Any:
    held = Line(variables, tmp_path)
    try:
        held.begin()
        yield held
    finally:
        held.process.kill()
        held.process.communicate()


async def test_a_host_that_hangs_up_leaves_no_run_behind(line: Line, tmp_path: Path) -> None:
    assert line.process.stdin
    line.process.stdin.close()
    line.process.stdin = None

    assert line.process.wait(20) == 0
    assert await endings(tmp_path) == {"waiting@1.0.0": "cancelled"}


async def test_a_server_that_is_told_to_stop_answers_first_and_its_runs_go_on(line: Line, tmp_path: Path) -> None:
    line.process.send_signal(signal.SIGTERM)
    answer = line.hear()

    assert line.process.wait(20) == 0
    assert answer["id"] == 2
    assert "get_run" in answer["result"]["structuredContent"]["next"]
    async with open_host(tmp_path, has_worker=False) as host:
        assert (await host.run(await host.the_run())).ended_at is None


def by_others(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the client of another language saw."""
    command = [str(node()), str(ROOT / "tests/servers/mcp_client.mjs"), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def understood(seen: Mapping[str, Any]) -> None:
    assert {"run_steady", "run_waiting", "calculator", "get_run"} <= set(seen["tools"])
    assert seen["called"]["structuredContent"] == {"said": "one two three "}
    told = [[number, f"/{name}#1 finished"] for number, name in enumerate(STEPS, 1)]
    assert seen["progress"] in (told, told[:-1]), (
        "it forgets who wanted to know as soon as the answer is there, which may come with the last"
    )
    assert "enough" in seen["gone"]
    assert (seen["failed"]["isError"], seen["failed"]["_meta"]["error"]["problems"][0]["code"]) == (True, "schema_required")


async def test_a_client_by_others_understands_us_over_stdio(variables: Mapping[str, str], tmp_path: Path) -> None:
    understood(await asyncio.to_thread(by_others, {"command": COMMAND, "env": dict(variables), "cwd": str(tmp_path)}))

    assert (await endings(tmp_path))["waiting@1.0.0"] == "cancelled"


async def test_a_client_by_others_understands_us_over_http(host: Host) -> None:
    await host.publish(STEADY, WAITING)
    understood(await asyncio.to_thread(by_others, {"url": f"{host.url}/mcp", "key": "a-key-from-the-settings"}))

    (waiting,) = [run for run in await host.runs() if run.workflow == "waiting@1.0.0"]
    assert (await host.ended(waiting.id)).status == "cancelled"
