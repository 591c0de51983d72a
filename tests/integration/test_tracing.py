"""One trace from a request to the server that a tool calls, across processes, as a receiver of OpenTelemetry sees it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.places import ROOT
from tests.servers import web
from tests.servers.commands import Running, commands
from tests.servers.receiver import Receiver, receiving
from tests.servers.rest import Rest
from tests.servers.spans import Seen, Spans, receiving_spans
from tests.servers.until import until

pytestmark = pytest.mark.processes

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
SECRET_TEXT = "the-words-of-a-customer"
SERVER, INTERNAL, CLIENT, CONSUMER = 2, 1, 3, 5


@dataclass(frozen=True, slots=True)
class Site:
    """An API without a worker, a worker, one receiver of spans and one that a tool calls."""

    api: Running
    worker: Running
    spans: Spans
    called: Receiver

    def rest(self) -> Rest:
        return Rest(self.api.url())

    def order(self, headers: dict[str, str], workflow: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = web.post(f"{self.api.url()}/v1/runs", json={"workflow": workflow or document()}, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return self.rest().ended(answer.json()["id"])

    def until_there(self, trace: str, names: set[str]) -> dict[str, Seen]:
        def found() -> dict[str, Seen] | None:
            seen = {span.name: span for span in self.spans.all() if span.trace == trace}
            return seen if names <= seen.keys() else None

        return until(found, f"the spans {sorted(names)} of {trace}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("traced")
    with receiving_spans() as spans, receiving() as called:
        where = called.url.removeprefix("http://")
        settings = {"WEFT_DATABASE_URL": f"sqlite:///{folder}/weft.db", "WEFT_OTLP_ENDPOINT": spans.url, "WEFT_HTTP_PRIVATE": where}
        settings["WEFT_WEBHOOKS_PRIVATE"] = "true"
        called.answer, called.statuses = b'{"said": true}', [200] * 100
        (folder / "modules").mkdir()
        (folder / "modules" / "where_tools.py").write_text(IN_A_PROCESS)
        with commands(folder / "weft", settings | {"WEFT_TOOLS": "where_tools"}, folder / "modules") as started:
            api, worker = started.serve("--no-worker"), started.worker()
            Rest(api.url()).post("/v1/tools", tool(called.url))
            yield Site(api, worker, spans, called)


def tool(url: str) -> dict[str, Any]:
    return {
        "name": "tell",
        "type": "rest",
        "description": "Tells somebody.",
        "effects": "none",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False},
        "config": {"url": f"{url}/tell", "method": "POST", "body": {"text": "${arguments.text}"}},
    }


IN_A_PROCESS = '''
from weft import ToolContext, tool


@tool(effects="none", in_process=True)
def where(context: ToolContext) -> str:
    """Where it is called from."""
    return context.traceparent
'''


def in_a_process() -> dict[str, Any]:
    node = {"kind": "tool", "tool": "where", "arguments": {}, "writes": {"text": "${output}"}}
    return {**document(), "name": "processed", "nodes": {"own": node}, "edges": [{"from": "start", "to": "own"}]}


def document() -> dict[str, Any]:
    return {
        "weft": 1,
        "name": "traced",
        "version": "1.0.0",
        "state": {"text": {"type": "string"}},
        "nodes": {
            "ask": {"kind": "llm", "model": "fast", "prompt": SECRET_TEXT, "writes": {"text": "${output.text}"}},
            "tell": {"kind": "tool", "tool": "tell", "arguments": {"text": "${state.text}"}},
        },
        "edges": [{"from": "start", "to": "ask"}, {"from": "ask", "to": "tell"}],
    }


NAMES = {"POST /v1/runs", "run traced", "queue", "node ask", "chat assistant", "node tell", "execute_tool tell"}


def test_a_request_is_one_trace_from_the_caller_to_the_server_that_a_tool_calls(site: Site) -> None:
    run = site.order(HEADERS)

    spans = site.until_there(TRACE, NAMES)

    parents = {name: next((one.name for one in spans.values() if one.id == spans[name].parent), spans[name].parent) for name in NAMES}
    assert run["status"] == "completed"
    assert parents == {
        "POST /v1/runs": CALLER,
        "run traced": "POST /v1/runs",
        "queue": "run traced",
        "node ask": "run traced",
        "chat assistant": "node ask",
        "node tell": "run traced",
        "execute_tool tell": "node tell",
    }
    (told,) = [one.headers["traceparent"] for one in site.called.of("/tell") if TRACE in one.headers["traceparent"]]
    assert told == f"00-{TRACE}-{spans['execute_tool tell'].id}-01"


def test_the_trace_goes_on_in_a_tool_that_has_a_process_of_its_own(site: Site) -> None:
    trace = "8" * 32
    run = site.order({"traceparent": f"00-{trace}-{CALLER}-01"}, in_a_process())

    spans = site.until_there(trace, {"POST /v1/runs", "run processed", "node own", "execute_tool where"})

    assert run["output"]["text"] == f"00-{trace}-{spans['execute_tool where'].id}-01"
    assert spans["execute_tool where"].parent == spans["node own"].id


def test_a_webhook_is_told_the_trace_that_its_run_goes_on_with(site: Site) -> None:
    trace = "7" * 32
    site.rest().post("/v1/webhooks", {"url": f"{site.called.url}/hook", "events": ["run.completed"]})
    site.order({"traceparent": f"00-{trace}-{CALLER}-01"})

    (told,) = until(lambda: site.called.of("/hook"), "the event")

    assert told.headers["traceparent"] == f"00-{trace}-{site.until_there(trace, NAMES)['run traced'].id}-01"


def test_spans_say_what_they_stand_for_and_who_sent_them(site: Site) -> None:
    run = site.order({"traceparent": f"00-{'1' * 32}-{CALLER}-01"})

    spans = site.until_there("1" * 32, NAMES)

    chat, request, whole = spans["chat assistant"], spans["POST /v1/runs"], spans["run traced"]
    assert (request.kind, whole.kind, spans["queue"].kind, chat.kind) == (SERVER, INTERNAL, CONSUMER, CLIENT)
    assert request.attributes == {"http.request.method": "POST", "http.response.status_code": 202, "http.route": "/v1/runs"}
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert (chat.attributes["gen_ai.provider.name"], chat.attributes["gen_ai.request.model"]) == ("scripted", "assistant")
    assert chat.attributes["gen_ai.usage.input_tokens"] == run["usage"]["prompt_tokens"]
    assert chat.attributes["gen_ai.usage.output_tokens"] == run["usage"]["completion_tokens"]
    assert spans["execute_tool tell"].attributes["gen_ai.tool.name"] == "tell"
    assert (whole.attributes["weft.run.id"], whole.attributes["weft.run.status"]) == (run["id"], "completed")
    assert {span.scope for span in spans.values()} == {"https://opentelemetry.io/schemas/1.44.0"}
    assert request.process.endswith(f":{site.api.pid}")
    assert {span.process for span in spans.values()} - {request.process} == {whole.process}
    assert all(span.began <= span.ended for span in spans.values())
    assert whole.began <= spans["node ask"].began <= spans["node tell"].began <= whole.ended + 0.05


def test_both_sides_of_the_log_name_the_trace(site: Site) -> None:
    run = site.order({"traceparent": f"00-{'2' * 32}-{CALLER}-01"})

    lines = until(lambda: [line for line in site.worker.log("run ended") if line["run"] == run["id"]], "the line of the end")

    assert lines[0]["trace"] == "2" * 32


def test_nothing_that_anybody_said_is_in_a_span(site: Site) -> None:
    site.order({"traceparent": f"00-{'3' * 32}-{CALLER}-01"})
    site.until_there("3" * 32, NAMES)

    assert all(SECRET_TEXT.encode() not in body for body in site.spans.bodies)
    assert any(b"gen_ai" in body for body in site.spans.bodies)


def test_a_trace_that_its_caller_does_not_want_recorded_is_handed_on_and_not_sent(site: Site) -> None:
    unwanted, wanted = "4" * 32, "5" * 32
    site.order({"traceparent": f"00-{unwanted}-{CALLER}-00"})
    site.order({"traceparent": f"00-{wanted}-{CALLER}-01"})
    site.until_there(wanted, NAMES)

    assert [span for span in site.spans.all() if span.trace == unwanted] == []
    assert [one.headers["traceparent"][-3:] for one in site.called.of("/tell") if unwanted in one.headers["traceparent"]] == ["-00"]


def test_a_request_without_a_trace_begins_one(site: Site) -> None:
    run = site.order({})

    whole = until(lambda: [one for one in site.spans.named("run traced") if one.attributes["weft.run.id"] == run["id"]], "the span")[0]
    spans = site.until_there(whole.trace, NAMES)

    assert spans["POST /v1/runs"].parent == ""
    assert whole.trace not in {run["id"].replace("-", ""), TRACE}


def test_without_an_address_the_trace_is_handed_on_all_the_same(site: Site, tmp_path: Path) -> None:
    where = site.called.url.removeprefix("http://")
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": "memory:", "WEFT_HTTP_PRIVATE": where}) as started:
        service = started.serve()
        rest = Rest(service.url())
        rest.post("/v1/tools", tool(site.called.url))
        headers = {"traceparent": f"00-{'6' * 32}-{CALLER}-01"}
        started_run = web.post(f"{service.url()}/v1/runs", json={"workflow": document()}, headers=headers, timeout=30).json()
        rest.ended(started_run["id"])

    (told,) = [one.headers["traceparent"] for one in site.called.of("/tell") if "6" * 32 in one.headers["traceparent"]]
    assert told.endswith("-01")


def test_nothing_of_opentelemetry_is_loaded_where_nobody_wants_traces() -> None:
    code = "\n".join(
        [
            "import sys, bootstrap, wiring.watching as watching",
            "from settings import read_settings",
            "watching.traces_of(read_settings())",
            "print([name for name in sys.modules if name.startswith('opentelemetry')])",
        ]
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""}, capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout.replace("'", '"')) == []


def test_an_address_where_nobody_answers_costs_spans_and_nothing_else(tmp_path: Path) -> None:
    settings = {"WEFT_DATABASE_URL": "memory:", "WEFT_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with commands(tmp_path / "weft", settings) as started:
        service = started.serve()
        rest = Rest(service.url())
        simple = {**document(), "nodes": {"ask": document()["nodes"]["ask"]}, "edges": [{"from": "start", "to": "ask"}]}
        assert rest.ended(rest.start(simple))["status"] == "completed"
        service.ask_to_stop()
        assert service.ended(20) == 0
