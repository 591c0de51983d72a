"""Budgets over REST."""

from typing import Any

import pytest

from application.access import Role
from tests.integration.rest.service import Service

PATH = "/v1/budgets"
LIMIT = {"amount": "5.10", "currency": "USD"}


async def created(service: Service, **order: Any) -> dict[str, Any]:
    answer = await service.call("POST", PATH, json={"name": "daily", "limit": LIMIT, **order})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    return made


async def test_a_budget_is_made_shown_changed_and_removed(service: Service) -> None:
    made = await created(service, scope={"workflow": "triage", "run": "*"}, per="day", at_limit="park", alerts=[100, 10])
    assert made["limit"] == {"amount": "5.1", "currency": "USD", "tokens": None}
    assert (made["scope"], made["alerts"], made["accounts"]) == ({"workflow": "triage", "run": "*"}, [10, 100], [])
    assert (await service.call("GET", f"{PATH}/{made['id']}")).json() == made
    assert (await service.call("GET", PATH)).json() == {"items": [made], "next_cursor": None}

    raised = await service.call("PATCH", f"{PATH}/{made['id']}", json={"limit": {"amount": "8"}})
    assert raised.json() == {**made, "limit": {"amount": "8", "currency": "USD", "tokens": None}}

    assert (await service.call("DELETE", f"{PATH}/{made['id']}")).status_code == 204
    assert (await service.call("GET", f"{PATH}/{made['id']}")).json()["code"] == "budget_not_found"


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        pytest.param({"limit": {"amount": "5", "tokens": 5}}, 422, "bad_limit", id="money and tokens at once"),
        pytest.param({"limit": {"amount": "5", "currency": "EUR"}}, 422, "unknown_currency", id="a currency that no price is in"),
        pytest.param({"limit": {}}, 422, "bad_limit", id="neither money nor tokens"),
        pytest.param({"at_limit": "degrade"}, 422, "unknown_model", id="no cheaper model"),
        pytest.param({"at_limit": "degrade", "instead": "nobody"}, 422, "unknown_model", id="a model that is not there"),
        pytest.param({"instead": "parrot"}, 422, "not_used", id="a cheaper model that is never called"),
        pytest.param({"scope": {"planet": "earth"}}, 422, None, id="a level that there is not"),
        pytest.param({"limit": {"amount": 5.0}}, 422, None, id="money that is a float"),
    ],
)
async def test_what_makes_no_sense_is_refused(service: Service, order: dict[str, Any], status: int, code: str | None) -> None:
    answer = await service.call("POST", PATH, json={"name": "daily", "limit": LIMIT, **order})

    assert answer.status_code == status
    assert code is None or code in [problem["code"] for problem in answer.json()["problems"]]


async def test_a_budget_of_money_does_not_become_one_of_tokens(service: Service) -> None:
    made = await created(service)

    assert (await service.call("PATCH", f"{PATH}/{made['id']}", json={"limit": {"tokens": 5}})).status_code == 422


async def test_a_currency_that_no_price_is_in_is_refused_with_what_to_do(service: Service) -> None:
    euros = {"limit": {"amount": "5", "currency": "EUR"}}
    made = await created(service)

    answers = [
        await service.call("POST", PATH, json={"name": "euros", **euros}),
        await service.call("PATCH", f"{PATH}/{made['id']}", json=euros),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/limit/currency")
        assert "all prices are in USD, so a budget in EUR would count nothing: write the limit in USD" in answer.json()["detail"]


async def test_a_name_is_taken_once_and_an_order_with_a_key_is_one(service: Service) -> None:
    body = {"name": "daily", "limit": LIMIT}
    first, again = [await service.call("POST", PATH, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert first.json() == again.json()

    other = await service.call("POST", PATH, json={"name": "daily", "limit": LIMIT})
    assert (other.status_code, other.json()["code"]) == (409, "budget_name_taken")


async def test_admins_make_budgets_and_viewers_read_those_of_their_tenant(service: Service) -> None:
    made = await created(service)
    viewer, stranger = await service.key_of("default", Role.VIEWER), await service.key_of("other")
    for method, path in (("POST", PATH), ("PATCH", f"{PATH}/{made['id']}"), ("DELETE", f"{PATH}/{made['id']}")):
        assert (await service.call(method, path, viewer, json={"name": "x", "limit": LIMIT} if method == "POST" else {})).status_code == 403

    assert (await service.call("GET", f"{PATH}/{made['id']}", viewer)).json() == made
    assert (await service.call("GET", f"{PATH}/{made['id']}", stranger)).status_code == 404
    assert (await service.call("GET", PATH, stranger)).json()["items"] == []
