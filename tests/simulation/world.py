"""The world outside: nodes that touch it, and a ledger of every call that no engine writes."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

from domain.errors import FactoryError, NodeExecutionError
from domain.graph.definition import Join, Node
from domain.json import JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, Intended, NodeContext, NodeKind, OpenFrames, Outcome, Park, Workshop
from domain.question import HUMAN, OnDeadline, Question
from domain.usage import Usage
from tests.oracles.structured import Case
from tests.simulation.people import DEADLINES, SCHEMA
from tests.simulation.process import Process

ANY: JsonObject = {"type": "object"}
KINDS = ("transform", "once", "human", "map")
USED, RESERVED = (1, 1), (3, 5)
"""Tokens of every call: asked and answered."""


@dataclass(frozen=True)
class Call:
    """One call of the world. `worker`: who made it."""

    key: str
    activation: str
    worker: str


@dataclass
class World:
    """`calls` by run; `answered`: how often, by run and activation."""

    case: Case
    calls: dict[str, list[Call]] = field(default_factory=dict)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def act(self, context: NodeContext, process: Process) -> None:
        """A call that takes its time, may fail, hang, or be answered late. It is in the ledger when it reaches the world."""
        chaos = process.chaos
        await process.checkpoint()
        await asyncio.sleep(chaos.latency())
        await process.checkpoint()
        if chaos.strikes("node: failed before the call"):
            raise NodeExecutionError("no connection", "flaky", retryable=True)
        self.calls.setdefault(context.run, []).append(Call(context.idempotency_key(), context.activation, process.name))
        if chaos.strikes("node: no answer"):
            await asyncio.sleep(1_000.0)
        if chaos.strikes("node: slow answer"):
            await asyncio.sleep(chaos.rng.uniform(1.0, 12.0))
        await asyncio.sleep(chaos.latency())
        await process.checkpoint()
        if chaos.strikes("node: failed after the call"):
            raise NodeExecutionError("connection reset", "flaky", retryable=True)
        self.answered[context.run, context.activation] += 1


@dataclass(frozen=True)
class SimulatedKind:
    """`transform`: one call of the world, and the way it decides on; `once` the same, at most once. `human`: somebody says the way; some
    wait for ever, some until a deadline, with a default or to be asked anew. `map`: so many items."""

    name: str
    world: World
    process: Process
    schema: JsonObject = field(default_factory=lambda: ANY)
    default_join: Join | None = None

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        async def call(context: NodeContext) -> Outcome:
            await self.world.act(context, self.process)
            targets = list(self.world.case.decide(context.activation, node.id))
            return Finished({"targets": targets}, Usage("simulated", *USED))

        async def spread(context: NodeContext) -> Outcome:
            count = self.world.case.items(context.activation)
            return OpenFrames([{}] * count, items=list(range(count)), concurrency=2, is_map=True)

        def ask(context: NodeContext) -> Park:
            mode = crc32(f"deadline of {node.id}".encode()) % len(DEADLINES)
            seconds = DEADLINES[mode]
            default: JsonObject = {"targets": list(self.world.case.decide(context.activation, node.id)), "number": 0}
            then = OnDeadline.DEFAULT if mode == 1 else OnDeadline.FAIL
            return Park(HUMAN, None if seconds is None else context.now() + seconds, default, (), Question("?", SCHEMA, (), then))

        if self.name == "map":
            return Executor(spread)
        if self.name == "human":
            return Executor(_answered, waits=False, asks=ask)
        return Executor(call, effects=True, intend=_intended if self.name == "once" else None, reserve=_at_most)


def _at_most(context: NodeContext) -> Usage:
    return Usage("simulated", *RESERVED, estimated=True)


def _answered(context: NodeContext) -> Finished:
    assert context.answer is not None, "it runs when it is answered"
    return Finished(context.answer.value)


def _intended(context: NodeContext) -> Intended:
    return Intended("world", {})


@dataclass(frozen=True)
class SimulatedKinds:
    world: World
    process: Process

    def get(self, name: str) -> NodeKind:
        if name not in KINDS:
            raise FactoryError(f"there is no node kind {name} here")
        return SimulatedKind(name, self.world, self.process)

    def all(self) -> Mapping[str, NodeKind]:
        return {name: self.get(name) for name in KINDS}
