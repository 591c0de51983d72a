"""What calls used and cost, over REST."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.usage import Money, Usage, UsageRow, UsageState
from tests.integration.rest.service import Service, adder
from tests.integration.store.builders import a_run, started, usage_row

MAY, JUNE = datetime(2026, 5, 4, 12, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def a_line(number: int, at: datetime, model: str, cost: Money | None, **more: Any) -> UsageRow:
    run = a_run("default", workflow="triage@1.0.0", created_at=at)  # type: ignore[arg-type]
    used = Usage(model, 10 * number, number, cost, estimated=number == 2)
    return replace(usage_row(run, "/ask#1", usage=used), workflow="triage", at=at.timestamp(), **more)


@pytest.fixture
async def spent(service: Service) -> Service:
    rows = [
        a_line(1, MAY, "fast", Money(Decimal("0.1"))),
        a_line(2, MAY, "fast", Money(Decimal("0.2"))),
        a_line(3, JUNE, "=slow", Money(Decimal("0.5"), "EUR")),
        a_line(4, JUNE, "new", None, session="s", user="ada"),
        a_line(5, JUNE, "fast", Money(Decimal(9)), state=UsageState.UNKNOWN),
        a_line(6, JUNE, "fast", Money(Decimal(9)), state=UsageState.RESERVED),
    ]
    await service.store.usage.count(rows)
    return service


async def asked(service: Service, **parameters: str) -> Any:
    answer = await service.call("GET", "/v1/usage", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_usage_comes_in_groups_with_what_they_have_in_common(spent: Service) -> None:
    report = await asked(spent, group_by="day,model")

    assert [(item["day"], item["model"], item["calls"], item["total_tokens"]) for item in report["items"]] == [
        ("2026-05-04", "fast", 2, 33),
        ("2026-06-01", "=slow", 1, 33),
        ("2026-06-01", "fast", 1, 55),
        ("2026-06-01", "new", 1, 44),
    ]
    first = report["items"][0]
    assert first["cost"] == {"amount": "0.3", "currency": "USD", "unpriced_calls": 0, "others": []}
    assert first["estimated_calls"] == 1
    assert "workflow" not in first
    assert report["next_cursor"] is None


async def test_currencies_stand_apart_and_an_unknown_price_is_said(spent: Service) -> None:
    total = (await asked(spent))["total"]

    assert total["calls"] == 5
    others = [{"amount": "0.5", "currency": "EUR"}]
    assert total["cost"] == {"amount": "9.3", "currency": "USD", "unpriced_calls": 1, "others": others}
    assert total["unknown_calls"] == 1


async def test_nothing_used_is_a_total_of_nothing(service: Service) -> None:
    report = await asked(service, group_by="day")

    assert report["items"] == []
    assert report["total"]["cost"] == {"amount": "0", "currency": "USD", "unpriced_calls": 0, "others": []}


async def test_calls_of_one_currency_cost_what_they_cost_in_that(spent: Service) -> None:
    assert (await asked(spent, model="=slow"))["total"]["cost"] == {"amount": "0.5", "currency": "EUR", "unpriced_calls": 0, "others": []}


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ({"session": "s"}, 1),
        ({"user": "ada"}, 1),
        ({"session": ""}, 4),
        ({"node": "ask"}, 5),
        ({"workflow": "nothing"}, 0),
        ({"since": "2026-06-01T00:00:00Z"}, 3),
        ({"until": "2026-06-01T00:00:00Z"}, 2),
        ({"since": "2026-05-04T14:00:00+02:00", "until": "2026-05-04T12:00:00.001Z"}, 2),
    ],
    ids=str,
)
async def test_some_calls_only(spent: Service, words: dict[str, str], calls: int) -> None:
    assert (await asked(spent, **words))["total"]["calls"] == calls


async def test_pages_go_through_all_groups_once_and_each_has_the_whole_total(spent: Service) -> None:
    seen: list[tuple[str, str]] = []
    more: dict[str, str] = {}
    while more or not seen:
        page = await asked(spent, group_by="model,day", limit="1", **more)
        assert page["total"]["calls"] == 5
        seen += [(item["model"], item["day"]) for item in page["items"]]
        more = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}

    assert seen == [("=slow", "2026-06-01"), ("fast", "2026-05-04"), ("fast", "2026-06-01"), ("new", "2026-06-01")]


@pytest.mark.parametrize(
    "how",
    [{"params": {"group_by": "model", "format": "csv"}}, {"params": {"group_by": "model"}, "headers": {"Accept": "text/csv"}}],
    ids=["asked", "accepted"],
)
async def test_a_table_has_a_line_for_each_group_and_currency(spent: Service, how: dict[str, Any]) -> None:
    answer = await spent.call("GET", "/v1/usage", **how)

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["model"], row["calls"], row["cost"], row["currency"]) for row in rows] == [
        ("'=slow", "1", "0.5", "EUR"),
        ("fast", "3", "9.3", "USD"),
        ("new", "1", "", ""),
    ]


@pytest.mark.parametrize("group_by", ["colour", "day,day", "day,", "Day"])
async def test_what_nobody_can_group_by_is_refused_with_what_can_be_said(service: Service, group_by: str) -> None:
    answer = await service.call("GET", "/v1/usage", params={"group_by": group_by})

    assert answer.status_code == 422
    assert "day, workflow, node, model, prompt, session, user" in answer.text


async def test_one_run_alone_and_an_unknown_one_is_not_found(service: Service) -> None:
    run = await started(service.store, a_run("default"))  # type: ignore[arg-type]
    await service.store.usage.count([usage_row(run), usage_row(run, attempt=2), usage_row(a_run("default"))])  # type: ignore[arg-type]

    assert (await asked(service, run=run.id))["total"]["calls"] == 2
    assert (await service.call("GET", f"/v1/usage?run={a_run().id}")).status_code == 404


async def test_statistics_are_what_a_hand_counts(service: Service) -> None:
    run = await started(service.store, a_run("default", workflow="triage@1.0.0", created_at=MAY))  # type: ignore[arg-type]
    await started(service.store, a_run("default", workflow="triage@2.0.0", created_at=JUNE))  # type: ignore[arg-type]
    lines = [replace(usage_row(run), workflow="triage", attempt=number, at=MAY.timestamp()) for number in range(3)]
    await service.store.usage.count([*lines, replace(lines[0], attempt=9, at=JUNE.timestamp())])

    found = (await service.call("GET", "/v1/workflows/triage/statistics?since=2026-05-04T12:00:00Z&until=2026-06-01T00:00:00Z")).json()

    assert found["execution_count"] == 1
    assert found["total_tokens"] == 45
    assert found["average_tokens_per_execution"] == 45.0
    assert found["total_cost"] == {"amount": "0.000369", "currency": "USD", "unpriced_calls": 0, "others": []}
    both = (await service.call("GET", "/v1/workflows/triage/statistics")).json()
    assert (both["execution_count"], both["total_tokens"], both["average_tokens_per_execution"]) == (2, 60, 30.0)


async def test_a_workflow_that_never_ran_uses_nothing_on_average(service: Service) -> None:
    await service.publish(adder())

    found = (await service.call("GET", "/v1/workflows/adder/statistics")).json()

    assert (found["workflow_id"], found["execution_count"], found["average_tokens_per_execution"]) == ("adder", 0, 0.0)
    assert (await service.call("GET", "/v1/workflows/nobody/statistics")).status_code == 404
