"""Workers that are killed in the middle of an agent cost the call that was under way, and nothing that was done before it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes.graphs import graph
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes

LEASE = {"WEFT_LEASE_SECONDS": "2"}
TURNS, TOOL_HELD, MODEL_HELD = 7, 3, 5
_MODEL = f'''
import asyncio
import json
import os
from pathlib import Path

from domain.model import FinishReason, ModelResponse, ToolCall
from domain.usage import Usage

FOLDER = Path(os.environ["WITNESS_FOLDER"])


class Provider:
    """Writes down every turn that it is asked for; calls the witness in each, and in the last one answers."""

    prefix = "counted"

    async def complete(self, request, on_text=None):
        turn = 1 + sum(message["role"] == "assistant" for message in request.messages)
        with (FOLDER / "asked").open("a") as file:
            file.write(json.dumps({{"turn": turn, "pid": os.getpid(), "caller": request.caller.effect}}) + "\\n")
        while turn == {MODEL_HELD} and not (FOLDER / "model").exists():
            await asyncio.sleep(0.005)
        if turn == {TURNS}:
            return ModelResponse("done", request.model, FinishReason.STOP, Usage(request.model, 10, 1))
        until = "tool" if turn == {TOOL_HELD} else ""
        call = ToolCall("call", "witness", {{"name": f"turn {{turn}}", "until": until}})
        return ModelResponse("", request.model, FinishReason.TOOL_CALLS, Usage(request.model, 10, 5), (call,))


provider = Provider()
'''


def install(package: Path) -> None:
    about = package / "counted_models-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counted-models\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[weft.models]\ncounted = counted_models:provider\n")
    (package / "counted_models.py").write_text(_MODEL)


def asked(site: Site) -> list[dict[str, Any]]:
    """The provider's own log."""
    file = site.witness.folder / "asked"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_workers_that_die_in_a_tool_and_in_a_model_repeat_that_call_and_no_other(site: Site) -> None:
    install(site.witness.package)
    agent = {"kind": "agent", "model": "counted/m", "prompt": "Go.", "tools": ["witness"], "writes": {"calls": "${output.text}"}}
    service, workers = site.service(), site.workers(3, **LEASE)
    run = service.start(graph({"agent": agent}, "start agent"))

    in_tool = site.holder(workers, f"turn {TOOL_HELD}")
    in_tool.kill()
    until(lambda: len(site.witness.calls(name=f"turn {TOOL_HELD}")) == 2, "the call that was lost, elsewhere")
    site.witness.open("tool")
    until(lambda: any(line["turn"] == MODEL_HELD for line in asked(site)), "the turn in which the model is held")
    in_model = next(worker for worker in workers if worker.pid == asked(site)[-1]["pid"])
    in_model.kill()
    until(lambda: sum(line["turn"] == MODEL_HELD for line in asked(site)) == 2, "the turn that was lost, elsewhere")
    site.witness.open("model")
    ended = service.ended(run)

    assert (ended["status"], ended["output"]) == ("completed", {"calls": ["done"]})
    assert Counter(line["turn"] for line in asked(site)) == Counter(dict.fromkeys(range(1, TURNS + 1), 1) | {MODEL_HELD: 2})
    made = Counter(call.name for call in site.witness.calls())
    assert made == Counter({f"turn {turn}": 1 for turn in range(1, TURNS)} | {f"turn {TOOL_HELD}": 2})
    assert len({call.key for call in site.witness.calls()}) == TURNS - 1, "who is called again is told by the key"
    assert len({line["pid"] for line in asked(site)}) == 3
    assert ended["usage"]["calls"] == TURNS + 1, "the call that nobody heard the end of is charged too"
