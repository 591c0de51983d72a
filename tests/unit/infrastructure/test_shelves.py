"""What a tenant has registered as a process knows it: when it looks, what it loads, what it makes and what it forgets."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import DatabaseError, ToolNotFound
from domain.ids import RunId
from domain.tool import ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.described import Described
from infrastructure.tools.guarded import AGAIN_SECONDS
from infrastructure.tools.shelves import LOOKED_SECONDS, MadeTools
from tests.unit.infrastructure.registering import ACME, CALL, OTHERS, Says, World, described, one_that_says
from tests.unit.infrastructure.tool_calls import answer


async def test_what_is_registered_is_looked_up_at_most_once_a_second_and_after_a_change() -> None:
    world = World()
    for _ in range(3):
        await world.catalog.of(ACME)
    assert world.shelf.looks == 1

    world.shelf.keep(described())
    world.catalog.forget(ACME)
    assert await world.said("weather") == "rain"

    world.shelf.keep(described(says="sun"))
    assert await world.said("weather") == "rain"
    world.clock.passed += LOOKED_SECONDS + 0.1
    assert await world.said("weather") == "sun"


async def test_whoever_holds_a_tenants_tools_calls_what_is_registered_now() -> None:
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    world.shelf.keep(described(says="sun"))
    world.clock.passed += LOOKED_SECONDS + 0.1

    assert answer(await tools.call("weather", {}, CALL)) == "sun"
    await world.shelf.remove(ACME, "weather")
    world.catalog.forget(ACME)
    with pytest.raises(ToolNotFound, match="there is no tool weather"):
        await tools.call("weather", {}, CALL)
    with pytest.raises(ToolNotFound):
        tools.get("weather")


async def test_whoever_holds_tools_of_a_tenant_that_was_forgotten_hears_of_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.tools.catalog.MOST_TENANTS", 1)
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    for tenant in (OTHERS, ACME, OTHERS):
        await world.catalog.of(tenant)
    await world.shelf.remove(ACME, "weather")
    world.catalog.forget(ACME)

    with pytest.raises(ToolNotFound):
        await tools.call("weather", {}, CALL)


async def test_what_is_not_registered_is_called_without_a_look() -> None:
    world = World()
    world.server.found["one__say"] = one_that_says("one__say", "hello")
    tools = await world.catalog.of(ACME)
    world.clock.passed += LOOKED_SECONDS + 0.1
    await tools.call("one__say", {}, CALL)

    assert world.shelf.looks == 1


async def test_a_look_that_began_before_a_change_is_not_taken_for_one_after_it() -> None:
    world = World()
    await world.catalog.of(ACME)
    world.clock.passed += LOOKED_SECONDS + 0.1
    world.shelf.began.clear()
    world.shelf.opened.clear()
    early = asyncio.create_task(world.catalog.of(ACME))
    await world.shelf.began.wait()
    world.shelf.keep(described())
    world.catalog.forget(ACME)
    world.shelf.opened.set()
    await early

    assert await world.said("weather") == "rain"


async def test_all_who_wait_for_the_same_look_get_one() -> None:
    world = World()
    world.shelf.keep(described())
    await asyncio.gather(*(world.catalog.of(ACME) for _ in range(20)))

    assert (world.shelf.looks, world.shelf.loaded) == (1, ["weather"])


async def test_a_look_that_is_given_up_leaves_the_next_one_to_others() -> None:
    world = World()
    world.shelf.keep(described())
    world.shelf.opened.clear()
    given_up = asyncio.create_task(world.catalog.of(ACME))
    await world.shelf.began.wait()
    waiting = asyncio.create_task(world.said("weather"))
    given_up.cancel()
    world.shelf.opened.set()

    assert await waiting == "rain"


async def test_a_tool_is_made_when_it_is_asked_for_and_only_once() -> None:
    world = World()
    for name in ("weather", "tides", "stars"):
        world.shelf.keep(described(name))
    for _ in range(2):
        await world.said("weather")
        world.catalog.forget(ACME)

    assert world.says.made == ["weather"]


async def test_only_documents_that_have_changed_are_loaded_again() -> None:
    world = World()
    for name in ("weather", "tides"):
        world.shelf.keep(described(name))
    await world.catalog.of(ACME)
    world.shelf.loaded.clear()
    world.catalog.forget(ACME)
    await world.catalog.of(ACME)
    assert world.shelf.loaded == []

    world.shelf.keep(described("tides", "high"))
    world.catalog.forget(ACME)
    assert (await world.said("tides"), world.shelf.loaded) == ("high", ["tides"])


async def test_a_change_by_a_clock_that_is_late_is_seen() -> None:
    world = World()
    for name in ("weather", "tides"):
        world.shelf.keep(described(name))
    await world.catalog.of(ACME)
    world.shelf.changes = -10
    world.shelf.keep(described(says="sun"))
    world.catalog.forget(ACME)

    assert await world.said("weather") == "sun"


async def test_all_tools_are_listed_and_the_loop_is_let_go_of_meanwhile() -> None:
    world = World()
    for number in range(20):
        world.shelf.keep(described(f"tool_{number:02}"))
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while len(world.says.made) < 20:
            turns += 1
            await asyncio.sleep(0)

    world.clock.passes_by = 0.006  # at each look at the clock
    other = asyncio.create_task(beside())
    found = await world.catalog.list(ACME)
    await other

    assert [tool.name for tool in found if tool.tool_type is ToolType.REST] == [f"tool_{number:02}" for number in range(20)]
    assert turns > 5


def test_tools_that_nobody_has_asked_for_lately_are_made_again() -> None:
    world, says = World(), Says()
    made = MadeTools(Described(JsonSchemas(), {ToolType.REST: says}), most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        world.shelf.keep(described(name)) if name not in world.shelf.kept.get(ACME, {}) else None
        made.of(world.shelf.kept[ACME][name])

    assert says.made == ["a", "b", "c", "b"]


async def test_a_run_waits_for_the_database_before_a_call_and_a_call_by_hand_is_told() -> None:
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    world.clock.passed += LOOKED_SECONDS + 0.1
    world.shelf.is_down = 3
    with pytest.raises(DatabaseError):
        await tools.call("weather", {}, CALL)

    assert answer(await tools.call("weather", {}, replace(CALL, run=RunId("r")))) == "rain"
    assert world.clock.slept == [AGAIN_SECONDS] * 2


async def test_whoever_holds_tools_of_a_tenant_that_had_none_sees_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.tools.catalog.MOST_TENANTS", 1)
    world = World()
    tools = await world.catalog.of(ACME)
    for tenant in (OTHERS, ACME):
        await world.catalog.of(tenant)
    world.shelf.keep(described())
    world.catalog.forget(ACME)

    assert answer(await tools.call("weather", {}, CALL)) == "rain"


async def test_tenants_that_have_registered_much_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.tools.catalog.MOST_DOCUMENTS", 2)
    world = World()
    for name in ("a", "b", "c"):
        world.shelf.keep(described(name))
    for tenant in (ACME, OTHERS, ACME):
        await world.catalog.of(tenant)

    assert world.shelf.loaded == ["a", "b", "c"] * 2
