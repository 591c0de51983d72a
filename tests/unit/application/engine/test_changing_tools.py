"""Registered tools change and go while programs that call them are kept: a run calls what is registered now, as what it is now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from domain.errors import Problem
from domain.ids import DEFAULT_TENANT
from domain.json import Json, JsonObject
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.tools import ToolContext
from domain.registered import RegisteredTool
from domain.run.run import Run
from domain.tool import Effects, Tool, ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.catalog import Catalog
from infrastructure.tools.described import Described
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import Run as Does
from tests.documents import Document, document
from tests.toolbox import guard_of
from tests.unit.application.engine.stage import Stage

NOON = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Desk:
    """Registers tools that say what they are told to; `called` has what was said."""

    stage: Stage
    called: list[Json] = field(default_factory=list)
    changes: int = 0

    def __post_init__(self) -> None:
        schemas, clock, shelf = JsonSchemas(), self.stage.clock, self.stage.engine.load.shelf
        described = Described(schemas, {ToolType.REST: self})
        shelf.catalog = self.catalog = Catalog(InstalledTools(schemas, clock), described, self.stage.store.registered, guard_of(clock))

    def make(self, config: JsonObject, tool: Tool) -> tuple[Does, Sequence[Problem]]:
        async def say(arguments: dict[str, Json], context: ToolContext) -> Json:
            self.called.append(config["says"])
            return config["says"]

        return say, ()

    async def register(self, says: str, effects: Effects = Effects.NONE) -> None:
        self.changes += 1
        at = NOON + timedelta(seconds=self.changes)
        told: JsonObject = {"name": "pay", "type": "rest", "description": "Pays.", "effects": effects.value, "config": {"says": says}}
        await self.stage.store.registered.put(RegisteredTool(DEFAULT_TENANT, "pay", told, "ada", at, at))
        self.catalog.forget(DEFAULT_TENANT)

    async def remove(self) -> None:
        await self.stage.store.registered.remove(DEFAULT_TENANT, "pay")
        self.catalog.forget(DEFAULT_TENANT)


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


def paying(*before: str) -> Document:
    nodes: dict[str, Any] = {"pay": {"kind": "tool", "tool": "pay", "writes": {"said": "${output}"}}}
    nodes |= {name: {"kind": "act"} for name in before}
    path = ["start", *before, "pay"]
    return document(nodes, [f"{source} > {target}" for source, target in pairwise(path)], state={"said": {}})


def code_of(run: Run) -> str | None:
    return None if run.failure is None else run.failure.code


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_a_run_calls_what_is_registered_now_and_nothing_that_was_removed(desk: Desk, effects: Effects) -> None:
    for says in ("once", "again"):
        await desk.register(says, effects)
        assert (await desk.stage.play(paying())).output == {"said": says}
    await desk.remove()

    run = await desk.stage.play(paying())
    assert (run.status, code_of(run), desk.called) == ("failed", "tool_not_found", ["once", "again"])


async def test_a_tool_that_is_removed_while_a_run_is_under_way_is_not_called(desk: Desk) -> None:
    await desk.register("paid", Effects.ONCE)

    async def remove(context: NodeContext) -> Outcome:
        await desk.remove()
        return Finished(None)

    desk.stage.does(look=remove)
    run = await desk.stage.play(paying("look"))

    assert (run.status, code_of(run), desk.called) == ("failed", "tool_not_found", [])


async def test_the_next_run_takes_a_tool_for_what_it_has_become(desk: Desk) -> None:
    await desk.register("read")
    first = await desk.stage.play(paying())
    await desk.register("paid", Effects.ONCE)
    second = await desk.stage.play(paying())
    await desk.register("read")
    third = await desk.stage.play(paying())

    announced = ["effect_intended /pay#1" in await desk.stage.story(run.id) for run in (first, second, third)]
    assert (announced, desk.called) == ([False, True, False], ["read", "paid", "read"])


async def test_the_items_of_a_map_take_a_tool_for_what_it_has_become(desk: Desk) -> None:
    inner = {"nodes": paying()["nodes"], "edges": paying()["edges"], "state": {"said": {}}}
    each = document({"each": {"kind": "map", "over": [1], "graph": inner}}, ["start > each"])
    ended = []
    for effects in (Effects.NONE, Effects.ONCE):
        await desk.register("paid", effects)
        ended.append((await desk.stage.play(each)).status)

    assert (ended, len(desk.called)) == (["completed", "completed"], 2)


async def test_a_run_under_way_does_not_call_a_tool_that_has_become_stricter(desk: Desk) -> None:
    await desk.register("read")

    async def change(context: NodeContext) -> Outcome:
        await desk.register("paid", Effects.ONCE)
        return Finished(None)

    desk.stage.does(look=change)
    run = await desk.stage.play(paying("look"))
    assert (code_of(run), desk.called) == ("tool_changed", [])

    assert (await desk.stage.play(paying())).output == {"said": "paid"}
