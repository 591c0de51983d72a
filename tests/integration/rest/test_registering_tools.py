"""Tools that are data, registered one by one and many at once, over a real catalog."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from application.tools import MOST_REGISTERED
from tests.integration.rest.service import Service, broken, open_service
from tests.unit.infrastructure.registering import World, described


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_service() as plain:
        world = World()
        yield broken(plain, tools=replace(plain.desk.tools, catalog=world.catalog, registered=world.shelf, clock=world.clock))


async def names(service: Service, **wanted: str) -> list[str]:
    return [tool["name"] for tool in (await service.call("GET", "/v1/tools", params=wanted)).json()["items"]]


async def test_a_tool_is_registered_called_replaced_and_removed(service: Service) -> None:
    first = await service.call("POST", "/v1/tools", json=described())
    again = await service.call("POST", "/v1/tools", json=described(says="sun"))
    called = await service.call("POST", "/v1/tools/weather/call", json={"arguments": {}})

    assert (first.status_code, first.headers["location"], again.status_code) == (201, "/v1/tools/weather", 200)
    assert called.json()["output"] == "sun"
    assert (await service.call("GET", "/v1/tools/weather/document")).json() == described(says="sun")
    assert (await service.call("DELETE", "/v1/tools/weather")).status_code == 204
    assert (await service.call("GET", "/v1/tools/weather")).status_code == 404


async def test_everything_wrong_with_a_document_is_told_and_nothing_kept(service: Service) -> None:
    wrong = {**described(), "effects": "sometimes", "nmae": 1}
    refused = await service.call("POST", "/v1/tools", json=wrong)
    checked = await service.call("POST", "/v1/tools/validate", json=wrong)

    pointers = {"/effects", "/nmae"}
    assert (refused.status_code, {one["pointer"] for one in refused.json()["problems"]}) == (422, pointers)
    assert (checked.status_code, {one["pointer"] for one in checked.json()["problems"]}) == (200, pointers)
    assert "weather" not in await names(service)


async def test_of_many_those_that_are_right_are_kept(service: Service) -> None:
    await service.call("POST", "/v1/tools", json=described("b"))
    many: list[dict[str, Any]] = [described("a"), described("b", says="new"), {"name": "c"}, described("a", says="twice")]
    told = (await service.call("POST", "/v1/tools/batch", json={"documents": many})).json()

    assert (told["new"], told["replaced"]) == (["a"], ["b"])
    (refused,) = told["refused"]
    assert (refused["at"], refused["name"]) == (2, "c")
    assert {one["pointer"] for one in refused["problems"]} >= {"/documents/2/type", "/documents/2/config"}
    assert (await service.call("POST", "/v1/tools/a/call", json={"arguments": {}})).json()["output"] == "twice"


async def test_a_tenant_has_so_many_tools_and_no_more(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.tools.MOST_REGISTERED", 2)
    assert MOST_REGISTERED == 20_000
    for name in ("a", "b", "b"):
        assert (await service.call("POST", "/v1/tools", json=described(name))).is_success
    beyond = await service.call("POST", "/v1/tools/batch", json={"documents": [described("b"), described("c")]})

    assert (beyond.status_code, beyond.json()["code"]) == (409, "conflict")
    assert await names(service, type="rest") == ["a", "b"]


async def test_the_list_is_filtered(service: Service) -> None:
    await service.call("POST", "/v1/tools", json=described("one", tags=["sky"], author="ada", version="2.0.0"))
    await service.call("POST", "/v1/tools", json=described("two", effects="none"))

    wanted = ({"tag": "sky"}, {"author": "ada"}, {"version": "2.0.0"}, {"search": "it is LIKE", "tag": "sky"})
    assert [await names(service, **one) for one in wanted] == [["one"]] * 4
    assert await names(service, type="rest", effects="none") == ["two"]
