"""A request that comes again with its key is done once and answered alike, whatever it makes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import httpx
import pytest

from application.once import Once, digest_of
from domain.errors import DatabaseError
from domain.ids import TenantId
from domain.ports.repositories import Threads
from infrastructure.clock import SystemClock
from tests.integration.rest.service import Service, adder, broken

KEY = {"Idempotency-Key": "k1"}
TENANT = TenantId("default")
HOLE = {"name": "adder-of", "parameters": [{"name": "title", "schema": {"type": "string"}}], "document": adder(description="{{title}}")}


class Making(NamedTuple):
    """What makes something, another body for the same, and where the things made are listed."""

    path: str
    body: dict[str, Any]
    other: dict[str, Any]
    listed: str
    status: int


MAKING = [
    Making("/v1/threads", {"name": "mine"}, {"name": "yours"}, "/v1/threads", 201),
    Making("/v1/workflows", adder("2.0.0"), adder("2.0.1"), "/v1/workflows/adder", 201),
    Making("/v1/templates", HOLE, {**HOLE, "description": "other words"}, "/v1/templates", 201),
    Making(
        "/v1/schedules",
        {"workflow": "adder", "input": {"x": 1}, "every_seconds": 3600},
        {"workflow": "adder", "input": {"x": 1}, "every_seconds": 60},
        "/v1/schedules",
        201,
    ),
    Making("/v1/runs", {"workflow": "adder", "input": {"x": 1}}, {"workflow": "adder", "input": {"x": 2}}, "/v1/runs", 202),
]
each_making = pytest.mark.parametrize("making", MAKING, ids=lambda making: making.path.rpartition("/")[2])


@pytest.fixture(autouse=True)
async def published(service: Service) -> None:
    await service.publish(adder())


async def ask(service: Service, path: str, body: dict[str, Any], headers: dict[str, str] = KEY, **how: Any) -> httpx.Response:
    return await service.call("POST", path, json=body, headers=headers, **how)


async def listed(service: Service, making: Making) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await service.call("GET", making.listed)).json()["items"]
    return items


@each_making
async def test_the_same_key_and_body_give_the_same_answer_and_make_one_thing(service: Service, making: Making) -> None:
    before = len(await listed(service, making))

    answers = [await ask(service, making.path, making.body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [making.status] * 3
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await listed(service, making)) == before + 1


@each_making
async def test_twenty_at_once_make_one_thing_and_are_told_of_the_same(service: Service, making: Making) -> None:
    before = len(await listed(service, making))

    answers = await asyncio.gather(*(ask(service, making.path, making.body) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {making.status}
    assert len({answer.text for answer in answers}) == 1
    assert len(await listed(service, making)) == before + 1


@each_making
async def test_the_same_key_with_another_body_is_a_conflict_that_makes_nothing(service: Service, making: Making) -> None:
    await ask(service, making.path, making.body)
    before = await listed(service, making)

    answer = await ask(service, making.path, making.other)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert await listed(service, making) == before


@each_making
@pytest.mark.parametrize("first", MAKING, ids=lambda making: f"after {making.path.rpartition('/')[2]}")
async def test_one_key_for_two_kinds_of_request_is_a_conflict(service: Service, first: Making, making: Making) -> None:
    await ask(service, first.path, first.body)
    before = await listed(service, making)

    answer = await ask(service, making.path, making.body)

    assert answer.status_code == (making.status if first is making else 409)
    assert await listed(service, making) == before


@each_making
async def test_two_tenants_may_use_one_key(service: Service, making: Making) -> None:
    other = await service.key_of("other")
    await service.publish(adder(), other)

    answers = [await ask(service, making.path, making.body), await ask(service, making.path, making.other, key=other)]

    assert [answer.status_code for answer in answers] == [making.status] * 2


@each_making
@pytest.mark.parametrize("key", ["", "k" * 201, "with spaces", "é".encode()], ids=["empty", "too long", "with spaces", "not ASCII"])
async def test_a_key_that_cannot_be_one_is_refused_and_nothing_is_made(service: Service, making: Making, key: str | bytes) -> None:
    before = await listed(service, making)

    answer = await service.call("POST", making.path, json=making.body, headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert await listed(service, making) == before


@each_making
async def test_a_key_of_two_hundred_characters_is_one(service: Service, making: Making) -> None:
    assert (await ask(service, making.path, making.body, {"Idempotency-Key": "k" * 200})).status_code == making.status


async def test_a_body_that_was_refused_leaves_its_key_free(service: Service) -> None:
    refused = [
        await ask(service, "/v1/workflows", adder("2.0.0", nodes={})),
        await ask(service, "/v1/templates", {**HOLE, "parameters": [{"name": "nowhere"}]}),
        await ask(service, "/v1/runs", {"workflow": "adder", "input": {"x": "one"}}),
    ]

    assert [answer.status_code for answer in refused] == [422] * 3
    assert (await ask(service, "/v1/workflows", adder("2.0.0"))).status_code == 201


async def test_a_start_is_answered_again_though_it_would_be_refused_by_now(service: Service) -> None:
    order = {"workflow": "adder", "input": {"x": 1}}
    first = await ask(service, "/v1/runs", order)
    needs_more = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x", "y"]}
    await service.publish(adder("1.1.0", input=needs_more))

    assert (await ask(service, "/v1/runs", order, {"Idempotency-Key": "new"})).status_code == 422
    assert (await ask(service, "/v1/runs", order)).json()["id"] == first.json()["id"]


async def test_a_document_that_was_there_already_is_200_with_a_key_too(service: Service) -> None:
    answers = [await ask(service, "/v1/workflows", adder()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_template_that_comes_again_does_not_replace_a_newer_one(service: Service) -> None:
    first = await ask(service, "/v1/templates", HOLE)
    await ask(service, "/v1/templates", {**HOLE, "description": "newer"}, {})

    again = await ask(service, "/v1/templates", HOLE)

    assert (again.status_code, again.json()) == (201, first.json())
    assert (await service.call("GET", "/v1/templates/adder-of")).json()["description"] == "newer"


async def test_a_thread_that_was_not_made_when_its_key_came_is_made_when_it_comes_again(service: Service) -> None:
    fallen = broken(service, open_thread=replace(service.desk.open_thread, threads=cast(Threads, Fallen())))
    assert (await ask(fallen, "/v1/threads", {"name": "mine"})).status_code == 503
    healed = broken(service, open_thread=service.desk.open_thread)

    answers = [await ask(healed, "/v1/threads", {"name": "mine"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [item["id"] for item in (await service.call("GET", "/v1/threads")).json()["items"]] == [answers[0].json()["id"]]
    assert answers[0].text == answers[1].text


async def test_what_was_not_published_when_its_key_came_is_published_when_it_comes_again(service: Service) -> None:
    mark = service.desk.publish_workflow.once.mark("k1", digest_of("workflow", adder("2.0.0")))
    await service.store.marks.take(TENANT, mark, "")

    answer = await ask(service, "/v1/workflows", adder("2.0.0"))

    assert answer.status_code == 201
    assert (await service.call("GET", "/v1/workflows/adder/2.0.0")).status_code == 200


async def test_after_a_day_a_key_is_free_again(service: Service) -> None:
    yesterday = replace(service.desk.open_thread, once=Once(service.store.marks, Yesterday()))
    await ask(broken(service, open_thread=yesterday), "/v1/threads", {"name": "mine"})
    today = broken(service, open_thread=service.desk.open_thread)

    answer = await ask(today, "/v1/threads", {"name": "yours"})

    assert (answer.status_code, answer.json()["name"]) == (201, "yours")


class Yesterday(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(hours=24)


class Fallen:
    """Threads over a database that is gone: whatever is asked of them."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def refused(*asked: object) -> None:
            raise DatabaseError("gone")

        return refused
