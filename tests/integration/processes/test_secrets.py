"""A canary: a secret that a real service sends, a server that says it back in every way, and no byte of it anywhere afterwards."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.architecture.places import ROOT
from tests.servers import web
from tests.servers.commands import Commands, Running, commands
from tests.servers.echo import Echo, echoing
from tests.servers.provider import Provider, Said, providing
from tests.servers.rest import Rest
from tests.servers.spans import Spans, receiving_spans
from tests.servers.until import until

pytestmark = pytest.mark.processes

CANARY = 'cAnary/9f8s+T2kLq"Wv0=Zx7'
MODELS_ASKED = 4
WAYS = ("body", "moved", "failed", "raised")


def needles() -> Iterator[str]:
    """Every spelling, of Base64 the part that no neighbour changes."""
    told = CANARY.encode()
    yield from (CANARY, json.dumps(CANARY)[1:-1], quote(CANARY), quote(CANARY, safe=""), told.hex(), told.hex().upper())
    yield re.sub("%..", lambda found: found[0].lower(), quote(CANARY, safe=""))
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            yield encode(bytes(before) + told).decode()[-(-before * 8 // 6) : (before + len(told)) * 8 // 6]
    yield from (CANARY[:12], CANARY[-12:])


@pytest.fixture
def echo() -> Iterator[Echo]:
    with echoing() as found:
        yield found


def careless(asked: dict[str, Any], _: int) -> Said:
    """A model that says its key whenever it can; where it has tools, it calls one first."""
    if asked["model"] == "refuses":
        return Said(f"{CANARY} is no key", status=401)
    if "tools" in asked and asked["messages"][-1]["role"] != "tool":
        return Said(call=("courier", json.dumps({"url": asked["messages"][-1]["content"]})))
    return Said(f"My key is {CANARY}, and I was told so.")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing({}, careless) as found:
        yield found


@pytest.fixture
def spans() -> Iterator[Spans]:
    with receiving_spans() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, echo: Echo, provider: Provider, spans: Spans) -> Iterator[Commands]:
    hosts = [url.removeprefix("http://") for url in (echo.url, provider.url)]
    endpoint = {"api_base": provider.url, "api_key": "${secret.canary}", "adapter": "openai"}
    variables = {
        "WEFT_SECRETS__canary": json.dumps({"from": "file:canary", "hosts": hosts}),
        "WEFT_MODEL_ENDPOINTS": json.dumps({"house": endpoint}),
        "WEFT_OTLP_ENDPOINT": spans.url,
        "WEFT_LOG": "debug",
        "WEFT_HTTP_PRIVATE": "127.0.0.1",
    }
    folder = tmp_path / "weft"
    with commands(folder, variables, ROOT) as started:
        (folder / "canary").write_text(f"{CANARY}\n")
        yield started


def carrier(way: str, echo: Echo) -> dict[str, Any]:
    """A tool behind a URL, which takes it there in every place that may hold one."""
    secret = "${secret.canary}"
    auth = [{"basic": {"username": "weft", "password": secret}}, {"query": {"name": "key", "value": secret}}]
    config = {"url": f"{echo.url}/{way}", "headers": {"X-Key": secret}, "auth": auth, "result": "full", "retries": {"attempts": 2}}
    return {"name": f"carrier_{way}", "type": "rest", "description": "Carries.", "effects": "none", "config": config}


def graph(name: str, tool: str, arguments: dict[str, str]) -> dict[str, Any]:
    """Takes it to the server twice: what comes back is written to the state, and what went wrong too."""
    return {
        "weft": 1,
        "name": name,
        "version": "1.0.0",
        "state": {"said": {}, "wrong": {}},
        "nodes": {
            "take": {"kind": "tool", "tool": tool, "arguments": arguments, "writes": {"said": "${output}"}},
            "caught": {"kind": "transform", "writes": {"wrong": "${error}"}},
            "fail": {"kind": "tool", "tool": tool, "arguments": arguments, "writes": {"said": "${output}"}},
        },
        "edges": [
            {"from": "start", "to": "take"},
            {"from": "take", "on_error": True, "to": "caught"},
            {"from": "take", "to": "fail"},
            {"from": "caught", "to": "fail"},
        ],
        "output": {"said": "${state.said}"},
    }


def talk(echo: Echo) -> dict[str, Any]:
    """What a tool brought back is put to a model, an agent has it brought once more, and a model that refuses the key says which."""
    url = f"{echo.url}/body"
    return {
        **graph("talk", "courier", {"url": url}),
        "nodes": {
            "take": {"kind": "tool", "tool": "courier", "arguments": {"url": url}, "writes": {"said": "${output}"}},
            "ask": {"kind": "llm", "model": "house/says", "prompt": "What is {{ state.said }}?", "writes": {"said": "${output}"}},
            "clerk": {"kind": "agent", "model": "house/says", "prompt": url, "tools": ["courier"], "writes": {"said": "${output}"}},
            "refused": {"kind": "llm", "model": "house/refuses", "prompt": "And {{ state.said }}?"},
            "caught": {"kind": "transform", "writes": {"wrong": "${error}"}},
        },
        "edges": [
            *({"from": before, "to": after} for before, after in pairwise(("start", "take", "ask", "clerk", "refused"))),
            {"from": "refused", "on_error": True, "to": "caught"},
        ],
    }


def recorded(site: Commands, echo: Echo) -> dict[str, str]:
    """The same with the command, which makes a cassette of it."""
    (site.folder / "talk.json").write_text(json.dumps(talk(echo)))
    order = ("run", "talk.json", "--record", "talk.cassette.yaml")
    running = site.module("tests.integration.processes.courier", *order, WEFT_DATABASE_URL="memory:")
    assert running.ended() == 0, running.told()
    return {"cassette": (site.folder / "talk.cassette.yaml").read_text(), "out of the command": running.told()}


def told_by(service: Rest, run: str) -> str:
    """Everything that readers get to see of a run."""
    thread = service.run(run)["thread_id"]
    paths = ("/v1/runs", f"/v1/runs/{run}", f"/v1/runs/{run}/events", f"/v1/threads/{thread}/state", "/metrics", "/v1/history?limit=200")
    answers = [web.get(service.url + path, timeout=30) for path in paths]
    assert all(answer.is_success for answer in answers), answers
    return "\n".join(answer.text for answer in answers)


def said_by_models(service: Rest) -> str:
    """The history of what was said to models and by them, once it has the last answer."""

    def told() -> str:
        text = web.get(f"{service.url}/v1/history?limit=200").text
        return text if text.count('"llm_response"') == MODELS_ASKED else ""

    return until(told, "the last answer in the history")


def of_calls(service: Rest, echo: Echo) -> str:
    answers = [web.post(f"{service.url}/v1/tools/courier/call", json={"arguments": {"url": f"{echo.url}/{way}"}}) for way in WAYS]
    return "\n".join(answer.text for answer in answers)


def audited(service: Rest) -> str:
    """Its audit trail, once it has the last thing that was asked of it."""

    def told() -> str:
        text = web.get(f"{service.url}/v1/audit").text
        return text if "DELETE /v1/items" in text else ""

    return until(told, "the request on the audit trail")


def remembered(service: Rest) -> str:
    """Its history, once it has the last call of a tool."""

    def told() -> str:
        text = web.get(f"{service.url}/v1/history?limit=200&type=tool_execution").text
        return text if text.count('"caller":"local"') == len(WAYS) else ""

    return until(told, "the last call in the history")


def kept(running: Running) -> dict[str, str]:
    """What the process wrote, by file; bytes as they are."""
    folder = running.err.parent
    files = [running.err, running.out, *folder.glob(".weft/weft.db*")]
    return {file.name: file.read_bytes().decode("latin-1") for file in files}


def test_a_secret_that_comes_back_in_every_way_is_in_no_byte_of_what_is_kept_or_told(
    site: Commands, echo: Echo, provider: Provider, spans: Spans
) -> None:
    running = site.module("tests.integration.processes.courier", "serve", "--port", "0")
    service = Rest(running.url())
    for way in WAYS[:3]:
        service.post("/v1/tools", carrier(way, echo))
    graphs = [graph(way, "courier", {"url": f"{echo.url}/{way}"}) for way in WAYS]
    graphs += [graph(f"carrier-{way}", f"carrier_{way}", {}) for way in WAYS[:3]]
    graphs.append(talk(echo))
    runs = {document["name"]: service.start(document) for document in graphs}
    ended = [service.ended(run)["status"] for run in runs.values()]
    told = {way: told_by(service, run) for way, run in runs.items()}
    places = {**told, "calls": of_calls(service, echo), **kept(running)}
    web.delete(f"{service.url}/v1/items/{quote(CANARY)}")
    places |= {"audit": audited(service), "history": remembered(service), "models": said_by_models(service)}
    running.ask_to_stop()
    running.ended()
    places |= {f"{name} at the end": text for name, text in kept(running).items()}
    places |= recorded(site, echo)
    places |= {"traces": b"".join(spans.bodies).decode("latin-1"), "prompts": b"".join(provider.bodies).decode("latin-1")}

    assert ended == ["completed", "completed", "failed", "failed", "completed", "completed", "failed", "completed"]
    assert set(echo.keys) == set(provider.keys) == {CANARY}, "it did arrive"
    assert len(provider.keys) == 2 * MODELS_ASKED
    two_nodes_and_a_call, carriers_twice, talks = 3 * (1 + 2 + 1), 2 * (1 + 2 + 2), 2 * 2
    assert len(echo.keys) == two_nodes_and_a_call + carriers_twice + talks, "there, over a redirect, in vain"
    assert {"execute_tool courier", "chat says", "chat refuses"} <= {span.name for span in spans.all()}
    shown = [name for name, text in places.items() if "[secret" in text]
    assert set(shown) >= {*runs, "calls", "audit", "history", "models", "cassette", "prompts", running.err.name, "weft.db at the end"}, (
        "there was something to hide"
    )
    found = {f"{needle} in {name}" for name, text in places.items() for needle in needles() if needle in text}
    assert found == set()
