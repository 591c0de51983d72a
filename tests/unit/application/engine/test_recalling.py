"""Expressions that recall: read when their node runs, journaled in what it writes, and never read again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.acting import Acting
from domain.errors import DatabaseError
from domain.ids import DEFAULT_TENANT, SessionId, TenantId
from domain.item import Item, Namespace
from domain.json import Json
from tests.documents import Document, document
from tests.unit.application.engine.stage import Stage, failing

MINE = ("workflow", "w")
GOT: Document = {"got": {}, "then": {}}


@dataclass
class Watched:
    """The store's items, as the engine asks for them. `errors` come first."""

    stage: Stage
    errors: list[Exception] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    door: asyncio.Event | None = None

    async def get(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> Item:
        self.read.append("/".join([*namespace, key]))
        self.asked.set()
        if self.door is not None:
            await self.door.wait()
        if self.errors:
            raise self.errors.pop(0)
        return await self.stage.store.items.get(tenant, namespace, key, now)


@pytest.fixture
def items(stage: Stage) -> Watched:
    watched: Any = Watched(stage)
    stage.engine = replace(stage.engine, tools=replace(stage.engine.tools, items=watched))
    return watched  # type: ignore[no-any-return]


async def keep(stage: Stage, value: Json, namespace: Sequence[str] = MINE, key: str = "colour") -> None:
    now = stage.clock.now()
    await stage.store.items.put(Item(DEFAULT_TENANT, tuple(namespace), key, value, now, now))


def recalling(call: str = "recall('colour')", **more: Any) -> Document:
    nodes = {"look": {"kind": "transform", "writes": {"got": f"${{{call}}}"}}, **more.pop("nodes", {})}
    return document(nodes, more.pop("arrows", ["start > look"]), state=GOT, **more)


async def got(stage: Stage, run: Any, channel: str = "got") -> Any:
    found = await stage.run(run.id)
    assert found.failure is None, found.failure
    assert isinstance(found.output, dict)
    return found.output[channel]


@pytest.mark.parametrize(
    ("call", "value"),
    [
        pytest.param("recall('colour')", {"is": "blue"}, id="an item of its workflow"),
        pytest.param("recall('colour').is + '!'", "blue!", id="a member of it"),
        pytest.param("recall('size') == null", True, id="one that is not there is null"),
        pytest.param("recall('old/colour')", "red", id="in a namespace"),
        pytest.param('recall("colour", "tenant")', "grey", id="of the whole tenant"),
        pytest.param("[1, 2].map(n, recall('size') == null ? n : 0)", [1, 2], id="inside a macro"),
    ],
)
async def test_a_node_writes_what_it_recalls(stage: Stage, call: str, value: Json) -> None:
    await keep(stage, {"is": "blue"})
    await keep(stage, "red", (*MINE, "old"))
    await keep(stage, "grey", ("tenant",))

    assert await got(stage, await stage.play(recalling(call))) == value


async def test_a_session_and_its_user_have_their_own(stage: Stage) -> None:
    await keep(stage, "blue", ("user", "ann"))
    await keep(stage, "red", ("session", "s1"))
    both = recalling("[recall('colour', 'user'), recall('colour', 'session')]")

    assert await got(stage, await stage.play(both, acting=Acting(SessionId("s1"), "ann", None))) == ["blue", "red"]


async def test_without_a_session_it_fails_with_a_code_that_can_be_caught(stage: Stage, items: Watched) -> None:
    run = await stage.play(recalling("recall('colour', 'user')"))

    assert run.failure is not None
    assert (run.failure.code, run.failure.node, items.read) == ("scope_missing", "look", [])


async def test_what_was_read_is_read_once_and_never_on_replay(stage: Stage, items: Watched) -> None:
    await keep(stage, "blue")
    nodes = {"pause": {"kind": "wait", "signal": "go"}, "after": {"kind": "transform", "writes": {"then": "${state.got}"}}}
    run = await stage.play(recalling(nodes=nodes, arrows=["start > look", "look > pause", "pause > after"]))
    await keep(stage, "red")
    await stage.wish(run.id, "signal", name="go")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)

    assert (await got(stage, run), await got(stage, run, "then")) == ("blue", "blue")
    assert items.read == ["workflow/w/colour"]


async def test_a_node_that_recalls_nothing_reads_nothing(stage: Stage, items: Watched) -> None:
    await stage.play(recalling("'recall' + 'colour'"))

    assert items.read == []


async def test_a_node_that_slept_reads_what_there_is_when_it_finishes(stage: Stage, items: Watched) -> None:
    await keep(stage, "blue")
    nodes = {"nap": {"kind": "wait", "signal": "go", "writes": {"then": "${recall('colour')}"}}}
    run = await stage.play(recalling("0", nodes=nodes, arrows=["start > look", "look > nap"]))
    await keep(stage, "red")
    await stage.wish(run.id, "signal", name="go")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)

    assert await got(stage, run, "then") == "red"


async def test_a_short_sleep_reads_anew_too(stage: Stage) -> None:
    await keep(stage, "blue")
    nodes = {"nap": {"kind": "wait", "seconds": 2, "writes": {"then": "${recall('colour')}"}}}
    run = await stage.order(recalling("0", nodes=nodes, arrows=["start > look", "look > nap"]))
    drive = asyncio.create_task(stage.engine.drive(await stage.open()))
    await stage.clock.sleep(1)
    await keep(stage, "red")
    await drive

    assert await got(stage, await stage.run(run), "then") == "red"


async def test_a_map_recalls_what_it_goes_over_and_its_inner_nodes_recall_for_themselves(stage: Stage) -> None:
    await keep(stage, ["a", "b"], key="names")
    await keep(stage, "!")
    inner = document({"one": {"kind": "transform", "writes": {"x": "${item + recall('colour')}"}}}, ["start > one"], state={"x": {}})
    inner = {**{key: inner[key] for key in ("nodes", "edges", "state")}, "output": {"x": "${state.x}"}}
    each = {"kind": "map", "over": "${recall('names')}", "graph": inner, "writes": {"then": "${[output, recall('colour')]}"}}
    run = await stage.play(recalling("0", nodes={"each": each}, arrows=["start > look", "look > each"]))

    assert await got(stage, run, "then") == [[{"x": "a!"}, {"x": "b!"}], "!"]


async def test_a_retry_reads_again(stage: Stage, items: Watched) -> None:
    act = failing(DatabaseError("away"))
    stage.does(again=act)
    look = {"kind": "act", "retry": {"attempts": 2, "first_seconds": 0.01}, "writes": {"then": "${recall('colour')}"}}
    await keep(stage, "blue")
    run = await stage.play(recalling("0", nodes={"again": look}, arrows=["start > look", "look > again"]))

    assert await got(stage, run, "then") == "blue"
    assert items.read == ["workflow/w/colour"] * 2


async def test_a_store_that_does_not_answer_is_asked_again(stage: Stage, items: Watched) -> None:
    await keep(stage, "blue")
    items.errors = [DatabaseError("away"), DatabaseError("away")]

    assert await got(stage, await stage.play(recalling())) == "blue"


async def test_a_fault_while_reading_fails_the_node(stage: Stage, items: Watched) -> None:
    items.errors = [RuntimeError("a fault")]
    run = await stage.play(recalling())

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("node_failed", "look")


async def test_a_run_is_cancelled_while_it_reads(stage: Stage, items: Watched) -> None:
    items.door = asyncio.Event()
    run = await stage.order(recalling())
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await items.asked.wait()
    await stage.ask(run)
    await stage.deliver(drive)
    await driving

    assert (await stage.run(run)).status == "cancelled"


async def test_what_has_expired_is_not_recalled(stage: Stage) -> None:
    now = stage.clock.now()
    await stage.store.items.put(Item(DEFAULT_TENANT, MINE, "colour", "blue", now, now, now + timedelta(seconds=1)))
    await stage.clock.sleep(1)

    assert await got(stage, await stage.play(recalling("recall('colour') == null"))) is True
