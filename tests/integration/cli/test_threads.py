"""`weft threads`: a thread's past is told, it is changed, and there are other ways from its positions."""

from typing import Any

import pytest

from tests.integration.cli.command import COUNTING, Answer, Weft
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes

START = '{"x": 4}'
WAITING = """\
weft: 1
name: waiting
version: 1.0.0
nodes:
  ask: {kind: human, show: {text: "Which one?"}}
edges:
  - {from: start, to: ask}
  - {from: ask, to: end}
"""


class Threads:
    """One thread of a service on which `counting` ran."""

    def __init__(self, weft: Weft) -> None:
        self.weft = weft
        self.url = weft.commands.serve().url()
        assert weft("publish", weft.write("counting.yaml", COUNTING), "--server", self.url).code == 0
        run = Rest(self.url).post("/v1/runs?wait=30", {"workflow": "counting", "input": {}})
        assert run["status"] == "completed"
        self.run, self.id = str(run["id"]), str(run["thread_id"])

    def __call__(self, command: str, *arguments: str) -> Answer:
        return self.weft("threads", *command.split(), self.id, *arguments, "--server", self.url)

    def told(self, command: str, *arguments: str) -> str:
        answer = self(command, *arguments)
        assert answer.code == 0, answer.err
        return answer.out

    def json(self, command: str, *arguments: str) -> Any:
        answer = self(command, *arguments, "--json")
        assert answer.code == 0, answer.err
        return answer.json


@pytest.fixture
def threads(weft: Weft) -> Threads:
    return Threads(weft)


def test_the_past_is_told_at_any_position(threads: Threads) -> None:
    entries = threads.json("history")
    first = next(entry["position"] for entry in entries if entry["node"] == "once")
    lines = [line.split("\t") for line in threads.told("history").splitlines()]

    assert threads.told("state") == "x\t2\n"
    assert threads.told("state", "--at", str(first)) == "x\t1\n"
    assert threads.json("state")["position"] == threads.json("state")["end"]
    assert [line[2:] for line in lines][-2:] == [["once", "/x", "0 -> 1"], ["twice", "/x", "1 -> 2"]]
    assert threads.told("history", "--limit", "1").count("\n") == 1
    assert threads.told("diff", str(first)) == "~ /x  1 -> 2\n"
    assert threads.told("diff", str(first), "0").startswith("- /x")
    assert threads("state", "--at", "999").code == 2


def test_it_is_changed_and_taken_back(threads: Threads) -> None:
    end = threads.json("state")["end"]

    assert threads.told("edit", "--set", "x=40", "--reason", "because", "--expect", str(end)) == "~ /x  2 -> 40\n"
    assert threads("edit", "--set", "x=41", "--expect", str(end)).code == 2
    assert threads("edit", "--set", "x").code == 2
    assert threads("edit").code == 2
    assert [entry["user_id"] is not None for entry in threads.json("history")][-1]
    assert threads.told("restore", "--to", str(end)) == "~ /x  40 -> 2\n"
    assert len(threads.json("history", "--operation", "restore")) == 1


def test_snapshots_are_kept_listed_and_brought_back(threads: Threads) -> None:
    snapshot = threads.told("snapshots take", "two", "--tag", "mine").strip()
    threads.told("edit", "--set", "x=40")

    assert threads.told("snapshots list", "--tag", "mine").split("\t")[0] == snapshot
    assert threads.told("snapshots list", "--tag", "other") == ""
    assert '"x": 2' in threads.told("snapshots show", snapshot)
    assert threads.told("snapshots restore", snapshot) == "~ /x  40 -> 2\n"
    branch = threads.told("snapshots branch", snapshot, "--name", "again").strip()
    assert branch in threads.told("branches")
    assert threads.told("snapshots remove", snapshot) == f"snapshot {snapshot} is removed\n"
    assert threads("snapshots show", snapshot).code == 2


def test_a_branch_leaves_its_thread_as_it_is(threads: Threads) -> None:
    branch = threads.told("branch", "--name", "aside").strip()
    again = threads.json("rerun", "--edit", START)
    ended = Rest(threads.url).ended(again["run"]["id"])
    tree = threads.told("tree")

    assert ended["status"] == "completed"
    assert threads.weft("threads", "state", again["thread"]["id"], "--server", threads.url).out == "x\t6\n"
    assert threads.told("state") == "x\t2\n"
    assert {line.split("\t")[0] for line in threads.told("branches").splitlines()} == {branch, again["thread"]["id"]}
    assert all(thread in tree for thread in (threads.id, branch, again["thread"]["id"]))
    assert "aside" in tree
    assert f'"id": "{threads.id}"' in threads.told("show")


def test_children_are_opened_below_a_thread_and_joined(threads: Threads) -> None:
    service = Rest(threads.url)
    one = threads.weft("threads", "open", "--parent", threads.id, "--on-failure", "fail_fast", "--name", "one", "--server", threads.url)
    child = one.out.strip()
    run = str(service.post("/v1/runs", {"workflow": "counting", "thread_id": child})["id"])

    (line,) = threads.told("children", "--wait", "30").splitlines()

    assert line.split("\t") == [child, "one", "parallel", "completed", run]
    assert threads.json("children")["items"][0]["on_failure"] == "fail_fast"
    assert threads.weft("threads", "open", "--type", "sequential", "--server", threads.url).code == 2


def test_a_watch_tells_every_step_and_what_the_run_waits_for(threads: Threads) -> None:
    seen = threads.weft("runs", "watch", threads.run, "--server", threads.url)
    assert (seen.code, "finished once" in seen.err, "finished twice" in seen.err) == (0, True, True)

    service = Rest(threads.url)
    threads.weft("publish", threads.weft.write("waiting.yaml", WAITING), "--server", threads.url)
    run = str(service.post("/v1/runs?wait=30", {"workflow": "waiting"})["id"])
    watching = threads.weft.commands.start("runs", "watch", run, "--server", threads.url)
    until(lambda: f"weft runs answer {run} --activation '/ask#1'" in watching.err.read_text(), "the command that answers")
    assert threads.weft("runs", "answer", run, "--input", "{}", "--server", threads.url).code == 0
    watched = threads.weft.answer_of(watching)
    assert (watched.code, "waiting@1.0.0 completed" in watched.err) == (0, True)
