"""`weft sessions`: one is opened, talked to, looked at and closed."""

import json

import pytest

from tests.integration.cli.command import Weft

pytestmark = pytest.mark.processes

DESK = """\
weft: 1
name: desk
version: 1.0.0
state:
  message: {type: string}
  said: {type: string}
  total: {}
nodes:
  ask:
    kind: llm
    model: scripted/echo
    prompt: "{{ state.message }}"
    options: {otherwise: One moment please.}
    writes: {said: "${output.text}"}
  count: {kind: tool, tool: calculator, arguments: {expression: 6 * 7}, writes: {total: "${output}"}}
edges:
  - {from: start, to: ask}
  - {from: ask, to: count}
  - {from: count, to: end}
output: {said: "${state.said}", total: "${state.total}"}
"""
COUNTING = """\
weft: 1
name: counting
version: 1.0.0
state: {x: {type: integer}}
nodes:
  once: {kind: transform, writes: {x: "${state.x + 1}"}}
edges: [{from: start, to: once}, {from: once, to: end}]
output: {x: "${state.x}"}
"""


def test_a_session_from_its_opening_to_its_end(weft: Weft) -> None:
    url = weft.commands.serve().url()

    def sessions(*arguments: str) -> str:
        answer = weft("sessions", *arguments, "--server", url)
        assert (answer.code, answer.err) == (0, ""), answer.err
        return answer.out

    for name, document in (("desk", DESK), ("counting", COUNTING)):
        assert weft("publish", weft.write(f"{name}.yaml", document), "--server", url).code == 0
    session = sessions("create", "ada", "--workflow", "desk", "--allow", "calc*", "--metadata", '{"team": "north"}').strip()

    assert sessions("list", "--user", "ada", "--state", "active").split("\t")[:4] == [session, "ada", "active", "desk"]
    assert sessions("list", "--user", "bob") == ""
    assert json.loads(sessions("say", session, "hello")) == {"said": "One moment please.", "total": {"result": 42, "text": "42"}}
    assert sessions("say", session, '{"x": 41}', "--input", "--workflow", "counting") == '{\n  "x": 42\n}\n'
    shown = weft("sessions", "show", session, "--server", url).json
    assert (shown["permissions"], shown["metadata"], len(shown["threads"])) == (["calc*"], {"team": "north"}, 1)
    told = [line.split("\t")[1] for line in sessions("interactions", session).splitlines()]
    assert told == [
        *("user_request", "state_change", "tool_execution", "state_change", "system_response"),
        *("user_request", "state_change", "system_response"),
    ]
    assert sessions("pause", session) == f"session {session} is paused\n"
    refused = weft("sessions", "say", session, "hello", "--server", url)
    assert (refused.code, refused.out, "is paused and must be active" in refused.err) == (2, "", True)
    assert sessions("resume", session) == f"session {session} is active\n"
    assert sessions("complete", session) == f"session {session} is completed\n"
    assert weft("sessions", "abort", session, "--server", url).code == 2


def test_what_its_run_may_not_do_is_said(weft: Weft) -> None:
    url = weft.commands.serve().url()
    weft("publish", weft.write("desk.yaml", DESK), "--server", url)
    session = weft("sessions", "create", "ada", "--workflow", "desk", "--allow-none", "--server", url).out.strip()
    answer = weft("sessions", "say", session, "hello", "--server", url)
    both = weft("sessions", "create", "ada", "--allow", "a", "--allow-none", "--server", url)

    assert (answer.code, answer.out) == (1, "")
    assert "forbidden" in answer.err
    assert both.code == 2
    assert weft("sessions", "abort", session, "--server", url).out == f"session {session} is aborted\n"
