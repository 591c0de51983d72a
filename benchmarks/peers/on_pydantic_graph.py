"""pydantic-graph: chain, loop and fan-out, in memory."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from pydantic_graph import GraphBuilder, StepContext, reduce_sum

from benchmarks.lines import Order, measure, timed, version_of

WHO = f"pydantic-graph {version_of('pydantic-graph')}"


@dataclass
class Count:
    x: int = 0


async def add_one(context: StepContext[Count, None, int]) -> int:
    context.state.x += 1
    return context.state.x


def chain(size: int) -> Any:
    graph = GraphBuilder(state_type=Count, input_type=int, output_type=int)
    steps = [graph.step(add_one, node_id=f"n{number}") for number in range(size)]
    between = [graph.edge_from(source).to(target) for source, target in pairwise(steps)]
    graph.add(graph.edge_from(graph.start_node).to(steps[0]), *between, graph.edge_from(steps[-1]).to(graph.end_node))
    return graph.build()


def loop(size: int) -> Any:
    graph = GraphBuilder(state_type=Count, input_type=int, output_type=int)
    step = graph.step(add_one, node_id="n")
    again = graph.match(int, matches=lambda x: x < size).to(step)
    over = graph.match(int, matches=lambda x: x >= size).to(graph.end_node)
    graph.add(graph.edge_from(graph.start_node).to(step), graph.edge_from(step).to(graph.decision().branch(again).branch(over)))
    return graph.build()


def fan() -> Any:
    graph = GraphBuilder(input_type=int, output_type=int)

    async def source(context: StepContext[None, None, int]) -> list[int]:
        return list(range(context.inputs))

    async def work(context: StepContext[None, None, int]) -> int:
        return context.inputs + 1

    first, each = graph.step(source), graph.step(work)
    join = graph.join(reduce_sum, initial=0)
    graph.add(
        graph.edge_from(graph.start_node).to(first),
        graph.edge_from(first).map().to(each),
        graph.edge_from(each).to(join),
        graph.edge_from(join).to(graph.end_node),
    )
    return graph.build()


async def steps(order: Order, shape: Literal["chain", "loop"]) -> None:
    graph = chain(order.size) if shape == "chain" else loop(order.size)

    async def run() -> None:
        assert await graph.run(state=Count(), inputs=0) == order.size

    await run()
    order.say(WHO, await timed(run, order.repetitions), order.size)


async def fan_out(order: Order) -> None:
    graph = fan()

    async def run(width: int = order.size) -> None:
        assert await graph.run(inputs=width) == width * (width + 1) // 2

    await run(10)
    order.say(WHO, await timed(run, order.repetitions), order.size)


if __name__ == "__main__":
    measure({"chain": lambda order: steps(order, "chain"), "loop": lambda order: steps(order, "loop"), "fan.memory": fan_out})
