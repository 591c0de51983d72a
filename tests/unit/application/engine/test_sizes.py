"""Values and states that are too large, refused before a row says so."""

import pytest

from domain.ports.nodes import EndFrame, Finished, NodeContext, Outcome
from domain.run import events
from domain.sizes import MOST_OF_A_STATE, MOST_OF_A_VALUE
from tests.documents import document
from tests.unit.application.engine.stage import Act, Stage

MIB = 1024 * 1024
DOC = {"doc": {"type": "string", "default": ""}, "why": {"type": "string", "default": ""}}
PARTS = {"parts": {"type": "array", "merge": "append", "default": []}}
WRITES_DOC = {"kind": "act", "writes": {"doc": "${output}"}}
TELLS = {"kind": "transform", "writes": {"why": "${error.code + ': ' + error.message}"}}


def giving(size: int) -> Act:
    """A text of so many bytes as JSON."""

    async def act(context: NodeContext) -> Outcome:
        return Finished("x" * (size - 2))

    return act


async def test_a_value_over_4_mib_fails_its_node_with_its_path_and_nothing_is_written(stage: Stage) -> None:
    stage.does(a=giving(MOST_OF_A_VALUE + 1))
    run = await stage.play(document({"a": WRITES_DOC}, ["start > a"], state=DOC))

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("value_too_large", "a")
    assert "the value at /doc has 4,194,305 bytes" in run.failure.message
    assert await stage.story(run.id) == ["run_started", "node_failed /a#1", "run_ended"]


async def test_a_value_of_4_mib_is_written(stage: Stage) -> None:
    stage.does(a=giving(MOST_OF_A_VALUE))
    run = await stage.play(document({"a": WRITES_DOC}, ["start > a"], state=DOC))

    assert isinstance(run.output, dict)
    assert len(run.output["doc"]) == MOST_OF_A_VALUE - 2


async def test_an_error_edge_catches_a_value_that_is_too_large(stage: Stage) -> None:
    stage.does(a=giving(MOST_OF_A_VALUE + 1))
    edges = ["start > a", {"from": "a", "to": "tell", "on_error": ["value_too_large"]}]
    run = await stage.play(document({"a": WRITES_DOC, "tell": TELLS}, edges, state=DOC))

    assert isinstance(run.output, dict)
    assert run.output["doc"] == ""
    assert str(run.output["why"]).startswith("value_too_large: the value at /doc")


@pytest.mark.parametrize("size", [60 * 1024, 3 * MIB], ids=["of small parts", "of large parts"])
async def test_a_state_that_grows_over_16_mib_is_refused_where_it_does(stage: Stage, size: int) -> None:
    stage.does(a=giving(size))
    nodes = {"a": {"kind": "act", "writes": {"parts": "${output}"}}}
    run = await stage.play(document(nodes, ["start > a", "a > a"], state=PARTS, limits={"steps": 400, "visits": 400}))

    written = [event for event in await stage.rows(run.id) if isinstance(event, events.NodeFinished)]
    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("state_too_large", "a")
    assert "with what is written at /parts has" in run.failure.message
    assert len(written) == (MOST_OF_A_STATE - 13) // (size + 1)


async def test_what_a_thread_holds_counts_for_its_next_run(stage: Stage) -> None:
    stage.does(a=giving(3 * MIB))
    grows = document({"a": {"kind": "act", "writes": {"parts": "${output}"}}}, ["start > a"], state=PARTS)
    runs = [await stage.play(grows)]
    for _ in range(5):
        runs.append(await stage.play(grows, thread=runs[0].thread))

    assert [run.status for run in runs] == ["completed"] * 5 + ["failed"]
    assert runs[-1].failure is not None
    assert runs[-1].failure.code == "state_too_large"


async def test_a_replaced_value_makes_room_for_the_next(stage: Stage) -> None:
    stage.does(a=giving(MOST_OF_A_VALUE))
    loop = document({"a": WRITES_DOC}, ["start > a", "a > a"], state=DOC, limits={"steps": 12})
    run = await stage.play(loop)

    assert run.failure is not None
    assert run.failure.code == "limit_steps"


async def test_an_output_over_16_mib_is_refused(stage: Stage) -> None:
    async def act(context: NodeContext) -> Outcome:
        return EndFrame(completed=True, output=["x" * MOST_OF_A_VALUE] * 4)

    stage.does(a=act)
    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

    assert run.failure is not None
    assert run.failure.code == "state_too_large"
