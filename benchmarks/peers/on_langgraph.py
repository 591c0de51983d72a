"""LangGraph: chain, loop, durable runs and fan-out."""

import asyncio
import operator
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

from benchmarks.lines import Order, measure, timed, version_of

WHO = f"langgraph {version_of('langgraph')}"


class Count(TypedDict, total=False):
    x: int


class Sums(TypedDict, total=False):
    width: int
    out: Annotated[list[int], operator.add]
    total: int


async def add_one(state: Count) -> Count:
    return {"x": state["x"] + 1}


def chain(size: int) -> Any:
    graph = StateGraph(Count)
    names = [f"n{number}" for number in range(size)]
    for name in names:
        graph.add_node(name, add_one)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph


def loop(size: int) -> Any:
    async def route(state: Count) -> str:  # a plain function would cost a thread's turn each visit
        return "n" if state["x"] < size else END

    graph = StateGraph(Count)
    graph.add_node("n", add_one)
    graph.add_edge(START, "n")
    graph.add_conditional_edges("n", route, ["n", END])
    return graph


def fan() -> Any:
    async def work(state: dict[str, int]) -> Sums:
        return {"out": [state["i"] + 1]}

    async def join(state: Sums) -> Sums:
        return {"total": sum(state["out"])}

    graph = StateGraph(Sums)
    graph.add_node("source", lambda state: {})
    graph.add_node("work", work)
    graph.add_node("join", join)
    graph.add_edge(START, "source")
    graph.add_conditional_edges("source", lambda state: [Send("work", {"i": i}) for i in range(state["width"])], ["work"])
    graph.add_edge("work", "join")
    graph.add_edge("join", END)
    return graph


@asynccontextmanager
async def compiled(graph: Any, database: str) -> AsyncIterator[Any]:
    """With the checkpointer that the database asks for; in memory with none."""
    kind, _, path = database.partition("://")
    if kind == "sqlite":
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with AsyncSqliteSaver.from_conn_string(path.removeprefix("/")) as saver:
            await saver.setup()
            yield graph.compile(checkpointer=saver)
    elif kind == "postgresql":
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import AsyncConnectionPool

        told = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        async with AsyncConnectionPool(database, min_size=4, max_size=20, open=False, timeout=120, kwargs=told) as pool:
            saver = AsyncPostgresSaver(pool)
            await saver.setup()
            yield graph.compile(checkpointer=saver)
    else:
        yield graph.compile()


async def invoked(app: Any, given: dict[str, int], steps: int, database: str) -> Any:
    durable = {} if database == "memory:" else {"durability": "sync"}
    return await app.ainvoke(given, {"configurable": {"thread_id": uuid.uuid4().hex}, "recursion_limit": steps + 10}, **durable)


async def one_run(order: Order, graph: Any) -> None:
    """One run at a time, after one that does not count."""
    async with compiled(graph, order.database) as app:

        async def run() -> None:
            assert (await invoked(app, {"x": 0}, order.size, order.database))["x"] == order.size

        await run()
        order.say(WHO, await timed(run, order.repetitions), order.size)


async def side_by_side(order: Order) -> None:
    steps = 10
    async with compiled(loop(steps), order.database) as app:

        async def run() -> None:
            found = await asyncio.gather(*(invoked(app, {"x": 0}, steps, order.database) for _ in range(order.size)))
            assert all(one["x"] == steps for one in found)

        await invoked(app, {"x": 0}, steps, order.database)
        order.say(WHO, await timed(run, order.repetitions), order.size * steps)


async def fan_out(order: Order) -> None:
    async with compiled(fan(), order.database) as app:

        async def run(width: int = order.size) -> None:
            assert (await invoked(app, {"width": width}, 10, order.database))["total"] == width * (width + 1) // 2

        await run(10)
        order.say(WHO, await timed(run, order.repetitions), order.size)


if __name__ == "__main__":
    measure(
        {
            "chain": lambda order: one_run(order, chain(order.size)),
            "loop": lambda order: one_run(order, loop(order.size)),
            "alone.postgres": lambda order: one_run(order, loop(order.size)),
            "runs.sqlite": side_by_side,
            "runs.postgres": side_by_side,
            "fan.memory": fan_out,
            "fan.postgres": fan_out,
        }
    )
