"""Looking back at threads with runs, edits, restores and branches: what is read is what was there, however it is read."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from application.documents import parse_graph
from application.loading import checkpoint_body
from application.past import Past
from application.programs import ProgramShelf
from domain.change import Change, Operation, difference
from domain.ids import DEFAULT_TENANT, ActivationPath, ContentHash, Epoch, NodeId, Position, RunId, ThreadId, WorkerId
from domain.json import Json
from domain.ports.journal import Append, Checkpoint, Lease
from domain.ports.nodes import Workshop
from domain.run.events import Event, NodeFinished, RunEnded, RunStarted, StateEdited, StateRestored
from domain.thread import Thread, ThreadType
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory import open_memory
from infrastructure.store.store import Store
from infrastructure.templates import JinjaTemplates
from tests.documents import Document, OneModel, OneTool, OurKinds
from tests.toolbox import SameForAll

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HASH = ContentHash("a" * 64)
LOOP: Document = {
    "weft": 1,
    "name": "loop",
    "version": "1.0.0",
    "state": {"n": {"default": 0}, "notes": {"type": "array", "merge": "append"}},
    "nodes": {"again": {"kind": "transform", "writes": {"n": "${1}", "notes": "${2}"}}},
    "edges": [{"from": "start", "to": "again"}, {"from": "again", "to": "again"}],
    "limits": {"visits": 1000, "steps": 1000},
}
Held: TypeAlias = dict[str, Json]


@dataclass
class Line:
    """A thread as the test remembers it: what it held after every row, from the first one of its oldest ancestor on."""

    id: ThreadId
    held: list[Held]
    run: RunId | None = None
    visits: int = 0


@dataclass
class Threads:
    """Writes rows as an engine and as people would, and remembers by itself what each of them did."""

    store: Store
    past: Past
    lines: list[Line] = field(default_factory=list)
    ids: "count[int]" = field(default_factory=lambda: count(1))

    async def open(self, parent: Line | None = None, at: int = 0) -> Line:
        line = Line(ThreadId(f"thread-{next(self.ids)}"), [{}] if parent is None else parent.held[: at + 1])
        told = Thread(line.id, DEFAULT_TENANT, NOW, ThreadType.MAIN)
        if parent is not None:
            told = Thread(line.id, DEFAULT_TENANT, NOW, ThreadType.BRANCH, parent=parent.id, parent_position=Position(at))
        await self.store.threads.add(told)
        self.lines.append(line)
        return line

    async def start(self, line: Line) -> None:
        """A run of `loop`: it declares `n` and `notes`, and takes what the thread holds of them."""
        if line.run is None:
            line.run, line.visits = RunId(f"run-{next(self.ids)}"), 0
            await self.write(line, RunStarted(line.run, HASH, {}, 0.0), {"n": 0, **line.held[-1]})

    async def work(self, line: Line, value: int) -> None:
        if line.run is not None:
            line.visits += 1
            updates: Held = {"n": value, "notes": value}
            path = ActivationPath(f"/again#{line.visits}")
            notes = line.held[-1].get("notes", [])
            assert isinstance(notes, list)
            read_at = Position(len(line.held) - 1)
            after: Held = {**line.held[-1], "n": value, "notes": [*notes, value]}
            await self.write(line, NodeFinished(path, updates, (NodeId("again"),), read_at), after)

    async def end(self, line: Line) -> None:
        if line.run is not None:
            await self.write(line, RunEnded("cancelled"), line.held[-1])
            line.run = None

    async def edit(self, line: Line, channel: str, value: Json) -> None:
        old = line.held[-1]
        if value is None and channel in old:
            change = Change(Operation.DELETE, f"/{channel}", old[channel])
            after = {name: held for name, held in old.items() if name != channel}
        else:
            change = Change(Operation.UPDATE if channel in old else Operation.CREATE, f"/{channel}", old.get(channel), value)
            after = {**old, channel: value}
        await self.write(line, StateEdited((change,), "ann"), after)

    async def restore(self, line: Line, at: int) -> None:
        there = line.held[at]
        await self.write(line, StateRestored(Position(at), difference(line.held[-1], there), "ann"), dict(there))

    async def checkpoint(self, line: Line) -> None:
        """Written beside an edit that changes nothing, as an engine would fold it."""
        moment = await self.past.at(DEFAULT_TENANT, line.id)
        at = Position(moment.position)
        lease = self.lease(line)
        body = checkpoint_body(moment.before, moment.run)
        await self.store.journal.append(Append(lease, at, (), checkpoint=Checkpoint(at, body)))

    async def write(self, line: Line, event: Event, after: Held) -> None:
        await self.store.journal.append(Append(self.lease(line), Position(len(line.held) - 1), (event,)))
        line.held.append(after)

    def lease(self, line: Line) -> Lease:
        return Lease(DEFAULT_TENANT, line.id, line.run or RunId(""), Epoch(0), WorkerId("test"))

    async def read(self, line: Line, at: int | None = None) -> Held:
        return dict((await self.past.at(DEFAULT_TENANT, line.id, None if at is None else Position(at))).values)


@asynccontextmanager
async def some_threads() -> AsyncIterator[Threads]:
    workshop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), OneTool())
    async with open_memory(clock=SystemClock()) as store:
        about = WorkflowMetadata(HASH, "loop", "1.0.0", "", NOW, NOW)
        await store.workflows.publish(WorkflowVersion(DEFAULT_TENANT, about, LOOP, parse_graph(LOOP)))
        yield Threads(
            store, Past(store.journal, store.threads, ProgramShelf(store.workflows, OurKinds(), workshop, SameForAll(workshop.tools)))
        )


places = st.integers(0, 7)
"""Which thread, or how many rows before the end of one."""
values = st.sampled_from([None, 0, 7, "x", [1], {"a": 1}])
deeds = st.one_of(
    st.tuples(st.just("start")),
    st.tuples(st.just("work"), st.integers(0, 9)),
    st.tuples(st.just("work"), st.integers(0, 9)),
    st.tuples(st.just("end")),
    st.tuples(st.just("edit"), st.sampled_from(["n", "mood"]), values),
    st.tuples(st.just("restore"), places),
    st.tuples(st.just("branch"), places),
    st.tuples(st.just("checkpoint")),
)
Story: TypeAlias = list[tuple[int, tuple[object, ...]]]
stories: st.SearchStrategy[Story] = st.lists(st.tuples(places, deeds), min_size=5, max_size=40)


async def happen(threads: Threads, story: Story) -> None:
    """Each deed is done on one of the threads that are there by then."""
    for which, (deed, *told) in story:
        line = threads.lines[-1 - which % len(threads.lines)]
        match deed, told:
            case "branch", [int(back)]:
                await threads.open(line, earlier(line, back))
            case "restore", [int(back)]:
                await threads.restore(line, earlier(line, back))
            case _:
                await getattr(threads, str(deed))(line, *told)


def earlier(line: Line, back: int) -> int:
    return max(len(line.held) - 1 - back, 0)


def played(story: Story) -> list[tuple[Mapping[int, Held], Mapping[int, Held], Held]]:
    """Of each thread: what was remembered, what is read at each position, and what is read of now."""

    async def play() -> list[tuple[Mapping[int, Held], Mapping[int, Held], Held]]:
        async with some_threads() as threads:
            await threads.open()
            await happen(threads, story)
            return [
                (dict(enumerate(line.held)), {at: await threads.read(line, at) for at in range(len(line.held))}, await threads.read(line))
                for line in threads.lines
            ]

    return asyncio.run(play())


@settings(max_examples=150, deadline=None)
@given(stories)
def test_every_position_of_every_thread_holds_what_it_held_when_its_row_was_written(story: Story) -> None:
    for remembered, read, now in played(story):
        assert read == remembered
        assert now == remembered[len(remembered) - 1]


@settings(max_examples=75, deadline=None)
@given(stories, places, stories)
def test_a_branch_never_changes_its_parent(before: Story, back: int, after: Story) -> None:
    """Whatever is done on the branch and on branches of it."""

    async def play() -> None:
        async with some_threads() as threads:
            await threads.open()
            await happen(threads, before)
            untouched = list(threads.lines)
            told = [await rows(threads, line) for line in untouched]
            threads.lines = [await threads.open(untouched[-1], earlier(untouched[-1], back))]
            await happen(threads, after)
            assert [await rows(threads, line) for line in untouched] == told
            assert [await threads.read(line) for line in untouched] == [line.held[-1] for line in untouched]

    asyncio.run(play())


async def rows(threads: Threads, line: Line) -> list[tuple[int, str, bytes]]:
    found = await threads.past.rows(DEFAULT_TENANT, line.id, Position(0), 10_000)
    return [(row.position, row.thread, row.body) for row in found]


async def test_a_moment_knows_the_run_under_way_and_what_was_held_before_it() -> None:
    async with some_threads() as threads:
        line = await threads.open()
        await threads.edit(line, "mood", "calm")
        await threads.start(line)
        await threads.work(line, 5)

        moment = await threads.past.at(DEFAULT_TENANT, line.id)

    assert moment.run is not None
    assert (moment.run.run, [one.path for one in moment.run.activations()]) == (line.run, ["/again#2"])
    assert (moment.before, moment.values) == ({"mood": "calm"}, {"mood": "calm", "n": 5, "notes": [5]})
    assert (moment.position, moment.end, moment.tail) == (3, 3, 3)


async def test_an_edit_of_a_channel_that_a_run_has_declared_marks_it_as_written_there() -> None:
    async with some_threads() as threads:
        line = await threads.open()
        await threads.start(line)
        await threads.edit(line, "n", 9)
        await threads.edit(line, "mood", "bold")

        run = (await threads.past.at(DEFAULT_TENANT, line.id)).run

    assert run is not None
    assert (run.root.state, run.root.changed) == ({"n": 9}, {"n": (2, "")})
