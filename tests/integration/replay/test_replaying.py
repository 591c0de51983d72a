"""A recorded run, played again: the same while nothing changed, and what changed said by its name."""

import asyncio
import copy
import json
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN
from application.cassettes import Playback
from application.cassettes.documents import cassette_from
from application.errors import NotFound, ValidationError
from bootstrap import App, Launcher, open_app
from domain.usage import Money, Usage
from infrastructure.models.documents import usage_as_json, usage_from_json
from interface.cli.replaying import as_json, document_of, lines_of
from settings import Settings
from tests.documents import document
from tests.integration.replay.played import Document, opened, recorded, replayed, runs_of
from wiring.taping import settings_of

LABELS = {"type": "object", "properties": {"label": {"enum": ["bug", "other"]}}, "required": ["label"]}


def triage(prompt: str = "Is it a bug? {{ input.text }}", **of_model: Any) -> Document:
    """Asks a model, then a tool, then says both."""
    script = {"rules": [{"when": "crash", "json": {"label": "bug"}}], "otherwise": "other"}
    nodes = {
        "sort": {"kind": "llm", "model": "fast", "prompt": prompt, "response_schema": LABELS, "options": script, **of_model},
        "count": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "${string(size(input.text)) + ' * 2'}"}},
        "tell": {"kind": "transform", "writes": {"label": "${state.found.label}"}},
    }
    nodes["sort"]["writes"] = {"found": "${output.json}"}
    nodes["count"]["writes"] = {"length": "${output}"}
    edges = ["start > sort", "start > count", "sort > tell", "count > tell", "tell > end"]
    return document(nodes, edges, name="triage", state={"found": {}, "length": {}, "label": {}})


GIVEN = {"text": "it does crash"}


@pytest.fixture(scope="module")
def tape() -> Document:
    return recorded(triage(), GIVEN)


def test_an_unchanged_run_is_the_same(tape: Document) -> None:
    found = replayed(tape)

    assert found.is_same
    assert found.is_asked_the_same
    assert found.compared.after.path == ("count#1", "sort#1", "tell#1")
    assert found.compared.after.tokens > 0


def test_two_recordings_of_one_run_differ_in_their_time_alone(tape: Document) -> None:
    again = recorded(triage(), GIVEN)

    assert {name for name in tape if tape[name] != again[name]} == {"recorded_at"}
    assert list(tape) == list(again)


def test_a_cassette_is_read_as_it_was_written(tape: Document) -> None:
    assert cassette_from(json.loads(json.dumps(tape))).document() == tape


def test_nobody_is_asked_and_no_key_is_needed(tape: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = copy.deepcopy(tape)
    elsewhere["workflow"]["nodes"]["sort"]["model"] = "an-alias-of-theirs"
    for call in elsewhere["calls"]:
        call["name"] = call["name"].replace("fast", "an-alias-of-theirs")

    found = replayed(elsewhere)

    assert found.compared.after.status == "completed"
    assert found.compared.after.output == tape["came"]["output"]


def test_a_changed_prompt_is_answered_as_its_node_was_and_told(tape: Document) -> None:
    found = replayed(tape, triage("Is this one a bug? {{ input.text }}"))

    assert found.is_same
    assert not found.is_asked_the_same
    (otherwise,) = found.tape.otherwise
    assert (otherwise.at, [change.path for change in otherwise.changes]) == ("/sort#1", ["/messages/0/content"])


def test_a_changed_graph_tells_its_path_and_output(tape: Document) -> None:
    changed = triage()
    changed["nodes"]["shout"] = {"kind": "transform", "writes": {"label": "${state.label + '!'}"}}
    changed["edges"][-1:] = [{"from": "tell", "to": "shout"}, {"from": "shout", "to": "end"}]

    found = replayed(tape, changed)

    assert not found.is_same
    assert (found.compared.same_path, found.compared.same_output, found.compared.same_cost) == (False, False, True)
    assert found.compared.after.path[-1] == "shout#1"
    assert [(change.path, change.new) for change in found.compared.output_changes] == [("/label", "bug!")]


def test_what_was_never_asked_fails_the_run_and_is_listed(tape: Document) -> None:
    changed = triage()
    changed["nodes"]["tell"] = {"kind": "llm", "model": "fast", "prompt": "And why?"}

    found = replayed(tape, changed)

    assert not found.is_same
    assert (found.compared.after.status, found.compared.after.error) == ("failed", "not_recorded")
    assert [(one.at, one.kind, one.name) for one in found.tape.missing] == [("/tell#1", "model", "fast")]


def test_what_is_not_asked_any_more_is_listed(tape: Document) -> None:
    changed = triage()
    changed["nodes"]["count"] = {"kind": "transform"}

    found = replayed(tape, changed)

    assert [(call.at, call.name) for call in found.tape.unused] == [("/count#1", "calculator")]


def test_another_model_costs_what_it_costs_today_for_the_tokens_that_were_recorded(tape: Document) -> None:
    found = replayed(tape, models={"fast": "openai/gpt-4o"})
    before, after = found.compared.before, found.compared.after

    assert (found.compared.same_tokens, found.compared.same_cost) == (True, False)
    assert after.cost == (before.prompt_tokens * Decimal("2.5") + before.completion_tokens * Decimal(10)) / 1_000_000


def test_a_model_whose_price_nobody_knows_is_said_to_have_none(tape: Document) -> None:
    found = replayed(tape, triage(model="careful"), models={"careful": "ollama/of-our-own"})

    assert (found.compared.after.unpriced, found.compared.same_cost) == (1, False)


def test_failures_and_retries_are_played_as_they_were() -> None:
    flaky = triage(
        "Attempt",
        options={"rules": [{"fail": {"code": "model_unavailable"}}]},
        response_schema=True,
    )
    flaky["nodes"]["sort"]["retry"] = {"attempts": 2, "first_seconds": 0.01}
    tape = recorded(flaky, GIVEN)

    assert [call["error"]["code"] for call in tape["calls"] if call["name"] == "fast"] == ["model_unavailable"] * 2
    found = replayed(tape)
    assert found.is_same
    assert found.compared.after.error == "model_unavailable"


def test_a_tool_that_failed_fails_again() -> None:
    tape = recorded(document({"a": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 / 0"}}}, ["start > a", "a > end"]))

    assert replayed(tape).is_same
    assert tape["came"]["status"] == "failed"


ASKING: Document = {
    "ask": {"kind": "human", "show": "Ship it?", "schema": {"type": "boolean"}, "deadline_seconds": 86_400, "writes": {"yes": "${output}"}},
    "nap": {"kind": "wait", "seconds": 0.01},
    "go": {"kind": "wait", "signal": "go", "writes": {"why": "${output.payload}"}},
}


def test_people_and_signals_answer_as_they_did_and_no_time_passes() -> None:
    asking = document(ASKING, ["start > ask", "ask > nap", "nap > go", "go > end"], state={"yes": {}, "why": {}})
    tape = recorded(asking, answers=[{"at": "/ask#1", "answer": True}], signals=[{"name": "go", "payload": "all set"}])
    assert tape["came"]["output"] == {"yes": True, "why": "all set"}

    asking["nodes"]["nap"]["seconds"], asking["limits"] = 20 * 86_400, {"seconds": 30 * 86_400}
    found = replayed(tape, asking)

    assert found.is_same


def test_a_deadline_that_passed_passes_again() -> None:
    late = {**ASKING["ask"], "on_deadline": "default", "default": False, "deadline_seconds": 0.05}
    asking = document({"ask": late}, ["start > ask", "ask > end"], state={"yes": {}})
    tape = recorded(asking)
    assert "answers" not in tape

    asking["nodes"]["ask"]["deadline_seconds"] = 86_400
    assert replayed(tape, asking).compared.after.output == {"yes": False}


def test_a_question_that_nobody_answered_leaves_the_run_waiting() -> None:
    asking = document(
        {"ask": {**ASKING["ask"], "deadline_seconds": 0.05}, "on": {"kind": "transform"}}, ["start > ask", "ask > on", "on > end"]
    )
    asking["nodes"]["ask"].pop("writes")
    tape = recorded(asking)
    del asking["nodes"]["ask"]["deadline_seconds"]

    found = replayed(tape, asking)

    assert (found.compared.before.status, found.compared.after.status) == ("failed", "parked")


def test_workflows_that_are_named_come_along() -> None:
    child = document({"a": {"kind": "llm", "model": "fast", "prompt": "{{ input.n }}"}}, ["start > a", "a > end"], name="child")
    parent = document(
        {"each": {"kind": "map", "over": [1, 2, 3], "workflow": "child", "input": {"n": "${item}"}}}, ["start > each", "each > end"]
    )

    tape = recorded(parent, others=(child,))
    found = replayed(tape)

    assert [call["at"] for call in tape["calls"]] == [f"/each#1[{item}]/a#1" for item in range(3)]
    assert found.is_same
    assert found.is_asked_the_same


def test_published_prompts_come_along_under_their_numbers() -> None:
    tone = {"prompt": "tone", "text": "Be kind."}
    first, second, third = ({"prompt": "say", "text": "{% include 'tone@1' %} " + words} for words in ("One", "Two", "Three"))
    node = {"kind": "llm", "model": "fast", "prompt": {"use": "say"}}
    once, pinned = (
        document({"a": node}, ["start > a", "a > end"]),
        document({"a": {**node, "prompt": {"use": "say@2"}}}, ["start > a", "a > end"]),
    )

    for graph, number in ((once, 2), (pinned, 2)):
        tape = recorded(graph, prompts=(tone, first, second, third), pins={"say": 2})
        found = replayed(tape)

        assert found.is_same
        assert found.is_asked_the_same
        assert [prompt["prompt"] for prompt in tape["prompts"]] == ["say"] * number + ["tone"]
        assert "Be kind. Two" in str(tape["calls"][0]["asked"])


def test_a_newer_prompt_is_played_in_place_of_the_one_that_was_rolled_out() -> None:
    graph = document({"a": {"kind": "llm", "model": "fast", "prompt": {"use": "say"}}}, ["start > a", "a > end"])
    tape = recorded(graph, prompts=({"prompt": "say", "text": "One"},), pins={"say": 1})

    newer = {"prompt": "say", "text": "Say it"}
    assert replayed(tape, None, (newer,)).tape.otherwise[0].changes[0].new == "Say it"


def test_every_model_that_an_answer_took_is_on_the_tape() -> None:
    used = Usage("b", 1, 2, Money(Decimal("0.5")), earlier=(Usage("a", 3, 4, Money(Decimal("0.25"))),))

    assert usage_from_json(json.loads(json.dumps(usage_as_json(used)))) == used


def test_what_is_secret_is_on_no_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-5f1d0c7a93be")
    echo = document(
        {"a": {"kind": "llm", "model": "scripted/echo", "prompt": "{{ input.text }}", "writes": {"said": "${output.text}"}}},
        state={"said": {}},
    )

    tape = recorded(echo, {"text": "the key is canary-5f1d0c7a93be"})

    assert "canary" not in json.dumps(tape)
    assert "[secret]" in tape["came"]["output"]["said"]
    monkeypatch.delenv("OPENAI_API_KEY")
    assert replayed(tape).is_asked_the_same


def test_a_tape_is_played_without_whatever_stands_outside() -> None:
    outside = Settings(redis_url="redis://far:1/0", otlp_endpoint="http://far:4318", database_url="postgresql://a:b@far/c")

    offline = settings_of(outside, Playback([], {}, datetime.now(UTC)))

    assert (offline.redis_url, offline.otlp_endpoint, offline.database_url, offline.mcp_servers) == (None, None, "memory:", {})
    assert settings_of(outside, None) is outside


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ({}, "no cassette"),
        ([], "no cassette"),
        ({"weft_cassette": 7}, "this Weft reads 1"),
        ({"weft_cassette": 1, "calls": [{}]}, "see `problems`"),
    ],
)
def test_what_is_no_cassette_is_refused(written: Any, because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        cassette_from(written)


def test_a_run_without_a_tape_is_as_it_always_was() -> None:
    async def run() -> str:
        async with opened() as app:
            return (await runs_of(app, triage(), given=GIVEN))[0].status

    assert asyncio.run(run()) == "completed"


def test_a_published_workflow_is_played_by_its_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/weft.db"

    class Here(Launcher):
        """Without touching how the process of the tests logs."""

        def open_app(self, *, patient: bool = False, **flags: object) -> AbstractAsyncContextManager[App]:
            return open_app(Settings(database_url=url, metrics=False))

    async def publish() -> None:
        async with Here().open_app() as app:
            await app.desk.publish_workflow(LOCAL_ADMIN, triage())

    asyncio.run(publish())

    assert document_of(Here(), "triage@1.0.0", url) == triage()
    with pytest.raises(NotFound):
        document_of(Here(), "nobody", url)


def test_every_difference_is_a_line_and_everything_is_in_the_json(tape: Document) -> None:
    changed = triage("Is this one a bug? {{ input.text }}")
    changed["nodes"]["count"] = {"kind": "transform"}
    changed["nodes"]["tell"] = {"kind": "llm", "model": "fast", "prompt": "New"}

    found = replayed(tape, changed)

    text = "\n".join(lines_of(found))
    assert "ending  completed -> failed (not_recorded)" in text
    assert "asked otherwise: sort#1 (fast)" in text
    assert "not recorded: tell#1 asks model fast" in text
    assert "not asked any more: count#1 asked tool calculator" in text
    told = as_json(found)
    assert json.loads(json.dumps(told)) == told
    assert (told["same"], told["status"]) == (False, {"before": "completed", "after": "failed"})
