"""A reader gets exactly a run's rows, in order, whatever it misses in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

import pytest

from application.access import LOCAL_ADMIN
from application.following import FollowRun, WaitForRun
from application.run_views import EndView, EventView, PassingView
from domain.errors import RunNotFound, ValidationError
from domain.ids import ContentHash, RunId, TenantId, ThreadId
from domain.ports.repositories import NewRun
from domain.run.run import Run
from infrastructure.clock import SystemClock
from infrastructure.feed import ProcessFeed
from infrastructure.ids import new_id
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from tests.integration.rest.worker import HandWorker, take

WHO = LOCAL_ADMIN


@dataclass
class Scene:
    store: Store
    feed: ProcessFeed
    follow: FollowRun
    wait: WaitForRun

    async def start(self, thread: ThreadId | None = None) -> HandWorker:
        run = Run(RunId(new_id()), WHO.tenant, thread or ThreadId(new_id()), "w@1.0.0", ContentHash("0" * 64), {}, datetime.now(UTC))
        await self.store.runs.start(NewRun(run, opens_thread=thread is None))
        return await take(self.store, self.feed)

    async def positions(self, run: RunId) -> list[int]:
        thread = (await self.store.runs.get(WHO.tenant, run)).thread
        return [row.position for row in await self.store.journal.read(WHO.tenant, thread, 0, 10_000, run)]  # type: ignore[arg-type]


@asynccontextmanager
async def scene(buffer: int = 1000) -> AsyncIterator[Scene]:
    feed = ProcessFeed(buffer, poll_seconds=0.005)
    async with open_memory(clock=SystemClock()) as store:
        yield Scene(store, feed, FollowRun(store.runs, store.journal, feed), WaitForRun(store.runs, store.journal, feed, store.inbox))


async def read(scene: Scene, run: str, after: int = 0, at_most: int = 10**9) -> tuple[list[int], bool]:
    """The positions of one connection, and whether it saw the end; it hangs up after `at_most` rows."""
    seen: list[int] = []
    async with aclosing(await scene.follow(WHO, run, after)) as items:  # type: ignore[type-var]
        async for item in items:
            match item:
                case EventView():
                    seen.append(item.position)
                case EndView():
                    return seen, True
            if len(seen) >= at_most:
                break
    return seen, False


async def read_with_breaks(scene: Scene, run: str, chance: Random) -> list[int]:
    seen: list[int] = []
    ended = False
    while not ended:
        rows, ended = await read(scene, run, seen[-1] if seen else 0, chance.randint(1, 12))
        seen += rows
    return seen


async def work(worker: HandWorker, chance: Random) -> None:
    """Some rows come from this process, some from another, some in bursts longer than any buffer."""
    await worker.begin(heard=chance.random() < 0.5)
    for number in range(chance.randint(5, 60)):
        heard = chance.random() < 0.7
        if chance.random() < 0.3:
            worker.say("so")
        await worker.step(number, heard=heard)
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    await worker.end(heard=chance.random() < 0.5)


@pytest.mark.parametrize("seed", range(25))
async def test_a_reader_that_comes_back_at_any_point_gets_every_row_exactly_once(seed: int) -> None:
    chance = Random(seed)
    async with scene(buffer=chance.choice([2, 5, 1000])) as here:
        worker = await here.start()
        readers = [asyncio.create_task(read_with_breaks(here, worker.run.id, Random(seed * 10 + number))) for number in range(4)]
        await asyncio.gather(work(worker, chance), *readers)

        rows = await here.positions(worker.run.id)
        assert [reader.result() for reader in readers] == [rows] * 4


async def test_a_run_on_a_thread_with_a_past_shows_its_own_rows_alone() -> None:
    async with scene() as here:
        first = await here.start()
        await work(first, Random(1))
        second = await here.start(first.run.thread)
        await work(second, Random(2))

        assert (await read(here, first.run.id))[0] == await here.positions(first.run.id)
        assert (await read(here, second.run.id))[0] == await here.positions(second.run.id)


async def test_a_reader_that_has_everything_gets_the_end_alone() -> None:
    async with scene() as here:
        worker = await here.start()
        await worker.begin()
        await worker.end()

        assert await read(here, worker.run.id, after=2) == ([], True)


async def test_a_position_that_never_was_is_refused() -> None:
    async with scene() as here:
        worker = await here.start()
        await worker.begin()

        with pytest.raises(ValidationError, match=r"nothing to resume from at 2: the journal of thread .* ends at 1"):
            await here.follow(WHO, worker.run.id, 2)


async def test_what_passes_by_is_shown_only_to_those_who_ask() -> None:
    async with scene() as here:
        worker = await here.start()
        await worker.begin()
        heard: dict[bool, list[str]] = {True: [], False: []}
        listening = {passing: asyncio.Event() for passing in heard}

        async def listen(passing: bool) -> None:
            async for item in await here.follow(WHO, worker.run.id, passing=passing):
                listening[passing].set()
                if isinstance(item, PassingView):
                    heard[passing].append(item.text)

        readers = [asyncio.create_task(listen(passing)) for passing in heard]
        await asyncio.gather(*(event.wait() for event in listening.values()))
        worker.say("word")
        await worker.end()
        await asyncio.gather(*readers)

        assert heard == {True: ["word"], False: []}


async def test_a_reader_that_hangs_up_leaves_no_listener_behind() -> None:
    async with scene() as here:
        worker = await here.start()
        await worker.begin()
        await read(here, worker.run.id, at_most=1)

        assert not here.feed.wanted(worker.run.id)


async def test_another_tenants_run_is_as_unknown_as_no_run() -> None:
    async with scene() as here:
        worker = await here.start()
        stranger = replace(WHO, tenant=TenantId("other"))

        with pytest.raises(RunNotFound):
            await here.follow(stranger, worker.run.id)


async def test_waiting_ends_when_the_run_does() -> None:
    async with scene() as here:
        worker = await here.start()
        waiting = asyncio.create_task(here.wait(WHO, worker.run.id, 30))
        await asyncio.sleep(0)
        await worker.end({"answer": 42})

        view, settled = await waiting
        assert (view.output, settled) == ({"answer": 42}, True)


@pytest.mark.parametrize(
    ("waiting_for", "settled"),
    [pytest.param("timer", False, id="a timer wakes it by itself"), pytest.param("signal", True, id="a signal must come from outside")],
)
async def test_waiting_for_a_parked_run_ends_only_when_somebody_must_act(waiting_for: str, settled: bool) -> None:
    async with scene() as here:
        worker = await here.start()
        await worker.begin()
        await worker.park(waiting_for)

        view, found = await here.wait(WHO, worker.run.id, 0.05)
        assert (found, view.waiting_for[0].kind) == (settled, waiting_for)
