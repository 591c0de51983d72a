"""Servers that others have written, as they are published."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from domain.tool import Effects
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.tools.mcp.settings import ServerPart
from tests.architecture.places import ROOT
from tests.integration.mcp.house import CONTEXT, Household, answer, eventually, refusal, within
from tests.servers.aimock import node
from tests.servers.ports import free_port

EVERYTHING = ROOT / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
LONG = {"duration": 30, "steps": 300}


def installed(module: str, *arguments: str, **told: object) -> ServerPart:
    return ServerPart.model_validate({"command": (sys.executable, "-m", module, *arguments), "trust_annotations": True, **told})


def everything(**told: object) -> ServerPart:
    return ServerPart.model_validate({"command": (str(node()), str(EVERYTHING), "stdio"), **told})


async def test_the_server_of_times(house: Household) -> None:
    servers = await house.open(time=installed("mcp_server_time", "--local-timezone", "UTC"))

    found = answer(await house.call("time__convert_time", source_timezone="UTC", time="12:00", target_timezone="Asia/Tokyo"))

    assert sorted(servers.tools()) == ["time__convert_time", "time__get_current_time"]
    assert isinstance(found, dict)
    assert found["time_difference"] == "+9.0h"


async def test_the_server_of_git(house: Household, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", repository], check=True)  # noqa: ASYNC221 - nobody else waits
    (repository / "new.txt").write_text("x")
    servers = await house.open(git=installed("mcp_server_git", "--repository", str(repository)))

    status = await house.call("git__git_status", repo_path=str(repository))

    assert "new.txt" in str(answer(status))
    assert servers.tools()["git__git_status"].tool.effects is Effects.NONE
    assert servers.tools()["git__git_commit"].tool.effects is Effects.ONCE
    assert refusal(await house.call("git__git_status", repo_path="/elsewhere")) == "tool_failed"


async def test_the_server_of_everything(house: Household) -> None:
    servers = await house.open(all=everything(effects={"*": "none"}))
    told: list[str] = []
    watching = replace(CONTEXT, tell=told.append)

    assert answer(await house.call("all__get-sum", a=2, b=40)) == "The sum of 2 and 40 is 42."
    assert answer(await house.call("all__get-structured-content", location="Chicago")) is not None
    await house.call("all__trigger-long-running-operation", watching, duration=0.02, steps=2)
    assert told == ["1 of 2", "2 of 2"]
    assert refusal(await house.call("all__trigger-long-running-operation", within(0.1), **LONG)) == "timeout"
    assert answer(await house.call("all__echo", message="still there")) == "Echo: still there"
    assert "all__trigger-sampling-request" not in servers.tools()


async def test_the_server_of_everything_is_killed_in_the_middle_of_a_call(house: Household) -> None:
    await house.open(all=everything())
    told: list[str] = []

    def kill(step: str) -> None:
        told.append(step)
        if len(told) == 1:
            os.kill(_child(), signal.SIGKILL)

    result = await house.call("all__trigger-long-running-operation", replace(CONTEXT, tell=kill), **{**LONG, "duration": 3})

    assert (refusal(result), result.unknown) == ("tool_died", True)
    assert answer(await house.call("all__echo", message="back")) == "Echo: back"
    assert (await house.health("all")).restarts == 1


async def test_the_server_of_everything_over_http(house: Household) -> None:
    port = free_port()
    told: list[str] = []
    house.addresses = Addresses(Allowed(names=(f"localhost:{port}",)))
    with listening(port) as first:
        await eventually(lambda: "listening" in first.read_text())
        await house.open(web=ServerPart(url=f"http://localhost:{port}/mcp", effects={"*": Effects.NONE}))

        assert answer(await house.call("web__get-sum", a=2, b=40)) == "The sum of 2 and 40 is 42."
        await house.call("web__trigger-long-running-operation", replace(CONTEXT, tell=told.append), duration=0.02, steps=2)
        assert told == ["1 of 2", "2 of 2"]
        assert refusal(await house.call("web__trigger-long-running-operation", within(0.1), **LONG)) == "timeout"
    with listening(port) as second:
        await eventually(lambda: "listening" in second.read_text())

        assert answer(await house.call("web__echo", message="back")) == "Echo: back"


@contextmanager
def listening(port: int) -> Iterator[Path]:
    """Gives the file that it writes to; killed after it."""
    said = Path(os.environ.get("TMPDIR", "/tmp")) / f"everything-{os.getpid()}-{port}"  # noqa: S108 - a name nobody else has
    environment = {**os.environ, "PORT": str(port)}
    with said.open("w") as out:
        process = subprocess.Popen([node(), EVERYTHING, "streamableHttp"], stdout=out, stderr=out, env=environment)
    try:
        yield said
    finally:
        process.kill()
        process.wait()
        said.unlink()


def _child() -> int:
    """The one server that this process has started."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    found = [int(pid) for pid in children if b"server-everything" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(autouse=True)
def _has_node() -> None:
    assert EVERYTHING.exists(), "the servers for tests are not installed: make node_modules/.package-lock.json"
