"""One case of ours in a process of its own: python -m benchmarks.ours CASE --size N --repetitions N --database URL

All go the whole way: an order at the desk, the store, the queue, a claim, the worker. The clock runs from the first start to the last
row of the last run. One run before it does not count: it compiles the workflow, as the peers' graphs are compiled before their clock.
"""

import gc
from typing import Any

import weft
from benchmarks.lines import Case, Order, measure, timed
from benchmarks.ours.documents import chain, fan, loop, mapped
from benchmarks.ours.measured import NO_OP, Measured, measured

WHO = f"weft {weft.__version__}"
STEPS = 10


async def one_run(order: Order, document: dict[str, Any], expected: dict[str, Any], given: dict[str, Any] | None = None) -> None:
    """One run at a time. `expected` are members of its output."""
    async with measured(order.database, document) as ours:
        last: list[str] = []

        async def run() -> None:
            last[:] = await ours.runs(1, given or {})

        await run()
        gc.collect()
        seconds = await timed(run, order.repetitions)
        await _check(ours, last, expected)
        order.say(WHO, seconds, order.size)


async def side_by_side(order: Order) -> None:
    """`size` runs of ten steps at once."""
    async with measured(order.database, chain(STEPS)) as ours:
        last: list[str] = []

        async def run() -> None:
            last[:] = await ours.runs(order.size, {})

        await ours.runs(1, {})
        gc.collect()
        seconds = await timed(run, order.repetitions)
        await _check(ours, last, {"x": STEPS})
        order.say(WHO, seconds, order.size * STEPS)


async def _check(ours: Measured, runs: list[str], expected: dict[str, Any]) -> None:
    for output in await ours.outputs(runs):
        found = {name: output.get(name) for name in expected}
        assert found == expected, f"expected {expected}, got {found}"


async def count(order: Order) -> None:
    await one_run(order, chain(order.size), {"x": order.size})


async def nothing(order: Order) -> None:
    await one_run(order, chain(order.size, {"kind": NO_OP}), {"x": 0})


async def visits(order: Order) -> None:
    await one_run(order, loop(order.size), {"x": order.size})


async def branches(order: Order) -> None:
    await one_run(order, fan(order.size), {"total": order.size})


async def frames(order: Order) -> None:
    await one_run(order, mapped(), {"out": [{"y": item + 1} for item in range(order.size)]}, {"items": list(range(order.size))})


CASES: dict[str, Case] = {
    "chain": count,
    "noop": nothing,
    "loop": visits,
    "runs.sqlite": side_by_side,
    "runs.postgres": side_by_side,
    "alone.postgres": visits,
    "fan.edges.memory": branches,
    "fan.map.memory": frames,
    "fan.edges.postgres": branches,
    "fan.map.postgres": frames,
}

if __name__ == "__main__":
    measure(CASES)
