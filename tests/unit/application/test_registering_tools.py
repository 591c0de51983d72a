"""How many tools a tenant may register, and what is read for that."""

from typing import cast

import pytest

from application.charging import ChargeByHand
from application.keyed_calls import CallOnce
from application.tools import ToolDesk
from domain.access import Principal, Role
from domain.errors import BusinessRuleViolation, ToolNotFound
from tests.unit.infrastructure.registering import ACME, World, described

ADA = Principal(ACME, Role.AUTHOR, "ada")


def desk_of(world: World) -> ToolDesk:
    """Nothing is called there."""
    return ToolDesk(world.catalog, world.shelf, cast(CallOnce, None), cast(ChargeByHand, None), lambda: "id", world.clock)


async def test_at_the_limit_no_other_tool_is_registered_and_one_of_them_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.tools.MOST_REGISTERED", 2)
    world = World()
    desk = desk_of(world)
    for name in ("a", "b"):
        assert (await desk.register(ADA, described(name))).is_new
    world.shelf.loaded.clear()

    with pytest.raises(BusinessRuleViolation, match="a tenant may have 2 tools"):
        await desk.register(ADA, described("c"))
    assert world.shelf.loaded == []
    await desk.register(ADA, described("a", "sun"))
    assert (await desk.document(ADA, "a"))["config"] == {"says": "sun"}
    assert set(world.shelf.loaded) == {"a"}


async def test_only_what_is_registered_has_a_document() -> None:
    with pytest.raises(ToolNotFound, match="no tool calculator is registered"):
        await desk_of(World()).document(ADA, "calculator")
