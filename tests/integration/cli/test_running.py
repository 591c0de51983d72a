"""`weft run`: a run without a server."""

import signal
import sqlite3
from contextlib import closing

import pytest

from tests.integration.cli.command import COUNTING, EXAMPLES, FAILING, SLEEPING, WRONG, Weft
from tests.servers.until import until

pytestmark = pytest.mark.processes


def test_a_file_is_run_and_its_output_printed(weft: Weft) -> None:
    answer = weft("run", weft.write("counting.yaml", COUNTING))

    assert answer.code == 0
    assert answer.json == {"x": 2}
    assert "counting@1.0.0 completed" in answer.err


def test_input_comes_from_the_command_line_or_a_file(weft: Weft) -> None:
    file = weft.write("counting.yaml", COUNTING)
    weft.write("input.yaml", "x: 40\n")

    assert weft("run", file, "--input", '{"x": 5}').json == {"x": 7}
    assert weft("run", file, "--input", "@input.yaml").json == {"x": 42}


def test_an_example_runs_and_tells_everything_as_json(weft: Weft) -> None:
    answer = weft("run", EXAMPLES / "support_triage.yaml", "--input", f"@{EXAMPLES / 'data/ticket.json'}", "--json")

    run = answer.json
    assert answer.code == 0
    assert run["status"] == "completed"
    assert run["usage"]["calls"] == 2
    assert run["output"]["reply"].startswith("[scripted]")


def test_a_run_that_is_watched_without_a_terminal_says_a_line_for_every_step(weft: Weft) -> None:
    answer = weft("run", weft.write("counting.yaml", COUNTING), "--watch")

    assert answer.json == {"x": 2}
    lines = answer.err.splitlines()
    assert lines[0] == "run running"
    assert [line.rpartition(" in ")[0] for line in lines if line.startswith("finished")] == ["finished once", "finished twice"]
    assert lines[-2] == "run completed"


def test_a_failed_run_is_code_1_and_names_the_node(weft: Weft) -> None:
    answer = weft("run", weft.write("failing.yaml", FAILING))

    assert answer.code == 1
    assert answer.out == ""
    assert "node divide" in answer.err
    assert "division" in answer.err


def test_a_name_that_is_not_known_here_says_where_it_may_be(weft: Weft) -> None:
    answer = weft("run", "desk")

    assert answer.code == 2
    assert "there is no workflow desk" in answer.err
    assert "what is published at a service, `weft runs start` starts there" in answer.err


def test_an_invalid_file_is_code_2_with_line_and_column(weft: Weft) -> None:
    file = weft.write("wrong.yaml", WRONG)

    answer = weft("run", file)

    assert answer.code == 2
    assert f"{file}:6:5: /nodes/once/kind: " in answer.err


def test_input_that_does_not_fit_is_code_2_and_says_where(weft: Weft) -> None:
    answer = weft("run", weft.write("counting.yaml", COUNTING), "--input", '{"x": "many"}')

    assert answer.code == 2
    assert "/input/x" in answer.err


def test_a_database_that_does_not_answer_is_code_3(weft: Weft) -> None:
    answer = weft("run", weft.write("counting.yaml", COUNTING), "--database", "postgresql://nobody:hush@127.0.0.1:1/none")

    assert answer.code == 3
    assert "WEFT_DATABASE_URL" in answer.err
    assert "hush" not in answer.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run_in_the_database_too(weft: Weft, number: signal.Signals) -> None:
    running = weft.commands.start("run", str(weft.write("sleeping.yaml", SLEEPING)), "--watch")
    until(lambda: "waiting nap" in running.err.read_text(), "a run that sleeps")

    running.ask_to_stop(number)

    assert running.ended() == 128 + number
    assert "sleeping@1.0.0 cancelled" in running.err.read_text()
    with closing(sqlite3.connect(weft.commands.folder / ".weft/weft.db")) as database:
        assert database.execute("SELECT status FROM runs").fetchall() == [("cancelled",)]
        assert [body for (body,) in database.execute("SELECT body FROM journal WHERE kind = 'cancel_requested'")] != []


def test_a_key_is_made_listed_and_removed(weft: Weft) -> None:
    made = weft("keys", "create", "--tenant", "acme", "--role", "operator", "--name", "robot", "--json").json

    (listed,) = weft("keys", "list", "--tenant", "acme", "--json").json
    assert (listed["id"], listed["role"], listed["name"]) == (made["id"], "operator", "robot")
    assert made["key"] not in str(listed)
    assert weft("keys", "list", "--json").json == []

    assert weft("keys", "remove", made["id"], "--tenant", "acme").code == 0
    assert weft("keys", "list", "--tenant", "acme", "--json").json == []


def test_the_schema_is_brought_up_to_date(weft: Weft) -> None:
    assert "no schema yet" in weft("db", "current").out

    assert weft("db", "upgrade").code == 0

    assert "up to date" in weft("db", "current").out
