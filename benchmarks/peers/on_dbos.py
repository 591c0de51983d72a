"""DBOS: durable runs and fan-out. It has no mode without a database."""

import asyncio

from dbos import DBOS

from benchmarks.lines import Case, Order, measure, timed, version_of

WHO = f"dbos {version_of('dbos')}"


@DBOS.step()
async def add_one(x: int) -> int:
    return x + 1


@DBOS.workflow()
async def chain(steps: int) -> int:
    x = 0
    for _ in range(steps):
        x = await add_one(x)
    return x


@DBOS.workflow()
async def fan(width: int) -> int:
    return sum(await asyncio.gather(*(add_one(i) for i in range(width))))


async def alone(order: Order) -> None:
    async def run() -> None:
        assert await chain(order.size) == order.size

    await run()
    order.say(WHO, await timed(run, order.repetitions), order.size)


async def side_by_side(order: Order) -> None:
    steps = 10

    async def one() -> int:
        return await chain(steps)

    async def run() -> None:
        assert sum(await asyncio.gather(*(one() for _ in range(order.size)))) == order.size * steps

    await one()
    order.say(WHO, await timed(run, order.repetitions), order.size * steps)


async def fan_out(order: Order) -> None:
    async def run(width: int = order.size) -> None:
        assert await fan(width) == width * (width + 1) // 2

    await run(10)
    order.say(WHO, await timed(run, order.repetitions), order.size)


def launched(case: Case) -> Case:
    """DBOS keeps its own tables in the order's database, and a thread pool beside the loop."""

    async def run(order: Order) -> None:
        DBOS(config={"name": "bench", "system_database_url": order.database, "log_level": "ERROR", "application_version": "1"})
        DBOS.launch()
        try:
            await case(order)
        finally:
            DBOS.destroy()

    return run


if __name__ == "__main__":
    found: dict[str, Case] = {"alone.postgres": alone, "runs.sqlite": side_by_side, "runs.postgres": side_by_side, "fan.postgres": fan_out}
    measure({name: launched(case) for name, case in found.items()})
