"""What every store promises about the descriptions of others' tools that somebody has approved."""

import asyncio
from dataclasses import replace

from domain.registered import ToolPin
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON


def a_pin(server: str, tool: str = "add", digest: str = "d1") -> ToolPin:
    return ToolPin(server, tool, digest, {"name": tool, "inputSchema": {"type": "object"}, "description": "Größe \u2028"}, "ann", NOON)


def a_server() -> str:
    return f"server-{new_id()}"


async def test_pins_come_back_as_they_were_by_tool(store: Store, beside: Store) -> None:
    server = a_server()

    await store.pins.pin([a_pin(server, "sub"), a_pin(server, "add")], replacing=False)

    assert await beside.pins.of(server) == [a_pin(server, "add"), a_pin(server, "sub")]


async def test_servers_do_not_see_each_others_pins(store: Store) -> None:
    here, there = a_server(), a_server()

    await store.pins.pin([a_pin(here)], replacing=False)

    assert await store.pins.of(there) == []


async def test_a_pin_that_is_there_stays_unless_it_is_replaced(store: Store) -> None:
    server = a_server()
    changed = replace(a_pin(server, digest="d2"), document={"name": "add", "description": "new"}, by="bob")
    await store.pins.pin([a_pin(server)], replacing=False)

    await store.pins.pin([changed, a_pin(server, "sub")], replacing=False)
    assert await store.pins.of(server) == [a_pin(server), a_pin(server, "sub")]

    await store.pins.pin([changed], replacing=True)
    assert await store.pins.of(server) == [changed, a_pin(server, "sub")]


async def test_of_two_who_pin_first_each_tool_keeps_the_pin_of_one(store: Store, beside: Store) -> None:
    server = a_server()
    mine, theirs = ([a_pin(server, tool, digest) for tool in ("add", "sub")] for digest in ("mine", "theirs"))

    await asyncio.gather(store.pins.pin(mine, replacing=False), beside.pins.pin(theirs, replacing=False))

    assert [pin.tool for pin in await store.pins.of(server)] == ["add", "sub"]
    assert {pin.digest for pin in await store.pins.of(server)} <= {"mine", "theirs"}


async def test_forgotten_pins_are_gone_and_those_that_were_not_there_are_passed_over(store: Store) -> None:
    server = a_server()
    await store.pins.pin([a_pin(server), a_pin(server, "sub")], replacing=False)

    await store.pins.unpin(server, ["add", "none"])

    assert await store.pins.of(server) == [a_pin(server, "sub")]


async def test_no_pins_are_no_work(store: Store) -> None:
    server = a_server()

    await store.pins.pin([], replacing=True)
    await store.pins.unpin(server, [])

    assert await store.pins.of(server) == []
