"""Edits, restores and snapshots of a thread, in any order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.channels import FindChannels
from application.edit_orders import EditOrder, RestoreOrder, RestoreSnapshotOrder
from application.editing import EditThread, RestoreThread
from application.once import Once
from application.outside import WriteFromOutside
from application.past import Past
from application.programs import ProgramShelf
from application.snapshot_orders import SnapshotListOrder, SnapshotOrder
from application.snapshots import KNOWN_SECONDS, ForgetSnapshots, SnapshotDesk
from domain.access import Principal, Role
from domain.errors import Forbidden, SnapshotExpired, SnapshotNotFound
from domain.ids import DEFAULT_TENANT, Position, ThreadId
from domain.ports.nodes import Workshop
from domain.run.events import StateEdited, StateRestored
from domain.thread import Thread
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.feed import ProcessFeed
from infrastructure.ids import new_id
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from infrastructure.templates import JinjaTemplates
from tests.fakes import OneModel, TwoTools
from tests.toolbox import SameForAll

ANN = Principal(DEFAULT_TENANT, Role.OPERATOR, "ann")
THREAD = ThreadId("01890000-0000-7000-8000-000000000001")


class Desk:
    """Everything about one thread of a store in memory."""

    def __init__(self, store: Store) -> None:
        clock = SystemClock()
        workshop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), TwoTools())
        once = Once(store.marks, clock)
        self.store = store
        shelf = ProgramShelf(store.workflows, InstalledNodeKinds({}), workshop, SameForAll(workshop.tools))
        self.past = Past(store.journal, store.threads, shelf)
        write = WriteFromOutside(store.holds, self.past, store.journal, ProcessFeed(), once, new_id, clock)
        channels = FindChannels(store.runs, store.threads, store.workflows)
        self.edit = EditThread(write, channels, JsonSchemas())
        self.restore = RestoreThread(write, self.past, channels, JsonSchemas())
        self.snapshots = SnapshotDesk(store.snapshots, store.threads, self.past, self.restore, once, new_id, clock)

    async def values(self, position: int | None = None) -> dict[str, Any]:
        at = None if position is None else Position(position)
        return dict((await self.past.at(DEFAULT_TENANT, THREAD, at)).values)


async def with_a_desk(play: Callable[[Desk], Awaitable[None]]) -> None:
    async with open_memory(clock=SystemClock()) as store:
        await store.threads.add(Thread(THREAD, DEFAULT_TENANT, SystemClock().now()))
        await play(Desk(store))


leaves = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text("aé/~", max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=6,
)
written = st.dictionaries(st.sampled_from(["x", "y", "a/b", "~"]), values, min_size=1, max_size=3)
acts = st.one_of(
    st.tuples(st.just("write"), written),
    st.tuples(st.just("drop"), st.integers(0, 9)),
    st.tuples(st.just("restore"), st.integers(0, 30)),
    st.tuples(st.just("keep"), st.integers(0, 30)),
    st.tuples(st.just("bring back"), st.integers(0, 9)),
)


async def play_all(desk: Desk, story: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """What the thread is to hold at each position, told without any journal."""
    held: list[dict[str, Any]] = [{}]
    kept: list[tuple[str, dict[str, Any]]] = []
    for act, said in story:
        now = held[-1]
        match act:
            case "write":
                answer = await desk.edit(ANN, THREAD, EditOrder(values=said))
                if answer.changes:
                    held.append({**now, **said})
            case "drop" if now:
                channel = sorted(now)[said % len(now)]
                path = "/" + channel.replace("~", "~0").replace("/", "~1")
                await desk.edit(ANN, THREAD, EditOrder.model_validate({"changes": [{"operation": "delete", "path": path}]}))
                held.append({name: value for name, value in now.items() if name != channel})
            case "restore":
                at = said % len(held)
                await desk.restore(ANN, THREAD, RestoreOrder(at=at))
                held.append(held[at])
            case "keep":
                at = said % len(held)
                kept.append(((await desk.snapshots.take(ANN, THREAD, SnapshotOrder(name="n", at=at))).id, held[at]))
            case "bring back" if kept:
                snapshot, what = kept[said % len(kept)]
                await desk.snapshots.restore(ANN, THREAD, snapshot, RestoreSnapshotOrder())
                held.append(what)
    assert await desk.store.journal.end(DEFAULT_TENANT, THREAD) == len(held) - 1
    rows = await desk.store.journal.read(DEFAULT_TENANT, THREAD, Position(0), 1000)
    assert all(isinstance(desk.store.journal.decode(row), StateEdited | StateRestored) for row in rows)
    return held


@settings(max_examples=150, deadline=None)
@given(st.lists(acts, max_size=12))
def test_whatever_is_edited_and_restored_every_position_holds_what_it_held(story: list[tuple[str, Any]]) -> None:
    told: list[list[dict[str, Any]]] = []

    async def play(desk: Desk) -> None:
        held = await play_all(desk, story)
        told.extend((held, [await desk.values(position) for position in range(len(held))]))

    asyncio.run(with_a_desk(play))

    held, found = told
    assert found == held


async def test_a_viewer_looks_and_changes_nothing() -> None:
    async def play(desk: Desk) -> None:
        viewer = Principal(DEFAULT_TENANT, Role.VIEWER, "eve")
        taken = await desk.snapshots.take(ANN, THREAD, SnapshotOrder(name="n"))
        refused: list[Awaitable[object]] = [
            desk.edit(viewer, THREAD, EditOrder(values={"x": 1})),
            desk.restore(viewer, THREAD, RestoreOrder(at=0)),
            desk.snapshots.take(viewer, THREAD, SnapshotOrder(name="n")),
            desk.snapshots.restore(viewer, THREAD, taken.id, RestoreSnapshotOrder()),
            desk.snapshots.remove(viewer, THREAD, taken.id),
        ]
        for act in refused:
            with pytest.raises(Forbidden):
                await act
        assert await desk.snapshots.get(viewer, THREAD, taken.id) == taken
        assert await desk.store.journal.end(DEFAULT_TENANT, THREAD) == 0

    await with_a_desk(play)


async def test_an_expired_snapshot_is_known_as_expired_for_a_day_and_then_forgotten() -> None:
    class Later(SystemClock):
        ahead = timedelta()

        def now(self) -> Any:
            return super().now() + self.ahead

    async def play(desk: Desk) -> None:
        clock = Later()
        taken = await desk.snapshots.take(ANN, THREAD, SnapshotOrder(name="n", expires_in_seconds=60.0))
        await desk.snapshots.take(ANN, THREAD, SnapshotOrder(name="for ever"))
        later = SnapshotDesk(desk.store.snapshots, desk.store.threads, desk.past, desk.restore, desk.snapshots.once, new_id, clock)
        chore = ForgetSnapshots(desk.store.snapshots, clock)

        clock.ahead = timedelta(seconds=61)
        assert await chore.turn() > 60
        with pytest.raises(SnapshotExpired):
            await later.restore(ANN, THREAD, taken.id, RestoreSnapshotOrder())
        clock.ahead = timedelta(seconds=61 + KNOWN_SECONDS)
        await chore.turn()
        with pytest.raises(SnapshotNotFound):
            await later.restore(ANN, THREAD, taken.id, RestoreSnapshotOrder())
        assert [one.name for one in (await later.list(ANN, THREAD, SnapshotListOrder())).items] == ["for ever"]

    await with_a_desk(play)
