"""A parked run moves, and the engine goes on with it: from its rows, and from a checkpoint among them."""

from functools import partial
from typing import Any

import pytest

from application.loading import checkpoint_body
from application.migrate_orders import MigrateOrder
from application.migrating import MigrateRuns
from application.once import Once
from application.outside import WriteFromOutside
from application.past import Past
from application.unrolling import KnownPrograms, Unrolled
from application.versions import resolve_versions
from domain.access import LOCAL_ADMIN
from domain.ids import DEFAULT_TENANT, Position
from domain.ports.journal import Checkpoint
from domain.run import snapshot
from domain.run.run import Run
from domain.telling import news_of
from infrastructure.ids import new_id
from tests.documents import Document, document
from tests.unit.application.engine.stage import Stage, plain
from tests.unit.application.engine.test_waiting import worked

LOG = {"log": {"type": "array", "merge": "append", "default": []}}
WAIT = {"kind": "wait", "signal": "go"}


def noting(name: str) -> Document:
    return {"kind": "transform", "writes": {"log": name}}


def version(number: str, ask: str = "ask", **more: Document) -> Document:
    """Two waits side by side, one of them in each of three items of a map, and a node behind both."""
    inner = {
        "state": LOG,
        "nodes": {ask: WAIT, "note": noting("noted")},
        "edges": [{"from": "start", "to": ask}, {"from": ask, "to": "note"}],
    }
    nodes = {
        "first": noting("first"),
        ask: WAIT,
        "each": {"kind": "map", "over": "${[1, 2, 3]}", "graph": inner, "writes": {"log": "${output}"}},
        "join": noting("joined"),
        **more,
    }
    drawn = ["start > first", f"first > {ask}", "first > each", f"{ask} > join", "each > join", *(f"join > {name}" for name in more)]
    return document(nodes, drawn, name="w", version=number, state=LOG)


def migration(stage: Stage) -> MigrateRuns:
    store, journal = stage.store, stage.journal
    past = Past(journal, store.threads, stage.engine.load.shelf)
    write = WriteFromOutside(store.holds, past, journal, stage.feed, Once(store.marks, stage.clock), new_id, stage.clock)
    return MigrateRuns(store.runs, store.workflows, partial(resolve_versions, store.workflows, store.prompts), past, write, stage.clock)


async def migrated(stage: Stage, nodes: dict[str, str] | None = None) -> list[str]:
    order: dict[str, Any] = {"from": "w@1.0.0", "to": "w@2.0.0", "nodes": nodes or {}}
    page = await migration(stage)(LOCAL_ADMIN, MigrateOrder.model_validate(order))
    return [one.status.value for one in page.items]


@pytest.fixture
async def parked(stage: Stage) -> Run:
    await stage.publish(version("1.0.0"))
    return await stage.play(version("1.0.0"))


async def finished(stage: Stage, run: Run) -> Run:
    for _ in range(4):
        await stage.wish(run.id, "signal", name="go")
        run = await worked(stage, run.id)
    return run


def visits(run: list[str]) -> list[str]:
    return [row for row in run if row.startswith(("node_", "frame", "run_ended"))]


async def test_a_run_that_moves_to_what_it_was_makes_the_same_visits(stage: Stage, parked: Run) -> None:
    await stage.publish(version("2.0.0"))
    assert await migrated(stage) == ["moved"]

    end = await finished(stage, parked)
    same = await finished(stage, await stage.play(version("1.0.0")))

    assert (end.status, end.output, end.steps) == ("completed", same.output, same.steps)
    assert visits(await stage.story(parked.id)) == visits(await stage.story(same.id))


async def test_it_is_the_same_from_its_rows_and_from_any_checkpoint(stage: Stage, parked: Run) -> None:
    await stage.publish(version("2.0.0", "approve", told=noting("told")))
    assert await migrated(stage, {"ask": "approve", "each/ask": "approve"}) == ["moved"]
    assert news_of(stage.journal.units[-1]) == ()
    await stage.wish(parked.id, "signal", name="go")
    await worked(stage, parked.id)
    end = await stage.journal.end(DEFAULT_TENANT, parked.thread)

    whole = await unrolled(stage, parked, Position(end))
    assert whole.state is not None
    assert {path for path in whole.state.active if "approve" in path} != set()
    for at in range(1, end):
        early = await unrolled(stage, parked, Position(at))
        late = new_unrolled(stage, parked)
        await late.begin_at(Checkpoint(Position(at), checkpoint_body(early.values, early.state)))
        await late.go_to(Position(end))
        assert late.state is not None
        assert plain(snapshot.dump(late.state)) == plain(snapshot.dump(whole.state)), at


def new_unrolled(stage: Stage, run: Run) -> Unrolled:
    return Unrolled(stage.journal, KnownPrograms(stage.engine.load.shelf, DEFAULT_TENANT), run.thread)


async def unrolled(stage: Stage, run: Run, at: Position) -> Unrolled:
    found = new_unrolled(stage, run)
    await found.go_to(at)
    return found


async def test_a_renamed_map_ends_as_one_that_stayed(stage: Stage, parked: Run) -> None:
    await stage.publish(version("2.0.0", "approve", told=noting("told")))
    await migrated(stage, {"ask": "approve", "each/ask": "approve"})
    end = await finished(stage, parked)

    assert end.status == "completed"
    assert isinstance(end.output, dict)
    assert (end.workflow, end.output["log"][-2:]) == ("w@2.0.0", ["joined", "told"])


async def test_who_claims_the_run_meanwhile_has_it(stage: Stage, parked: Run) -> None:
    await stage.publish(version("2.0.0"))
    await stage.wish(parked.id, "signal", name="go")

    async def claimed() -> None:
        stage.journal.before_load = None
        await stage.claim()

    stage.journal.before_load = claimed

    assert await migrated(stage) == ["busy"]
    assert (await stage.run(parked.id)).workflow == "w@1.0.0"
    assert "run_migrated" not in await stage.story(parked.id)
