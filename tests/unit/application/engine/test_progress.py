"""How far a tool is reaches whoever watches the run: the newest words, not more often than anybody can read."""

import asyncio
import threading

from domain.ids import DEFAULT_TENANT, RunId
from domain.ports.feed import Passing, Slow
from domain.ports.nodes import Finished, NodeContext, Outcome
from tests.unit.application.engine.stage import Act, Stage

GRAPH = {
    "weft": 1,
    "name": "working",
    "version": "1.0.0",
    "nodes": {"work": {"kind": "act"}},
    "edges": [{"from": "start", "to": "work"}, {"from": "work", "to": "end"}],
}


async def heard(stage: Stage, act: Act) -> list[str]:
    """What a watcher hears of a run whose one node does that."""
    stage.does(work=act)
    run = await stage.order(GRAPH)
    found = await stage.store.runs.get(DEFAULT_TENANT, RunId(run))
    async with stage.feed.listen(found.thread, run, Slow.DROP_OLDEST) as news:
        await stage.engine.drive(await stage.open())
        items = [await anext(news), *news.ready()]
    return [item.text for item in items if isinstance(item, Passing) and item.kind == "progress"]


async def test_what_a_tool_tells_is_heard_by_whoever_watches(stage: Stage) -> None:
    async def work(context: NodeContext) -> Outcome:
        context.tell("half of it")
        await asyncio.sleep(1)
        context.tell("all of it")
        await asyncio.sleep(1)
        return Finished()

    assert await heard(stage, work) == ["half of it", "all of it"]


async def test_a_tool_that_floods_is_heard_ten_times_a_second_and_the_newest_comes_last(stage: Stage) -> None:
    async def work(context: NodeContext) -> Outcome:
        for number in range(2_000):
            context.tell(f"{number}")
            if number % 2 == 0:
                await asyncio.sleep(0.001)
        await asyncio.sleep(1)
        return Finished()

    told = await heard(stage, work)

    assert 9 <= len(told) <= 12
    assert told[-1] == "1999"


async def test_words_are_cut_and_steer_no_terminal(stage: Stage) -> None:
    async def work(context: NodeContext) -> Outcome:
        context.tell("\x1b[31mred\ud800" + "x" * 5_000)
        await asyncio.sleep(1)
        return Finished()

    (told,) = await heard(stage, work)

    assert told.startswith("\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}xxx")
    assert len(told) == 2_000


async def test_a_tool_may_tell_from_a_thread_and_after_everything_is_over(stage: Stage) -> None:
    tells: list[NodeContext] = []

    async def work(context: NodeContext) -> Outcome:
        tells.append(context)
        thread = threading.Thread(target=context.tell, args=("from a thread",))
        thread.start()
        thread.join()
        await asyncio.sleep(1)
        return Finished()

    assert await heard(stage, work) == ["from a thread"]
    tells[0].tell("late")
    await asyncio.sleep(1)
