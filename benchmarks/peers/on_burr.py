"""burr: the loop, in memory."""

import os

os.environ["BURR_TELEMETRY_ENABLED"] = os.environ["HAMILTON_TELEMETRY_ENABLED"] = "false"  # it would look for its maker at import

from burr.core import ApplicationBuilder, State, action, default, expr

from benchmarks.lines import Order, measure, timed, version_of

WHO = f"burr {version_of('apache-burr')}"


@action(reads=["x"], writes=["x"])
async def add_one(state: State) -> State:
    return state.update(x=state["x"] + 1)


@action(reads=["x"], writes=[])
async def end(state: State) -> State:
    return state


async def loop(order: Order) -> None:
    """An application runs once: each repetition needs its own, built before the clock starts."""
    seconds: list[float] = []
    for _ in range(order.repetitions + 1):
        plan = (
            ApplicationBuilder()
            .with_actions(n=add_one, end=end)
            .with_transitions(("n", "n", expr(f"x < {order.size}")), ("n", "end", default))
        )
        app = await plan.with_state(x=0).with_entrypoint("n").abuild()

        async def run(app: object = app) -> None:
            _, _, state = await app.arun(halt_after=["end"])
            assert state["x"] == order.size

        seconds += await timed(run, 1)
    order.say(WHO, seconds[1:], order.size)


if __name__ == "__main__":
    measure({"loop": loop})
