"""LlamaIndex workflows: the loop, in memory."""

import logging

from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from benchmarks.lines import Order, measure, timed, version_of

WHO = f"llama-index-workflows {version_of('llama-index-workflows')}"
VISITS = {"wanted": 0}


class Tick(Event):
    x: int


class Loop(Workflow):
    @step
    async def begin(self, event: StartEvent) -> Tick:
        return Tick(x=0)

    @step
    async def again(self, event: Tick) -> Tick | StopEvent:
        x = event.x + 1
        return Tick(x=x) if x < VISITS["wanted"] else StopEvent(result=x)


async def loop(order: Order) -> None:
    VISITS["wanted"] = order.size

    async def run() -> None:
        assert await Loop(timeout=120).run() == order.size

    await run()
    order.say(WHO, await timed(run, order.repetitions), order.size)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    measure({"loop": loop})
