"""Every route, with every key that there may be: nobody gets further than their role, and nothing of another tenant is ever found."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from application.access import KeyOrder, Role, local_admin
from bootstrap import App, open_app
from domain.budget import TOKENS, Budget
from domain.ids import BudgetId, TenantId
from infrastructure.ids import new_id
from settings import Settings
from tests.integration.rest.routes import ADDER, BODIES, FOR_ALL, NEEDS, OWNERS, QUERIES, SCHEDULE, TEMPLATE, TOOL, WEBHOOK

pytestmark = pytest.mark.timeout(30)

IDS = ("run_id", "thread_id", "session_id", "schedule_id", "webhook_id", "snapshot_id", "budget_id", "item")
UNKNOWN = "0190a1b2-0000-7000-8000-000000000000"
OWN_NAMES = {"name": "adder", "version": "1.0.0", "number": "1", "delivery_id": "evt_none", "server": "git"}


@dataclass(frozen=True)
class Place:
    client: httpx.AsyncClient
    app: App

    async def key_of(self, tenant: str, role: Role) -> str:
        made = await self.app.desk.create_key(local_admin(tenant), KeyOrder(role=role))
        assert made.key is not None
        return made.key

    async def ask(self, route: str, key: str | None, names: Mapping[str, str]) -> httpx.Response:
        method, path = route.split(" ")
        head = {} if key is None else {"Authorization": f"Bearer {key}"}
        path = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)
        return await self.client.request(method, path, headers=head, json=BODIES.get(route), params=QUERIES.get(route))

    async def furnished(self, tenant: str) -> dict[str, str]:
        """One of everything, by the names that routes have for it."""
        key = await self.key_of(tenant, Role.ADMIN)

        async def made(path: str, body: Any, method: str = "POST") -> Any:
            answer = await self.client.request(method, path, headers={"Authorization": f"Bearer {key}"}, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        await made("/v1/workflows", ADDER)
        await made("/v1/templates", TEMPLATE)
        await made("/v1/tools", TOOL)
        await made("/v1/items/user/ada/colour", {"value": "green"}, "PUT")
        run = await made("/v1/runs", BODIES["POST /v1/runs"])
        thread = run["thread_id"]
        return {
            "run_id": run["id"],
            "thread_id": thread,
            "session_id": (await made("/v1/sessions", {"user_id": "ada"}))["id"],
            "schedule_id": (await made("/v1/schedules", SCHEDULE))["id"],
            "webhook_id": (await made("/v1/webhooks", WEBHOOK))["id"],
            "snapshot_id": (await made(f"/v1/threads/{thread}/snapshots", {"name": "before"}))["id"],
            "budget_id": await self.budget_of(tenant),
            "item": "user/ada/colour",
        }

    async def budget_of(self, tenant: str) -> str:
        """Not over REST, which tells every worker of it first."""
        budget = Budget(BudgetId(new_id()), TenantId(tenant), "all", datetime.now(UTC), Decimal(1_000_000), TOKENS)
        await self.app.parts.store.budgets.add(budget)
        return budget.id


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    settings = Settings(database_url="memory:", metrics=False, api_keys="of-the-owner")
    async with open_app(settings) as app:
        (stopping := asyncio.Event()).set()  # a stream ends as soon as it has begun
        transport = httpx.ASGITransport(app.rest(stopping))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Place(client, app)


async def test_every_route_is_in_the_table(place: Place) -> None:
    document = (await place.client.get("/openapi.json")).json()
    there = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}

    assert there == NEEDS.keys() | FOR_ALL


@pytest.mark.parametrize("key", [None, "weft_wrong"], ids=["no key", "a wrong key"])
async def test_without_a_known_key_every_route_says_401_and_nothing_else(place: Place, key: str | None) -> None:
    names = dict.fromkeys(IDS, UNKNOWN) | OWN_NAMES
    answers = {route: await place.ask(route, key, names) for route in NEEDS}

    assert {route: one.status_code for route, one in answers.items() if one.status_code != 401} == {}
    assert {one.json()["code"] for one in answers.values()} == {"unauthenticated"}


async def test_nothing_that_only_looks_like_a_key_is_one(place: Place) -> None:
    told = [await place.ask("GET /v1/runs", key, {}) for key in ("", "a.b.c", "of-the-owner2", "OF-THE-OWNER")]

    assert [one.status_code for one in told] == [401] * 4


@pytest.mark.parametrize("role", list(Role), ids=lambda role: str(role.value))
async def test_a_key_gets_as_far_as_its_role_on_every_route(place: Place, role: Role) -> None:
    names, key = OWN_NAMES | await place.furnished("a"), await place.key_of("a", role)
    answers = {route: await place.ask(route, key, names) for route in NEEDS}
    told = {route: (one.status_code, one.json()["code"]) for route, one in answers.items() if one.status_code in (401, 403)}

    assert told == {route: (403, "forbidden") for route, needed in NEEDS.items() if not role.includes(needed) or route in OWNERS}
    assert {route: one.text for route, one in answers.items() if one.status_code >= 500} == {}


async def test_what_is_another_tenants_is_as_if_it_were_not_there(place: Place) -> None:
    names, key = OWN_NAMES | await place.furnished("a"), await place.key_of("b", Role.ADMIN)
    unknown = OWN_NAMES | dict.fromkeys(IDS, UNKNOWN) | {"item": "user/ada/other"}
    differing: dict[str, Any] = {}
    for route in (route for route in NEEDS if any(f"{{{name}}}" in route for name in IDS)):
        if route == "PUT /v1/items/{item}":
            continue  # it makes an item of one's own
        theirs, none = await place.ask(route, key, names), await place.ask(route, key, unknown)
        if (theirs.status_code, _said(theirs, names)) != (404, _said(none, unknown)) or none.status_code != 404:
            differing[route] = (theirs.status_code, theirs.text, none.status_code, none.text)

    assert differing == {}


async def test_lists_hold_nothing_of_another_tenant(place: Place) -> None:
    names, key = OWN_NAMES | await place.furnished("a"), await place.key_of("b", Role.ADMIN)
    lists = [route for route in NEEDS if route.startswith("GET") and "{" not in route]
    found = {route: (await place.ask(route, key, names)).json().get("items") for route in lists}

    assert {route for route, items in found.items() if items} == {"GET /v1/tools", "GET /v1/models", "GET /v1/audit"}
    assert [names[name] for name in IDS if names[name] in str(found)] == []
    assert (await place.ask("GET /v1/workflows/{name}", key, names)).status_code == 404


def _said(answer: httpx.Response, names: Mapping[str, str]) -> str:
    """Without what each answer has of its own: its id, and the id that was asked for."""
    told = answer.json()
    for member in ("request_id", "instance"):
        told.pop(member, None)
    text = str(told)
    for name in IDS:
        text = text.replace(names[name], "ID")
    return text
