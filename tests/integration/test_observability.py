"""What a service tells of itself: logs, metrics, probes, and why it does not start."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.architecture.places import ROOT
from tests.servers import web
from tests.servers.commands import Commands, Running, commands
from tests.servers.postgres import Cluster
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes

SCHEMA = jsonschema_rs.validator_for(json.loads((ROOT / "docs/run-log.schema.json").read_text()))
OF_A_RUN = ("run started", "run resumed", "run ended")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Commands]:
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": f"sqlite:///{tmp_path}/weft.db"}) as found:
        yield found


def document(name: str, node: dict[str, Any]) -> dict[str, Any]:
    return {
        "weft": 1,
        "name": name,
        "version": "1.0.0",
        "state": {"text": {"type": "string"}},
        "nodes": {"only": node},
        "edges": [{"from": "start", "to": "only"}],
    }


def answering(name: str = "answering") -> dict[str, Any]:
    return document(name, {"kind": "llm", "model": "fast", "prompt": "Say something.", "writes": {"text": "${output.text}"}})


def failing() -> dict[str, Any]:
    return document("failing", {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 / 0"}})


def waiting(seconds: float) -> dict[str, Any]:
    return document("waiting", {"kind": "wait", "seconds": seconds})


def lines_of(service: Running, run: str) -> list[dict[str, Any]]:
    until(lambda: [line for line in service.log("run ended") if line["run"] == run], "the line of the end")
    return [line for line in service.log() if line.get("run") == run]


def samples(service: Running) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What /metrics tells, as Prometheus itself would read it."""
    answer = web.get(f"{service.url()}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def test_a_run_leaves_a_line_when_it_starts_and_one_when_it_ends(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())

    run = rest.ended(rest.start(answering()))
    first, last = lines_of(service, run["id"])

    assert (first["event"], last["event"]) == ("run started", "run ended")
    assert {line["thread"] for line in (first, last)} == {run["thread_id"]}
    assert {line["workflow"] for line in (first, last)} == {"answering@1.0.0"}
    assert (first["epoch"], first["worker"].split(":")[1]) == (1, str(service.pid))
    assert (last["status"], last["steps"], last["tokens"]) == ("completed", 1, run["usage"]["total_tokens"])
    assert all(datetime.fromisoformat(line["timestamp"]).utcoffset() is not None for line in (first, last))


def test_a_run_that_slept_leaves_a_line_when_it_goes_on(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())

    run = rest.ended(rest.start(waiting(5.5)))

    lines = lines_of(service, run["id"])

    assert tuple(line["event"] for line in lines) == OF_A_RUN
    assert all(SCHEMA.is_valid(line) for line in lines)


def test_a_run_that_failed_says_where_and_why(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())

    run = rest.ended(rest.start(failing()))
    last = lines_of(service, run["id"])[-1]

    assert (last["status"], last["node"], last["code"]) == ("failed", "only", run["error"]["code"])


def test_every_line_on_stderr_is_one_json_object(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())
    for made in (answering(), failing()):
        rest.ended(rest.start(made))

    service.ask_to_stop()

    assert service.ended() == 0
    written = service.err.read_text().splitlines()
    assert len(written) == len(service.log()) >= 6
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in service.log())
    of_runs = [line for line in service.log() if line["event"] in OF_A_RUN]
    assert [(line["event"], line.get("status"), line.get("code")) for line in of_runs] == [
        ("run started", None, None),
        ("run ended", "completed", None),
        ("run started", None, None),
        ("run ended", "failed", "division_by_zero"),
    ]
    assert all(SCHEMA.is_valid(line) for line in of_runs)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"run": "7"}, id="an id that is none"),
        pytest.param({"cost": 0.25}, id="money as a float"),
        pytest.param({"status": "failed"}, id="a failure without its code"),
        pytest.param({"workflow": "answering"}, id="a workflow without its version"),
    ],
)
def test_the_published_schema_of_lines_refuses(spoilt: dict[str, Any]) -> None:
    run = "0190a1b2-0000-7000-8000-00000000000a"
    told = {"level": "info", "logger": "application.engine", "timestamp": "2026-05-04T00:00:00Z", "trace": "0" * 31 + "1"}
    about = {"run": run, "thread": run, "workflow": "answering@1.0.0", "status": "completed", "code": None, "node": None}
    line = {
        "event": "run ended",
        **told,
        **about,
        "steps": 1,
        "tokens": 3,
        "cost": "0.25",
        "currency": "USD",
        "unpriced": 0,
        "seconds": 0.1,
    }

    assert SCHEMA.is_valid(line)
    assert not SCHEMA.is_valid({**line, **spoilt})


def test_levels_are_set_by_logger(started: Commands) -> None:
    service = started.serve(WEFT_LOG="application.worker=error,info")
    rest = Rest(service.url())

    run = rest.ended(rest.start(answering()))

    assert [line["event"] for line in lines_of(service, run["id"])] == ["run ended"]


def test_metrics_count_what_happened(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())
    answered = [rest.ended(rest.start(answering())) for _ in range(3)]
    for _ in range(2):
        rest.ended(rest.start(failing()))

    found = samples(service)

    assert value(found, "weft_runs_total", status="completed", workflow="answering") == 3
    assert value(found, "weft_runs_total", status="failed", workflow="failing") == 2
    assert value(found, "weft_run_duration_seconds_count") == 5
    assert value(found, "weft_node_duration_seconds_count", kind="llm", outcome="finished") == 3
    assert value(found, "weft_node_duration_seconds_count", kind="tool", outcome="failed") == 2
    labels = {"model": "scripted/assistant", "workflow": "answering"}
    for direction in ("prompt", "completion"):
        used = sum(run["usage"][f"{direction}_tokens"] for run in answered)
        assert value(found, "weft_tokens_total", direction=direction, **labels) == used
    cost = sum(float(run["cost"]["amount"]) for run in answered)
    assert value(found, "weft_cost_total", currency="USD", **labels) == pytest.approx(cost)
    assert value(found, "weft_journal_commit_seconds_count") > 0
    assert value(found, "weft_lease_takeovers_total") == 0


def test_metrics_say_how_many_runs_wait_and_sleep(started: Commands) -> None:
    service = started.serve()
    rest = Rest(service.url())

    for _ in range(2):
        rest.start(waiting(600))

    assert until(lambda: value(samples(service), "weft_queue_depth", state="parked") == 2, "two parked runs on /metrics")


def test_readiness_names_a_database_that_is_away(tmp_path: Path, started: Commands) -> None:
    cluster = Cluster.in_folder(tmp_path / "postgres")
    server = cluster.start()
    try:
        service = started.serve(WEFT_DATABASE_URL=server.dsn("postgres"))
        ready = web.get(f"{service.url()}/readyz")
    finally:
        cluster.stop()

    def away() -> httpx.Response | None:
        answer = web.get(f"{service.url()}/readyz", timeout=30)
        return answer if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else None

    answer = until(away, "503 from /readyz")

    assert ready.status_code == httpx.codes.OK
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "not ready: database"
    assert answer.json()["problems"][0]["pointer"] == "/parts/database"
    assert server.address not in answer.text
    assert web.get(f"{service.url()}/livez").status_code == httpx.codes.OK
    assert service.is_alive


def test_without_keys_a_service_refuses_strangers(started: Commands) -> None:
    refused = started.start("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 (what is refused)

    assert refused.ended() == 2
    assert "without API keys Weft listens on loopback only, and 0.0.0.0 is not" in refused.err.read_text()
    assert "weft keys create" in refused.err.read_text()


def test_with_keys_it_listens_to_everybody_who_has_one(started: Commands) -> None:
    service = started.serve("--host", "0.0.0.0", WEFT_API_KEYS="one-long-key")  # noqa: S104
    url = service.url().replace("0.0.0.0", "127.0.0.1")  # noqa: S104

    answers = [web.get(f"{url}/v1/runs", headers=headers).status_code for headers in ({}, {"Authorization": "Bearer one-long-key"})]

    assert answers == [401, 200]


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    ("variable", "wrong", "why"),
    [
        pytest.param("WEFT_LEASE_SECONDS", "soon", "how long a worker holds a run", id="no number"),
        pytest.param("WEFT_DATABASE_URL", "mysql://x/y", "sqlite:///PATH or postgresql://...", id="no such database"),
        pytest.param("WEFT_LOG", "loud", "levels: debug, info", id="no such level"),
    ],
)
def test_a_wrong_setting_names_its_variable(started: Commands, command: str, variable: str, wrong: str, why: str) -> None:
    refused = started.start(command, **{variable: wrong})

    assert refused.ended() == 2
    said = refused.err.read_text()
    assert said.startswith("weft: ")
    assert variable in said
    assert wrong in said
    assert why in said
    assert "Traceback" not in said


def test_a_setting_that_does_not_exist_is_named(started: Commands) -> None:
    (started.folder / "weft.toml").write_text("leese_seconds = 3\n")

    refused = started.start("serve")

    assert refused.ended() == 2
    assert "leese_seconds: there is no such setting" in refused.err.read_text()


def test_a_wrong_database_url_is_shown_without_its_password(started: Commands) -> None:
    refused = started.start("serve", WEFT_DATABASE_URL="mysql://ada:lovelace@host/weft")

    assert refused.ended() == 2
    assert "mysql://ada:(hidden)@host/weft" in refused.err.read_text()
    assert "lovelace" not in refused.err.read_text()
