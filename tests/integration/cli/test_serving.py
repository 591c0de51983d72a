"""The service, the commands that talk to it, and the demonstration."""

import json
import re
import signal

import httpx
import pytest

from tests.integration.cli.command import COUNTING, EXAMPLES, SLEEPING, WORKING, WRONG, Weft
from tests.servers import web
from tests.servers.ports import free_port
from tests.servers.until import until

pytestmark = pytest.mark.processes


def test_a_workflow_is_published_once_and_known_the_second_time(weft: Weft) -> None:
    url = weft.commands.serve().url()
    file = weft.write("counting.yaml", COUNTING)

    assert weft("publish", file, "--server", url).out.startswith("published counting@1.0.0")
    assert weft("publish", file, WEFT_SERVER=url).out.startswith("was already published: counting@1.0.0")


def test_what_a_server_refuses_is_told_with_line_and_column(weft: Weft) -> None:
    file = weft.write("wrong.yaml", WRONG)

    answer = weft("publish", file, "--server", weft.commands.serve().url())

    assert answer.code == 2
    assert f"{file}:6:5: /nodes/once/kind: " in answer.err


def test_a_run_of_the_service_is_listed_followed_and_cancelled(weft: Weft) -> None:
    service = weft.commands.serve()
    url = service.url()
    weft("publish", weft.write("sleeping.yaml", SLEEPING), "--server", url)
    inside = weft.commands.folder / ".weft/weft.db"
    sleeping = weft.commands.start("run", "sleeping", "--watch", "--database", f"sqlite:///{inside}")
    until(lambda: "waiting nap" in sleeping.err.read_text(), "a run that sleeps")

    (run,) = weft("runs", "list", "--status", "parked", "--json", "--server", url).json
    assert run["workflow"] == "sleeping@1.0.0"
    assert weft("runs", "show", run["id"], "--server", url).json["waiting_for"][0]["kind"] == "timer"
    assert weft("runs", "cancel", run["id"], "--reason", "enough", "--server", url).out == f"run {run['id']} is asked to stop\n"

    lines = [json.loads(line) for line in weft("runs", "events", run["id"], "--server", url).out.splitlines()]
    assert [line["event"] for line in lines] == ["run_started", "node_parked", "cancel_requested", "run_ended", "end"]
    assert lines[2]["reason"] == "enough"
    assert sleeping.ended() == 1
    assert [thread["id"] for thread in weft("threads", "list", "--json", "--server", url).json] == [run["thread_id"]]


def test_a_run_is_started_with_its_place_in_the_line(weft: Weft) -> None:
    url = weft.commands.serve().url()
    weft("publish", weft.write("sleeping.yaml", SLEEPING), "--server", url)

    place = ("--priority", "high", "--delay", "600", "--concurrency-key", "gpu")
    run = weft("runs", "start", "sleeping", *place, "--server", url).out.strip()

    told = weft("runs", "show", run, "--server", url).json
    assert (told["status"], told["priority"], told["concurrency_key"]) == ("queued", "high", "gpu")
    assert weft("runs", "start", "sleeping", "--priority", "urgent", "--server", url).code == 2


def test_tools_are_listed_and_called(weft: Weft) -> None:
    url = weft.commands.serve().url()

    assert "calculator\tbuiltin\t" in weft("tools", "list", "--server", url).out
    called = weft("tools", "call", "calculator", "--arguments", '{"expression": "6 * 7"}', "--server", url)
    assert called.json["result"] == 42
    refused = weft("tools", "call", "calculator", "--arguments", '{"expression": "1 / 0"}', "--server", url)
    assert (refused.code, refused.out) == (1, "")
    assert "division_by_zero" in refused.err
    assert weft("tools", "call", "hammer", "--server", url).code == 2


def test_models_are_listed_with_what_they_stand_for(weft: Weft) -> None:
    listed = weft("models", "list", "--server", weft.commands.serve().url()).out

    assert "fast\tscripted/assistant\t" in listed


def test_a_server_that_wants_keys_is_given_one(weft: Weft) -> None:
    url = weft.commands.serve(WEFT_API_KEYS="hush").url()

    refused = weft("runs", "list", "--server", url)
    assert refused.code == 2
    assert "key" in refused.err
    assert weft("runs", "list", "--server", url, "--key", "hush").code == 0
    assert weft("runs", "list", "--server", url, WEFT_API_KEY="hush").code == 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["runs", "list"], id="a list"),
        pytest.param(["runs", "events", "some-run"], id="a stream"),
        pytest.param(["tools", "call", "calculator"], id="a call"),
    ],
)
def test_a_server_that_is_not_there_is_code_3_and_says_what_to_do(weft: Weft, words: list[str]) -> None:
    answer = weft(*words, "--server", f"http://127.0.0.1:{free_port()}")

    assert answer.code == 3
    assert "weft serve" in answer.err


def test_a_service_without_keys_refuses_to_be_reached_from_elsewhere(weft: Weft) -> None:
    answer = weft("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 (that it is refused is the point)

    assert answer.code == 2
    assert "weft keys create" in answer.err


def test_a_service_with_a_key_may_be_reached_from_elsewhere(weft: Weft) -> None:
    weft("keys", "create", "--role", "admin")

    assert weft.commands.serve("--host", "0.0.0.0").is_alive  # noqa: S104


def test_a_port_that_is_taken_is_said(weft: Weft) -> None:
    url = weft.commands.serve().url()

    answer = weft("serve", "--port", url.rpartition(":")[2])

    assert answer.code == 2
    assert "--port" in answer.err


def test_a_service_stops_in_order_at_the_first_signal(weft: Weft) -> None:
    service = weft.commands.serve()
    until(lambda: service.log("worker started"), "its worker")

    service.ask_to_stop(signal.SIGINT)

    assert service.ended() == 0
    assert [line["event"] for line in service.log("worker stopped")] == ["worker stopped"]


def test_the_demonstration_shows_a_run_and_stops_its_service(weft: Weft) -> None:
    port = free_port()

    answer = weft("demo", "--once", "--examples", EXAMPLES, "--port", str(port))

    assert answer.code == 0, answer.err
    assert "Published support-triage@" in answer.out
    assert "[scripted]" in answer.out
    assert "offline model scripted/" in answer.out
    assert re.search(r"2 model calls, \d+ tokens, \$0\.\d+", answer.out)
    assert "finished answer in" in answer.err
    assert weft("runs", "list", "--server", f"http://127.0.0.1:{port}").code == 3


def test_the_demonstration_leaves_its_service_up_until_ctrl_c(weft: Weft) -> None:
    port = free_port()
    demo = weft.commands.start("demo", "--examples", str(EXAMPLES), "--port", str(port))
    until(lambda: "Ctrl-C stops it" in demo.out.read_text(), "the end of what the demonstration says", 60.0)

    told = demo.out.read_text()
    assert f"http://127.0.0.1:{port}" in told
    assert [told.count(command) for command in ("  curl http", "weft run ", "weft graph ")] == [1, 1, 1]
    assert weft("runs", "list", "--server", f"http://127.0.0.1:{port}").out.count("support-triage@") == 1

    demo.ask_to_stop(signal.SIGINT)
    demo.ended()
    assert weft("runs", "list", "--server", f"http://127.0.0.1:{port}").code == 3


def test_the_demonstration_says_where_its_examples_should_be(weft: Weft) -> None:
    answer = weft("demo", "--once")

    assert answer.code == 2
    assert "--examples" in answer.err


def test_the_second_signal_does_not_wait(weft: Weft) -> None:
    service = weft.commands.serve(WEFT_GRACE_SECONDS="300")
    url = service.url()
    weft("publish", weft.write("working.yaml", WORKING), "--server", url)
    web.post(f"{url}/v1/runs", json={"workflow": "working"}).raise_for_status()
    until(lambda: service.log("run started"), "a run in the service")

    service.ask_to_stop()
    until(lambda: not _answers(url), "a service that heard the first signal")
    assert service.is_alive
    service.ask_to_stop()

    assert service.ended() == 128 + signal.SIGTERM


def _answers(url: str) -> bool:
    try:
        return web.get(f"{url}/livez").is_success
    except httpx.TransportError:
        return False
