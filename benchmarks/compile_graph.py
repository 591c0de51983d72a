"""How long a large graph takes to compile: the bitsets of who waits for whom, once per version.

python -m benchmarks.compile_graph compile.chain --size 20000
"""

import time
from collections.abc import Callable
from itertools import pairwise

import weft
from benchmarks.lines import Case, Order, measure
from domain.graph.compiled import compile_graph
from domain.graph.definition import Edge, Graph, Node
from domain.ids import NodeId

Arrow = tuple[str, str]


def graph_of(names: list[str], arrows: list[Arrow]) -> Graph:
    nodes = {NodeId(name): Node(NodeId(name), "transform") for name in names}
    edges = tuple(Edge("", NodeId(source), target=NodeId(target)) for source, target in arrows)
    return Graph("compiled", "1.0.0", nodes, edges)


def chain(size: int) -> Graph:
    names = [f"n{number}" for number in range(size)]
    path = ["start", *names, "end"]
    return graph_of(names, list(pairwise(path)))


def fork(size: int) -> Graph:
    """One node, so many branches, one join."""
    branches = [f"n{number}" for number in range(size)]
    out = [("fork", name) for name in branches]
    back = [(name, "join") for name in branches]
    return graph_of(["fork", *branches, "join"], [("start", "fork"), *out, *back, ("join", "end")])


def compiling(build: Callable[[int], Graph]) -> Case:
    async def case(order: Order) -> None:
        seconds = []
        for _ in range(order.repetitions):
            graph = build(order.size)  # a fresh one each time: nothing may be remembered
            began = time.perf_counter()
            compile_graph(graph)
            seconds.append(time.perf_counter() - began)
        order.say(f"weft {weft.__version__}", seconds)

    return case


if __name__ == "__main__":
    measure({"compile.chain": compiling(chain), "compile.fork": compiling(fork)})
